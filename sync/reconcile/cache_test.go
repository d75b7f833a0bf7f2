package reconcile

import (
	"context"
	"errors"
	"maps"
	"testing"
	"testing/synctest"
	"time"
)

// reads is a loader that stops until it is let go, and counts.
type reads struct {
	let   chan struct{}
	calls int
}

func (r *reads) load(ctx context.Context, ids []int64) (map[int64]string, map[int64]error, error) {
	r.calls++
	select {
	case <-r.let:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	out := map[int64]string{}
	for _, id := range ids {
		out[id] = "row"
	}
	return out, nil, nil
}

// TestARequestOfTheCatalogueHoldsNobodyBack: while Autotask does not answer, what is known is
// found, what is not is waited for under one's own deadline, and what is forgotten meanwhile
// stays so.
func TestARequestOfTheCatalogueHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c cache[string]
		r := &reads{let: make(chan struct{}, 10)}
		get := func(ctx context.Context, ids ...int64) (map[int64]string, error) {
			rows, _, err := c.get(ctx, time.Now(), ids, r.load)
			return rows, err
		}
		r.let <- struct{}{}
		if rows, err := get(t.Context(), 1); err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if rows, err := get(t.Context(), 2, 3); err != nil || !maps.Equal(rows, map[int64]string{2: "row", 3: "row"}) {
				t.Errorf("the one that waits for Autotask: %v, %v", rows, err)
			}
		}()
		synctest.Wait()
		if rows, err := get(t.Context(), 1); err != nil || len(rows) != 1 {
			t.Errorf("what is known: %v, %v", rows, err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := get(short, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("what is not: %v", err)
		}
		c.forget(3)
		r.let <- struct{}{}
		<-done
		r.let <- struct{}{}
		if rows, err := get(t.Context(), 3); err != nil || len(rows) != 1 || r.calls != 3 {
			t.Errorf("what was forgotten while it was read: %v, %v, after %d requests", rows, err, r.calls)
		}
	})
}
