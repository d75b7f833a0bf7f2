package autotask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
)

const threadsExceeded = `{"errors":["API thread threshold of 3 threads has been exceeded"]}`

func TestHeadersOfACall(t *testing.T) {
	v := table(1)
	if _, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{}); err != nil {
		t.Fatal(err)
	}
	if _, err := Get[link](t.Context(), newTestClient(t, v), "Links", 0); err == nil {
		t.Fatal("the table answers queries only")
	}
	for _, call := range v.sent() {
		want := http.Header{
			"ApiIntegrationCode": {testTracking.Reveal()},
			"UserName":           {"key@example.test"},
			"Secret":             {testSecret.Reveal()},
			"Content-Type":       {"application/json"},
			"Accept":             {"application/json"},
		}
		if diff := cmp.Diff(want, call.header); diff != "" {
			t.Errorf("%s: difference (-want +got):\n%s", call.method, diff)
		}
	}
}

func TestReadsAreTriedThreeTimes(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		tries  int
		kind   Kind
	}{
		"away":             {503, "", 3, KindUnavailable},
		"500 empty":        {500, "", 3, KindUnavailable},
		"cut off":          {200, `{"items":[{"id":`, 3, KindUndecodable},
		"HTML":             {200, `<html>`, 3, KindUndecodable},
		"threads":          {429, threadsExceeded, 3, KindThrottled},
		"hourly limit":     {429, "", 1, KindThrottled},
		"unknown text":     {500, `{"errors":["odd"]}`, 1, KindUnknown},
		"permission":       {403, "", 1, KindPermission},
		"invalid":          {500, `{"errors":["Unable to find x in the Link Entity"]}`, 1, KindInvalid},
		"a page not there": {404, "", 1, KindNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			v := always(tc.status, tc.body)
			var p pauses
			c := newTestClient(t, v, func(cfg *Config) { cfg.Wait = p.wait })
			_, err := c.Count(t.Context(), "Links")
			if KindOf(err) != tc.kind || len(v.sent()) != tc.tries || len(p.all) != tc.tries-1 {
				t.Errorf("%d tries, pauses %v, error %v, want %d tries and %s", len(v.sent()), p.all, err, tc.tries, tc.kind)
			}
			for _, pause := range p.all {
				if pause <= 0 || pause > longestPause {
					t.Errorf("paused %s", pause)
				}
			}
		})
	}
}

func TestAReadRecovers(t *testing.T) {
	v := inOrder(status(503, ""), status(200, `{"items":`), status(200, page(`{"id":1,"companyID":2}`)))
	rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
	if err != nil || len(rows.Items) != 1 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestWritesAreNotSentAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		tries  int
	}{
		"away":         {503, "", 1},
		"undecodable":  {200, "<html>", 1},
		"hourly limit": {429, "", 1},
		"threads":      {429, threadsExceeded, 3}, // the vendor did not take it
	} {
		v := always(tc.status, tc.body)
		_, err := newTestClient(t, v).AddWebhookField(t.Context(), CompanyWebhooks, 1, 7)
		if err == nil || len(v.sent()) != tc.tries {
			t.Errorf("%s: %d tries, %v, want %d", name, len(v.sent()), err, tc.tries)
		}
	}
}

func TestRetryAfterIsKept(t *testing.T) {
	v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3")
		reply(w, 429, threadsExceeded)
	}}
	var p pauses
	c := newTestClient(t, v, func(cfg *Config) { cfg.Wait = p.wait })
	if _, err := c.Count(t.Context(), "Links"); KindOf(err) != KindThrottled {
		t.Error(err)
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 3 * time.Second}, p.all); diff != "" {
		t.Error(diff)
	}
}

func TestACallTimesOutUnderItsName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		start := time.Now()
		_, err := collect[link](t.Context(), newTestClient(t, v), "Companies", Query{})
		if KindOf(err) != KindUnavailable || !strings.Contains(err.Error(), "query Companies: unavailable: timed out after 60s") ||
			!errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(start); took < 2*callTimeout || took > 2*callTimeout+longestPause+briefTimeout {
			t.Errorf("two tries and a brief one took %s", took)
		}
	})
}

func TestACancelledCallEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := newTestClient(t, v).Count(ctx, "Links")
		if !errors.Is(err, context.Canceled) || KindOf(err) != KindUnavailable || len(v.sent()) != 1 {
			t.Errorf("error %v after %d tries", err, len(v.sent()))
		}
	})
}

func TestTwoRequestsAtATimePerEntity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		v := &vendor{answer: func(w http.ResponseWriter, r *http.Request) {
			entity := strings.ToLower(strings.Split(r.URL.Path, "/")[3])
			mu.Lock()
			now[entity]++
			most[entity] = max(most[entity], now[entity])
			mu.Unlock()
			<-time.After(time.Second)
			mu.Lock()
			now[entity]--
			mu.Unlock()
			reply(w, 200, `{"queryCount":1,"items":[],"externalRequestThreshold":10000,"currentTimeframeRequestCount":1}`)
		}}
		c := newTestClient(t, v)
		if _, err := c.Count(t.Context(), "Links"); err != nil { // the first one goes alone
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { _, _ = c.Count(t.Context(), "CompanyWebhooks") })
			wg.Go(func() { _, _ = c.WebhookFields(t.Context(), CompanyWebhooks, 5) })
			wg.Go(func() { _, _ = c.Count(t.Context(), "Contacts") })
			wg.Go(func() { _, _ = c.readThreshold(t.Context()) })
		}
		start := time.Now()
		wg.Wait()
		want := map[string]int{"links": 1, "companywebhooks": 2, "contacts": 2, "thresholdinformation": 1}
		if diff := cmp.Diff(want, most); diff != "" {
			t.Errorf("at a time (-want +got):\n%s", diff)
		}
		if took := time.Since(start); took != 8*time.Second {
			t.Errorf("took %s, want 8s: 16 calls by two, 8 by one, side by side", took)
		}
	})
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		c := newTestClient(t, v)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var failed atomic.Int32
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := c.Count(ctx, "Links"); errors.Is(err, context.DeadlineExceeded) && KindOf(err) == KindUnavailable {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() != 5 {
			t.Errorf("%d of 5 calls ended with the context", failed.Load())
		}
	})
}

