package installation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"channelsync/events/kv"
	"channelsync/test/harness"
)

// follower is another process's store: it takes over what the first one does.
type follower struct {
	*Store
	mu      sync.Mutex
	changed []string
}

func (p *place) follower(t *testing.T) *follower {
	t.Helper()
	f := &follower{Store: p.store(t)}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { f.Follow(ctx, p.table, f.note, zap.NewNop()) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return f
}

func (f *follower) note(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = append(f.changed, id)
}

func (f *follower) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.changed)
}

func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	harness.Eventually(t, what, harness.Soon, check)
}

func TestFollowTakesOverWhatAnotherProcessDoes(t *testing.T) {
	p := open(t)
	a, b := p.store(t), p.follower(t)
	harness.OK(t, a.Create(t.Context(), example(inst)))
	eventually(t, "it shows there", func() error { _, err := b.Get(inst); return err })
	if _, err := a.Change(t.Context(), inst, func(in *Installation) error { in.Stopped = true; return nil }); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change shows there", func() error {
		in, err := b.Get(inst)
		if err == nil && !in.Stopped {
			err = errors.New("not stopped")
		}
		return err
	})
	// Its own changes are no news to it.
	before := b.calls()
	if _, err := b.Change(t.Context(), inst, func(in *Installation) error { in.Name = "Its own"; return nil }); err != nil {
		t.Fatal(err)
	}
	harness.OK(t, a.Refresh(t.Context()))
	if in, err := a.Get(inst); err != nil || in.Name != "Its own" {
		t.Errorf("after a refresh: %+v, %v", in, err)
	}
	harness.OK(t, a.Leave(t.Context(), inst))
	eventually(t, "it is gone there", func() error {
		if _, err := b.Get(inst); !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("get: %w", err)
		}
		return nil
	})
	if n := b.calls(); n != before+1 {
		t.Errorf("called for %d changes since its own, want the leaving alone", n-before)
	}
	if got := b.Leaving(); !cmp.Equal(got, []string{inst}) {
		t.Errorf("leaving: %v", got)
	}
}

// What was erased while a process was away leaves nothing on the stream that could tell it.
func TestRefreshFindsWhatIsGone(t *testing.T) {
	p := open(t)
	a, b := p.store(t), p.store(t)
	for _, id := range []string{inst, other} {
		harness.OK(t, a.Create(t.Context(), example(id)))
	}
	harness.OK(t, b.Refresh(t.Context()))
	if got := len(b.List()); got != 2 {
		t.Fatalf("%d installations", got)
	}
	harness.OK(t, errors.Join(a.Leave(t.Context(), inst), a.vault.Destroy(t.Context(), inst), a.Erase(t.Context(), inst)))
	harness.OK(t, b.Refresh(t.Context()))
	if _, err := b.Get(inst); !errors.Is(err, ErrNotFound) || len(b.List()) != 1 || len(b.Leaving()) != 0 {
		t.Errorf("%v, %d left, leaving %v", err, len(b.List()), b.Leaving())
	}
	// The key is gone for it too, and none is made in its place.
	if _, err := b.vault.Existing(t.Context(), inst); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("its key: %v", err)
	}
	if err := b.Load(t.Context(), inst); !errors.Is(err, ErrNotFound) {
		t.Errorf("load: %v", err)
	}
	harness.OK(t, a.Create(t.Context(), example("01hzx3q8r9k2m4n6p8s0t2v4w8")))
	if err := b.Load(t.Context(), "01hzx3q8r9k2m4n6p8s0t2v4w8"); err != nil {
		t.Errorf("load what was made a moment ago: %v", err)
	}
}

// A newer version beside this one has fields that this one does not know: they stay
// as they were, whatever this one changes.
func TestFieldsOfANewerVersionStay(t *testing.T) {
	p := open(t)
	a := p.store(t)
	harness.OK(t, a.Create(t.Context(), example(inst)))
	e, err := p.table.Get(t.Context(), inst)
	harness.OK(t, err)
	ring, err := a.vault.Existing(t.Context(), inst)
	harness.OK(t, err)
	read := func() map[string]any {
		e, err := p.table.Get(t.Context(), inst)
		harness.OK(t, err)
		return opened(t, ring.Open, e.Value)
	}
	all := opened(t, ring.Open, e.Value)
	all["newField"] = map[string]any{"deep": []any{"x"}}
	all["options"].(map[string]any)["newOption"] = "on"
	all["secrets"].(map[string]any)["newSecret"] = "hush"
	plain, err := json.Marshal(all)
	harness.OK(t, err)
	sealed, err := json.Marshal(stored{ID: inst, Sealed: ring.Seal(inst, plain)})
	harness.OK(t, err)
	if _, err := p.table.Update(t.Context(), inst, sealed, e.Revision); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{a, p.store(t)} { // one learns of it by a conflict, the other at its start
		if _, err := s.Change(t.Context(), inst, func(in *Installation) error {
			in.Name, in.Cursors.Parts, in.Options.Emails = "Changed", at, "none"
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		got := read()
		options, secrets := got["options"].(map[string]any), got["secrets"].(map[string]any)
		if got["name"] != "Changed" || options["emails"] != "none" {
			t.Errorf("not changed: %v", got)
		}
		if diff := cmp.Diff(all["newField"], got["newField"]); diff != "" || options["newOption"] != "on" || secrets["newSecret"] != "hush" {
			t.Errorf("lost: %v", got)
		}
	}
}

func opened(t *testing.T, open func(string, []byte) ([]byte, error), value []byte) map[string]any {
	t.Helper()
	var st stored
	harness.OK(t, json.Unmarshal(value, &st))
	plain, err := open(inst, st.Sealed)
	harness.OK(t, err)
	var all map[string]any
	harness.OK(t, json.Unmarshal(plain, &all))
	return all
}

func FuzzExtra(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":{"c":2}}`), []byte(`{"a":1}`))
	f.Add([]byte(`{"a":{"x":[1]},"z":null}`), []byte(`{"a":{"y":2}}`))
	f.Add([]byte(`[1]`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, stored, understood []byte) {
		x := beyond(stored, understood)
		if !json.Valid(understood) {
			return
		}
		with, err := x.add(understood)
		if err != nil || !json.Valid(with) {
			t.Fatalf("%q: %v", with, err)
		}
		if again := beyond(stored, with); !again.empty() {
			t.Errorf("something is still beside: %+v", again)
		}
	})
}
