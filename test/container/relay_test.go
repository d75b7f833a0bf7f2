package container

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"channelsync/test/harness"
)

// relay passes connections on to an address that may change: the engine maps
// another port each time a container starts, while the service keeps the URL
// that it was given.
type relay struct {
	listener net.Listener
	working  sync.WaitGroup

	mu     sync.Mutex
	target string // empty: connections are closed at once
	open   map[net.Conn]bool
	closed bool
}

// startRelay listens on loopback until the test's cleanup.
func startRelay(t *testing.T) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	r := &relay{listener: l, open: map[net.Conn]bool{}}
	r.working.Go(r.serve)
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.Cut()
		r.working.Wait()
	})
	return r
}

// Addr is where the relay listens.
func (r *relay) Addr() string { return r.listener.Addr().String() }

// To passes new connections on to address.
func (r *relay) To(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = address
}

// Cut closes every connection and passes none on until To.
func (r *relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.target = ""
	for conn := range r.open {
		_ = conn.Close()
	}
}

func (r *relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.working.Go(func() { r.pass(near) })
	}
}

func (r *relay) pass(near net.Conn) {
	defer func() { _ = near.Close() }()
	r.mu.Lock()
	target := r.target
	r.mu.Unlock()
	if target == "" {
		return
	}
	far, err := net.DialTimeout("tcp", target, 5*time.Second)
	if err != nil {
		return
	}
	defer func() { _ = far.Close() }()
	if !r.keep(target, near, far) {
		return
	}
	defer r.forget(near, far)
	back := make(chan struct{})
	go func() {
		defer close(back)
		_, _ = io.Copy(near, far)
		_ = near.Close()
	}()
	_, _ = io.Copy(far, near)
	_ = far.Close()
	<-back
}

// keep remembers the connections, unless the relay was cut while they were made.
func (r *relay) keep(target string, conns ...net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.target != target {
		return false
	}
	for _, c := range conns {
		r.open[c] = true
	}
	return true
}

func (r *relay) forget(conns ...net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range conns {
		delete(r.open, c)
	}
}