func TestRedirectsAreRefused(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("credentials went to another host")
	}))
	defer other.Close()
	srv := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer srv.Close()
	c := overSockets(t, srv)
	_, err := c.Count(t.Context(), "Links")
	if KindOf(err) != KindUnavailable || !strings.Contains(err.Error(), "HTTP 307") {
		t.Errorf("error %v", err)
	}
}

func TestBrokenConnections(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut within the body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"queryCount":`)
		},
	} {
		srv := httptest.NewServer(handler)
		_, err := overSockets(t, srv).Count(t.Context(), "Links")
		if KindOf(err) != KindUnavailable || strings.Contains(err.Error(), srv.URL) {
			t.Errorf("%s: %v", name, err)
		}
		srv.Close()
	}
}

func TestAnEndlessAnswerIsCutOff(t *testing.T) {
	v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, maxAnswer+1))
	}}
	c := newTestClient(t, v, func(cfg *Config) {
		cfg.Wait = func(context.Context, time.Duration) error { return errors.New("once is enough") }
	})
	if _, err := c.Count(t.Context(), "Links"); KindOf(err) != KindUndecodable || !strings.Contains(err.Error(), "32 MiB") {
		t.Errorf("error %v", err)
	}
}

func TestNothingShowsTheCredentials(t *testing.T) {
	said := fmt.Sprintf(`{"errors":["odd %s and %s"]}`, testSecret.Reveal(), testTracking.Reveal())
	core, logs := observer.New(zapcore.DebugLevel)
	c := newTestClient(t, always(500, said), func(cfg *Config) { cfg.Log = zap.New(core) })
	_, err := c.Count(t.Context(), "Links")
	if want := "count Links: unknown (HTTP 500): odd <secret> and <secret>"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	shown := fmt.Sprintf("%v %+v %#v", testCredentials, testCredentials, testCredentials)
	for _, entry := range logs.All() {
		shown += fmt.Sprint(entry.Message, entry.ContextMap())
	}
	if logs.Len() == 0 || strings.Contains(shown, testSecret.Reveal()) || strings.Contains(shown, testTracking.Reveal()) {
		t.Errorf("%d log lines, shown: %s", logs.Len(), shown)
	}
}

func TestObserveSeesEveryExchange(t *testing.T) {
	var seen []string
	v := inOrder(status(503, ""), status(200, `{"queryCount":1}`))
	c := newTestClient(t, v, func(cfg *Config) {
		cfg.Observe = func(entity, result string, _ time.Duration) { seen = append(seen, entity+" "+result) }
	})
	if _, err := c.Count(t.Context(), "Links"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Links unavailable", "Links ok"}, seen); diff != "" {
		t.Error(diff)
	}
}

// TestAdmissionIsAskedForEveryTry: repeats count too, and what is refused is not sent.
func TestAdmissionIsAskedForEveryTry(t *testing.T) {
	v := inOrder(status(503, ""), status(503, ""), status(200, `{"queryCount":1}`))
	c := newTestClient(t, v)
	used, full := 0, errors.New("no more this hour")
	ctx := WithAdmission(t.Context(), func(context.Context) error {
		if used == 3 {
			return full
		}
		used++
		return nil
	})
	if _, err := c.Count(ctx, "Links"); err != nil || used != 3 {
		t.Fatalf("%d admitted, %v, want 3 tries", used, err)
	}
	_, err := c.Count(ctx, "Links")
	if KindOf(err) != KindBudget || !errors.Is(err, full) || len(v.sent()) != 3 {
		t.Errorf("%v after %d requests, want the refusal and none sent", err, len(v.sent()))
	}
	if _, err := c.Count(t.Context(), "Links"); err != nil {
		t.Errorf("a call without a limit of its own: %v", err)
	}
}

// TestWaitingForAdmissionTakesNoPlace: what waits for its own limit must not keep
// the two places of an entity from others.
func TestWaitingForAdmissionTakesNoPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, always(200, `{"queryCount":1}`))
		ctx, cancel := context.WithCancel(t.Context())
		slow := WithAdmission(ctx, func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		})
		var g sync.WaitGroup
		for range 3 {
			g.Go(func() {
				if _, err := c.Count(slow, "Links"); KindOf(err) != KindBudget {
					t.Errorf("%v", err)
				}
			})
		}
		synctest.Wait()
		if _, err := c.Count(t.Context(), "Links"); err != nil {
			t.Errorf("beside three that wait: %v", err)
		}
		cancel()
		g.Wait()
	})
}

// overSockets is a client of a real listener.
func overSockets(t *testing.T, srv *httptest.Server) *Client {
	t.Helper()
	host := strings.TrimPrefix(srv.URL, "http://")
	c := New(Config{
		Credentials: testCredentials, Zone: v1.Zone{URL: srv.URL + "/atservicesrest"},
		Hosts: NewHosts([]string{host}), Wait: (&pauses{}).wait,
	})
	t.Cleanup(c.Close)
	return c
}
