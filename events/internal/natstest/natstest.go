// Package natstest is what the tests of events and of the packages below it share: servers
// inside the test's process, alone or three of them, and links to them. Only tests import it.
package natstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	js "channelsync/events/internal/jetstream"
)

// Ids of two installations.
const (
	Installation = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	Other        = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

// External runs a server with a port, as somebody else's would be.
func External(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.NoSigs, opts.NoLog, opts.JetStream, opts.Host = true, true, true, "127.0.0.1"
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

// Port is where a server listens.
func Port(srv *server.Server) int { return srv.Addr().(*net.TCPAddr).Port }

// Eventually polls until ok says so, at most within.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// StreamStates is how every stream of the account stands.
func StreamStates(t testing.TB, of jetstream.JetStream) map[string]jetstream.StreamState {
	t.Helper()
	all := map[string]jetstream.StreamState{}
	list := of.ListStreams(t.Context())
	for info := range list.Info() {
		all[info.Config.Name] = info.State
	}
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// RefusedWith wants an error of one line that says all of it.
func RefusedWith(t testing.TB, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was not refused")
	}
	for _, s := range append(says, "") {
		if !strings.Contains(err.Error(), s) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %q, want one line with %q", err, s)
		}
	}
}

// NotTested leaves a test out where the machine lacks what it needs; CI must have it.
func NotTested(t testing.TB, why string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI must have this: "+why, args...)
	}
	t.Skipf("NOT TESTED: "+why, args...)
}

// freePorts are ports below those that a kernel gives to who asks for any, so that
// nobody gets one between the look and its use.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for len(ports) < n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(17000)))
		if err != nil {
			continue
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Trio is a cluster of three servers.
type Trio struct {
	t       *testing.T
	opts    []*server.Options
	Servers []*server.Server
	URLs    string
}

// ThreeServers starts a cluster and waits until it has elected its leader.
func ThreeServers(t *testing.T) *Trio {
	t.Helper()
	if testing.Short() {
		NotTested(t, "three servers take some seconds to elect, and the tests are to be short")
	}
	ports := freePorts(t, 6)
	var routes []*url.URL
	for _, p := range ports[:3] {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	c := &Trio{t: t, Servers: make([]*server.Server, 3)}
	for i := range c.Servers {
		c.opts = append(c.opts, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), StoreDir: t.TempDir(), SyncAlways: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]},
			Host:    "127.0.0.1", Port: ports[3+i], NoSigs: true, NoLog: true, JetStream: true,
		})
		c.Start(i)
		c.URLs += fmt.Sprintf(",nats://127.0.0.1:%d", ports[3+i])
	}
	c.URLs = c.URLs[1:]
	t.Cleanup(func() {
		for i := range c.Servers {
			c.Stop(i)
		}
	})
	for _, srv := range c.Servers {
		if !srv.ReadyForConnections(30 * time.Second) {
			t.Fatal("not ready")
		}
	}
	Eventually(t, 60*time.Second, "a leader of three", func() bool {
		i := c.Leader()
		return i >= 0 && len(c.Servers[i].JetStreamClusterPeers()) == 3
	})
	return c
}

// Start starts one of the servers, again too.
func (c *Trio) Start(i int) {
	c.t.Helper()
	srv, err := server.NewServer(c.opts[i].Clone())
	if err != nil {
		c.t.Error(err)
		return
	}
	srv.Start()
	c.Servers[i] = srv
}

// Stop stops one of the servers.
func (c *Trio) Stop(i int) {
	c.Servers[i].Shutdown()
	c.Servers[i].WaitForShutdown()
}

// Leader is the one that leads, or -1.
func (c *Trio) Leader() int {
	return slices.IndexFunc(c.Servers, func(srv *server.Server) bool { return srv.JetStreamIsLeader() })
}

// Open connects to a server of its own inside the process, which keeps its streams in a
// directory and flushes every write. Both end with the test, or with the returned function.
func Open(t testing.TB, dir string) (link *js.Link, shut func()) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: dir, SyncAlways: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	return connect(t, js.Options{Server: srv, Disk: filepath.Join(dir, "jetstream", "$G", "streams")}, func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
}

// Reach connects to servers that listen.
func Reach(t testing.TB, urls string, replicas int) (link *js.Link, shut func()) {
	t.Helper()
	return connect(t, js.Options{URL: urls, Replicas: replicas}, func() {})
}

func connect(t testing.TB, o js.Options, then func()) (link *js.Link, shut func()) {
	t.Helper()
	o.Log, o.Now, o.Observe = zap.NewNop(), time.Now, func(string, time.Duration) {}
	o.Replicas = max(o.Replicas, 1)
	link, err := js.Connect(t.Context(), o)
	if err != nil {
		then()
		t.Fatal(err)
	}
	var once sync.Once
	shut = func() {
		once.Do(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := link.StopWork(ctx); err != nil {
				t.Errorf("stop what works on the link: %v", err)
			}
			if err := link.Disconnect(ctx); err != nil {
				t.Errorf("disconnect: %v", err)
			}
			then()
		})
	}
	t.Cleanup(shut)
	return link, shut
}

// Await fails the test unless want is what comes next, in time.
func Await[T comparable](t testing.TB, from <-chan T, want T) {
	t.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	select {
	case got := <-from:
		if got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	case <-end.C:
		t.Fatalf("%v does not come", want)
	}
}
