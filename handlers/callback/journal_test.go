package callback

import (
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

// TestAnsweredIsStored posts to the real journal, each callback twice at once:
// of each pair one is 202 and one 204, and after a restart everything that was
// answered is there, once.
func TestAnsweredIsStored(t *testing.T) {
	const n = 100
	dir := t.TempDir()
	bus := stores.In(t, dir)
	w := newEnv()
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
	stores.Close(t, bus)

	bus = stores.In(t, dir)
	defer stores.Close(t, bus)
	stored := map[int64]int{}
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: live}, func(c events.StoredChange) error {
		stored[c.ID]++
		if c.WebhookGUID != companyGUID || c.Traceparent != "" || len(c.Fields) != 1 {
			t.Errorf("stored %+v", c)
		}
		return nil
	})
	harness.OK(t, err)
	for id := range int64(n) {
		if stored[id] != 1 {
			t.Errorf("record %d is stored %d times", id, stored[id])
		}
	}
}
