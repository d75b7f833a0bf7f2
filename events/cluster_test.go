package events

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"
)

// TestReplicated takes changes from the journal to the worklist on three servers with three
// replicas, and stops one of the servers half-way.
func TestReplicated(t *testing.T) {
	t.Parallel()
	servers := servers.Three(t)
	b := open(t, func(c *store.Config) { c.DataDir, c.URL, c.JournalMaxBytes = "", servers.URLs, smallJournal })
	if h := b.Health(t.Context()); h.Err != nil || h.Replicas != 3 || h.Embedded {
		t.Errorf("%+v", h)
	}
	// Full, and nothing of it lost.
	id := fill(t, b)
	if n := len(journalIDs(t, b)); n != int(id-1) {
		t.Errorf("%d of %d stored", n, id-1)
	}
	dispatch(t, b)
	dispatched(t, b, uint64(id-1))
	harness.OK(t, b.Worklist().PurgeInstallation(t.Context(), inst))
	// From many sides at once, with a server lost meanwhile.
	var mu sync.Mutex
	acked := make(map[int64]bool)
	var wg sync.WaitGroup
	for p := range 40 {
		wg.Go(func() {
			for i := range 10 {
				id := int64(10000 + p*10 + i)
				for {
					_, err := b.Journal().Publish(t.Context(), change(id), fmt.Sprintf("m%d", id))
					if t.Context().Err() != nil || err == nil {
						break
					}
				}
				mu.Lock()
				acked[id] = true
				mu.Unlock()
				if p == 0 && i == 4 {
					servers.Stop(0)
				}
			}
		})
	}
	wg.Wait()
	// (Due entries of changes that were on their way to dispatch come after AckWait.)
	harness.Until(t, "every acknowledged change in the journal", 20*time.Second, func() bool {
		stored := make(map[int64]bool)
		err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error {
			stored[c.ID] = true
			return nil
		})
		for id := range acked {
			if !stored[id] {
				return false
			}
		}
		return err == nil
	})
	tab := opened(t, b, kv.Config{Name: "t", Secure: true})
	for _, v := range []string{"1", "2"} {
		if _, err := tab.Put(t.Context(), "k", []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	harness.OK(t, tab.Erase(t.Context(), "k"))
	harness.Until(t, "the key to be gone", 5*time.Second, func() bool {
		_, err := tab.Get(t.Context(), "k")
		return errors.Is(err, js.ErrNotFound)
	})
	harness.OK(t, b.Worklist().Schedule(t.Context(), []DueEntry{dueEntry(77)}, in(-time.Second)))
	harness.Until(t, "the schedule", 20*time.Second, func() bool {
		d, err := b.Worklist().Depth(t.Context(), inst)
		return err == nil && d.Scheduled == 0
	})
}
