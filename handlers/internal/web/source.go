package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Source is the network address that a request is counted under: that of the
// peer, or, when the peer is a proxy on this machine, the last element of
// X-Forwarded-For, which is the one that the proxy itself wrote. An IPv6 address
// counts as its /64, since whoever has one of them has them all.
func Source(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := peer.Addr()
	if addr.Unmap().IsLoopback() {
		if forwarded, ok := lastForwarded(r.Header); ok {
			addr = forwarded
		}
	}
	return Network(addr)
}

// Direct says that the request comes from this machine itself, not through a proxy on it.
func Direct(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && len(r.Header.Values("X-Forwarded-For")) == 0
}

func lastForwarded(h http.Header) (netip.Addr, bool) {
	values := h.Values("X-Forwarded-For")
	if len(values) == 0 {
		return netip.Addr{}, false
	}
	last := values[len(values)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if addr, err := netip.ParseAddr(last); err == nil {
		return addr, true
	}
	withPort, err := netip.ParseAddrPort(last) // some proxies add the port
	return withPort.Addr(), err == nil
}

// Network is the address that a peer is counted under: its own, or of IPv6 its /64.
func Network(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
