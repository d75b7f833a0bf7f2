package handlers

import (
	"errors"
	"net"
	"testing"
)

// peers is a listener whose connections come from the given addresses, in turn.
type peers struct {
	net.Listener
	from   []string
	closed int
}

type peer struct {
	net.Conn
	listener *peers
	from     *net.TCPAddr
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
	p.listener.closed++
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
		if err != nil {
			t.Fatal(err)
		}
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
	for name, tc := range map[string]struct {
		from []string
		want int
	}{
		"one address":                   {times(40, "203.0.113.7:1"), 16},
		"one network of IPv6":           {times(20, "[2001:db8::1]:1", "[2001:db8::2]:1"), 16},
		"two addresses":                 {times(40, "203.0.113.7:1", "203.0.113.8:1"), 32},
		"a proxy on this machine":       {times(100, "127.0.0.1:1"), 64},
		"many addresses":                {times(1, manyAddresses(100)...), 64},
		"the same one, in IPv6 clothes": {times(20, "203.0.113.7:1", "[::ffff:203.0.113.7]:1"), 16},
	} {
		listener := &peers{from: tc.from}
		all := len(tc.from)
		l := Bound(listener, files)
		open := accepted(t, l)
		if len(open) != tc.want || listener.closed != all-tc.want {
			t.Errorf("%s: %d taken and %d closed of %d, want %d taken", name, len(open), listener.closed, all, tc.want)
		}
		for _, conn := range open {
			_, _ = conn.Close(), conn.Close() // a server may close twice
		}
		listener.from = tc.from[:1]
		if again := accepted(t, l); len(again) != 1 {
			t.Errorf("%s: no room after all were closed", name)
		}
		if b := l.(*bounded); b.open != 1 || len(b.by) > 1 {
			t.Errorf("%s: %d places and %d addresses are remembered", name, b.open, len(b.by))
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
