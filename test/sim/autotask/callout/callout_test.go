package callout_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"channelsync/test/sim/autotask/callout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The two vectors of the reference: key and bodies exactly as one line.
func TestSignatureVectors(t *testing.T) {
	base := callout.Envelope{
		Action: "Update", GUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb", EntityType: "Account", ID: 1301,
		EventTime: time.Date(2025, 9, 15, 14, 57, 50, 0, time.UTC), PersonID: 29682945,
	}
	for _, c := range []struct {
		name     string
		sequence int64
		length   int
		want     string
	}{
		{"Acme Ltd", 32, 209, "sha1=cwGUUthIoAgGAkxibQF/9W0Bs4I="},
		{"Café & Fils + Co 'X'", 33, 246, "sha1=l4m2NQqXbmVJfZf26oqQ+MtxX3c="},
	} {
		e := base
		e.Fields, e.Sequence = []callout.Pair{{Name: "CompanyName", Value: c.name}}, c.sequence
		body := e.Encode()
		if len(body) != c.length {
			t.Errorf("%s: %d bytes, want %d: %s", c.name, len(body), c.length, body)
		}
		if got := callout.Sign("enkmoj676nwh8", body); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEncode(t *testing.T) {
	at := time.Date(2025, 9, 15, 14, 57, 50, 123456700, time.UTC)
	for name, c := range map[string]struct {
		env  callout.Envelope
		want string
	}{
		"escapes": {
			callout.Envelope{EntityType: "Account", Fields: []callout.Pair{{"A B", "<\"`>\n\\/\x7f\x01😀é"}}},
			`{"Action":"","Guid":"","EntityType":"Account","Id":0,` +
				`"Fields":{"A B":"\u003C\u0022\u0060\u003E\n\\/\u007F\u0001\uD83D\uDE00\u00E9"},` +
				`"EventTime":"0001-01-01T00:00:00Z","PersonId":0}`,
		},
		"deactivated": {
			callout.Envelope{Action: "Deactivated", GUID: "g", EventTime: at, PersonID: 4},
			`{"Action":"Deactivated","Guid":"g","EventTime":"2025-09-15T14:57:50Z","PersonId":4}`,
		},
		"odd": {
			callout.Envelope{
				Action: "Delete", GUID: "g", EntityType: "Company", ID: 3, EventTime: at, Sequence: 7,
				Odd: callout.Odd{PersonKey: "PersonID", NoFields: true, Fraction: true},
			},
			`{"Action":"Delete","Guid":"g","EntityType":"Company","Id":3,` +
				`"EventTime":"2025-09-15T14:57:50.1234567Z","SequenceNumber":7,"PersonID":0}`,
		},
		"values": {
			callout.Envelope{EntityType: "Contact", EventTime: at, Fields: []callout.Pair{{"a", nil}, {"b", int64(1)}, {"c", true}, {"d", at}}},
			`{"Action":"","Guid":"","EntityType":"Contact","Id":0,"Fields":{"a":null,"b":1,"c":true,"d":"2025-09-15T14:57:50Z"},` +
				`"EventTime":"2025-09-15T14:57:50Z","PersonId":0}`,
		},
	} {
		if got := string(c.env.Encode()); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// receiver stands in for the other end, inside a synctest bubble: no sockets.
type receiver struct {
	mu     sync.Mutex
	start  time.Time
	times  []time.Duration
	bodies []string
	answer func(*http.Request) (int, error)
}

func (r *receiver) do(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.times = append(r.times, time.Since(r.start))
	r.bodies = append(r.bodies, string(body))
	r.mu.Unlock()
	status, err := r.answer(req)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("said no"))}, nil
}

type bench struct {
	*callout.Sender
	receiver *receiver
	mu       sync.Mutex
	dropped  []string
	gaveUp   []callout.Hook
}

func newBench(perHour int, answer func(*http.Request) (int, error)) *bench {
	b := &bench{receiver: &receiver{start: time.Now(), answer: answer}}
	b.Sender = callout.New(callout.Config{
		Scale: 1, Timeout: callout.Timeout, Do: b.receiver.do, PerHour: func() int { return perHour },
		Dropped: func(e callout.Event, message string) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.dropped = append(b.dropped, string(e.Body)+": "+message)
		},
		GiveUp: func(h callout.Hook) { b.gaveUp = append(b.gaveUp, h); b.Stop(h) },
	})
	return b
}

var hook = callout.Hook{Collection: "CompanyWebhooks", ID: 1}

func event(action, body string) callout.Event {
	return callout.Event{Hook: hook, Action: action, URL: "http://receiver.example/", Secret: "k", Body: []byte(body)}
}

func always(status int) func(*http.Request) (int, error) {
	return func(*http.Request) (int, error) { return status, nil }
}

func (b *bench) wait(t *testing.T) {
	t.Helper()
	if err := b.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFiveTriesThirtySecondsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(0, always(500))
		defer b.Close()
		b.Enqueue(event("Update", "one"))
		b.Enqueue(event("Update", "two"))
		b.wait(t)
		want := []time.Duration{0, 30, 60, 90, 120, 120, 150, 180, 210, 240}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(b.receiver.times, want) {
			t.Errorf("tries at %v, want %v", b.receiver.times, want)
		}
		if len(b.dropped) != 2 || b.dropped[0] != "one: 500 Internal Server Error: said no" {
			t.Errorf("dropped %q", b.dropped)
		}
		if s := b.Stats(); s.FailedAttempts != 10 || s.Dropped != 2 || s.Delivered != 0 || s.Pending != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		b := newBench(0, func(r *http.Request) (int, error) {
			if calls++; calls == 1 {
				<-r.Context().Done()
				return 0, r.Context().Err()
			}
			return 204, nil
		})
		defer b.Close()
		b.Enqueue(event("Update", "x"))
		b.wait(t)
		if want := []time.Duration{0, 40 * time.Second}; !slices.Equal(b.receiver.times, want) {
			t.Errorf("tries at %v, want %v", b.receiver.times, want)
		}
		if first := b.Recent()[0]; first.Status != 0 || !strings.Contains(first.Error, "no answer within 10s") {
			t.Errorf("first try: %+v", first)
		}
	})
}

