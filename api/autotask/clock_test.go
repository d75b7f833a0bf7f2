package autotask

import (
	"net/http"
	"testing"
	"time"
)

// Times of modification are judged by the clock that gave them, not by the local one.
func TestTheTimeIsTheVendorsOnceItIsTold(t *testing.T) {
	local := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := "Sun, 01 Mar 2026 15:30:00 GMT"
	v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date)
		reply(w, http.StatusOK, `{"queryCount":1}`)
	}}
	c := newTestClient(t, v, func(cfg *Config) { cfg.Now = func() time.Time { return local } })
	if now, known := c.Time(); known || !now.Equal(local) {
		t.Errorf("before any answer: %s, %v", now, known)
	}
	count := func() {
		t.Helper()
		if _, err := c.Count(t.Context(), "Links"); err != nil {
			t.Fatal(err)
		}
	}
	count()
	local = local.Add(time.Minute)
	if now, known := c.Time(); !known || !now.Equal(time.Date(2026, 3, 1, 15, 31, 0, 0, time.UTC)) {
		t.Errorf("a minute after the answer: %s, %v", now, known)
	}
	for _, date = range []string{"", "yesterday"} {
		count()
		if now, known := c.Time(); !known || now.Hour() != 15 {
			t.Errorf("after an answer dated %q: %s, %v", date, now, known)
		}
	}
}
