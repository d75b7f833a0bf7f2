package store

import "context"

// StoredBytes is how much all streams take on disk, copies not counted.
func (s *Store) StoredBytes(ctx context.Context) (n uint64, err error) {
	err = s.Call(ctx, "read the store's size", func(ctx context.Context) error {
		info, err := s.JS.AccountInfo(ctx)
		if err == nil {
			n = info.Store
		}
		return err
	})
	return n, err
}
