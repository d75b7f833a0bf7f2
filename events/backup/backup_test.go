package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/backup/archive"
	"channelsync/events/internal/natstest"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/internal/lifecycle"
	"channelsync/test/harness"
	"channelsync/test/harness/servers"
	"channelsync/test/harness/stores"
)

// everything fills a store with one of each kind of thing and says what is in it.
func everything(t testing.TB, b *events.Bus) {
	t.Helper()
	for id := int64(1); id <= 40; id++ {
		publish(t, b, change(id), fmt.Sprintf("id-%d", id))
	}
	stop := harness.Go(t, b.Dispatch)
	harness.Until(t, "all is dispatched", 10*time.Second, func() bool {
		n, err := b.Journal().Undispatched(t.Context())
		return err == nil && n == 0
	})
	stop()
	err := b.Worklist().Schedule(t.Context(), []events.DueEntry{dueEntry(99)}, in(time.Hour))
	harness.OK(t, err)
	for _, cfg := range []kv.Config{{Name: store.KeysTable, Secure: true}, {Name: "ledger"}, {Name: "leases", Memory: true}} {
		table, err := b.Table(t.Context(), cfg)
		harness.OK(t, err)
		for _, key := range []string{"a", "b", "a"} { // the second "a" replaces the first
			if _, err := table.Put(t.Context(), key, []byte(cfg.Name+" "+key)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// same compares what two stores hold, but for what lies in memory.
func same(t testing.TB, a, b *events.Bus) {
	t.Helper()
	one, two := servers.Streams(t, a.JS), servers.Streams(t, b.JS)
	delete(one, "KV_leases")
	for name, was := range one {
		is := two[name]
		if name == "KV_"+store.KeysTable && !b.Embedded() {
			is.Msgs, is.LastSeq, is.LastTime = is.Msgs-1, is.LastSeq-1, was.LastTime // the manifest, which an embedded store keeps in a file
		}
		if was.Msgs != is.Msgs || max(was.FirstSeq, 1) != max(is.FirstSeq, 1) || was.LastSeq != is.LastSeq || !was.LastTime.Equal(is.LastTime) {
			t.Errorf("%s: got %+v, want %+v", name, is, was)
		}
	}
	if len(two) != len(one) {
		t.Errorf("got the streams %v, want %v", two, one)
	}
	if diff := cmp.Diff(take(t, a, events.LaneLive), take(t, b, events.LaneLive)); diff != "" {
		t.Errorf("marks differ\n%s", diff)
	}
}

// allDispatched wants dispatch to be as far in a copy as it was.
func allDispatched(t testing.TB, buses ...*events.Bus) {
	t.Helper()
	for _, bus := range buses {
		if n, err := bus.Journal().Undispatched(t.Context()); err != nil || n != 0 {
			t.Errorf("undispatched: %d, %v", n, err)
		}
	}
}

func backUp(t testing.TB, b *events.Bus) []byte {
	t.Helper()
	var file bytes.Buffer
	w := archive.NewWriter(&file, time.Now())
	harness.OK(t, Write(t.Context(), b.Store, w, []string{store.KeysTable}))
	harness.OK(t, w.Close(archive.Manifest{Store: store.Format, Version: "test"}, nil))
	return file.Bytes()
}

// streams are the streams as a build makes them that knows of all but one table.
func streams(t testing.TB) map[string]jetstream.StreamConfig {
	t.Helper()
	all := map[string]jetstream.StreamConfig{}
	for _, cfg := range events.Streams(store.Config{Replicas: 1}) {
		all[cfg.Name] = cfg
	}
	for _, cfg := range []kv.Config{{Name: store.KeysTable, Secure: true}, {Name: "ledger"}} {
		stream, err := kv.StreamConfig(cfg)
		harness.OK(t, err)
		all[stream.Name] = stream
	}
	return all
}

func restoreInto(t testing.TB, file []byte, dir string) error {
	t.Helper()
	m, err := archive.Check(bytes.NewReader(file))
	harness.OK(t, err)
	s, err := store.Open(t.Context(), store.Config{DataDir: dir})
	harness.OK(t, err)
	err = Restore(t.Context(), s, Archive{File: bytes.NewReader(file), Manifest: m, Streams: streams(t)}, nil)
	if closing := s.Close(context.Background()); closing != nil {
		t.Fatal(closing)
	}
	return err
}

func TestBackupRestoresToTheSame(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	everything(t, b)
	file := backUp(t, b)
	m, err := archive.Check(bytes.NewReader(file))
	harness.OK(t, err)
	var names []string
	for _, p := range m.Parts {
		names = append(names, p.Name)
	}
	want := []string{"KV_keys", store.JournalStream, store.WorklistStream, store.DeadLettersStream, "KV_ledger"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the order matters, and memory is not kept\n%s", diff)
	}
	dir := t.TempDir()
	harness.OK(t, restoreInto(t, file, dir))
	restored := stores.Open(t, func(c *store.Config) { c.DataDir = dir })
	same(t, b, restored)
	allDispatched(t, b, restored)
	// What was known to be stored still is, and what is stored next has the next place.
	if r := publish(t, restored, change(40), "id-40"); !r.Duplicate {
		t.Errorf("a message id was forgotten: %+v", r)
	}
	if r := publish(t, restored, change(41), "id-41"); r.Duplicate || r.Sequence != 41 {
		t.Errorf("got %+v", r)
	}
	keys, err := restored.Table(t.Context(), kv.Config{Name: store.KeysTable, Secure: true})
	harness.OK(t, err)
	if e, err := keys.Get(t.Context(), "a"); err != nil || string(e.Value) != "keys a" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestScheduleIsKeptByARestore(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	err := b.Worklist().Schedule(t.Context(), []events.DueEntry{dueEntry(7)}, in(3*time.Second))
	harness.OK(t, err)
	dir := t.TempDir()
	harness.OK(t, restoreInto(t, backUp(t, b), dir))
	restored := stores.Open(t, func(c *store.Config) { c.DataDir = dir })
	harness.Until(t, "the schedule fires", 10*time.Second, func() bool { return len(take(t, restored, events.LaneLive)) == 1 })
}

func TestBackupWhileEverythingIsWritten(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	everything(t, b)
	harness.Go(t, b.Dispatch)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for id := int64(1000); ctx.Err() == nil; id++ {
			_, _ = b.Journal().Publish(ctx, change(id%50), "")
			if entries, err := b.Worklist().Peek(ctx, natstest.Installation, v1.KindCompany, events.LaneLive, 5); err == nil && len(entries) > 0 {
				_ = b.Worklist().AckThrough(ctx, natstest.Installation, v1.KindCompany, events.LaneLive, entries[len(entries)-1].Sequence)
			}
		}
	}()
	file := backUp(t, b)
	cancel()
	<-ended
	dir := t.TempDir()
	harness.OK(t, restoreInto(t, file, dir))
	restored := stores.Open(t, func(c *store.Config) { c.DataDir = dir })
	keys, err := restored.Table(t.Context(), kv.Config{Name: store.KeysTable, Secure: true})
	harness.OK(t, err)
	if e, err := keys.Get(t.Context(), "b"); err != nil || string(e.Value) != "keys b" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestTablesThatMustBeStillAreTakenWhole(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	table, err := b.Table(t.Context(), kv.Config{Name: "hot"})
	harness.OK(t, err)
	for _, key := range []string{"a", "b", "c"} {
		if _, err := table.Put(t.Context(), key, []byte("0")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // in bursts, with a rest between
		defer close(ended)
		for ctx.Err() == nil {
			for range 20 {
				_, _ = table.Put(ctx, "a", []byte("1"))
			}
			_ = lifecycle.Sleep(ctx, 100*time.Millisecond)
		}
	}()
	for range 3 {
		var file bytes.Buffer
		w := archive.NewWriter(&file, time.Now())
		harness.OK(t, Write(t.Context(), b.Store, w, []string{"hot"}))
		harness.OK(t, w.Close(archive.Manifest{Store: store.Format}, nil))
		dir := t.TempDir()
		harness.OK(t, restoreInto(t, file.Bytes(), dir))
		restored, err := events.Open(t.Context(), store.Config{DataDir: dir})
		harness.OK(t, err)
		again, err := restored.Table(t.Context(), kv.Config{Name: "hot"})
		harness.OK(t, err)
		got, err := again.GetMany(t.Context(), []string{"a", "b", "c"})
		if err != nil || len(got) != 3 {
			t.Errorf("got %d of 3 keys, %v", len(got), err)
		}
		stores.Close(t, restored)
	}
	cancel()
	<-ended
}

func TestBackupOfAReceiverThatGoesAwayEnds(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	everything(t, b)
	gone := errors.New("the receiver is gone")
	err := Write(t.Context(), b.Store, archive.NewWriter(failing{gone}, time.Now()))
	if !errors.Is(err, gone) {
		t.Fatalf("got %v", err)
	}
	backUp(t, b) // the next one works
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// A stream is made as this build makes it, whatever the archive says of it: it copies from nowhere and sends nothing on.
func TestStreamsAreSetUpByTheCodeAlone(t *testing.T) {
	t.Parallel()
	b := stores.Open(t)
	everything(t, b)
	stream, err := b.JS.Stream(t.Context(), "KV_ledger")
	harness.OK(t, err)
	cfg := stream.CachedInfo().Config
	cfg.RePublish, cfg.MaxMsgSize, cfg.Description = &jetstream.RePublish{Source: ">", Destination: "stolen.>"}, 1<<10, "channelsync: another"
	if _, err := b.JS.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	harness.OK(t, restoreInto(t, backUp(t, b), dir))
	s, err := store.Open(t.Context(), store.Config{DataDir: dir})
	harness.OK(t, err)
	defer func() { _ = s.Close(context.Background()) }()
	made, err := s.JS.Stream(t.Context(), "KV_ledger")
	harness.OK(t, err)
	got := made.CachedInfo()
	if got.Config.RePublish != nil || got.Config.MaxMsgSize > 0 || got.Config.Description != "channelsync: ledger" || got.State.Msgs != 2 {
		t.Errorf("it was made %+v with %d messages", got.Config, got.State.Msgs)
	}
}

func TestRestoreRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	w := archive.NewWriter(&file, time.Now())
	if _, err := w.Begin("ORDERS"); err != nil {
		t.Fatal(err)
	}
	harness.OK(t, w.End(archive.Part{Config: []byte(`{"name":"ORDERS"}`), State: []byte(`{}`)}))
	harness.OK(t, w.Close(archive.Manifest{Store: store.Format}, nil))
	if err := restoreInto(t, file.Bytes(), t.TempDir()); !errors.Is(err, archive.ErrDamaged) {
		t.Fatalf("got %v", err)
	}
	m := archive.Manifest{Store: store.Format + 1, Version: "v9"}
	s, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir()})
	harness.OK(t, err)
	defer func() { _ = s.Close(context.Background()) }()
	if err := Restore(t.Context(), s, Archive{Manifest: m}, nil); !errors.Is(err, store.ErrNewerStore) {
		t.Fatalf("got %v", err)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	migrateTo(t, srv.ClientURL(), 1)
}

func TestMigrateToThreeServers(t *testing.T) {
	t.Parallel()
	migrateTo(t, servers.Three(t).URLs, 3)
}

// TestMigrateDispatchesNothingAgain: a consumer that an election leaves at the journal's beginning would deliver all of it
// again; the migration begins anew instead.
func TestMigrateDispatchesNothingAgain(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	dir := t.TempDir()
	b, err := events.Open(t.Context(), store.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	everything(t, b)
	stores.Close(t, b)
	copies := 0
	forget := sync.OnceFunc(func() { forgetAcknowledged(t, srv.ClientURL(), store.JournalStream) })
	to := store.Config{URL: srv.ClientURL(), Replicas: 1}
	err = Migrate(t.Context(), store.Config{DataDir: dir}, to, func(r Restored) {
		if r.Name == store.JournalStream {
			copies++
			forget()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if copies != 2 {
		t.Errorf("the journal was copied %d times, want 2", copies)
	}
	allDispatched(t, stores.Open(t, func(c *store.Config) { c.DataDir, c.URL, c.Replicas = "", to.URL, 1 }))
}

// forgetAcknowledged makes each consumer of a stream anew, so that it begins at the stream's beginning.
func forgetAcknowledged(t *testing.T, url, name string) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for info := range stream.ListConsumers(t.Context()).Info() {
		if err := stream.DeleteConsumer(t.Context(), info.Name); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.CreateConsumer(t.Context(), info.Config); err != nil {
			t.Fatal(err)
		}
		made++
	}
	if made == 0 {
		t.Fatalf("stream %s has no consumer", name)
	}
}

// TestMigrateThroughAnElection: a server that leads is lost under way and comes back,
// and the migration goes on by itself.
func TestMigrateThroughAnElection(t *testing.T) {
	t.Parallel()
	for what, leads := range map[string]func(*server.Server) bool{
		"the cluster's leader": (*server.Server).JetStreamIsLeader,
		"the journal's leader": func(srv *server.Server) bool { return srv.JetStreamIsStreamLeader("$G", store.JournalStream) },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			migrateWithout(t, leads)
		})
	}
}

// migrateWithout moves a store while the server that leads is away for a while.
func migrateWithout(t *testing.T, leads func(*server.Server) bool) {
	servers := servers.Three(t)
	dir := t.TempDir()
	b, err := events.Open(t.Context(), store.Config{DataDir: dir})
	harness.OK(t, err)
	everything(t, b)
	copied := backUp(t, b) // to compare with later
	stores.Close(t, b)

	back := make(chan struct{})
	lose := sync.OnceFunc(func() {
		leader := slices.IndexFunc(servers.Servers, leads)
		if leader < 0 {
			t.Error("nobody leads")
			leader = 0
		}
		servers.Stop(leader)
		time.AfterFunc(4*time.Second, func() { // longer than an election takes
			defer close(back)
			servers.Start(leader)
		})
	})
	err = Migrate(t.Context(), store.Config{DataDir: dir}, store.Config{URL: servers.URLs, Replicas: 3}, func(Restored) { lose() })
	<-back
	harness.OK(t, err)
	home := filepath.Join(t.TempDir(), "was")
	harness.OK(t, restoreInto(t, copied, home))
	was := stores.Open(t, func(c *store.Config) { c.DataDir = home })
	is := stores.Open(t, func(c *store.Config) { c.DataDir, c.URL, c.Replicas = "", servers.URLs, 3 })
	same(t, was, is)
	allDispatched(t, was, is)
}

func TestIntact(t *testing.T) {
	t.Parallel()
	copied := Restored{Name: "CHANGES", Messages: 40, Of: 40, Last: 40}
	for what, c := range map[string]struct {
		state jetstream.StreamState
		lost  bool
	}{
		"all is there":          {jetstream.StreamState{Msgs: 40, FirstSeq: 1, LastSeq: 40}, false},
		"some expired":          {jetstream.StreamState{Msgs: 12, FirstSeq: 29, LastSeq: 40}, false},
		"all expired":           {jetstream.StreamState{FirstSeq: 41, LastSeq: 40}, false},
		"a schedule fired":      {jetstream.StreamState{Msgs: 40, FirstSeq: 2, LastSeq: 41}, false},
		"an empty copy leads":   {jetstream.StreamState{FirstSeq: 1}, true},
		"the end of it is gone": {jetstream.StreamState{Msgs: 39, FirstSeq: 1, LastSeq: 39}, true},
	} {
		if err := intact(copied, c.state); errors.Is(err, errLost) != c.lost {
			t.Errorf("%s: got %v", what, err)
		}
	}
}

// migrateTo moves a store, after a try that was cut short, and compares.
func migrateTo(t *testing.T, urls string, replicas int) {
	dir := t.TempDir()
	b, err := events.Open(t.Context(), store.Config{DataDir: dir})
	harness.OK(t, err)
	everything(t, b)
	harness.OK(t, b.WriteManifest(t.Context(), "v1", []byte("key")))
	copied := backUp(t, b) // to compare with later
	to := store.Config{URL: urls, Replicas: replicas}
	err = Migrate(t.Context(), store.Config{DataDir: dir}, to, nil)
	if !errors.Is(err, store.ErrLocked) {
		t.Fatalf("while it runs: got %v", err)
	}
	stores.Close(t, b)

	ctx, cancel := context.WithCancel(t.Context())
	err = Migrate(ctx, store.Config{DataDir: dir}, to, func(r Restored) {
		if r.Name == store.WorklistStream {
			cancel()
		}
	})
	if err == nil {
		t.Fatal("it was cut short and says nothing")
	}
	removeMarker(t, urls, store.WorklistStream) // a migration may end after it released some of the streams
	_, err = events.Open(t.Context(), to)
	harness.Refused(t, err, "channelsync migrate again")
	harness.OK(t, Migrate(t.Context(), store.Config{DataDir: dir}, to, nil))
	_, err = events.Open(t.Context(), store.Config{DataDir: dir})
	harness.Refused(t, err, "was moved to", "--nats-url")
	_, err = store.Open(t.Context(), store.Config{DataDir: dir})
	harness.Refused(t, err, "was moved to")

	// A try that moved everything and could not say so: the next one only says it.
	harness.OK(t, os.Remove(filepath.Join(dir, "moved.json")))
	err = Migrate(t.Context(), store.Config{DataDir: dir}, to, func(r Restored) { t.Errorf("copied again: %+v", r) })
	harness.OK(t, err)
	_, err = events.Open(t.Context(), store.Config{DataDir: dir})
	harness.Refused(t, err, "was moved to", "--nats-url")

	back := filepath.Join(t.TempDir(), "back")
	harness.OK(t, restoreInto(t, copied, back))
	was := stores.Open(t, func(c *store.Config) { c.DataDir = back })
	is := stores.Open(t, func(c *store.Config) { c.DataDir, c.URL, c.Replicas = "", urls, replicas })
	same(t, was, is)
	allDispatched(t, was, is)
	if is.Manifest().Version != "v1" || string(is.Manifest().Key) != "key" {
		t.Errorf("manifest: %+v", is.Manifest())
	}
	// The journal can be read from a time on, as it was stored.
	if ids := journalIDs(t, is); len(ids) != 40 {
		t.Errorf("%d changes", len(ids))
	}

	other := signedStore(t, "another")
	err = Migrate(t.Context(), store.Config{DataDir: other}, to, nil)
	if !errors.Is(err, ErrOccupied) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v", err)
	}
	stores.Open(t, func(c *store.Config) { c.DataDir = other }) // it was not moved
}

// removeMarker removes a migration's marker from a stream, as its last step does.
func removeMarker(t *testing.T, urls, name string) {
	t.Helper()
	nc, err := nats.Connect(urls)
	harness.OK(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	harness.OK(t, err)
	stream, err := js.Stream(t.Context(), name)
	harness.OK(t, err)
	cfg := stream.CachedInfo().Config
	cfg.Metadata = ownMetadata(cfg.Metadata)
	if cfg.Metadata[store.MigratingKey] == "" {
		t.Fatalf("%s has no marker: %v", name, cfg.Metadata)
	}
	delete(cfg.Metadata, store.MigratingKey)
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

func TestMigrateWantsAStore(t *testing.T) {
	t.Parallel()
	srv := servers.Listening(t, &server.Options{StoreDir: t.TempDir()})
	to := store.Config{URL: srv.ClientURL(), Replicas: 1}
	if err := Migrate(t.Context(), store.Config{DataDir: t.TempDir()}, to, nil); err == nil || !strings.Contains(err.Error(), "holds no store") {
		t.Errorf("got %v", err)
	}
	dir := signedStore(t, "key")
	if err := Migrate(t.Context(), store.Config{DataDir: dir}, store.Config{DataDir: t.TempDir()}, nil); err == nil {
		t.Error("to an embedded one")
	}
}
