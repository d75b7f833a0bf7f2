package handlers

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/web"
)

// hsts tells browsers to come over TLS only, for a year.
const hsts = "max-age=31536000"

// site is the address that people open the console under (--admin-url).
type site struct {
	url   string
	host  string // without a port: proxies leave it out or put in their own
	https bool
	path  string // below which all of it is served, without a slash at its end; empty: the host is its own
}

// newSite reads a base URL; of an empty one every Host is right.
func newSite(base string) site {
	u, err := url.Parse(base)
	if base == "" || err != nil {
		return site{}
	}
	return site{url: base, host: hostname(u.Host), https: u.Scheme == "https", path: strings.TrimRight(u.Path, "/")}
}

// hostname is the host of a Host header or an authority, as it is compared.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().String()
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// only refuses requests for any other host: a foreign page whose name leads here
// (DNS rebinding) reads and does nothing. Loopback names always work.
func (s site) only(next http.Handler) http.Handler {
	return s.unless(next, func(string) bool { return false })
}

// onlyNear is only, but for probes and scrapes: they come by an address, by a name within a network of containers, or
// without any Host. No page of somebody else's has such a name.
func (s site) onlyNear(next http.Handler) http.Handler {
	return s.unless(next, func(host string) bool {
		_, err := netip.ParseAddr(host)
		return err == nil || !strings.Contains(host, ".")
	})
}

func (s site) unless(next http.Handler, right func(host string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		if s.host != "" && host != s.host && !web.IsLoopback(host) && !right(host) {
			web.Problem(w, v1.NewProblem(http.StatusMisdirectedRequest, v1.CodeInvalid,
				"This service is not known under the host name that the request was sent to.",
				"Use "+s.url+", or a loopback name on the machine itself. Where a proxy is in front, it must pass on the "+
					"header Host as it is. Another address is set by --admin-url."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// secured notes that the client came over TLS where --admin-url says so, even if no proxy
// does, and makes browsers keep to it. Names of this machine are not theirs alone.
func (s site) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		client := forwarded.Of(r)
		if s.https && host == s.host {
			client.TLS = true
			r = r.WithContext(forwarded.With(r.Context(), client))
		}
		if client.TLS && !web.IsLoopback(host) {
			w.Header().Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
