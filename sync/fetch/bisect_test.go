package fetch

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	"channelsync/test/harness"
)

// rows is a bulk query that fails as a whole when one of the bad ids is in it.
type rows struct {
	bad     map[int64]bool
	away    error
	queries int
}

func (r *rows) query(_ context.Context, ids []int64) (autotask.Rows[int64], error) {
	r.queries++
	if r.away != nil {
		return autotask.Rows[int64]{}, r.away
	}
	for _, id := range ids {
		if r.bad[id] {
			return autotask.Rows[int64]{}, &autotask.Error{Kind: autotask.KindUnknown, Status: 500, Texts: []string{"Object reference not set"}}
		}
	}
	return autotask.Rows[int64]{Items: ids}, nil
}

func idsUpTo(n int64) []int64 {
	var ids []int64
	for id := int64(1); id <= n; id++ {
		ids = append(ids, id)
	}
	return ids
}

func TestBisectFindsBadRows(t *testing.T) {
	all := func(n int64) map[int64]bool {
		bad := map[int64]bool{}
		for _, id := range idsUpTo(n) {
			bad[id] = true
		}
		return bad
	}
	for name, one := range map[string]struct {
		ids  int64
		bad  map[int64]bool
		most int // queries
	}{
		"none":                      {400, nil, 1},
		"no record at all":          {0, nil, 0},
		"one of 400":                {400, map[int64]bool{173: true}, 23},
		"the first":                 {400, map[int64]bool{1: true}, 23},
		"the last":                  {400, map[int64]bool{400: true}, 23},
		"two beside each other":     {400, map[int64]bool{200: true, 201: true}, 43},
		"the one there is":          {1, map[int64]bool{1: true}, 4},
		"ten at the beginning":      {400, all(10), 62},
		"in the second of two bulk": {800, map[int64]bool{799: true}, 24},
		"every one of them":         {16, all(16), 80},
	} {
		t.Run(name, func(t *testing.T) {
			r := &rows{bad: one.bad}
			got, bad, err := Bisect(t.Context(), idsUpTo(one.ids), r.query)
			harness.OK(t, err)
			var want []int64
			for _, id := range idsUpTo(one.ids) {
				if !one.bad[id] {
					want = append(want, id)
				}
				if one.bad[id] != (bad[id] != nil) {
					t.Errorf("%d: got %v", id, bad[id])
				}
			}
			if diff := cmp.Diff(want, got.Items); diff != "" {
				t.Error(diff)
			}
			if r.queries > one.most {
				t.Errorf("%d queries, want at most %d", r.queries, one.most)
			}
		})
	}
}

func TestBisectBlamesTheUpstreamFast(t *testing.T) {
	for kind, most := range map[autotask.Kind]int{
		autotask.KindUnknown: 2, autotask.KindUndecodable: 2, autotask.KindUnavailable: 2, autotask.KindThrottled: 1,
		autotask.KindPermission: 1, autotask.KindRefused: 1, autotask.KindInvalid: 1, autotask.KindBudget: 1,
	} {
		r := &rows{away: &autotask.Error{Kind: kind}}
		_, bad, err := Bisect(t.Context(), idsUpTo(400), r.query)
		if autotask.KindOf(err) != kind || len(bad) != 0 || r.queries > most {
			t.Errorf("%s: %d queries, %d bad, %v", kind, r.queries, len(bad), err)
		}
	}
}

func TestBisectLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 900).Draw(t, "records")
		r := &rows{bad: map[int64]bool{}}
		for range rapid.IntRange(0, 8).Draw(t, "bad") {
			r.bad[rapid.Int64Range(1, 900).Draw(t, "id")] = true
		}
		got, bad, err := Bisect(context.Background(), idsUpTo(n), r.query)
		harness.OK(t, err)
		seen := slices.Clone(got.Items)
		for id := range bad {
			seen = append(seen, id)
		}
		slices.Sort(seen)
		if !slices.Equal(seen, idsUpTo(n)) {
			t.Fatalf("%d of %d records came back, or some twice", len(seen), n)
		}
	})
}
