package transport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/relay"
)

func TestMain(m *testing.M) { harness.Main(m) }

// silence is short for a test, and long enough for a busy machine.
const silence = 700 * time.Millisecond

// protocols are those that vendors speak.
var protocols = []string{"HTTP/1.1", "HTTP/2.0"}

// line is a transport to a server, with a relay in between.
type line struct {
	*Transport
	relay *relay.Relay
	url   string
}

func newLine(t *testing.T, protocol string, h http.HandlerFunc) *line {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = protocol == "HTTP/2.0"
	server.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	l := &line{relay: relay.New(t), Transport: New(func(h *http.Transport) {
		h.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	})}
	l.relay.To(server.Listener.Addr().String())
	l.url = "https://" + l.relay.Addr()
	l.silence = silence
	t.Cleanup(func() {
		l.CloseIdleConnections()
		server.CloseClientConnections()
		server.Close()
	})
	return l
}

// get reads an answer to its end.
func (l *line) get(ctx context.Context) (protocol, text string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, http.NoBody)
	if err != nil {
		return "", "", err
	}
	res, err := l.RoundTrip(r)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	return res.Proto, string(b), err
}

func (l *line) works(t *testing.T, protocol string) {
	t.Helper()
	began := time.Now()
	got, text, err := l.get(t.Context())
	if err != nil || text != "ok" || got != protocol {
		t.Fatalf("got %q over %q, %v; want an answer over %s", text, got, err, protocol)
	}
	if took := time.Since(began); took >= silence {
		t.Errorf("it took %s", took)
	}
}

func ok(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }

// The request that meets a dead connection fails in time, and the next one takes another.
func TestADeadConnectionIsNotUsedAgain(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			l := newLine(t, protocol, ok)
			l.works(t, protocol)
			if n := l.relay.Kill(); n != 1 {
				t.Fatalf("%d connections were open", n)
			}
			_, _, err := l.get(t.Context())
			if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer for 700ms") {
				t.Fatalf("on the dead connection: %v", err)
			}
			l.works(t, protocol)
		})
	}
}

// Whatever took one connection took the idle ones beside it: trying them one after the
// other would cost a silence each.
func TestIdleConnectionsGoWithADeadOne(t *testing.T) {
	var wait sync.WaitGroup
	wait.Add(3)
	l := newLine(t, "HTTP/1.1", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Together") != "" {
			wait.Done()
			wait.Wait()
		}
		ok(w, r)
	})
	var together sync.WaitGroup
	for range 3 {
		together.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url, http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Together", "yes")
			res, err := l.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		})
	}
	together.Wait()
	if n := l.relay.Kill(); n != 3 {
		t.Fatalf("%d connections were open, want 3", n)
	}
	if _, _, err := l.get(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("on a dead connection: %v", err)
	}
	l.works(t, "HTTP/1.1")
}

// A caller may be less patient. Over HTTP/2 a request that ends leaves its connection
// open, and the next ones would take it.
func TestTheCallersDeadlineClosesTheConnectionToo(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			l := newLine(t, protocol, ok)
			l.works(t, protocol)
			l.relay.Kill()
			ctx, cancel := context.WithTimeout(t.Context(), silence/4)
			defer cancel()
			if _, _, err := l.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("on the dead connection: %v", err)
			}
			l.works(t, protocol)
		})
	}
}

// Nobody has to meet a dead HTTP/2 connection to find out: pings do.
func TestAnIdleDeadConnectionIsClosed(t *testing.T) {
	l := newLine(t, "HTTP/2.0", ok)
	l.http.HTTP2.SendPingTimeout, l.http.HTTP2.PingTimeout = 100*time.Millisecond, 200*time.Millisecond
	l.works(t, "HTTP/2.0")
	l.relay.Kill()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for l.relay.Open() > 0 {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatal("the dead connection is still open")
		}
	}
	l.works(t, "HTTP/2.0")
}

// Silence counts from what arrived last: an answer may take as long as it goes on.
func TestAnAnswerIsGivenUpForSilenceOnly(t *testing.T) {
	for _, protocol := range protocols {
		for _, pieces := range []int{3, 20} { // more than a silence in all
			t.Run(fmt.Sprint(protocol, " ", pieces), func(t *testing.T) {
				gone := make(chan struct{})
				l := newLine(t, protocol, func(w http.ResponseWriter, r *http.Request) {
					for range pieces {
						_, _ = io.WriteString(w, "o")
						_ = http.NewResponseController(w).Flush()
						select {
						case <-time.After(silence / 10):
						case <-r.Context().Done():
						}
					}
					if pieces == 3 { // and then no more
						<-r.Context().Done()
						close(gone)
					}
				})
				_, text, err := l.get(t.Context())
				if pieces > 3 {
					if err != nil || len(text) != pieces {
						t.Errorf("a slow answer: %q, %v", text, err)
					}
					return
				}
				if !errors.Is(err, context.DeadlineExceeded) || text != "ooo" {
					t.Errorf("an answer that stops: %q, %v", text, err)
				}
				select {
				case <-gone:
				case <-time.After(10 * time.Second):
					t.Error("the connection is not closed")
				}
			})
		}
	}
}

// An answer that is not read to its end holds nothing back.
func TestAnUnreadAnswerIsLetGo(t *testing.T) {
	l := newLine(t, "HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.url, http.NoBody)
	harness.OK(t, err)
	res, err := l.RoundTrip(r)
	harness.OK(t, err)
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	if _, err := res.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("read after the close: %v", err)
	}
}
