package fetch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/test/harness"
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
		var c Cache[string]
		r := &reads{let: make(chan struct{}, 10)}
		get := func(ctx context.Context, ids ...int64) (map[int64]string, error) {
			rows, _, err := c.Get(ctx, time.Now(), ids, r.load)
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
		c.Forget(3)
		r.let <- struct{}{}
		<-done
		r.let <- struct{}{}
		if rows, err := get(t.Context(), 3); err != nil || len(rows) != 1 || r.calls != 3 {
			t.Errorf("what was forgotten while it was read: %v, %v, after %d requests", rows, err, r.calls)
		}
	})
}

func TestCacheAsksOnceAndAgainWhenToldTo(t *testing.T) {
	now := time.Now()
	var c Cache[string]
	var asked []int64
	broken := errors.New("cannot be read")
	load := func(_ context.Context, ids []int64) (map[int64]string, map[int64]error, error) {
		asked = append(asked, ids...)
		out, bad := map[int64]string{}, map[int64]error{}
		for _, id := range ids {
			switch {
			case id == 13:
				bad[id] = broken
			case id < 100:
				out[id] = fmt.Sprint("row ", id)
			}
		}
		return out, bad, nil
	}
	get := func(at time.Time, ids ...int64) (map[int64]string, map[int64]error) {
		asked = nil
		rows, bad, err := c.Get(context.Background(), at, ids, load)
		harness.OK(t, err)
		return rows, bad
	}
	steps := []struct {
		what string
		at   time.Time
		ids  []int64
		want []int64 // asked for
	}{
		{"at first", now, []int64{1, 2, 2, 1, 200}, []int64{1, 2, 200}},
		{"what is known, absent ones too", now, []int64{1, 2, 200}, nil},
		{"one more", now, []int64{1, 3}, []int64{3}},
		{"a bad one", now, []int64{13}, []int64{13}},
		{"a bad one is asked for again", now, []int64{13, 1}, []int64{13}},
		{"after its time", now.Add(keptFor), []int64{1}, []int64{1}},
	}
	for _, s := range steps {
		rows, bad := get(s.at, s.ids...)
		if !slices.Equal(asked, s.want) {
			t.Errorf("%s: asked for %v, want %v", s.what, asked, s.want)
		}
		for _, id := range s.ids {
			if _, ok := rows[id]; ok != (id < 100 && id != 13) || (id == 13) != (bad[id] != nil) {
				t.Errorf("%s: %d: got %q, %v", s.what, id, rows[id], bad[id])
			}
		}
	}
	c.Forget(2)
	if get(now, 2, 3); !slices.Equal(asked, []int64{2}) {
		t.Errorf("after 2 was forgotten: asked for %v", asked)
	}
	if _, _, err := c.Get(t.Context(), now, []int64{50}, func(context.Context, []int64) (map[int64]string, map[int64]error, error) {
		return nil, nil, broken
	}); !errors.Is(err, broken) {
		t.Errorf("a failure of the road: got %v", err)
	}
}
