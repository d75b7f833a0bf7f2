package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"

	"channelsync/api/transport"
)

// errBlocked is the error of an address that must not be posted to.
var errBlocked = errors.New("address not allowed")

// metadata are the addresses beyond link-local where clouds tell machines who they are.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
	netip.MustParseAddr("fd20:ce::254"),    // Google Cloud
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure
}

// nat64 is the well-known prefix (RFC 6052) under which IPv4 addresses hide in IPv6 ones.
var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// newTransport dials allowed addresses only. The address is looked at after the
// name was resolved, so a name that changes its mind changes nothing. There is no
// proxy: with one, whoever resolves the name is not this process.
func newTransport(plain bool) *transport.Transport {
	d := &net.Dialer{
		Timeout: postTimeout,
		Control: func(_, address string, _ syscall.RawConn) error { return allowed(address, plain) },
	}
	return transport.New(func(h *http.Transport) {
		h.Proxy, h.DialContext, h.TLSHandshakeTimeout = nil, d.DialContext, postTimeout
		h.MaxIdleConns, h.MaxResponseHeaderBytes = 1, 64<<10
	})
}

// allowed judges a resolved ip:port; plain http goes to loopback only.
func allowed(address string, plain bool) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", errBlocked, address)
	}
	ip := ap.Addr().Unmap().WithZone("")
	if nat64.Contains(ip) {
		b := ip.As16()
		ip = netip.AddrFrom4([4]byte(b[12:]))
	}
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified():
		return fmt.Errorf("%w: %s is link-local or nobody's", errBlocked, ip)
	case plain && !ip.IsLoopback():
		return fmt.Errorf("%w: %s is beyond loopback, which wants https", errBlocked, ip)
	}
	for _, m := range metadata {
		if ip == m {
			return fmt.Errorf("%w: %s is a metadata service", errBlocked, ip)
		}
	}
	return nil
}

func isPlain(url string) bool { return strings.HasPrefix(strings.ToLower(url), "http:") }
