//go:build linux

package fault

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// canary is a server inside the network that the service must never ask.
func canary(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) { // TLS that fails is a contact too
		if state == http.StateNew {
			asked.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, asked
}

// TestNoZoneLeadsInside: whoever may name a zone, an operator with a form or
// Autotask with an answer, cannot make the service ask inside its own network.
func TestNoZoneLeadsInside(t *testing.T) {
	t.Parallel()
	inside, asked := canary(t)
	host := strings.TrimPrefix(inside, "http://")
	_, port, err := net.SplitHostPort(host)
	harness.OK(t, err)
	var found atomic.Pointer[string] // what discovery answers
	w := service.New(t, service.Options{Wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			url := found.Load()
			if url == nil || !strings.Contains(strings.ToLower(r.URL.Path), "zoneinformation") {
				next.ServeHTTP(rw, r)
				return
			}
			if to, ok := strings.CutPrefix(*url, "redirect "); ok {
				http.Redirect(rw, r, to, http.StatusTemporaryRedirect)
				return
			}
			rw.Header().Set("Content-Type", "application/json")
			_, _ = rw.Write([]byte(`{"zoneName":"Evil","url":"` + *url + `","webUrl":"","ci":1}`)) // the test looks at what follows
		})
	}})
	zones := []string{
		inside + "/atservicesrest", "https://" + host + "/atservicesrest", "http://localhost:" + port, "http://[::1]:" + port, "http://127.1:" + port,
		"http://2130706433:" + port, "http://0x7f000001:" + port, "http://0:" + port, "http://[::ffff:127.0.0.1]:" + port,
		"http://169.254.169.254/latest/meta-data", "https://metadata.google.internal/atservicesrest",
		"https://webservices3.autotask.net@" + host, "https://" + host + "#webservices3.autotask.net", "https://" + host + "?webservices3.autotask.net",
		"https://webservices3.autotask.net:" + port, "http://webservices3.autotask.net", "https://webservices3.autotask.net%2f@" + host,
		`https://` + host + `\\@webservices3.autotask.net`, "https://webservices3.autotask.net.127.0.0.1.nip.example", "file:///etc/passwd",
		"gopher://" + host, "//" + host, "https://user:secret@webservices3.autotask.net",
	}
	refused := func(what string, zone string) {
		t.Helper()
		request := service.Create()
		request.Zone = zone
		_, err := w.Admin.TryInstallation(t.Context(), request)
		if _, ok := errors.AsType[*v1.Problem](err); !ok {
			t.Errorf("%s: %v, want a refusal", what, err)
		}
	}
	for _, zone := range zones {
		refused("given "+zone, zone)
		answer := strings.ReplaceAll(zone, `\`, `\\`)
		found.Store(&answer)
		refused("discovered "+zone, "")
		redirect := "redirect " + zone
		found.Store(&redirect)
		refused("redirected to "+zone, "")
		found.Store(nil)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the service asked inside %d times", n)
	}
}
