package events

import "context"

// Undispatched counts the changes, of all installations, that are not carried to the worklist yet.
func (j *Journal) Undispatched(ctx context.Context) (int, error) {
	var n int
	err := j.Call(ctx, "read dispatch lag", func(ctx context.Context) error {
		info, err := j.dispatcher.Info(ctx)
		if err != nil {
			return err
		}
		n = int(info.NumPending) + info.NumAckPending
		return nil
	})
	return n, err
}
