//go:build linux

package fault

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
)

// atOnce is how soon a genuine request is answered, whatever unauthenticated requests do.
const atOnce = time.Second

// TestHalfRequestsShutNobodyOff: a client behind a trusted proxy holds 1,024 half
// requests with wrong signatures and begins a new one for each that is cut off. All the
// while callbacks of others behind the same proxy, and of his own address, are taken.
func TestHalfRequestsShutNobodyOff(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	const held = 1024
	var begun, cut atomic.Int64
	stop := make(chan struct{})
	var unauthenticated sync.WaitGroup
	for range held {
		unauthenticated.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				tg.half(stop, &begun)
				cut.Add(1)
			}
		})
	}
	t.Cleanup(unauthenticated.Wait)
	t.Cleanup(func() { close(stop) })
	tg.Eventually("the unauthenticated hold all they want to", soon, func() error {
		if n := begun.Load(); n < held {
			return fmt.Errorf("%d half requests have begun", n)
		}
		return nil
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	for n := range form(50, 300) {
		for i, from := range []string{"198.51.100.1", "203.0.113.9"} {
			body := tg.body(2*n + i)
			status, took := forward(t, client, tg.CallbackURL+"/callbacks/autotask/"+tg.in.ID, from, callout.SignatureHeader, callout.Sign(tg.hook.Secret, body), string(body))
			if status != http.StatusAccepted || took > atOnce {
				t.Errorf("callback %d from %s: %d after %s; want 202 within %s", n, from, status, took.Round(time.Millisecond), atOnce)
			}
		}
	}
	t.Logf("%d half requests, %d of them over", begun.Load(), cut.Load())
}

// half sends half a callback and waits until it is cut off, or the test is over.
func (tg *target) half(stop <-chan struct{}, begun *atomic.Int64) {
	conn, err := net.Dial("tcp", tg.callbacks())
	if err != nil {
		return // the listener's backlog is full
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-stop:
		case <-ended:
		}
		_ = conn.Close()
	}()
	_, _ = fmt.Fprintf(conn, "POST /callbacks/autotask/%s HTTP/1.1\r\nHost: channelsync.example\r\nX-Forwarded-For: 203.0.113.9\r\n%s: %s\r\nContent-Length: 1000\r\n\r\n{",
		tg.in.ID, callout.SignatureHeader, callout.Sign("forged", []byte("x")))
	begun.Add(1)
	_, _ = io.Copy(io.Discard, bufio.NewReader(conn))
}

// TestWrongTokensShutNobodyOff: however many wrong tokens come from an address, the
// right one is answered at once, from there too.
func TestWrongTokensShutNobodyOff(t *testing.T) {
	t.Parallel()
	tg := newTarget(t, nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}, Timeout: 20 * time.Second}
	t.Cleanup(client.CloseIdleConnections)
	var sent sync.WaitGroup
	var wrong [600]atomic.Int64
	for range 8 {
		sent.Go(func() {
			for range 5_000 / 8 {
				status, _ := forward(t, client, tg.AdminURL+"/api/v1/status", "203.0.113.9", "Authorization", "Bearer wrong", "")
				wrong[status].Add(1)
			}
		})
	}
	right := func(from string) {
		t.Helper()
		status, took := forward(t, client, tg.AdminURL+"/api/v1/status", from, "Authorization", "Bearer "+service.AdminToken, "")
		if status != http.StatusOK || took > atOnce {
			t.Errorf("the right token from %s: %d after %s; want 200 within %s", from, status, took.Round(time.Millisecond), atOnce)
		}
	}
	for range 20 {
		right("203.0.113.9")
		right("198.51.100.1")
	}
	sent.Wait()
	right("203.0.113.9")
	if refused := wrong[401].Load() + wrong[429].Load(); refused != 5_000 {
		t.Errorf("of 5,000 wrong tokens %d were refused", refused)
	}
}

// forward sends a request the way a proxy on this machine does, and says how long the
// answer took. With a body it is a POST.
func forward(t *testing.T, client *http.Client, url, from, header, value, body string) (status int, took time.Duration) {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	req.Header.Set("X-Forwarded-For", from)
	req.Header.Set(header, value)
	began := time.Now()
	resp, err := client.Do(req)
	took = time.Since(began)
	if err != nil {
		t.Error(err)
		return 0, took
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode, took
}
