package handlers

import (
	"net"
	"net/netip"

	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/forwarded"
)

// How many connections a listener keeps open at a time. Each takes an open file,
// and a store that finds none left stops taking writes.
const (
	leastConnections = 16
	mostConnections  = 16 << 10
	mostOfOne        = 1024 // address, unless it is a proxy's or this machine's: they stand for everybody
)

// Bound keeps the connections of a listener to a quarter of the files that the
// process may open, and those of one address to a quarter of that. Beyond it the oldest
// connection that nobody known has used is closed, of the address or of whoever has the
// most: a genuine one finds room whatever unauthenticated clients keep open.
func Bound(l net.Listener, files uint64, proxies []netip.Prefix) net.Listener {
	most := int(min(max(files/4, leastConnections), mostConnections)) //nolint:gosec // at most 16 Ki
	bounded := crowd.Listen(l, most)
	bounded.Each, bounded.Exempt = min(most/4, mostOfOne), forwarded.Proxies(proxies).Trust
	return bounded
}
