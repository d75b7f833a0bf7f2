// Package edge holds the end-to-end tests of TLS on the listeners: a certificate in
// files and one from an ACME authority (pebble, in this process), each replaced while
// callbacks come in.
package edge

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestMain lets all tests wait at once: for files to be read again, and for a certificate to grow old.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"PEBBLE_VA_NOSLEEP":      "1",
		"PEBBLE_WFE_NONCEREJECT": "20", // refusals that a client must repeat after
		"PEBBLE_AUTHZREUSE":      "0",  // each renewal is asked for its challenge
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	harness.Parallel(4)
	harness.Main(m, goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks")) // pebble never ends it
}

const (
	domain = "hooks.example.test"
	soon   = 60 * time.Second
	// postEvery leaves a machine of two cores something over for the authority and the service: a handshake is in
	// flight whenever a certificate is replaced all the same.
	postEvery = 5 * time.Millisecond
)

// load posts authentic callbacks over TLS, some on connections of their own and some on
// kept ones, and notes what certificates it met.
type load struct {
	t       *testing.T
	w       *service.Harness
	clients []*http.Client
	url     string
	bridge  v1.Bridge
	company int64

	sequence, posted atomic.Int64
	stop             chan struct{}
	posting          sync.WaitGroup

	mu      sync.Mutex
	serials []string // in the order in which they were first met
}

// newLoad installs, and gets ready to post to a listener of that address whose
// certificate is issued by one of roots.
func newLoad(t *testing.T, w *service.Harness, addr string, roots *x509.CertPool) *load {
	t.Helper()
	l := &load{t: t, w: w, stop: make(chan struct{})}
	l.company = w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true})
	in := w.Install(v1.SyncActiveCustomers)
	var err error
	if l.bridge, err = w.Admin.CreateBridge(t.Context(), in.ID, ""); err != nil {
		t.Fatal(err)
	}
	l.url = "https://" + addr + "/callbacks/autotask/" + in.ID
	for n := range 4 {
		transport := &http.Transport{
			TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: domain, VerifyConnection: l.met},
			DisableKeepAlives: n%2 == 0, ForceAttemptHTTP2: n%3 == 0,
		}
		t.Cleanup(transport.CloseIdleConnections)
		l.clients = append(l.clients, &http.Client{Transport: transport, Timeout: 10 * time.Second})
	}
	return l
}

func (l *load) met(state tls.ConnectionState) error {
	serial := state.PeerCertificates[0].SerialNumber.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, known := range l.serials {
		if known == serial {
			return nil
		}
	}
	l.serials = append(l.serials, serial)
	return nil
}

// certificates is how many different ones were met so far.
func (l *load) certificates() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.serials)
}

// post sends one callback and returns what became of it.
func (l *load) post(client *http.Client) error {
	body := callout.Envelope{
		Action: "Update", GUID: l.bridge.GUID, EntityType: "Account", ID: l.company, EventTime: time.Now(), Sequence: l.sequence.Add(1),
	}.Encode()
	req, err := http.NewRequest(http.MethodPost, l.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set(callout.SignatureHeader, callout.Sign(l.bridge.Secret, body))
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		return fmt.Errorf("answered %s, want 202", resp.Status)
	}
	return nil
}

// start waits until callbacks are taken, and posts from then on.
func (l *load) start() {
	l.t.Helper()
	l.w.Eventually("callbacks are taken over TLS", soon, func() error {
		if err := l.post(l.clients[0]); err != nil {
			return fmt.Errorf("%w; /readyz says %q", err, readiness(l.t, l.w.AdminURL, http.DefaultTransport))
		}
		return nil
	})
	for _, client := range l.clients {
		l.posting.Go(func() {
			tick := time.NewTicker(postEvery)
			defer tick.Stop()
			for {
				select {
				case <-l.stop:
					return
				case <-tick.C:
				}
				l.posted.Add(1)
				if err := l.post(client); err != nil {
					l.t.Errorf("callback %d failed: %v", l.sequence.Load(), err)
				}
			}
		})
	}
}

// until waits for the nth certificate, under load.
func (l *load) until(n int) {
	l.t.Helper()
	l.w.Eventually(fmt.Sprintf("certificate %d is served", n), soon, func() error {
		if met := l.certificates(); met < n {
			return fmt.Errorf("%d were met, in %d callbacks", met, l.posted.Load())
		}
		return nil
	})
}

func (l *load) end() {
	close(l.stop)
	l.posting.Wait()
	l.t.Logf("%d callbacks, %d certificates", l.posted.Load(), l.certificates())
}
