package handlers

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// visited asks for a path under a host, and returns the answer.
func visited(t *testing.T, adminURL, path, host string, change func(*http.Request)) *http.Response {
	t.Helper()
	api := chi.NewRouter()
	api.Get("/status", func(http.ResponseWriter, *http.Request) {})
	h := must(Admin(AdminConfig{
		Sessions: inMemory(), API: api, Tokens: tokens{token: {ID: "root", Name: "root", Role: v1.RoleAdmin}}, Key: token, URL: adminURL, Metrics: prometheus.NewRegistry(), Log: zap.NewNop(),
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}))
	r := httptest.NewRequest("GET", path, nil)
	r.Host = host
	r.RemoteAddr = "203.0.113.7:1"
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestOtherHostsAreRefused(t *testing.T) {
	for _, tc := range []struct {
		url, host string
		refused   bool
	}{
		{"https://console.example", "console.example", false},
		{"https://console.example", "Console.Example.", false},
		{"https://console.example", "console.example:8443", false},
		{"https://console.example:8443", "console.example:8443", false},
		{"https://console.example", "evil.example", true},
		{"https://console.example", "console.example.evil.example", true},
		{"https://console.example", "xconsole.example", true},
		{"https://console.example", "203.0.113.9", true},
		{"https://console.example", "", true},
		{"https://console.example", "localhost", false},
		{"https://console.example", "LOCALHOST:8081", false},
		{"https://console.example", "console.localhost", false},
		{"https://console.example", "127.0.0.1:8081", false},
		{"https://console.example", "127.9.9.9", false},
		{"https://console.example", "[::1]:8081", false},
		{"https://console.example", "[::1]", false},
		{"https://console.example", "localhost.evil.example", true},
		{"https://console.example", "127.0.0.1.evil.example", true},
		{"http://192.0.2.1:8081", "192.0.2.1:8081", false},
		{"http://192.0.2.1:8081", "192.0.2.2:8081", true},
		{"http://[2001:db8::1]:8081", "[2001:DB8:0::1]:8081", false},
		{"", "anything.example", false},
	} {
		for _, path := range []string{"/login", "/api/v1/status", "/debug/pprof/"} {
			resp := visited(t, tc.url, path, tc.host, nil)
			if (resp.StatusCode == http.StatusMisdirectedRequest) != tc.refused || (!tc.refused && resp.StatusCode != http.StatusOK) {
				t.Errorf("%s under %q, of %q: got %d, want refused %v", path, tc.host, tc.url, resp.StatusCode, tc.refused)
			}
			if body := text(t, resp); tc.refused && (!strings.Contains(body, "Use "+tc.url) || !strings.Contains(body, "--admin-url")) {
				t.Errorf("the refusal does not say what to do: %s", body)
			}
		}
	}
}

// Probes and scrapes come by an address, a container's name or without a name at all; a page of somebody else's does not.
func TestProbesComeByAddressAndNoForeignPageDoes(t *testing.T) {
	for _, tc := range []struct {
		url, host string
		refused   bool
	}{
		{"https://console.example", "console.example", false},
		{"https://console.example", "10.0.3.7:8081", false},
		{"https://console.example", "[fd00::7]:8081", false},
		{"https://console.example", "[fe80::7%eth0]:8081", false},
		{"https://console.example", "channelsync-1:8081", false},
		{"https://console.example", "localhost:8081", false},
		{"https://console.example", "", false},
		{"https://console.example", "evil.example", true},
		{"https://console.example", "evil.example:8081", true},
		{"https://console.example", "10.0.3.7.evil.example", true},
		{"https://console.example", "2130706433.evil", true},
		{"", "anything.example", false},
	} {
		for _, path := range []string{"/livez", "/readyz", "/metrics"} {
			want := http.StatusOK
			if tc.refused {
				want = http.StatusMisdirectedRequest
			}
			if resp := visited(t, tc.url, path, tc.host, nil); resp.StatusCode != want {
				t.Errorf("%s under %q, of %q: got %d, want %d", path, tc.host, tc.url, resp.StatusCode, want)
			}
		}
	}
}

func TestBrowsersKeepToTLS(t *testing.T) {
	overTLS := func(r *http.Request) { r.TLS = &tls.ConnectionState{} }
	proxied := func(r *http.Request) {
		r.RemoteAddr = "10.0.0.9:1"
		r.Header.Set("X-Forwarded-Proto", "https")
	}
	for _, tc := range []struct {
		name, url, host string
		change          func(*http.Request)
		want            bool
	}{
		{"plain", "", "console.example", nil, false},
		{"TLS of our own", "", "console.example", overTLS, true},
		{"TLS of a trusted proxy", "", "console.example", proxied, true},
		{"TLS by the address", "https://console.example", "console.example", nil, true},
		{"a stranger's claim", "", "console.example", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, false},
		{"this machine's own names", "https://console.example", "localhost", overTLS, false},
		{"this machine without TLS", "https://console.example", "127.0.0.1", nil, false},
		{"plain on purpose", "http://console.example", "console.example", nil, false},
	} {
		got := visited(t, tc.url, "/login", tc.host, tc.change).Header.Get("Strict-Transport-Security")
		if (got != "") != tc.want {
			t.Errorf("%s: got %q, want one: %v", tc.name, got, tc.want)
		}
	}
}
