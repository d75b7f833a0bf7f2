package client

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestReadEvents(t *testing.T) {
	harness.Table(t, func(stream string) string {
		got := ""
		for e, err := range readEvents(strings.NewReader(stream)) {
			if err != nil {
				got += "! " + err.Error()
				continue
			}
			got += e.ID + " "
		}
		return got
	}, map[string]string{
		"":                 "", // nothing
		": hello\n\n:\n\n": "", // comments only
		"data: {\"id\":\"1\"}\n\n:\n\ndata:{\"id\":\"2\"}\n\n": "1 2 ",                                           // two
		"data: {\"id\":\"1\"}\r\n\r\n":                         "1 ",                                             // CR LF
		"id: 7\nevent: x\ndata: {\"id\":\"1\"}\nretry: 3\n\n":  "1 ",                                             // other fields
		"data: {\"id\":\ndata: \"1\"}\n\n":                     "1 ",                                             // several lines of data
		"data: {\"id\":\"1\"}\n\ndata: {\"id\":\"2\"}\n":       "1 ",                                             // cut off
		"data: {\"id\":\"1\"}\n\ndata: oops\n\n":               "1 ! got an event that is not the JSON expected", // not JSON
		"data: " + strings.Repeat("x", maxEventLine):           "! bufio.Scanner: token too long",                // endless line
	})
}

func FuzzReadEvents(f *testing.F) {
	f.Add("data: {\"id\":\"1\"}\n\n")
	f.Add(":\n\ndata:null\n\n\r\ndata")
	f.Fuzz(func(t *testing.T, stream string) {
		ended := false
		for _, err := range readEvents(strings.NewReader(stream)) {
			if ended {
				t.Fatal("went on after an error")
			}
			ended = err != nil
		}
	})
}

func TestFeed(t *testing.T) {
	c := speaking(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/installations/x/feed" || !strings.HasPrefix(r.Header.Get("Accept"), "text/event-stream") {
			t.Errorf("asked %s, Accept %s", r.URL, r.Header.Get("Accept"))
		}
		_, _ = io.WriteString(w, ":\n\ndata: {\"id\":\"1\"}\n\ndata: {\"id\":\"2\"}\n\n")
	})
	var got []string
	for e, err := range c.Feed(context.Background(), "x") {
		harness.OK(t, err)
		got = append(got, e.ID)
	}
	if strings.Join(got, " ") != "1 2" {
		t.Errorf("got %q", got)
	}
	for range c.Feed(context.Background(), "x") {
		break
	}
}

func TestFeedRefused(t *testing.T) {
	c := speaking(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"code":"not_found","detail":"None."}`)
	})
	if got := feedError(c); got != "follow feed: not_found: None." {
		t.Errorf("got %s", got)
	}
}

// blocked is a body on which nothing ever arrives, until its request ends.
type blocked struct{ ctx context.Context }

func (b blocked) Read([]byte) (int, error) { <-b.ctx.Done(); return 0, b.ctx.Err() }
func (b blocked) Close() error             { return nil }

func TestFeedEndsInSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{URL: "http://x", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: blocked{r.Context()}, Request: r}, nil
		})})
		harness.OK(t, err)
		start := time.Now()
		if got := feedError(c); got != "follow feed: nothing received for 45s" || time.Since(start) != feedSilence {
			t.Errorf("got %q after %s", got, time.Since(start))
		}
	})
}

func feedError(c *Client) string {
	for _, err := range c.Feed(context.Background(), "x") {
		if err != nil {
			return err.Error()
		}
	}
	return ""
}

func TestReady(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"ready", 200, `{"status":"ready","checks":[{"name":"nats","ok":true}]}`, "ready nats"},
		{"not ready", 503, `{"status":"not_ready","checks":[{"name":"nats","ok":false}]}`, "not_ready nats"},
		{"something else", 200, `{"hello":1}`, "ask readiness: got an answer that is not the readiness of channelsync"},
		{"proxy", 502, ``, "ask readiness: got 502 Bad Gateway with no content type, want the admin API of channelsync"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := speaking(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/readyz" || r.Header.Get("Authorization") != "" {
					t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
				}
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, tc.body)
			})
			got := ""
			if r, err := c.Ready(context.Background()); err != nil {
				got = err.Error()
			} else {
				got = r.Status + " " + r.Checks[0].Name
			}
			if got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAllDeadLetters(t *testing.T) {
	c := speaking(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("limit") != "500" {
			t.Errorf("asked %s", r.URL)
		}
		page := `{"items":[{"id":"a"}],"nextCursor":"n"}`
		if r.URL.Query().Get("cursor") == "n" {
			page = `{"items":[{"id":"b"}],"nextCursor":null}`
		}
		_, _ = io.WriteString(w, page)
	})
	var got []v1.DeadLetter
	for l, err := range c.AllDeadLetters(context.Background(), "x") {
		harness.OK(t, err)
		got = append(got, l)
	}
	if len(got) != 2 || got[1].ID != "b" {
		t.Errorf("got %v", got)
	}
}
