package events

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	js "channelsync/events/internal/jetstream"
)

// TestReplicated is the whole road on three servers with three replicas, with one
// of them stopped half-way.
func TestReplicated(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take some seconds to elect")
	}
	t.Parallel()
	servers := threeServers(t)
	b := open(t, func(c *Config) { c.DataDir, c.URL, c.JournalMaxBytes = "", servers.urls, smallJournal })
	if h := b.Health(t.Context()); h.Err != nil || h.Replicas != 3 || h.Embedded {
		t.Errorf("%+v", h)
	}
	// Full, and nothing of it lost.
	var id int64
	var err error
	for err == nil && id < 1000 {
		id++
		_, err = b.Journal().Publish(t.Context(), large(id), "")
	}
	if !errors.Is(err, ErrJournalFull) {
		t.Fatalf("after %d changes: %v", id, err)
	}
	if n := len(journalIDs(t, b)); n != int(id-1) {
		t.Errorf("%d of %d stored", n, id-1)
	}
	dispatch(t, b)
	dispatched(t, b, uint64(id-1))
	if err := b.Worklist().PurgeInstallation(t.Context(), inst); err != nil {
		t.Fatal(err)
	}
	// From many sides at once, with a server lost meanwhile.
	var mu sync.Mutex
	acked := make(map[int64]bool)
	var wg sync.WaitGroup
	for p := range 40 {
		wg.Go(func() {
			for i := range 10 {
				id := int64(10000 + p*10 + i)
				for {
					_, err := b.Journal().Publish(t.Context(), change(id), fmt.Sprintf("m%d", id))
					if t.Context().Err() != nil || err == nil {
						break
					}
				}
				mu.Lock()
				acked[id] = true
				mu.Unlock()
				if p == 0 && i == 4 {
					servers.stop(0)
				}
			}
		})
	}
	wg.Wait()
	// (Marks of changes that were on their way to dispatch come after AckWait.)
	eventually(t, 20*time.Second, "every acknowledged change in the journal", func() bool {
		stored := make(map[int64]bool)
		err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(c StoredChange) error {
			stored[c.ID] = true
			return nil
		})
		for id := range acked {
			if !stored[id] {
				return false
			}
		}
		return err == nil
	})
	tab := table(t, b, TableConfig{Name: "t", Secure: true})
	for _, v := range []string{"1", "2"} {
		if _, err := tab.Put(t.Context(), "k", []byte(v)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tab.Erase(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	eventually(t, 5*time.Second, "the key to be gone", func() bool {
		_, err := tab.Get(t.Context(), "k")
		return errors.Is(err, js.ErrNotFound)
	})
	if err := b.Worklist().Later(t.Context(), []Mark{mark(77)}, in(-time.Second)); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the schedule", func() bool {
		d, err := b.Worklist().Depth(t.Context(), inst)
		return err == nil && d.Later == 0
	})
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

// trio is a cluster of three servers.
type trio struct {
	t       *testing.T
	opts    []*server.Options
	servers []*server.Server
	urls    string
}

// threeServers starts a cluster and waits until it has elected its leader.
func threeServers(t *testing.T) *trio {
	t.Helper()
	ports := freePorts(t, 6)
	var routes []*url.URL
	for _, p := range ports[:3] {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	c := &trio{t: t, servers: make([]*server.Server, 3)}
	for i := range c.servers {
		c.opts = append(c.opts, &server.Options{
			ServerName: fmt.Sprintf("n%d", i), StoreDir: t.TempDir(), SyncAlways: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]},
			Host:    "127.0.0.1", Port: ports[3+i], NoSigs: true, NoLog: true, JetStream: true,
		})
		c.start(i)
		c.urls += fmt.Sprintf(",nats://127.0.0.1:%d", ports[3+i])
	}
	c.urls = c.urls[1:]
	t.Cleanup(func() {
		for i := range c.servers {
			c.stop(i)
		}
	})
	for _, srv := range c.servers {
		if !srv.ReadyForConnections(30 * time.Second) {
			t.Fatal("not ready")
		}
	}
	eventually(t, 60*time.Second, "a leader of three", func() bool {
		i := c.leader()
		return i >= 0 && len(c.servers[i].JetStreamClusterPeers()) == 3
	})
	return c
}

func (c *trio) start(i int) {
	c.t.Helper()
	srv, err := server.NewServer(c.opts[i].Clone())
	if err != nil {
		c.t.Error(err)
		return
	}
	srv.Start()
	c.servers[i] = srv
}

func (c *trio) stop(i int) {
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

// leader is the one that leads, or -1.
func (c *trio) leader() int {
	return slices.IndexFunc(c.servers, func(srv *server.Server) bool { return srv.JetStreamIsLeader() })
}

// TestATableAnswersOnceItIsOpen: of two instances that started together on a new cluster, one could end because the
// table that the other had made did not answer yet.
func TestATableAnswersOnceItIsOpen(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take some seconds to elect")
	}
	t.Parallel()
	urls := threeServers(t).urls
	var at [2]*Bus
	for i := range at {
		at[i] = open(t, func(c *Config) { c.DataDir, c.URL, c.Replicas = "", urls, 3 })
	}
	for n := range 12 {
		var both sync.WaitGroup
		for _, b := range at {
			both.Go(func() {
				table, err := b.Table(t.Context(), TableConfig{Name: fmt.Sprintf("table%d", n)})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := table.Get(t.Context(), "key"); !errors.Is(err, js.ErrNotFound) {
					t.Errorf("table %d: %v", n, err)
				}
			})
		}
		both.Wait()
	}
}
