package load

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	callout "channelsync/api/autotask/callback"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestRun posts callbacks to a handler that takes them as the product does: each is
// authentic, and another one.
func TestRun(t *testing.T) {
	var taken, wrong atomic.Int64
	seen := make(chan int64, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		authentic := callout.VerifySignature(r.Header.Get(callout.SignatureHeader), body, "a secret")
		c, undecodable := callout.Decode(body)
		if err != nil || !authentic || undecodable != nil || r.URL.Path != "/callbacks/autotask/x" {
			wrong.Add(1)
		} else {
			seen <- *c.SequenceNumber
		}
		taken.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	make := &Callbacks{URL: server.URL + "/callbacks/autotask/x", GUID: "g", Secret: "a secret", FirstID: 10, Records: 3}
	requests, err := make.Make(200)
	harness.OK(t, err)
	got, err := Run(Config{
		Addr: strings.TrimPrefix(server.URL, "http://"), Connections: 4, For: 10 * time.Second, Requests: requests, Status: []int{http.StatusAccepted},
	})
	if err != nil || got.Answered != 200 || got.P50 <= 0 || got.P99 < got.P50 || got.PerSecond() <= 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if taken.Load() != 200 || wrong.Load() > 0 {
		t.Errorf("%d were posted, %d of them wrong", taken.Load(), wrong.Load())
	}
	close(seen)
	numbers := map[int64]bool{}
	for n := range seen {
		numbers[n] = true
	}
	if len(numbers) != 200 {
		t.Errorf("%d different sequence numbers", len(numbers))
	}
}

func TestRunEndsInTimeAndRepeats(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "some body") }))
	defer server.Close()
	requests, err := (&Callbacks{URL: server.URL + "/x", Records: 1}).Make(1)
	harness.OK(t, err)
	cfg := Config{
		Addr: strings.TrimPrefix(server.URL, "http://"), Connections: 2, For: 50 * time.Millisecond, Requests: requests, Repeat: true, Status: []int{http.StatusOK},
	}
	got, err := Run(cfg)
	if err != nil || got.Answered < 3 || got.Took < cfg.For {
		t.Errorf("got %+v, %v", got, err)
	}
	cfg.Status = []int{http.StatusAccepted}
	if _, err := Run(cfg); err == nil {
		t.Error("another status than wanted is no error")
	}
	cfg.Addr = "127.0.0.1:1"
	if _, err := Run(cfg); err == nil {
		t.Error("nobody listens, and no error")
	}
}
