package handlers

import (
	"net"
	"net/netip"
	"sync"

	"channelsync/handlers/internal/forwarded"
)

// How many connections a listener keeps open at a time. Each takes an open file,
// and a store that finds none left stops taking writes.
const (
	leastConnections = 16
	mostConnections  = 16 << 10
	mostOfOne        = 1024 // address, unless it is this machine's: a proxy stands for everybody
)

// Bound keeps the connections of a listener to a quarter of the files that the
// process may open, and those of one address to a quarter of that. Connections
// beyond are closed at once; Autotask posts again what it could not deliver.
func Bound(l net.Listener, files uint64) net.Listener {
	most := int(min(max(files/4, leastConnections), mostConnections)) //nolint:gosec // at most 16 Ki
	return &bounded{Listener: l, most: most, each: min(most/4, mostOfOne), by: map[string]int{}}
}

type bounded struct {
	net.Listener
	most, each int

	mu   sync.Mutex
	open int
	by   map[string]int // address of the peer, beyond loopback
}

// Accept returns the next connection that there is room for.
func (b *bounded) Accept() (net.Conn, error) {
	for {
		conn, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if leave, ok := b.enter(conn.RemoteAddr()); ok {
			return &boundedConn{Conn: conn, leave: leave}, nil
		}
		_ = conn.Close() // nobody is told: whoever floods would only be helped
	}
}

func (b *bounded) enter(from net.Addr) (leave func(), ok bool) {
	key := ""
	if peer, err := netip.ParseAddrPort(from.String()); err == nil && !peer.Addr().Unmap().IsLoopback() {
		key = forwarded.Network(peer.Addr())
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open >= b.most || key != "" && b.by[key] >= b.each {
		return nil, false
	}
	b.open++
	if key != "" {
		b.by[key]++
	}
	return sync.OnceFunc(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.open--
		if key == "" {
			return
		}
		if b.by[key]--; b.by[key] == 0 {
			delete(b.by, key)
		}
	}), true
}

// boundedConn gives its place back when it is closed.
type boundedConn struct {
	net.Conn
	leave func()
}

// Close closes the connection, more than once if need be.
func (c *boundedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// CloseWrite lets a server end an answer before it closes the connection, so that
// a client that is still sending gets to read it.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}
