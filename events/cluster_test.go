package events

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TestReplicated is the whole road on three servers with three replicas, with one
// of them stopped half-way.
func TestReplicated(t *testing.T) {
	if testing.Short() {
		t.Skip("three servers take some seconds to elect")
	}
	t.Parallel()
	servers, urls := threeServers(t)
	b := open(t, func(c *Config) { c.DataDir, c.URL, c.JournalMaxBytes = "", urls, smallJournal })
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
					servers[0].Shutdown()
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
		return errors.Is(err, ErrNotFound)
	})
	if err := b.Worklist().Later(t.Context(), []Mark{mark(77)}, in(-time.Second)); err != nil {
		t.Fatal(err)
	}
	eventually(t, 20*time.Second, "the schedule", func() bool {
		d, err := b.Worklist().Depth(t.Context(), inst)
		return err == nil && d.Later == 0
	})
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// threeServers is a cluster that has elected its leader, and its addresses.
func threeServers(t *testing.T) (servers []*server.Server, urls string) {
	t.Helper()
	ports := freePorts(t, 3)
	var routes []*url.URL
	for _, p := range ports {
		routes = append(routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	for i := range 3 {
		srv, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprintf("n%d", i), StoreDir: t.TempDir(), SyncAlways: true, Routes: routes,
			Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: ports[i]},
			Host:    "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Start()
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
		servers = append(servers, srv)
	}
	for _, srv := range servers {
		if !srv.ReadyForConnections(10 * time.Second) {
			t.Fatal("not ready")
		}
		urls += "," + srv.ClientURL()
	}
	eventually(t, 20*time.Second, "a leader of three", func() bool {
		for _, srv := range servers {
			if srv.JetStreamIsLeader() {
				return len(srv.JetStreamClusterPeers()) == 3
			}
		}
		return false
	})
	return servers, urls[1:]
}