// A failing update holds back the updates behind it, not a create.
func TestQueuePerAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		b = newBench(0, func(*http.Request) (int, error) {
			b.receiver.mu.Lock()
			defer b.receiver.mu.Unlock()
			if b.receiver.bodies[len(b.receiver.bodies)-1] == "u1" && len(b.receiver.bodies) < 3 {
				return 0, errors.New("refused")
			}
			return 200, nil
		})
		defer b.Close()
		b.Enqueue(event("Update", "u1"))
		synctest.Wait()
		b.Enqueue(event("Update", "u2"))
		b.Enqueue(event("Create", "c1"))
		b.wait(t)
		b.received(t, "u1", "c1", "u1", "u2")
	})
}

func TestGivesUpAfter25Events(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(0, always(404))
		defer b.Close()
		for range 30 {
			b.Enqueue(event("Update", "x"))
		}
		b.wait(t)
		if len(b.dropped) != 25 || len(b.gaveUp) != 1 || b.gaveUp[0] != hook {
			t.Errorf("%d dropped, gave up %v", len(b.dropped), b.gaveUp)
		}
		if s := b.Stats(); s.Discarded != 5 {
			t.Errorf("discarded %d, want 5", s.Discarded)
		}
	})
}

func TestSuccessStartsTheCountAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := false
		b := newBench(0, func(*http.Request) (int, error) {
			if good {
				return 202, nil
			}
			return 500, nil
		})
		defer b.Close()
		for round := range 2 {
			for range 24 {
				b.Enqueue(event("Update", "x"))
			}
			b.wait(t)
			good = true
			b.Enqueue(event("Update", "y"))
			b.wait(t)
			good = false
			if len(b.gaveUp) != 0 {
				t.Fatalf("gave up in round %d", round)
			}
		}
	})
}

func TestHourlyThresholdDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(2, always(200))
		defer b.Close()
		for range 5 {
			b.Enqueue(event("Update", "x"))
		}
		b.wait(t)
		want := []time.Duration{0, 0, time.Hour, time.Hour, 2 * time.Hour}
		if !slices.Equal(b.receiver.times, want) {
			t.Errorf("sent at %v, want %v", b.receiver.times, want)
		}
		if s := b.Stats(); s.Delayed != 2 || s.Delivered != 5 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestCopiesAndHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(0, always(200))
		defer b.Close()
		held, twice := event("Update", "held"), event("Update", "twice")
		held.Hold, twice.Copies = true, 1
		b.Enqueue(held)
		b.Enqueue(twice)
		b.wait(t)
		held.Body = []byte("released")
		b.Enqueue(held)
		b.wait(t)
		b.Release()
		b.wait(t)
		b.received(t, "twice", "twice", "held", "released")
	})
}

func TestCloseEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(0, always(500))
		b.Enqueue(event("Update", "x"))
		b.Enqueue(event("Update", "behind"))
		synctest.Wait()
		b.Close()
		if took := time.Since(b.receiver.start); took != 0 {
			t.Errorf("closing took %s", took)
		}
		if err := b.Wait(t.Context()); err == nil {
			t.Error("waiting on a closed sender with something pending succeeded")
		}
		b.Enqueue(event("Update", "late"))
		if n := len(b.receiver.bodies); n != 1 {
			t.Errorf("%d posts, want 1", n)
		}
	})
}

func TestRedirectIsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(0, always(302))
		defer b.Close()
		e := event("Deactivated", "x")
		e.Untracked = true
		b.Enqueue(e)
		b.wait(t)
		if len(b.receiver.bodies) != callout.Attempts || len(b.dropped) != 0 {
			t.Errorf("%d posts, dropped %v", len(b.receiver.bodies), b.dropped)
		}
	})
}

// received wants just these bodies, in this order.
func (b *bench) received(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(b.receiver.bodies, want) {
		t.Errorf("order %v, want %v", b.receiver.bodies, want)
	}
}
