package callback

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/forwarded"
	"channelsync/test/harness"
)

// TestBodyThatNeverArrives is a client that says more than it sends: the
// server's read timeout ends it, and nothing is stored.
func TestBodyThatNeverArrives(t *testing.T) {
	w := newEnv()
	srv := httptest.NewUnstartedServer(w.handler(w.config()))
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	harness.OK(t, err)
	defer func() { _ = conn.Close() }()
	body := envelope()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Hook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		main(live), signature(companySecret, []byte(body)), len(body)+1, body)
	harness.OK(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 400 || w.effects() != "stored 0, rejected 0, checked 0" {
		t.Errorf("got %d, %s", resp.StatusCode, w.effects())
	}
}

// half is a request on a connection of its own whose body has not arrived in full.
type half struct {
	net.Conn
	t    *testing.T
	rest string
}

// begin sends the headers and all but the last n bytes of the body, behind a proxy that
// says where it comes from.
func begin(t *testing.T, addr, from string, secret v1.Secret, body string, n int) half {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	harness.OK(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: %s\r\nX-Hook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		main(live), from, signature(secret, []byte(body)), len(body), body[:len(body)-n])
	harness.OK(t, err)
	return half{conn, t, body[len(body)-n:]}
}

// finish sends the rest and returns the answer.
func (h half) finish() *http.Response {
	h.t.Helper()
	_, _ = io.WriteString(h, h.rest) // it may have been cut off
	resp, err := http.ReadResponse(bufio.NewReader(h), nil)
	harness.OK(h.t, err)
	_ = resp.Body.Close()
	return resp
}

// arrived waits until n requests are on the way, and returns how many bytes of them.
func arrived(t *testing.T, h *Handler, n int) int {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(2 * time.Millisecond) {
		if requests, bytes := h.arrivals.Held(); requests == n {
			return bytes
		}
	}
	t.Fatalf("no %d requests are on the way", n)
	return 0
}

// behindProxy serves callbacks on a socket, to clients whose addresses a proxy tells.
func behindProxy(t *testing.T, w *env, limits Limits) (*Handler, string) {
	t.Helper()
	cfg := w.config()
	cfg.Limits = limits
	h := New(cfg)
	mux := http.NewServeMux()
	mux.Handle("/callbacks/autotask/{installation}", h.Changes())
	srv := httptest.NewServer(forwarded.Proxies{netip.MustParsePrefix("127.0.0.0/8")}.Middleware(mux))
	t.Cleanup(srv.Close)
	return h, srv.Listener.Addr().String()
}

func TestTheOldestHalfRequestIsCutOff(t *testing.T) {
	w := newEnv()
	h, addr := behindProxy(t, w, Limits{Signed: 3})
	var halves []half
	for i := range 3 {
		halves = append(halves, begin(t, addr, "203.0.113.7", companySecret, envelope("SequenceNumber="+strconv.Itoa(i)), 5))
		arrived(t, h, i+1)
	}
	other := begin(t, addr, "198.51.100.1", companySecret, envelope("SequenceNumber=10"), 5)
	arrived(t, h, 4)
	halves = append(halves, begin(t, addr, "203.0.113.7", companySecret, envelope("SequenceNumber=11"), 5))
	halves[0].rest = "" // it is answered while it waits
	resp := halves[0].finish()
	if resp.StatusCode != 429 || !resp.Close {
		t.Errorf("the oldest: got %d, closed %v; want 429 on a connection that ends", resp.StatusCode, resp.Close)
	}
	expectRetryAfter(t, resp)
	for i, h := range append(halves[1:], other) {
		if resp := h.finish(); resp.StatusCode != 202 {
			t.Errorf("another, %d: got %d, want 202", i, resp.StatusCode)
		}
	}
	arrived(t, h, 0)
}

// Half bodies are memory that nobody has vouched for.
func TestBytesOnTheWayAreBounded(t *testing.T) {
	w := newEnv()
	const size = 100 << 10
	h, addr := behindProxy(t, w, Limits{ArrivalBytes: 4 * size, ClientBytes: 2*size + 100})
	large := strings.Repeat("x", size)
	genuine := begin(t, addr, "198.51.100.1", companySecret, envelope(), 5)
	arrived(t, h, 1)
	var halves []half
	for i := range 6 {
		halves = append(halves, begin(t, addr, "203.0.113.7", "forged", large, 1))
		if i < 2 {
			arrived(t, h, 2+i)
			continue
		}
		halves[i-2].rest = "" // it is answered while it waits
		if resp := halves[i-2].finish(); resp.StatusCode != 429 {
			t.Errorf("half request %d: got %d, want 429", i-2, resp.StatusCode)
		}
		if _, bytes := h.arrivals.Held(); bytes > 2*size+1000 {
			t.Errorf("%d bytes are on the way, of a client that may have %d", bytes, 2*size)
		}
	}
	for i, h := range halves[4:] {
		if resp := h.finish(); resp.StatusCode != 401 {
			t.Errorf("half request %d: got %d, want 401", 4+i, resp.StatusCode)
		}
	}
	if resp := genuine.finish(); resp.StatusCode != 202 {
		t.Errorf("the genuine one that was there first: got %d, want 202", resp.StatusCode)
	}
}

// TestSlowPublishOutlivesTheReadTimeout: the read timeout is for the request, it
// must not end a publish that takes longer.
func TestSlowPublishOutlivesTheReadTimeout(t *testing.T) {
	w := newEnv()
	w.publish = sleep(300 * time.Millisecond)
	srv := httptest.NewUnstartedServer(w.handler(w.config()))
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	req, err := http.NewRequest(http.MethodPost, srv.URL+main(live), strings.NewReader(envelope()))
	harness.OK(t, err)
	req.Header.Set(callout.SignatureHeader, signature(companySecret, []byte(envelope())))
	resp, err := srv.Client().Do(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 202 {
		t.Errorf("got %d, want 202", resp.StatusCode)
	}
}

func TestOneWideLine(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	w := newEnv()
	cfg := w.config()
	cfg.Log = zap.New(core)
	h := w.handler(cfg)
	serve(h, request(main(live), companySecret, envelope()))
	serve(h, request(main(live), "forged", envelope()))
	serve(h, request(main(live), companySecret, "hush, not json"))
	entries := logs.All()
	if len(entries) != 3 {
		t.Fatalf("%d lines, want one for each delivery", len(entries))
	}
	harness.Table(t, func(key string) any { return entries[0].ContextMap()[key] }, map[string]any{
		v1.LogInstallation: live, v1.LogAction: "Update", v1.LogEntity: "Account", v1.LogRecord: int64(1301),
		v1.LogSequence: uint64(1), logVendorSequence: int64(32), v1.LogDuplicate: false, v1.LogStatus: 202,
		v1.LogOutcome: ResultStored, v1.LogRemote: "203.0.113.7", v1.LogDuration: time.Duration(0),
	})
	if _, named := entries[1].ContextMap()[v1.LogAction]; named {
		t.Error("the line of a forged delivery repeats what it says")
	}
	if entries[2].Level != zap.WarnLevel || entries[2].ContextMap()[v1.LogCause] == nil {
		t.Error("the line of a malformed delivery has no cause")
	}
	for _, e := range entries {
		if line := fmt.Sprint(e.ContextMap()); strings.Contains(line, "hush") || strings.Contains(line, "Acme") {
			t.Errorf("a line holds a body: %s", line)
		}
	}
}
