package lease

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"

	"github.com/nats-io/nats-server/v2/server"
)

// proxy passes connections on to a server. Once it is blocked it reads nothing more from the
// first one and leaves it open; new connections pass.
type proxy struct {
	listener net.Listener
	blocked  chan struct{}
	done     sync.WaitGroup
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	harness.OK(t, err)
	p := &proxy{listener: l, blocked: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	p.done.Go(func() {
		for first := true; ; first = false {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.done.Go(func() { p.pass(ctx, c, to, first) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		p.done.Wait()
	})
	return p
}

func (p *proxy) pass(ctx context.Context, c net.Conn, to string, blocks bool) {
	defer c.Close()
	var d net.Dialer
	srv, err := d.DialContext(ctx, "tcp", to)
	if err != nil {
		return
	}
	defer srv.Close()
	defer context.AfterFunc(ctx, func() { _, _ = c.Close(), srv.Close() })()
	p.done.Go(func() { _, _ = io.Copy(c, srv) })
	_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
	for b := make([]byte, 4<<10); ; {
		n, err := c.Read(b)
		if blocks {
			select {
			case <-p.blocked:
				<-ctx.Done()
				return
			default:
			}
		}
		if err != nil {
			return
		}
		if _, err := srv.Write(b[:n]); err != nil {
			return
		}
	}
}

// A connection that accepts no more data is given up within seconds, though requests wait in it.
// A write to it, or a reading of its state, waits no longer than that.
func TestAConnectionThatTakesNothingIsGivenUp(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	p := newProxy(t, srv.Addr().String())
	link, _ := natstest.Reach(t, "nats://"+p.listener.Addr().String(), 1)
	close(p.blocked)
	began := time.Now()
	sent := make(chan time.Duration, 1)
	go func() {
		var longest time.Duration
		for body := make([]byte, 256<<10); link.Lost.Load() == 0 && time.Since(began) < 20*time.Second; {
			at := time.Now()
			err := link.NC.Publish("nobody.listens", body)
			longest = max(longest, time.Since(at))
			if err != nil {
				break
			}
		}
		sent <- longest
	}()
	longest := <-sent
	if longest > 8*time.Second {
		t.Errorf("a write waited for %s", longest)
	}
	harness.Until(t, "the connection to be back", 10*time.Second, func() bool { return link.Lost.Load() > 0 && link.NC.IsConnected() })
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it was back after %s", took)
	}
	if err := link.NC.FlushTimeout(5 * time.Second); err != nil {
		t.Errorf("the new connection: %v", err)
	}
}
