package kv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/internal/natstest"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/servers"
)

func table(t testing.TB, l *js.Link, cfg Config) *Table {
	t.Helper()
	tab, err := Open(t.Context(), l, cfg)
	harness.OK(t, err)
	return tab
}

// behind is a stream as a replica sees it that has no message yet.
type behind struct{ jetstream.Stream }

func (behind) GetLastMsgForSubject(context.Context, string) (*jetstream.RawStreamMsg, error) {
	return nil, jetstream.ErrMsgNotFound
}

// TestAReplicaThatIsBehindHidesNoKey of whoever makes one that another instance has made or deleted.
func TestAReplicaThatIsBehindHidesNoKey(t *testing.T) {
	t.Parallel()
	b, shut := natstest.Open(t, t.TempDir())
	defer shut()
	tab, late := table(t, b, Config{Name: "keys"}), table(t, b, Config{Name: "keys"})
	late.Handle = behind{late.Handle}
	own := func() []byte { return []byte("own") }
	revision, err := tab.Put(t.Context(), "a", []byte("theirs"))
	harness.OK(t, err)
	e, err := late.GetOrCreate(t.Context(), "a", own)
	if err != nil || string(e.Value) != "theirs" || e.Revision != revision {
		t.Errorf("got %q of revision %d, %v, want what the other one wrote as %d", e.Value, e.Revision, err, revision)
	}
	harness.OK(t, tab.Delete(t.Context(), "a"))
	for _, who := range []*Table{late, tab} {
		e, err = who.GetOrCreate(t.Context(), "a", own)
		if err != nil || string(e.Value) != "own" || e.Revision <= revision {
			t.Errorf("after a deletion: got %q of revision %d, %v", e.Value, e.Revision, err)
		}
	}
}

func TestTableReadsAndWrites(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "ledger"})
	ctx := t.Context()
	if _, err := tab.Get(ctx, "a.b"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
	rev, err := tab.Create(ctx, "a.b", []byte("1"))
	harness.OK(t, err)
	if _, err := tab.Create(ctx, "a.b", []byte("2")); !errors.Is(err, js.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	if _, err := tab.Update(ctx, "a.b", []byte("2"), rev+5); !errors.Is(err, js.ErrConflict) {
		t.Errorf("updated another revision: %v", err)
	}
	next, err := tab.Update(ctx, "a.b", []byte("2"), rev)
	if err != nil || next <= rev {
		t.Fatalf("update: %d, %v", next, err)
	}
	e, err := tab.Get(ctx, "a.b")
	if err != nil || e.Key != "a.b" || string(e.Value) != "2" || e.Revision != next || time.Since(e.At) > time.Minute {
		t.Errorf("got %+v, %v", e, err)
	}
	harness.OK(t, tab.Delete(ctx, "a.b"))
	if err := tab.Delete(ctx, "never.was"); err != nil {
		t.Error(err)
	}
	if _, err := tab.Get(ctx, "a.b"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := tab.Create(ctx, "a.b", []byte("3")); err != nil {
		t.Errorf("create after delete: %v", err)
	}
	if e, err := tab.Get(ctx, "a.b"); err != nil || string(e.Value) != "3" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestTableRefusesBadKeys(t *testing.T) {
	t.Parallel()
	b := link(t)
	tab := table(t, b, Config{Name: "t"})
	for _, key := range []string{"", ".a", "a.", "a..b", "a b", "a.*", "a.>", "ä", strings.Repeat("k", 201)} {
		if _, err := tab.Put(t.Context(), key, nil); !errors.Is(err, js.ErrBadName) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, err := tab.GetMany(t.Context(), []string{key}); !errors.Is(err, js.ErrBadName) {
			t.Errorf("get many %q: %v", key, err)
		}
	}
	if err := tab.PurgePrefix(t.Context(), ""); !errors.Is(err, js.ErrBadName) {
		t.Errorf("purged everything: %v", err)
	}
	for _, cfg := range []Config{{Name: ""}, {Name: "a.b"}, {Name: "x", History: 65}, {Name: "x", History: -1}} {
		if _, err := Open(t.Context(), b, cfg); err == nil {
			t.Errorf("opened %+v", cfg)
		}
	}
}

func TestTableMany(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "t"})
	ctx := t.Context()
	var entries []KeyValue
	var keys []string
	for i := range 1201 {
		key := fmt.Sprintf("%s.company.%d", []string{"one", "two"}[i%2], i)
		entries = append(entries, KeyValue{key, []byte(key)})
		keys = append(keys, key)
	}
	harness.OK(t, tab.PutMany(ctx, entries))
	harness.OK(t, tab.Delete(ctx, keys[7]))
	got, err := tab.GetMany(ctx, append(keys, "not.there"))
	if err != nil || len(got) != 1200 {
		t.Fatalf("%d entries, %v", len(got), err)
	}
	for k, e := range got {
		if string(e.Value) != k {
			t.Fatalf("%s holds %s", k, e.Value)
		}
	}
	each := func(prefix string) (n int) {
		t.Helper()
		err := tab.Each(ctx, prefix, func(e Entry) error {
			if !strings.HasPrefix(e.Key, prefix) || string(e.Value) != e.Key {
				t.Errorf("under %q: %+v", prefix, e)
			}
			n++
			return nil
		})
		harness.OK(t, err)
		return n
	}
	if all, one, none := each(""), each("one"), each("on"); all != 1200 || one != 601 || none != 0 {
		t.Errorf("each: all %d, one %d, on %d", all, one, none)
	}
	stop := errors.New("stop")
	if err := tab.Each(ctx, "", func(Entry) error { return stop }); err != stop {
		t.Errorf("fn's error came back as %v", err)
	}
	harness.OK(t, tab.PurgePrefix(ctx, "one.company"))
	if one, two := each("one"), each("two"); one != 0 || two != 599 {
		t.Errorf("after the purge %d and %d", one, two)
	}
	if err := tab.PutMany(ctx, nil); err != nil {
		t.Error(err)
	}
	if got, err := tab.GetMany(ctx, nil); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestGetManyOfLargeValues(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "t"})
	var keys []string
	for i := range 24 { // 12 MiB, more than one answer holds
		keys = append(keys, fmt.Sprintf("k.%d", i))
		if _, err := tab.Put(t.Context(), keys[i], bytes.Repeat([]byte{byte(i)}, 512<<10)); err != nil {
			t.Fatal(err)
		}
	}
	got, err := tab.GetMany(t.Context(), keys)
	if err != nil || len(got) != 24 {
		t.Errorf("%d entries, %v", len(got), err)
	}
	n := 0
	if err := tab.Each(t.Context(), "k", func(Entry) error { n++; return nil }); err != nil || n != 24 {
		t.Errorf("each gave %d, %v", n, err)
	}
}

