// Package relay passes TCP connections on between a client and a server of a test, and can
// let them die silently. The tests of what must notice that use it.
package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"channelsync/test/harness"
)

// Relay passes connections on and can let them die silently: neither end is notified,
// as when a firewall forgets a connection or a machine loses its power.
type Relay struct {
	listener net.Listener
	working  sync.WaitGroup

	mu     sync.Mutex
	target string
	open   map[*link]bool
}

// link is one connection through the relay. What a dead one is given is swallowed.
type link struct {
	near, far net.Conn
	dead      atomic.Bool
}

// New listens until the test's cleanup.
func New(t testing.TB) *Relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	r := &Relay{listener: l, open: map[*link]bool{}}
	r.working.Go(r.serve)
	t.Cleanup(r.close)
	return r
}

// Addr is where it listens.
func (r *Relay) Addr() string { return r.listener.Addr().String() }

// To says where new connections go.
func (r *Relay) To(addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = addr
}

// Open is how many connections are open, dead ones too: neither end has closed them.
func (r *Relay) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

// Kill lets every connection that is open now die silently, and says how many.
func (r *Relay) Kill() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for l := range r.open {
		if !l.dead.Swap(true) {
			n++
		}
	}
	return n
}

func (r *Relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for l := range r.open {
		l.close()
	}
	r.mu.Unlock()
	r.working.Wait()
}

func (r *Relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		far, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = near.Close()
		} else {
			l := &link{near: near, far: far}
			r.open[l] = true
			r.working.Go(func() { r.pass(l, near, far) })
			r.working.Go(func() { r.pass(l, far, near) })
		}
		r.mu.Unlock()
	}
}

// pass carries one direction. An end that closes closes the other, dead or not:
// by then it has found out by itself.
func (r *Relay) pass(l *link, to, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.dead.Load() {
			_, _ = to.Write(buffer[:n]) // its own pass sees what went wrong
		}
		if err != nil {
			break
		}
	}
	l.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, l)
}

func (l *link) close() {
	_ = l.near.Close()
	_ = l.far.Close()
}
