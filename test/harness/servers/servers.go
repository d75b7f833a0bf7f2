// Package servers runs NATS servers inside the test's process, alone or three of them.
package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"channelsync/test/harness"
)

// Listening runs a server with a port, as somebody else's would be.
func Listening(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.NoSigs, opts.NoLog, opts.JetStream, opts.Host = true, true, true, "127.0.0.1"
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(opts)
	harness.OK(t, err)
	srv.Start()
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("server not ready")
	}
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	return srv
}

// Port is where a server listens.
func Port(srv *server.Server) int { return srv.Addr().(*net.TCPAddr).Port }

// Streams is how every stream of the account stands.
func Streams(t testing.TB, of jetstream.JetStream) map[string]jetstream.StreamState {
	t.Helper()
	all := map[string]jetstream.StreamState{}
	list := of.ListStreams(t.Context())
	for info := range list.Info() {
		all[info.Config.Name] = info.State
	}
	harness.OK(t, list.Err())
	return all
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

// Three starts a cluster and waits until it has elected its leader.
func Three(t *testing.T) *Trio {
	t.Helper()
	if testing.Short() {
		harness.NotTested(t, "three servers take some seconds to elect, and the tests are to be short")
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
	harness.Until(t, "a leader of three", 60*time.Second, func() bool {
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
