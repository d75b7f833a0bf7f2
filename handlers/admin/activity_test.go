package admin

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// openFeed is a feed that ends with its context only.
type openFeed struct {
	*fake
	events chan v1.FeedEvent
}

func (f openFeed) Feed(ctx context.Context, _ string) (<-chan v1.FeedEvent, error) {
	out := make(chan v1.FeedEvent)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-f.events:
				select {
				case out <- e:
				case <-ctx.Done():
				}
			}
		}
	}()
	return out, nil
}

func TestFeedIsAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		cfg := f.config()
		events := make(chan v1.FeedEvent)
		cfg.Activity = openFeed{f, events}
		ctx, cancel := context.WithCancel(context.Background())
		r := httptest.NewRequestWithContext(ctx, "GET", "/installations/"+one+"/feed", nil)
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() { defer close(done); served(cfg).ServeHTTP(w, r) }()
		events <- v1.FeedEvent{Kind: v1.KindCompany, ID: "7", Name: "A\nB", Outcome: v1.OutcomePushed}
		<-time.After(31 * time.Second) // of the clock in the bubble
		cancel()
		<-done
		want := ": outcomes as they happen\n\n" +
			`data: {"at":"0001-01-01T00:00:00Z","kind":"company","id":"7","name":"A\nB","outcome":"pushed","reasons":[],"trigger":"","pushed":false}` +
			"\n\n:\n\n:\n\n"
		if got := w.Body.String(); got != want {
			t.Errorf("got %q\nwant %q", got, want)
		}
		h := w.Header()
		if h.Get("Content-Type") != "text/event-stream" || h.Get("Cache-Control") != "no-store" || !w.Flushed {
			t.Errorf("headers %v, flushed %v", h, w.Flushed)
		}
	})
}

func TestFeedsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		cfg := f.config()
		cfg.Activity = openFeed{f, make(chan v1.FeedEvent)}
		h := served(cfg)
		ctx, end := context.WithCancel(context.Background())
		open := func() *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			go h.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/installations/"+one+"/feed", nil))
			synctest.Wait()
			return w
		}
		for range 64 {
			if w := open(); w.Code != 200 || !w.Flushed {
				t.Fatalf("got %d", w.Code)
			}
		}
		if w := open(); w.Code != 429 || w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("one more feed: got %d %v", w.Code, w.Header())
		}
		end()
		synctest.Wait()
		ctx, end = context.WithCancel(context.Background())
		if w := open(); w.Code != 200 || !w.Flushed {
			t.Errorf("after the others have ended: got %d", w.Code)
		}
		end()
		synctest.Wait()
	})
}

func TestFeedEnds(t *testing.T) {
	f := &fake{}
	body := text(t, send(t, served(f.config()), "GET", "/installations/"+one+"/feed", ""))
	if strings.Count(body, "data: ") != 1 || len(f.audited) != 0 {
		t.Errorf("got %q, audited %v", body, f.audited)
	}
	resp := send(t, served(f.config()), "HEAD", "/installations/"+one+"/feed", "")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || text(t, resp) != "" {
		t.Errorf("HEAD: got %d %v", resp.StatusCode, resp.Header)
	}
}

// TestFeedsEndWhenTheServerShutsDown: a shutdown waits for requests under way, and
// would wait for a stream in vain. The stream outlives the read timeout before.
func TestFeedsEndWhenTheServerShutsDown(t *testing.T) {
	f := &fake{}
	cfg := f.config()
	events := make(chan v1.FeedEvent)
	cfg.Activity = openFeed{f, events}
	srv := httptest.NewUnstartedServer(served(cfg))
	srv.Config.ReadTimeout = 50 * time.Millisecond
	srv.Start()
	defer srv.Close()
	resp, err := srv.Client().Get(srv.URL + "/installations/" + one + "/feed")
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %q, %v", resp.StatusCode, lines.Text(), lines.Err())
	}
	<-time.After(2 * srv.Config.ReadTimeout)
	events <- v1.FeedEvent{ID: "7"}
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "data: ") {
	}
	if !strings.Contains(lines.Text(), `"id":"7"`) {
		t.Fatalf("got %q, %v", lines.Text(), lines.Err())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Config.Shutdown(ctx); err != nil {
		t.Errorf("shut down with open streams: %v", err)
	}
}