func TestTableHistoryShowsOnlyThePresent(t *testing.T) {
	t.Parallel()
	b := link(t)
	tab := table(t, b, Config{Name: "t", History: 5})
	for i := range 4 {
		for _, k := range []string{"a.x", "a.y"} {
			if _, err := tab.Put(t.Context(), k, []byte{byte('0' + i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	var got []string
	err := tab.Each(t.Context(), "a", func(e Entry) error { got = append(got, e.Key+string(e.Value)); return nil })
	if err != nil || !slices.Equal(got, []string{"a.x3", "a.y3"}) {
		t.Errorf("%v, %v", got, err)
	}
	kv, err := b.JS.KeyValue(t.Context(), "t") // the nats tools see a bucket
	harness.OK(t, err)
	if h, err := kv.History(t.Context(), "a.x"); err != nil || len(h) != 4 {
		t.Errorf("history %v, %v", h, err)
	}
}

func TestTableTTLAndMemory(t *testing.T) {
	t.Parallel()
	tab := table(t, link(t), Config{Name: "lease", TTL: time.Second, Memory: true})
	if _, err := tab.Create(t.Context(), "shard.1", []byte("me")); err != nil {
		t.Fatal(err)
	}
	if _, err := tab.Create(t.Context(), "shard.1", []byte("you")); !errors.Is(err, js.ErrConflict) {
		t.Errorf("taken twice: %v", err)
	}
	harness.Until(t, "the lease to end", 10*time.Second, func() bool {
		_, err := tab.Create(t.Context(), "shard.1", []byte("you"))
		return err == nil
	})
}

// onDisk is the files of the store that contain the text.
func onDisk(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	files.Each(t, dir, func(path string, body []byte) {
		if bytes.Contains(body, []byte(text)) {
			found = append(found, path)
		}
	})
	return found
}

func TestEraseLeavesNothingOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, shut := natstest.Open(t, dir)
	tab := table(t, b, Config{Name: "keys", Secure: true})
	ctx := t.Context()
	const first, second, third, kept = "FIRST-SECRET", "SECOND-SECRET", "THIRD-SECRET", "KEPT-SECRET"
	for i := range 300 { // neighbours before and after, in the same block
		if _, err := tab.Put(ctx, fmt.Sprintf("n.%d", i), []byte("neighbour")); err != nil {
			t.Fatal(err)
		}
		if i == 150 {
			for _, v := range []string{first, second} {
				if _, err := tab.Put(ctx, "the.key", []byte(v)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	harness.OK(t, tab.PutMany(ctx, []KeyValue{{"the.key", []byte(third)}, {"other.key", []byte(kept)}}))
	if found := onDisk(t, dir, third); len(found) == 0 {
		t.Fatal("the search cannot find what must be there")
	}
	for _, replaced := range []string{first, second} {
		if found := onDisk(t, dir, replaced); len(found) > 0 {
			t.Errorf("replaced, and still in %v", found)
		}
	}
	harness.OK(t, tab.Erase(ctx, "the.key"))
	if err := tab.Erase(ctx, "never.was"); err != nil {
		t.Error(err)
	}
	if _, err := tab.Get(ctx, "the.key"); !errors.Is(err, js.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	harness.OK(t, tab.Delete(ctx, "n.5"))
	shut()
	for _, gone := range []string{first, second, third} {
		if found := onDisk(t, dir, gone); len(found) > 0 {
			t.Errorf("%s still in %v", gone, found)
		}
	}
	b, _ = natstest.Open(t, dir)
	tab = table(t, b, Config{Name: "keys", Secure: true})
	if e, err := tab.Get(ctx, "other.key"); err != nil || string(e.Value) != kept {
		t.Errorf("its neighbour: %+v, %v", e, err)
	}
	n := 0
	if err := tab.Each(ctx, "n", func(Entry) error { n++; return nil }); err != nil || n != 299 {
		t.Errorf("%d neighbours, %v", n, err)
	}
	harness.OK(t, tab.PurgePrefix(ctx, "other"))
	if found := onDisk(t, dir, kept); len(found) > 0 {
		t.Errorf("purged, and still in %v", found)
	}
}

func TestWatch(t *testing.T) {
	t.Parallel()
	b := link(t)
	tab := table(t, b, Config{Name: "t"})
	put := func(key, value string) {
		t.Helper()
		if _, err := tab.Put(t.Context(), key, []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	put("a.1", "old")
	put("a.1", "one")
	put("b.1", "foreign")
	ctx, cancel := context.WithCancel(t.Context())
	events, done := make(chan Event, 10), make(chan error, 1)
	go func() { done <- tab.Watch(ctx, "a", func(e Event) { events <- e }) }()
	next := func() Event {
		t.Helper()
		end := time.NewTimer(10 * time.Second)
		defer end.Stop()
		select {
		case e := <-events:
			return e
		case <-end.C:
			t.Fatal("no event")
			return Event{}
		}
	}
	if e := next(); e.Key != "a.1" || string(e.Value) != "one" || e.Deleted {
		t.Errorf("first %+v", e)
	}
	put("a.2", "two")
	if e := next(); e.Key != "a.2" || string(e.Value) != "two" || e.Revision == 0 || e.At.IsZero() {
		t.Errorf("then %+v", e)
	}
	harness.OK(t, tab.Delete(t.Context(), "a.1"))
	if e := next(); e.Key != "a.1" || !e.Deleted || e.Value != nil {
		t.Errorf("last %+v", e)
	}
	cancel()
	harness.OK(t, <-done)
}

func TestTableIsBroughtInLineWithoutLosingSettings(t *testing.T) {
	t.Parallel()
	b := link(t)
	ctx := t.Context()
	table(t, b, Config{Name: "t"})
	s, err := b.JS.Stream(ctx, "KV_t")
	harness.OK(t, err)
	cfg := s.CachedInfo().Config
	cfg.AllowAtomicPublish = false // as CreateOrUpdateKeyValue would
	cfg.Metadata = map[string]string{"owner": "operator"}
	if _, err := b.JS.UpdateStream(ctx, cfg); err != nil {
		t.Fatal(err)
	}
	tab := table(t, b, Config{Name: "t", History: 3})
	if err := tab.PutMany(ctx, []KeyValue{{"a", nil}, {"b", nil}}); err != nil {
		t.Errorf("batches are off: %v", err)
	}
	got := tab.Handle.CachedInfo().Config
	if !got.AllowAtomicPublish || got.MaxMsgsPerSubject != 3 || got.Metadata["owner"] != "operator" {
		t.Errorf("config %+v", got)
	}
	if _, err := Open(ctx, b, Config{Name: "t", Memory: true}); err == nil {
		t.Error("a file table became a memory table")
	}
	if got.Storage != jetstream.FileStorage {
		t.Error("not a file table")
	}
}

func TestAPanicAtOneChangeOfATableLeavesTheNextOnes(t *testing.T) {
	t.Parallel()
	b := link(t)
	tab := table(t, b, Config{Name: "t"})
	ctx, cancel := context.WithCancel(t.Context())
	received, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- tab.Watch(ctx, "", func(e Event) {
			if string(e.Value) == "poison" {
				panic("stepped on it")
			}
			received <- string(e.Value)
		})
	}()
	for _, what := range []string{"poison", "next"} {
		if _, err := tab.Put(t.Context(), "a."+what, []byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	harness.Next(t, received, "next")
	cancel()
	harness.OK(t, <-done)
}

// TestATableAnswersOnceItIsOpen: of two instances that started together on a new cluster, one could end because the
// table that the other had made did not answer yet.
func TestATableAnswersOnceItIsOpen(t *testing.T) {
	t.Parallel()
	urls := servers.Three(t).URLs
	var at [2]*js.Link
	for i := range at {
		at[i], _ = natstest.Reach(t, urls, 3)
	}
	for n := range 12 {
		var both sync.WaitGroup
		for _, b := range at {
			both.Go(func() {
				table, err := Open(t.Context(), b, Config{Name: fmt.Sprintf("table%d", n)})
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
