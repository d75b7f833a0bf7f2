package notify

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness"
)

// env is what a Notifier stands in, without a network.
type env struct {
	mu     sync.Mutex
	see    []v1.InstallationStatus
	rows   map[string][]byte
	broken error // of the table
	lost   error // of the source
	answer func(Event) int
	posts  []posted
	counts map[string]int
}

type posted struct {
	after time.Duration // since the start
	event Event
}

func newEnv() *env {
	return &env{rows: map[string][]byte{}, counts: map[string]int{}, answer: func(Event) int { return 204 }}
}

func (w *env) set(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *env) OpenIssues(context.Context) ([]v1.InstallationStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.see, w.lost
}

func (w *env) Put(_ context.Context, key string, value []byte) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.rows[key] = value
	}
	return 1, w.broken
}

func (w *env) Delete(_ context.Context, key string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		delete(w.rows, key)
	}
	return w.broken
}

func (w *env) Each(_ context.Context, _ string, fn func(kv.Entry) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k, v := range w.rows {
		if err := fn(kv.Entry{Key: k, Value: v}); err != nil {
			return err
		}
	}
	return w.broken
}

// runs starts a notifier on the bubble's clock; stop ends it and waits for it.
func (w *env) runs(t *testing.T, start time.Time, log *zap.Logger) (stop func()) {
	t.Helper()
	n, err := Open(t.Context(), Config{
		URL: "https://ops.example/", Secret: "0123456789abcdef", Source: w, Table: w, Unseen: 10 * time.Minute, Now: time.Now, Log: log,
		Count: func(result string) { w.set(func() { w.counts[result]++ }) },
		Transport: answers(func(r *http.Request) (*http.Response, error) {
			var e Event
			body, err := io.ReadAll(r.Body)
			if err = errors.Join(err, json.Unmarshal(body, &e)); err != nil {
				return nil, err
			}
			w.mu.Lock()
			w.posts = append(w.posts, posted{time.Since(start), e})
			status := w.answer(e)
			w.mu.Unlock()
			if status == 0 {
				return silent(r)
			}
			return &http.Response{StatusCode: status, Body: http.NoBody}, nil
		}),
	})
	harness.OK(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { n.Run(ctx) })
	return func() {
		cancel()
		wg.Wait()
	}
}

// pass lets time go by.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *env) notified() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, p := range w.posts {
		out = append(out, p.after.String()+" "+p.event.Type+" "+p.event.Issue.Code)
	}
	return out
}

func wantNotified(t *testing.T, w *env, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.notified()); diff != "" {
		t.Error(diff)
	}
}

func TestOnceAcrossARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("rejected", start), retrying("throttled"))
		stop := w.runs(t, start, zap.NewNop())
		pass(time.Minute)
		stop()
		for k, v := range w.rows {
			if s := k + string(v); strings.Contains(s, "Example MSP") || strings.Contains(s, `"D"`) {
				t.Errorf("the table holds a name or a detail: %s", s)
			}
		}
		stop = w.runs(t, start, zap.NewNop())
		pass(time.Minute)
		w.set(func() { w.see = one(v1.StateLive) })
		pass(5 * time.Minute)
		stop()
		wantNotified(t, w, "30s issue.opened rejected", "2m40s issue.recovered rejected")
		if len(w.rows) != 0 {
			t.Errorf("kept after the recovery: %v", w.rows)
		}
		if w.posts[0].event.ID == w.posts[1].event.ID {
			t.Error("two events have one id")
		}
	})
}

func TestAReceiverThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		core, logs := observer.New(zapcore.WarnLevel)
		w.see = one(v1.StateLive, act("rejected", start))
		w.answer = func(Event) int { return 0 }
		stop := w.runs(t, start, zap.New(core))
		pass(6 * time.Hour)
		w.set(func() { w.answer = func(Event) int { return 200 } })
		pass(2 * time.Hour)
		stop()
		var gaps []time.Duration
		ids := map[string]bool{}
		for i, p := range w.posts {
			ids[p.event.ID] = true
			if i > 0 {
				gaps = append(gaps, p.after-w.posts[i-1].after)
			}
		}
		if !slices.IsSorted(gaps) || gaps[0] > 40*time.Second || gaps[len(gaps)-1] < time.Hour || gaps[len(gaps)-1] > time.Hour+time.Minute {
			t.Errorf("pauses %v, want them to grow to an hour", gaps)
		}
		if len(ids) != 1 {
			t.Errorf("%d ids, want the same one in every attempt", len(ids))
		}
		if w.counts[resultFailed] != len(w.posts)-1 || w.counts[resultDelivered] != 1 {
			t.Errorf("counted %v of %d posts", w.counts, len(w.posts))
		}
		if got := logs.FilterField(zap.String(v1.LogCode, "rejected")).Len(); got != len(w.posts)-1 {
			t.Errorf("%d warnings, want one for each failure", got)
		}
	})
}

func TestARefusedEventHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("ambiguous_match", start), act("rejected", start))
		w.answer = func(e Event) int {
			if e.Issue.Code == "ambiguous_match" {
				return 400
			}
			return 200
		}
		stop := w.runs(t, start, zap.NewNop())
		pass(35 * time.Second)
		stop()
		posted := w.notified()
		slices.Sort(posted)
		if diff := cmp.Diff([]string{"30s issue.opened ambiguous_match", "30s issue.opened rejected"}, posted); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnOutageOfTheReceiverIsOnePostALook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("a", start), act("b", start), act("c", start))
		w.answer = func(Event) int { return 503 }
		stop := w.runs(t, start, zap.NewNop())
		pass(35 * time.Second)
		stop()
		if len(w.posts) != 1 {
			t.Errorf("posts: %v", w.notified())
		}
	})
}

func TestNothingIsToldThatCannotBeKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("rejected", start))
		stop := w.runs(t, start, zap.NewNop())
		w.set(func() { w.broken = errors.New("no disk") })
		pass(125 * time.Second)
		w.set(func() { w.broken = nil })
		pass(time.Minute)
		stop()
		wantNotified(t, w, "2m10s issue.opened rejected")
		if len(slices.Collect(maps.Keys(w.rows))) != 1 {
			t.Errorf("kept %v", w.rows)
		}
	})
}

func TestIssuesThatCannotBeReadAreNotGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("rejected", start))
		stop := w.runs(t, start, zap.NewNop())
		pass(time.Minute)
		w.set(func() { w.see, w.lost = nil, errors.New("no store") })
		pass(time.Hour)
		stop()
		wantNotified(t, w, "30s issue.opened rejected")
	})
}

func TestAStopDuringAPostTellsItAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, start := newEnv(), time.Now()
		w.see = one(v1.StateLive, act("rejected", start))
		w.answer = func(Event) int { return 0 }
		stop := w.runs(t, start, zap.NewNop())
		pass(31 * time.Second)
		stop()
		w.set(func() { w.answer = func(Event) int { return 200 } })
		stop = w.runs(t, start, zap.NewNop())
		pass(time.Minute)
		stop()
		if len(w.posts) != 2 || w.posts[0].event.ID != w.posts[1].event.ID || len(w.counts) != 1 {
			t.Errorf("posts %+v, counted %v; want the same event again, and no failure", w.posts, w.counts)
		}
	})
}

func TestRowsThatCannotBeRead(t *testing.T) {
	w := newEnv()
	w.rows = map[string][]byte{"nokey": []byte("{}"), "in1.rejected": []byte("{")}
	core, logs := observer.New(zapcore.WarnLevel)
	n, err := Open(t.Context(), Config{Source: w, Table: w, Now: time.Now, Log: zap.New(core)})
	if err != nil || len(n.book.entries) != 0 || logs.Len() != 2 {
		t.Errorf("%v, %d entries, %d warnings", err, len(n.book.entries), logs.Len())
	}
	w.broken = errors.New("no store")
	if _, err := Open(t.Context(), Config{Source: w, Table: w, Log: zap.NewNop()}); err == nil {
		t.Error("a table that cannot be read opens")
	}
}
