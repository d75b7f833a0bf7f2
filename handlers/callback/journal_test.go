package callback

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	"channelsync/events"
	"channelsync/events/store"
)

func openBus(t *testing.T, dir string) *events.Bus {
	t.Helper()
	bus, err := events.Open(t.Context(), store.Config{DataDir: dir, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return bus
}

func closeBus(t *testing.T, bus *events.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := bus.Close(ctx); err != nil {
		t.Error(err)
	}
}

// TestAnsweredIsStored posts to the real journal, each callback twice at once:
// of each pair one is 202 and one 204, and after a restart everything that was
// answered is there, once.
func TestAnsweredIsStored(t *testing.T) {
	const n = 100
	dir := t.TempDir()
	bus := openBus(t, dir)
	w := newWorld()
	cfg := w.config()
	cfg.Journal = bus.Journal()
	h := w.handler(cfg)

	var mu sync.Mutex
	answers := map[int]int{}
	var wg sync.WaitGroup
	for i := range 2 * n {
		wg.Go(func() {
			id := strconv.Itoa(i % n)
			resp := serve(h, request(main(live), companySecret, envelope("Id="+id, "SequenceNumber="+id)))
			mu.Lock()
			defer mu.Unlock()
			answers[resp.StatusCode]++
		})
	}
	wg.Wait()
	if want := map[int]int{202: n, 204: n}; !cmp.Equal(want, answers) {
		t.Errorf("answers %v, want %v", answers, want)
	}
	closeBus(t, bus)

	bus = openBus(t, dir)
	defer closeBus(t, bus)
	stored := map[int64]int{}
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: live}, func(c events.StoredChange) error {
		stored[c.ID]++
		if c.WebhookGUID != companyGUID || c.Traceparent != "" || len(c.Fields) != 1 {
			t.Errorf("stored %+v", c)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id := range int64(n) {
		if stored[id] != 1 {
			t.Errorf("record %d is stored %d times", id, stored[id])
		}
	}
}
