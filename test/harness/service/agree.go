package service

import (
	"context"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/sim/oracle"
)

// Expected is what Channel Program must hold now, worked out independently of the
// service. What was expected in an earlier call may be at the target still:
// nothing is ever removed there.
func (w *Harness) Expected(syncs ...v1.Sync) oracle.State {
	if len(syncs) == 0 {
		syncs = v1.Syncs
	}
	names := make([]string, len(syncs))
	for i, s := range syncs {
		names[i] = string(s)
	}
	return w.past.Note(oracle.Expected(w.Autotask, names, time.Now()))
}

// Agree waits until Channel Program holds what it must, and nothing else.
func (w *Harness) Agree(within time.Duration, syncs ...v1.Sync) {
	w.T.Helper()
	if err := w.TryAgree(within, syncs...); err != nil {
		w.T.Fatalf("both sides agree: not within %s: %v", within, err)
	}
}

// TryAgree is Agree for those who have more to say about a failure: it returns the differences.
func (w *Harness) TryAgree(within time.Duration, syncs ...v1.Sync) error {
	ctx, cancel := context.WithTimeout(w.T.Context(), within)
	defer cancel()
	return oracle.Agree(ctx, func() oracle.State { return w.Expected(syncs...) }, func() oracle.State {
		return oracle.Actual(w.Target, Connection)
	})
}
