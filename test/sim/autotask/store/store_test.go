package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"channelsync/test/sim/autotask/query"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/store"
)

type fixture struct {
	*store.Store
	schema  *schema.Schema
	now     time.Time
	changes []store.Change
}

func newFixture(t interface{ Fatal(...any) }) *fixture {
	loaded, err := schema.Load(schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{schema: loaded, now: time.Date(2026, 1, 1, 0, 0, 0, 123_456_789, time.UTC)}
	f.Store = store.New(store.Config{
		Schema: loaded, Now: func() time.Time { return f.now },
		Listen: func(_ store.Reader, c store.Change) { f.changes = append(f.changes, c) },
	})
	return f
}

func TestEditsSetModificationTimes(t *testing.T) {
	f := newFixture(t)
	for entity, c := range map[string]struct {
		edit  string
		value any
		times []string
	}{
		"Companies":            {"phone", "1", []string{"lastTrackedModifiedDateTime", "lastActivityDate"}},
		"Contacts":             {"title", "Dr", []string{"lastModifiedDate", "lastActivityDate"}},
		"Contracts":            {"contractName", "x", []string{"lastModifiedDateTime"}},
		"Services":             {"name", "x", []string{"lastModifiedDate"}},
		"ServiceBundles":       {"name", "x", []string{"lastModifiedDate"}},
		"ContractServiceUnits": {"units", int64(4), nil},
		"ContractCharges":      {"name", "x", nil},
	} {
		e := f.schema.Must(entity)
		id, err := f.Insert(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		created, _ := f.Get(e, id)
		f.now = f.now.Add(time.Hour)
		if changed, err := f.Update(e, id, map[int]any{e.Must(c.edit): c.value}); !changed || err != nil {
			t.Fatalf("%s: %v, %v", entity, changed, err)
		}
		edited, _ := f.Get(e, id)
		var moved []string
		for pos, field := range e.Fields {
			if field.Type == schema.DateTime && !cmp.Equal(created[pos], edited[pos]) {
				moved = append(moved, field.Name)
			}
		}
		slices.Sort(moved)
		slices.Sort(c.times)
		if !slices.Equal(moved, c.times) {
			t.Errorf("%s: an edit moved %v, want %v", entity, moved, c.times)
		}
		f.now = f.now.Add(time.Hour)
		if changed, _ := f.Update(e, id, map[int]any{e.Must(c.edit): c.value}); changed {
			t.Errorf("%s: an edit that changes nothing counted as one", entity)
		}
	}
}

func TestGivenModificationTimesStay(t *testing.T) {
	f := newFixture(t)
	e := f.schema.Must("Companies")
	old, modified := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), e.Must("lastTrackedModifiedDateTime")
	id, err := f.Insert(e, map[int]any{modified: old})
	row, _ := f.Get(e, id)
	if err != nil || row[modified] != old {
		t.Errorf("insert: %v, %v", row[modified], err)
	}
	if got := row[e.Created]; got != f.now.Truncate(time.Millisecond) {
		t.Errorf("createDate %v", got)
	}
}

func TestUpdateMissing(t *testing.T) {
	f := newFixture(t)
	if _, err := f.Update(f.schema.Must("Companies"), 5, nil); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if f.Delete(f.schema.Must("Companies"), 5) {
		t.Error("deleted a row that is not there")
	}
}

func TestChangesInOrder(t *testing.T) {
	f := newFixture(t)
	e := f.schema.Must("Companies")
	id, _ := f.Insert(e, map[int]any{0: int64(0), e.Must("companyName"): "a"})
	_, _ = f.Update(e, id, map[int]any{e.Must("companyName"): "b"})
	f.Delete(e, id)
	var got []string
	for _, c := range f.changes {
		got = append(got, fmt.Sprint(c.Action, " ", c.ID(), " ", slices.Contains(c.Changed, e.Must("companyName"))))
	}
	if want := []string{"Create 0 false", "Update 0 true", "Delete 0 false"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := f.Insert(e, map[int]any{0: int64(9)}); err != nil {
		t.Error(err)
	}
	if _, err := f.Insert(e, map[int]any{0: int64(9)}); err == nil {
		t.Error("an id was taken twice")
	}
	if next, _ := f.Insert(e, nil); next != e.FirstID {
		t.Errorf("next id %d, want %d", next, e.FirstID)
	}
}

// Whatever happened before, a search through an index finds what a look at every row finds, in the same order.
func TestIndexesAgreeWithRows(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		f := newFixture(r)
		e := f.schema.Must("Contacts")
		company := e.Must("companyID")
		small := rapid.Int64Range(0, 6)
		for range rapid.IntRange(0, 40).Draw(r, "steps") {
			id, parent := small.Draw(r, "id"), small.Draw(r, "parent")
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0:
				_, _ = f.Insert(e, map[int]any{0: id, company: parent})
			case 1:
				_, _ = f.Update(e, id, map[int]any{company: parent})
			case 2:
				_, _ = f.Update(e, id, map[int]any{company: nil})
			case 3:
				f.Delete(e, id)
			}
		}
		want := map[int64][]int64{}
		for _, row := range f.Rows(e) {
			if parent, ok := row.Int(company); ok {
				want[parent] = append(want[parent], row.ID())
			}
		}
		for parent := range int64(7) {
			var got []int64
			for _, row := range f.Find(e, company, parent) {
				got = append(got, row.ID())
			}
			if !slices.Equal(got, want[parent]) {
				r.Fatalf("company %d: %v, want %v", parent, got, want[parent])
			}
		}
	})
}

func TestSelectPages(t *testing.T) {
	f := newFixture(t)
	e := f.schema.Must("Companies")
	for id := range int64(10) {
		_, _ = f.Insert(e, map[int]any{0: 9 - id})
	}
	q, err := query.Parse([]byte(`{"filter":[{"op":"noteq","field":"id","value":4}]}`), e)
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, row := range f.Select(e, q, store.Page{From: 2, Limit: 4, Skip: func(id int64) bool { return id == 3 }}) {
		got = append(got, row.ID())
	}
	if want := []int64{2, 5, 6, 7}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
