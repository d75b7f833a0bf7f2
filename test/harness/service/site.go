package service

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// Site is somebody else's site that has the console of a service below a path, by a proxy that strips the path or passes
// it on.
type Site struct {
	URL    string // of the console, for --admin-url and browsers
	behind *url.URL
}

// NewSite opens a site. A request that leaves the path is for something else of that host, and fails the test.
func NewSite(t testing.TB, path string, strip bool) *Site {
	t.Helper()
	s := &Site{}
	through := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if strip {
			r.Out.URL.Path = strings.TrimPrefix(r.Out.URL.Path, path)
			r.Out.URL.RawPath = strings.TrimPrefix(r.Out.URL.RawPath, path)
		}
		r.SetURL(s.behind)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}, ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path || strings.HasPrefix(r.URL.Path, path+"/") {
			through.ServeHTTP(w, r)
			return
		}
		t.Errorf("%s %s went to another program of the host", r.Method, r.URL)
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL + path
	return s
}

// Leads sends what comes for the console to a service, which has to be running.
func (s *Site) Leads(w *Harness) {
	w.T.Helper()
	var err error
	if s.behind, err = url.Parse(w.AdminURL); err != nil {
		w.T.Fatal(err)
	}
}
