package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// speaking returns a client whose API is the handler.
func speaking(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	c, err := New(Config{
		URL: "http://api.example:8081/", Token: "hush", Actor: "cli",
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			h(w, r)
			return w.Result(), nil
		}),
	})
	harness.OK(t, err)
	return c
}

func TestURLs(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8081":      "",
		"https://admin.example/sub/": "",
		"":                           `read API URL: got "", want something like http://127.0.0.1:8081`,
		"127.0.0.1:8081":             `read API URL: got "127.0.0.1:8081", want something like http://127.0.0.1:8081`,
		"ftp://x":                    `read API URL: got "ftp://x", want something like http://127.0.0.1:8081`,
		"http://u:hush@x":            `read API URL: got "<secret>@x", want it without user, query and fragment`,
		"http://x?a=b":               `read API URL: got "http://x?a=b", want it without user, query and fragment`,
	} {
		got := ""
		if _, err := New(Config{URL: in}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	c := speaking(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		_, _ = io.WriteString(w, `{"id":"x"}`)
	})
	_, err := c.SetCredentials(context.Background(), "a/b", v1.Credentials{Username: "u", Secret: "s", TrackingIdentifier: "t"})
	harness.OK(t, err)
	if want := "http://api.example:8081/api/v1/installations/a%2Fb/credentials"; got.URL.String() != want || got.Method != "PUT" {
		t.Errorf("%s %s, want PUT %s", got.Method, got.URL, want)
	}
	if want := `{"username":"u","secret":"s","trackingIdentifier":"t"}`; body != want {
		t.Errorf("body %s, want %s", body, want)
	}
	for name, want := range map[string]string{
		"Authorization": "Bearer hush", "X-Channelsync-Actor": "cli", "Content-Type": "application/json",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: got %q, want %q", name, got.Header.Get(name), want)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"problem", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(404)
			_, _ = io.WriteString(w, `{"code":"not_found","detail":"No such installation.","status":404}`)
		}, "show status: not_found: No such installation."},
		{"proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(502)
		}, "show status: got 502 Bad Gateway with text/html, want the admin API of channelsync"},
		{"redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/")
			w.WriteHeader(302)
		}, "show status: got 302 Found with no content type, want the admin API of channelsync"},
		{
			"not JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") },
			"show status: got an answer that is not the JSON expected: invalid character 'h' looking for beginning of value",
		},
		{
			"too much", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, maxAnswer+1)) },
			"show status: got an answer of more than 32 MiB",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := speaking(t, tc.answer).Status(context.Background())
			if err == nil || err.Error() != tc.want {
				t.Errorf("got %v, want %s", err, tc.want)
			}
			var p *v1.Problem
			if errors.As(err, &p) != (tc.name == "problem") || (p != nil && p.Status != 404) {
				t.Errorf("problem %+v", p)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c, err := New(Config{URL: srv.URL})
	harness.OK(t, err)
	_, err = c.Status(context.Background())
	if want := "show status: reach the admin API at " + srv.URL + ": dial tcp"; err == nil ||
		!strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("got %v, want %s…", err, want)
	}
}

func TestTimeouts(t *testing.T) {
	for _, tc := range []struct {
		call func(*Client) error
		want string
		took time.Duration
	}{
		{
			func(c *Client) error { _, err := c.Status(context.Background()); return err },
			"show status: no answer within 30s", 30 * time.Second,
		},
		{
			func(c *Client) error { return c.Act(context.Background(), "x", "", "stop") },
			"stop installation: no answer within 2m30s", 150 * time.Second,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			c, err := New(Config{URL: "http://x", Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, context.Cause(r.Context()) // as net/http does
			})})
			harness.OK(t, err)
			start := time.Now()
			if err := tc.call(c); err == nil || err.Error() != tc.want || time.Since(start) != tc.took {
				t.Errorf("got %v after %s, want %s after %s", err, time.Since(start), tc.want, tc.took)
			}
		})
	}
}

func TestAllRecords(t *testing.T) {
	pages := map[string]string{
		"":  `{"items":[{"id":"1"},{"id":"2"}],"nextCursor":"a"}`,
		"a": `{"items":[],"nextCursor":"b"}`,
		"b": `{"items":[{"id":"3"}],"nextCursor":null}`,
	}
	c := speaking(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("cursor")])
	})
	var got []string
	for r, err := range c.AllRecords(context.Background(), "x", v1.RecordQuery{}) {
		harness.OK(t, err)
		got = append(got, r.ID)
	}
	if diff := cmp.Diff([]string{"1", "2", "3"}, got); diff != "" {
		t.Error(diff)
	}
	pages["b"] = "oops"
	var last error
	for _, last = range c.AllRecords(context.Background(), "x", v1.RecordQuery{Cursor: "b"}) {
	}
	if last == nil {
		t.Error("an error on a page was not returned")
	}
	pages["a"] = `{"items":[{"id":"9"}],"nextCursor":"a"}`
	n := 0
	for range c.AllRecords(context.Background(), "x", v1.RecordQuery{Cursor: "a"}) {
		n++
	}
	if n != 1 {
		t.Errorf("a cursor that does not move on was read %d times", n)
	}
}

// TestWireHasEveryField: a field that api/v1 gets must be sent, too.
func TestWireHasEveryField(t *testing.T) {
	for _, tc := range []struct{ words, wire any }{
		{v1.CreateInstallation{}, createInstallation{}},
		{v1.ChannelProgramTarget{}, target{}},
		{v1.Credentials{}, credentials{}},
	} {
		if diff := cmp.Diff(tags(tc.words), tags(tc.wire)); diff != "" {
			t.Errorf("%T: %s", tc.words, diff)
		}
	}
	in := v1.CreateInstallation{Secret: "a", TrackingIdentifier: "b", ChannelProgram: v1.ChannelProgramTarget{Token: "c"}}
	b, err := json.Marshal(wireInstallation(in))
	if err != nil || strings.Contains(string(b), "<secret>") || strings.Contains(fmt.Sprint(in), "a b") {
		t.Errorf("sent %s, %v", b, err)
	}
}

func tags(v any) []string {
	var out []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		out = append(out, f.Tag.Get("json"))
	}
	return out
}
