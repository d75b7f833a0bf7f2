package autotask

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"channelsync/api/transport"
)

// TestRebindingMeetsTheCertificate: whoever makes a zone's name resolve to a machine
// of his choice gets a TLS handshake and no request. The names of zones are the
// vendor's and https alone, so the certificate says whom we speak to, not the address.
func TestRebindingMeetsTheCertificate(t *testing.T) {
	var requests atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	srv.Config.ErrorLog = nil
	srv.StartTLS()
	defer srv.Close()
	for name, trusted := range map[string]bool{"a certificate of his own": false, "a trusted one for another name": true} {
		real := transport.New(func(h *http.Transport) {
			h.Proxy = nil
			h.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, srv.Listener.Addr().String()) // what the resolver was made to say
			}
			if trusted {
				pool := x509.NewCertPool()
				pool.AddCert(srv.Certificate())
				h.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
			}
		})
		c := New(Config{Credentials: testCredentials, Zone: zone3, Transport: real, Wait: (&pauses{}).wait})
		_, err := c.Count(t.Context(), "Links")
		if KindOf(err) != KindUnavailable || !strings.Contains(err.Error(), "x509") {
			t.Errorf("%s: %v, want a refused certificate", name, err)
		}
		real.CloseIdleConnections()
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests, with credentials, reached the machine", n)
	}
}

// TestAddressesInAnswersAreNotFollowed: the pages of a query are asked for by id,
// at the zone; the address of the next page in an answer is nobody's to follow.
func TestAddressesInAnswersAreNotFollowed(t *testing.T) {
	page := 0
	v := &vendor{answer: func(w http.ResponseWriter, _ *http.Request) {
		rows := make([]string, pageSize)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":%d,"companyName":"A"}`, page*pageSize+i+1)
		}
		if page++; page == 3 {
			rows = rows[:1]
		}
		reply(w, http.StatusOK, `{"items":[`+strings.Join(rows, ",")+`],"pageDetails":{"count":500,`+
			`"nextPageUrl":"http://169.254.169.254/latest/meta-data","prevPageUrl":"https://evil.test/"}}`)
	}}
	read := 0
	err := Each(t.Context(), newTestClient(t, v), EntityCompanies, Query{}, func(rows Rows[fuzzedRow]) error {
		read += len(rows.Items)
		return nil
	})
	if err != nil || read != 2*pageSize+1 {
		t.Errorf("read %d rows, %v", read, err)
	}
	for _, s := range v.sent() {
		if !strings.HasPrefix(zone3.URL, "https://"+s.host) {
			t.Errorf("asked %s%s", s.host, s.path)
		}
	}
}
