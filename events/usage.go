package events

import "context"

// StoredBytes is how much all streams take on disk, copies not counted.
func (b *Bus) StoredBytes(ctx context.Context) (n uint64, err error) {
	err = b.call(ctx, "read the store's size", func(ctx context.Context) error {
		info, err := b.js.AccountInfo(ctx)
		if err == nil {
			n = info.Store
		}
		return err
	})
	return n, err
}
