package crowd

import (
	"context"
	"net"
	"net/netip"

	"channelsync/internal/network"
)

// Listener bounds the connections of a listener, in all and of one address. Those of
// exempt peers count in all only: proxies stand for everybody.
type Listener struct {
	net.Listener
	Each   int
	Exempt func(netip.Addr) bool
	crowd  *Crowd
}

// Listen bounds l to most connections.
func Listen(l net.Listener, most int) *Listener {
	return &Listener{Listener: l, crowd: New(Limits{Slots: most})}
}

// Accept returns the next connection that there is room for.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http looks at it
		}
		conn := &Conn{Conn: accepted}
		if key, each := l.counted(accepted.RemoteAddr()); conn.enter(l.crowd, key, each) {
			return conn, nil
		}
		_ = accepted.Close() // without an answer, which would only help a flood
	}
}

func (l *Listener) counted(from net.Addr) (key string, each int) {
	peer, err := netip.ParseAddrPort(from.String())
	if err != nil || peer.Addr().Unmap().IsLoopback() || l.Exempt != nil && l.Exempt(peer.Addr()) {
		return "", 0
	}
	return network.Of(peer.Addr()), l.Each
}

// Conn is a connection that gives its slot back when it is closed.
type Conn struct {
	net.Conn
	slot *Slot
}

func (c *Conn) enter(crowd *Crowd, key string, each int) (ok bool) {
	c.slot, ok = crowd.Enter(key, each, func() { _ = c.Conn.Close() })
	return ok
}

// Close closes the connection, more than once if need be.
func (c *Conn) Close() error {
	defer c.slot.Leave()
	return c.Conn.Close() //nolint:wrapcheck // net.ErrClosed must stay what it is
}

// CloseWrite lets a server end an answer before it closes the connection, so that
// a client that is still sending gets to read it.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite() //nolint:wrapcheck // as above
	}
	return nil
}

type connKey struct{}

// ConnContext is for http.Server: requests know the connection that they came over.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = over.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// Vouch says that somebody known sends the request that ctx belongs to: until done is
// called its connection is not cut off to make room for others.
func Vouch(ctx context.Context) (done func()) {
	conn, ok := ctx.Value(connKey{}).(*Conn)
	if !ok {
		return func() {}
	}
	conn.slot.Keep()
	return conn.slot.Loosen
}
