package handlers

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"channelsync/handlers/internal/crowd"
	"channelsync/test/harness"
)

// peers is a listener whose connections come from the given addresses, in turn.
type peers struct {
	net.Listener
	from   []string
	closed int // connections
}

type peer struct {
	net.Conn
	listener *peers
	from     *net.TCPAddr
	closed   bool
}

func (p *peers) Accept() (net.Conn, error) {
	if len(p.from) == 0 {
		return nil, net.ErrClosed
	}
	addr, err := net.ResolveTCPAddr("tcp", p.from[0])
	p.from = p.from[1:]
	return &peer{listener: p, from: addr}, err
}

func (p *peer) RemoteAddr() net.Addr { return p.from }

func (p *peer) Close() error {
	if !p.closed {
		p.closed = true
		p.listener.closed++
	}
	return nil
}

// accepted takes every connection that comes and returns those that there was room for.
func accepted(t *testing.T, l net.Listener) []net.Conn {
	t.Helper()
	var open []net.Conn
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return open
		}
		harness.OK(t, err)
		open = append(open, conn)
	}
}

func times(n int, addresses ...string) []string {
	var all []string
	for range n {
		all = append(all, addresses...)
	}
	return all
}

func TestConnectionsAreBounded(t *testing.T) {
	const files = 256 // 64 connections, 16 of one address
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for name, tc := range map[string]struct {
		from []string
		want int
	}{
		"one address":                   {times(40, "203.0.113.7:1"), 16},
		"one network of IPv6":           {times(20, "[2001:db8::1]:1", "[2001:db8::2]:1"), 16},
		"two addresses":                 {times(40, "203.0.113.7:1", "203.0.113.8:1"), 32},
		"a process on this machine":     {times(100, "127.0.0.1:1"), 64},
		"a trusted proxy":               {times(100, "10.0.0.9:1"), 64},
		"many addresses":                {times(1, manyAddresses(100)...), 64},
		"the same one, in IPv6 clothes": {times(20, "203.0.113.7:1", "[::ffff:203.0.113.7]:1"), 16},
	} {
		listener := &peers{from: tc.from}
		all := len(tc.from)
		l := Bound(listener, files, proxies)
		open := accepted(t, l)
		if len(open) != all || listener.closed != all-tc.want {
			t.Errorf("%s: %d taken and %d closed of %d, want all taken and all but %d closed", name, len(open), listener.closed, all, tc.want)
		}
		if last := open[len(open)-1].(*crowd.Conn).Conn.(*peer); last.closed {
			t.Errorf("%s: the last one was closed in favour of older ones", name)
		}
		for _, conn := range open {
			_, _ = conn.Close(), conn.Close() // a server may close twice
		}
		listener.from, listener.closed = tc.from[:1], 0
		if again := accepted(t, l); len(again) != 1 || listener.closed != 0 {
			t.Errorf("%s: no room after all were closed", name)
		}
	}
}

func manyAddresses(n int) []string {
	var all []string
	for i := range n {
		all = append(all, (&net.TCPAddr{IP: net.IPv4(198, 51, 100, byte(i)), Port: 1}).String())
	}
	return all
}
