// Package network says under what clients are counted: whoever has one address of an IPv6
// /64 has them all. It resolves no name and keeps nothing. Every layer may use it.
package network

import "net/netip"

// Of is what an address is counted under: itself, or of IPv6 its /64, without a zone, and IPv4 as
// IPv4. "unknown" for the zero Addr.
func Of(addr netip.Addr) string {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return "unknown"
	}
	if addr.Is6() && !addr.IsLoopback() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
