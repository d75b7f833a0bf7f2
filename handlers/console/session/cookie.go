package session

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"channelsync/handlers/internal/forwarded"
)

// Cookies sets and reads the cookies of one console. Browsers keep cookies by host and
// not by port, so each name has the port that people see: two services on one host do not
// log each other out. Below a path of a host it is the path that keeps them apart, and
// from the host's other programs.
type Cookies struct {
	host, port string // of --admin-url; empty: whatever the request was sent to
	path       string // "/" on a host of its own
}

// NewCookies returns the cookies of the console at a base URL; empty: of any.
func NewCookies(base string) Cookies {
	u, err := url.Parse(base)
	if err != nil || base == "" {
		return Cookies{path: "/"}
	}
	port := cmp.Or(u.Port(), portOf(u.Scheme == "https"))
	return Cookies{host: strings.ToLower(u.Hostname()), port: port, path: cmp.Or(strings.TrimRight(u.Path, "/"), "/")}
}

func portOf(tls bool) string {
	if tls {
		return "443"
	}
	return "80"
}

// Set sets a cookie that no script reads, and that no other site sends along with a write;
// an empty value removes it. A link from a mail brings it along.
func (c Cookies) Set(w http.ResponseWriter, r *http.Request, cookie http.Cookie) {
	cookie.Name = c.name(r, cookie.Name)
	cookie.Path, cookie.HttpOnly, cookie.SameSite, cookie.Secure = c.path, true, http.SameSiteLaxMode, secure(r)
	if cookie.Value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

// Get returns what a cookie holds; empty when there is none.
func (c Cookies) Get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(r, name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// secure says whether the browser came over TLS, to us or to a trusted proxy.
func secure(r *http.Request) bool { return forwarded.Of(r).TLS }

// name is what a cookie is called. Over TLS its prefix makes browsers take it over TLS alone, and
// __Host- from this host alone, for all of it: no neighbour can plant one. A path and __Host- exclude
// each other; below a path the host's other programs must not be sent the cookie.
func (c Cookies) name(r *http.Request, name string) string {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, portOf(secure(r))
	}
	if c.host != "" && strings.EqualFold(strings.Trim(host, "[]"), c.host) {
		port = c.port // proxies leave it out, or put in their own
	}
	name = "channelsync_" + name + "_" + port
	switch {
	case !secure(r):
		return name
	case c.path == "/":
		return "__Host-" + name
	}
	return "__Secure-" + name
}

// MaxAge is a cookie's age in seconds.
func MaxAge(d time.Duration) int { return int(d.Seconds()) }
