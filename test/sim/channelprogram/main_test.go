package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// output is a writer that signals when a line of it matches.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	found chan string
	want  *regexp.Regexp
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(b)
	if m := o.want.FindStringSubmatch(o.text.String()); m != nil {
		select {
		case o.found <- m[1]:
		default:
		}
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestRunServesAndStopsClean(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &output{found: make(chan string, 1), want: regexp.MustCompile(`page +(http://\S+/)\n`)}
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"--listen", "127.0.0.1:0", "--connection", "acme", "--token", "t-1", "--currencies", "USD,CAD",
		}, console{out, &errs})
	}()
	var page string
	select {
	case page = <-out.found:
	case code := <-ended:
		t.Fatalf("it ended with %d: %s", code, errs.String())
	}
	for _, want := range []string{"acme", "t-1", "USD, CAD only"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q: %s", want, out)
		}
	}
	client := &http.Client{Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, page+"v1/connections/acme", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer t-1")
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), `"currencies":["USD","CAD"]`) {
		t.Errorf("handshake: %d %s %v", resp.StatusCode, body, err)
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestRunExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"help":             {[]string{"--help"}, 0, "-currencies"},
		"unknown flag":     {[]string{"--colour"}, 2, "colour"},
		"surplus argument": {[]string{"serve"}, 2, `"serve"`},
		"bad connection":   {[]string{"--connection", "a/b"}, 2, `"a/b"`},
		"bad currency":     {[]string{"--currencies", "dollars"}, 2, `"dollars"`},
		"address taken":    {[]string{"--listen", taken.Addr().String()}, 1, "listen on"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), c.args, console{&out, &errs})
		if code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%s: exit %d, want %d; %s", name, code, c.code, errs.String())
		}
	}
}
