package web

import (
	"net/netip"
	"strings"
)

// IsLoopback says whether a host, in lower case and without a port, leads to this machine
// by whatever is said of it: a loopback address, localhost, or a name below it (RFC 6761).
func IsLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
