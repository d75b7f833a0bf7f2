package health

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func get(h http.Handler) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w
}

func says(detail string, err error) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return detail, err }
}

func TestLive(t *testing.T) {
	if w := get(Live()); w.Code != http.StatusOK || w.Body.String() != `{"status":"live"}`+"\n" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestReady(t *testing.T) {
	for _, tc := range []struct {
		name   string
		checks []Check
		status int
		want   Readiness
	}{
		{"nothing to check", nil, 200, Readiness{Status: "ready", Checks: []Result{}}},
		{"all hold, one warns", []Check{
			{"journal", says("", nil)}, {"flush", says("flushes every 2 minutes", nil)},
		}, 200, Readiness{Status: "ready", Checks: []Result{
			{"journal", true, ""}, {"flush", true, "flushes every 2 minutes"},
		}}},
		{"one fails, order is kept", []Check{
			{"journal", says("", errors.New("stream CHANGES is frozen"))}, {"keys", says("", nil)},
		}, 503, Readiness{Status: "not_ready", Checks: []Result{
			{"journal", false, "stream CHANGES is frozen"}, {"keys", true, ""},
		}}},
		{"one panics", []Check{
			{"journal", func(context.Context) (string, error) { panic("no") }},
		}, 503, Readiness{Status: "not_ready", Checks: []Result{{"journal", false, "the check itself failed"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := get(Ready(tc.checks...))
			var got Readiness
			harness.OK(t, json.Unmarshal(w.Body.Bytes(), &got))
			if diff := cmp.Diff(tc.want, got); diff != "" || w.Code != tc.status {
				t.Errorf("status %d, want %d\n%s", w.Code, tc.status, diff)
			}
		})
	}
}

func TestSlowChecksRunSideBySideAndAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := Check{"zone", func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}}
		start := time.Now()
		w := get(Ready(slow, slow, slow))
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("took %s, want 2s", took)
		}
		if w.Code != 503 || strings.Count(w.Body.String(), "check zone: no answer within 2s") != 3 {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "channelsync_callbacks_total", Help: "h"})
	reg.MustRegister(c)
	c.Inc()
	if w := get(Metrics(reg, zap.NewNop())); w.Code != 200 || !strings.Contains(w.Body.String(), "channelsync_callbacks_total 1") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestACheckThatNeverReturnsIsRed: whatever stands still, /readyz answers, and asking it
// again and again leaves no more behind.
func TestACheckThatNeverReturnsIsRed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		var asked atomic.Int64
		ready := Ready(Check{Name: "stuck", Probe: func(context.Context) (string, error) {
			asked.Add(1)
			<-let
			return "", nil
		}}, Check{Name: "well", Probe: says("fine", nil)})
		for range 5 {
			began := time.Now()
			w := get(ready)
			var answer Readiness
			harness.OK(t, json.Unmarshal(w.Body.Bytes(), &answer))
			if w.Code != http.StatusServiceUnavailable || time.Since(began) > probeTimeout || answer.Checks[0].Detail != "check stuck: no answer within 2s" || !answer.Checks[1].OK {
				t.Errorf("%d after %s: %+v", w.Code, time.Since(began), answer)
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("asked %d times while it had not answered", n)
		}
		close(let)
		synctest.Wait()
		if w := get(ready); w.Code != http.StatusOK {
			t.Errorf("once it answers: %d", w.Code)
		}
	})
}
