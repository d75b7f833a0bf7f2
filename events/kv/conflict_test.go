package kv

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	js "channelsync/events/internal/jetstream"
)

func TestRetryConflict(t *testing.T) {
	other := errors.New("another")
	for name, tc := range map[string]struct {
		conflicts int
		then      error
		want      error
		least     time.Duration
		most      time.Duration
	}{
		"the first try":      {0, nil, nil, 0, 0},
		"after some":         {3, nil, nil, 35 * time.Millisecond, 70 * time.Millisecond},
		"another error":      {1, other, other, 5 * time.Millisecond, 10 * time.Millisecond},
		"always a conflict":  {1000, nil, js.ErrConflict, time.Second, 6 * time.Second},
		"the last of ten is": {9, nil, nil, time.Second, 6 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries, start := 0, time.Now()
				err := RetryConflict(t.Context(), func() error {
					if tries++; tries <= tc.conflicts {
						return js.ErrConflict
					}
					return tc.then
				})
				if took := time.Since(start); !errors.Is(err, tc.want) || took < tc.least || took > tc.most {
					t.Errorf("%v after %s", err, took)
				}
				if tries != min(tc.conflicts+1, conflictTries) {
					t.Errorf("tried %d times", tries)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := RetryConflict(ctx, func() error { return js.ErrConflict })
		if took := time.Since(start); !errors.Is(err, js.ErrConflict) || !errors.Is(err, context.DeadlineExceeded) || took != 20*time.Millisecond {
			t.Errorf("%v after %s", err, took)
		}
	})
}
