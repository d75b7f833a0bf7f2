package callback

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
)

// TestBodyThatNeverArrives is a client that says more than it sends: the
// server's read timeout ends it, and nothing is stored.
func TestBodyThatNeverArrives(t *testing.T) {
	w := newWorld()
	srv := httptest.NewUnstartedServer(w.handler(w.config()))
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := envelope()
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Hook-Signature: %s\r\nContent-Length: %d\r\n\r\n%s",
		main(live), autotask.Sign(companySecret, []byte(body)), len(body)+1, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 400 || w.effects() != "stored 0, rejected 0, checked 0" {
		t.Errorf("got %d, %s", resp.StatusCode, w.effects())
	}
}

// TestSlowPublishOutlivesTheReadTimeout: the read timeout is for the request, it
// must not end a publish that takes longer.
func TestSlowPublishOutlivesTheReadTimeout(t *testing.T) {
	w := newWorld()
	w.publish = sleep(300 * time.Millisecond)
	srv := httptest.NewUnstartedServer(w.handler(w.config()))
	srv.Config.ReadTimeout = 100 * time.Millisecond
	srv.Start()
	defer srv.Close()
	req, err := http.NewRequest(http.MethodPost, srv.URL+main(live), strings.NewReader(envelope()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(autotask.SignatureHeader, autotask.Sign(companySecret, []byte(envelope())))
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != 202 {
		t.Errorf("got %d, want 202", resp.StatusCode)
	}
}

func TestOneWideLine(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	w := newWorld()
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
	for key, want := range map[string]any{
		v1.LogInstallation: live, v1.LogAction: "Update", v1.LogEntity: "Account", v1.LogRecord: int64(1301),
		v1.LogSequence: uint64(1), logVendorSequence: int64(32), v1.LogDuplicate: false, v1.LogStatus: int64(202),
		v1.LogOutcome: ResultStored, v1.LogRemote: "203.0.113.7", v1.LogDuration: time.Duration(0),
	} {
		if got := entries[0].ContextMap()[key]; got != want {
			t.Errorf("%s: got %v, want %v", key, got, want)
		}
	}
	if _, told := entries[1].ContextMap()[v1.LogAction]; told {
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

func TestTraceparent(t *testing.T) {
	const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	if got := traceparent(given); got != given {
		t.Errorf("got %s", got)
	}
	for _, bad := range []string{
		"", "x", given + "-00", strings.ToUpper(given), "01" + given[2:], strings.ReplaceAll(given, "-", "_"),
		"00-" + strings.Repeat("0", 32) + given[35:], given[:36] + strings.Repeat("0", 16) + "-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n",
	} {
		got := traceparent(bad)
		if got == bad || !isTraceparent(got) {
			t.Errorf("traceparent(%q) = %q, want a new one", bad, got)
		}
	}
	if first, second := traceparent(""), traceparent(""); first == second {
		t.Error("two traces of the same id")
	}
}
