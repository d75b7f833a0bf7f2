package events

import (
	"errors"
	"fmt"
	"testing"
)

// A writer that lost the fence writes nothing any more, not even one of many entries.
func TestPutFenced(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	tab := table(t, open(t), TableConfig{Name: "ledger"})
	first, err := tab.Create(ctx, "fence.a", []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	batch := func(n int, value string) (all []KeyValue) {
		for i := range n {
			all = append(all, KeyValue{fmt.Sprintf("a.%d", i), []byte(value)})
		}
		return all
	}
	for _, n := range []int{1, 3, 400} {
		next, err := tab.PutFenced(ctx, batch(n, "one"), KeyValue{"fence.a", []byte("first")}, first)
		if err != nil || next <= first {
			t.Fatalf("%d entries: %d, %v", n, next, err)
		}
		if e, err := tab.Get(ctx, "fence.a"); err != nil || e.Revision != next {
			t.Fatalf("the fence is at %d (%v), told was %d", e.Revision, err, next)
		}
		first = next
	}
	second, err := tab.Update(ctx, "fence.a", []byte("second"), first)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 400} {
		if _, err := tab.PutFenced(ctx, batch(n, "late"), KeyValue{"fence.a", []byte("first")}, first); !errors.Is(err, ErrConflict) {
			t.Errorf("a late writer of %d: %v", n, err)
		}
	}
	for key, e := range must(tab.GetMany(ctx, []string{"a.0", "a.399"})) {
		if string(e.Value) != "one" {
			t.Errorf("%s holds %q", key, e.Value)
		}
	}
	if _, err := tab.PutFenced(ctx, batch(2, "two"), KeyValue{"fence.a", []byte("second")}, second); err != nil {
		t.Errorf("the one that has the fence: %v", err)
	}
	if _, err := tab.PutFenced(ctx, batch(500, "many"), KeyValue{"fence.a", nil}, second); err == nil {
		t.Error("500 entries were taken")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
