package callback

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"channelsync/test/harness/stores"
)

// BenchmarkStored is a callback from the handler to the disk, 64 at a time.
func BenchmarkStored(b *testing.B) {
	bus := stores.In(b, b.TempDir())
	defer stores.Close(b, bus)
	w := newEnv()
	cfg := w.config()
	cfg.Journal, cfg.Observer = bus.Journal(), nil
	h := w.handler(cfg)
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := strconv.FormatInt(n.Add(1), 10)
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, request(main(live), companySecret, envelope("Id="+id, "SequenceNumber="+id)))
			if answer.Code != http.StatusAccepted {
				b.Fatalf("answered %d", answer.Code)
			}
		}
	})
}
