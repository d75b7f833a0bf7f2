package network

import (
	"net/netip"
	"testing"

	"channelsync/test/harness"
)

func TestAnIPv6NetworkCountsAsOne(t *testing.T) {
	harness.Table(t, func(addr string) string { return Of(netip.MustParseAddr(addr)) }, map[string]string{
		"203.0.113.7": "203.0.113.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "::1": "::1", "::ffff:203.0.113.7": "203.0.113.7",
		"fe80::1%eth0": "fe80::/64",
	})
	if got := Of(netip.Addr{}); got != "unknown" {
		t.Errorf("no address: got %s", got)
	}
}
