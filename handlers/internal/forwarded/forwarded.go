// Package forwarded finds which client sent a request, and whether over TLS, when
// proxies stand between. It believes X-Forwarded-For and X-Forwarded-Proto of
// trusted networks only. It reads headers only: it resolves
// no name and keeps nothing. Used by handlers and the packages below it.
package forwarded

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"channelsync/internal/network"
)

// Client is who sent a request.
type Client struct {
	// Addr is the client's address, without zone, IPv4 as IPv4. It is the zero Addr
	// when the peer has none, such as on a Unix socket.
	Addr netip.Addr
	TLS  bool // the client came over TLS, to us or to the outermost trusted proxy
}

// Network is what the client is counted under: its address, or of IPv6 its /64, since
// whoever has one address of a /64 has them all.
func (c Client) Network() string { return network.Of(c.Addr) }

// String is the client's address for the log and the audit; "unknown" without one.
func (c Client) String() string {
	if !c.Addr.IsValid() {
		return "unknown"
	}
	return c.Addr.String()
}

// Proxies are the networks whose forwarded headers are believed. Nobody is trusted by
// the zero value.
type Proxies []netip.Prefix

// Trust says whether addr is in one of the networks.
func (p Proxies) Trust(addr netip.Addr) bool {
	addr = plain(addr)
	return slices.ContainsFunc(p, func(trusted netip.Prefix) bool { return trusted.Contains(addr) })
}

// Client is the sender of r. X-Forwarded-For is walked from the right, as long as the
// hop that wrote an element is trusted; what is left of it anybody may have made up.
// An element that is no address ends the walk, and the last good hop is the client.
//
// X-Forwarded-Proto is walked along with it, since some proxies append to it as well;
// where it has fewer elements than there were hops, its first one counts: most proxies
// write only one.
func (p Proxies) Client(r *http.Request) Client {
	c := Client{TLS: r.TLS != nil}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return c
	}
	c.Addr = plain(peer.Addr())
	if !p.Trust(c.Addr) {
		return c
	}
	hops := elements(r.Header, "X-Forwarded-For")
	writer := 0 // how many hops from us the one is that saw the client
	for i := len(hops) - 1; i >= 0 && p.Trust(c.Addr); i-- {
		hop, ok := address(hops[i])
		if !ok {
			break
		}
		c.Addr, writer = hop, len(hops)-1-i
	}
	if protos := elements(r.Header, "X-Forwarded-Proto"); len(protos) > 0 {
		switch strings.ToLower(protos[max(0, len(protos)-1-writer)]) {
		case "https":
			c.TLS = true
		case "http":
			c.TLS = false
		}
	}
	return c
}

// elements are those of a list that may be spread over several header lines.
func elements(h http.Header, name string) []string {
	lines := h.Values(name)
	if len(lines) == 0 {
		return nil
	}
	all := strings.Split(strings.Join(lines, ","), ",")
	for i, e := range all {
		all[i] = strings.Trim(e, " \t")
	}
	return all
}

// address reads an element of X-Forwarded-For: an address, with a port where a proxy
// adds it, in brackets where it is IPv6.
func address(s string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return plain(addr), true
	}
	withPort, err := netip.ParseAddrPort(s)
	return plain(withPort.Addr()), err == nil
}

// plain makes one address of all its spellings.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

type key struct{}

// With is ctx with the client of its request.
func With(ctx context.Context, c Client) context.Context { return context.WithValue(ctx, key{}, c) }

// Of is the client of r: that of its context, else its peer, whatever the headers say.
func Of(r *http.Request) Client {
	if c, ok := r.Context().Value(key{}).(Client); ok {
		return c
	}
	return Proxies(nil).Client(r)
}

// Middleware puts the client of each request into its context.
func (p Proxies) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(With(r.Context(), p.Client(r))))
	})
}
