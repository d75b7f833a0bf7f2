package main

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"--nonsense"}, {"extra"}, {"--scale", "0"}, {"--companies", "-1"}} {
		var stderr bytes.Buffer
		if code := run(t.Context(), args, &bytes.Buffer{}, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("%v: exit %d, said %q", args, code, stderr.String())
		}
	}
	if code := run(t.Context(), []string{"--help"}, &bytes.Buffer{}, &bytes.Buffer{}); code != 0 {
		t.Errorf("--help: exit %d", code)
	}
	if code := run(t.Context(), []string{"--listen", "256.0.0.1:1"}, &bytes.Buffer{}, &bytes.Buffer{}); code != 1 {
		t.Errorf("an address that cannot be: exit %d", code)
	}
}

// output is a buffer that signals when text has arrived.
type output struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	more chan struct{}
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer func() {
		select {
		case o.more <- struct{}{}:
		default:
		}
	}()
	return o.buf.Write(p)
}

func (o *output) await(t *testing.T, what string) string {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		o.mu.Lock()
		text := o.buf.String()
		o.mu.Unlock()
		if strings.Contains(text, what) {
			return text
		}
		select {
		case <-o.more:
		case <-deadline:
			t.Fatalf("never said %q, only %q", what, text)
		}
	}
}

func TestServesUntilInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	out := &output{more: make(chan struct{}, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--listen", "127.0.0.1:0", "--secret", "s$#", "--trickle", "5ms", "--companies", "12"}, out, out)
	}()
	text := out.await(t, "edit: ")
	base := regexp.MustCompile(`http://[0-9.:]+/atservicesrest/v1.0/zoneInformation`).FindString(text)
	if base == "" || !strings.Contains(text, "s$#") {
		t.Fatalf("announced %q", text)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"?user=api@msp.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("discovery: %d", resp.StatusCode)
	}
	interrupt()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}
