package fault

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// relay passes connections on and can let them die silently: neither end is told,
// as when a firewall forgets a connection or a machine loses its power.
type relay struct {
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

// newRelay listens until the test's cleanup.
func newRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, open: map[*link]bool{}}
	r.working.Go(r.serve)
	t.Cleanup(r.close)
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// to says where new connections go.
func (r *relay) to(addr string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = addr
}

// kill lets every connection that is open now die silently, and says how many.
func (r *relay) kill() int {
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

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for l := range r.open {
		l.close()
	}
	r.mu.Unlock()
	r.working.Wait()
}

func (r *relay) serve() {
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
func (r *relay) pass(l *link, to, from net.Conn) {
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
