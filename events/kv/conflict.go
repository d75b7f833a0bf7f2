package kv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	js "channelsync/events/internal/jetstream"
	"channelsync/internal/lifecycle"
)

const (
	// conflictTries is how often a compare-and-set is tried that others keep coming before.
	conflictTries = 10
	// conflictFirst and conflictMost bound the pause after each, which doubles.
	conflictFirst = 5 * time.Millisecond
	conflictMost  = time.Second
)

// RetryConflict tries a compare-and-set until it returns anything but ErrConflict. Try must
// read anew what it compares with. Between tries there is a pause, longer each time and never
// the same, so that those who write to one key do not meet again. After ten tries, or when
// ctx ends, the error is the last conflict.
func RetryConflict(ctx context.Context, try func() error) error {
	for tries := 1; ; tries++ {
		err := try()
		if !errors.Is(err, js.ErrConflict) {
			return err
		}
		if tries == conflictTries {
			return fmt.Errorf("others came first %d times: %w", tries, err)
		}
		wait := min(conflictFirst<<tries, conflictMost)
		if lifecycle.Sleep(ctx, wait/2+rand.N(wait/2+1)) != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
}
