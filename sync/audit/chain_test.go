package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/seal"
)

func open(t *testing.T, table Table) *Log {
	return openAt(t, table, time.Now, zap.NewNop())
}

func openAt(t *testing.T, table Table, now func() time.Time, log *zap.Logger) *Log {
	t.Helper()
	ring, err := seal.NewRing(bytes.Repeat([]byte{3}, seal.KeySize))
	ok(t, err)
	a, err := Open(t.Context(), Config{Table: table, Sealer: ring, Now: now, Log: log})
	ok(t, err)
	return a
}

// chained are the keys of the entries by their numbers.
func chained(t *testing.T, a *Log) map[uint64]string {
	t.Helper()
	keys := map[uint64]string{}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.entries {
		keys[e.entry.N] = e.key
	}
	return keys
}

func TestWhatIsDoneToTheAuditShows(t *testing.T) {
	put := func(key string, value []byte) func(context.Context, *kv.Table) error {
		return func(ctx context.Context, table *kv.Table) error { _, err := table.Put(ctx, key, value); return err }
	}
	for name, tc := range map[string]struct {
		do    func(t *testing.T, table *kv.Table, keys map[uint64]string) func(context.Context, *kv.Table) error
		found string
	}{
		"nothing": {func(*testing.T, *kv.Table, map[uint64]string) func(context.Context, *kv.Table) error {
			return func(context.Context, *kv.Table) error { return nil }
		}, ""},
		"one is removed": {func(_ *testing.T, _ *kv.Table, keys map[uint64]string) func(context.Context, *kv.Table) error {
			return func(ctx context.Context, table *kv.Table) error { return table.Delete(ctx, keys[3]) }
		}, "Entry 3 is missing."},
		"the last is removed": {func(_ *testing.T, _ *kv.Table, keys map[uint64]string) func(context.Context, *kv.Table) error {
			return func(ctx context.Context, table *kv.Table) error { return table.Delete(ctx, keys[5]) }
		}, "Entry 5 is missing."},
		"one is changed": {func(t *testing.T, table *kv.Table, keys map[uint64]string) func(context.Context, *kv.Table) error {
			e, err := table.Get(t.Context(), keys[2])
			ok(t, err)
			return put(keys[2], bytes.Replace(e.Value, []byte(`"who":"ops"`), []byte(`"who":"eve"`), 1))
		}, "Entry 2 of "},
		"one is put in": {func(t *testing.T, _ *kv.Table, _ map[uint64]string) func(context.Context, *kv.Table) error {
			b, err := json.Marshal(v1.AuditEntry{At: time.Now(), Action: "made up"})
			ok(t, err)
			return put("01JXAAAAAAAAAAAAAAAAAAAAAA", b)
		}, "is in no place of the chain"},
		"the head is removed": {func(*testing.T, *kv.Table, map[uint64]string) func(context.Context, *kv.Table) error {
			return func(ctx context.Context, table *kv.Table) error { return table.Delete(ctx, chainHead) }
		}, "The head of the chain is missing, which went on to entry 5."},
		"something that is no entry is put in": {func(*testing.T, *kv.Table, map[uint64]string) func(context.Context, *kv.Table) error {
			return put("junk", []byte("junk"))
		}, "Entry junk cannot be read."},
		"the head is changed": {func(*testing.T, *kv.Table, map[uint64]string) func(context.Context, *kv.Table) error {
			return put(chainHead, []byte(`{"n":2,"first":1}`))
		}, "The head of the chain was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			table := opened(t)
			a, b := open(t, table), open(t, table) // two instances, one chain
			for i := range 5 {
				ok(t, []*Log{a, b}[i%2].Add(t.Context(), v1.AuditEntry{At: time.Now(), Who: "ops", Action: fmt.Sprint(i), Detail: "caf\xc3\xa9 \xff", OK: true}))
			}
			keys := chained(t, open(t, table))
			if len(keys) != 5 {
				t.Fatalf("numbers %v", keys)
			}
			ok(t, tc.do(t, table, keys)(t.Context(), table))
			got, err := open(t, table).Verify(t.Context())
			ok(t, err)
			if tc.found == "" {
				if !got.OK || got.Entries != 5 || got.First != 1 || got.Last != 5 {
					t.Errorf("untouched: %+v", got)
				}
				return
			}
			if got.OK || !strings.Contains(strings.Join(got.Findings, "\n"), tc.found) {
				t.Errorf("got %+v, want %q", got, tc.found)
			}
		})
	}
}

func TestTheAuditIsEvictedByAge(t *testing.T) {
	table := opened(t)
	now := time.Now()
	a := openAt(t, table, func() time.Time { return now }, zap.NewNop())
	add := func(action string) {
		t.Helper()
		ok(t, a.Add(t.Context(), v1.AuditEntry{At: now, Action: action, OK: true}))
	}
	add("old")
	now = now.Add(keepFor - time.Hour)
	add("young")
	now = now.Add(2 * time.Hour)
	add("new")
	page, err := a.List(v1.AuditQuery{Limit: 10})
	ok(t, err)
	if len(page.Items) != 2 || page.Items[1].Action != "young" {
		t.Errorf("kept %+v", page.Items)
	}
	if got, err := open(t, table).Verify(t.Context()); err != nil || !got.OK || got.First != 2 || got.Last != 3 {
		t.Errorf("what went by its age is a gap: %+v, %v", got, err)
	}
}

// Whoever can write to the store must not end the audit by it, and what he did must go on to show.
func TestTheAuditGoesOnAfterItsHeadOrKeyWasOverwritten(t *testing.T) {
	for _, row := range []string{chainHead, chainKey} {
		t.Run(row, func(t *testing.T) {
			table := opened(t)
			a := open(t, table)
			ok(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "one", OK: true}))
			_, err := table.Put(t.Context(), row, []byte(`{"n":0,"first":1}`))
			ok(t, err)
			a = open(t, table)
			ok(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "two", OK: true}))
			got, err := a.Verify(t.Context())
			ok(t, err)
			if got.OK || got.Last != 2 {
				t.Errorf("%s overwritten: %+v", row, got)
			}
		})
	}
}

// A number that somebody makes up neither carries the chain there, nor keeps anybody counting up to it.
func TestANumberThatIsMadeUpIsNotBelieved(t *testing.T) {
	table := opened(t)
	ok(t, open(t, table).Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "one", OK: true}))
	for i, n := range []uint64{1e18, 1<<64 - 1} {
		b, err := json.Marshal(link{AuditEntry: v1.AuditEntry{At: time.Now(), Action: "made up"}, N: n})
		ok(t, err)
		_, err = table.Put(t.Context(), fmt.Sprintf("01JXAAAAAAAAAAAAAAAAAAAAA%d", i), b)
		ok(t, err)
	}
	_, err := table.Put(t.Context(), chainHead, []byte("junk"))
	ok(t, err)
	a := open(t, table)
	ok(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "two", OK: true}))
	got, err := a.Verify(t.Context())
	ok(t, err)
	if got.OK || got.Last != 2 || got.Entries != 1 || len(got.Findings) > 5 { // the second names no former one
		t.Errorf("got %+v", got)
	}
}

// What a version before the chain wrote is counted apart, not taken for a forgery.
func TestEntriesOfBeforeTheChain(t *testing.T) {
	table := opened(t)
	b, err := json.Marshal(v1.AuditEntry{At: time.Now().Add(-time.Hour), Action: "of before", OK: true})
	ok(t, err)
	_, err = table.Put(t.Context(), "01JXAAAAAAAAAAAAAAAAAAAAAA", b)
	ok(t, err)
	a := open(t, table)
	ok(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "new", OK: true}))
	if got, err := a.Verify(t.Context()); err != nil || !got.OK || got.Before != 1 || got.Entries != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestRefusalsThatRepeatAreCounted(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	a := openAt(t, opened(t), time.Now, zap.New(core))
	n := NewNoise(a, zap.NewNop())
	for i := range 5000 {
		n.Refused(v1.AuditEntry{At: time.Now(), Address: "203.0.113.7", Action: "log-in", Detail: v1.CodeUnauthenticated, Request: fmt.Sprint(i)})
	}
	n.Refused(v1.AuditEntry{At: time.Now(), Address: "203.0.113.8", Action: "log-in", Detail: v1.CodeUnauthenticated})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	cancel()
	running.Wait()
	page, err := a.List(v1.AuditQuery{Limit: 10})
	ok(t, err)
	counts := map[string]int{}
	for _, e := range page.Items {
		counts[e.Address] += max(e.Count, 1)
	}
	if len(page.Items) != 3 || counts["203.0.113.7"] != 5000 || counts["203.0.113.8"] != 1 || logs.Len() != 3 {
		t.Errorf("kept %+v, logged %d", page.Items, logs.Len())
	}
	if len(n.seen) != 0 {
		t.Errorf("remembers %d after its end", len(n.seen))
	}
	for i := range 2 * noiseMost {
		n.first(v1.AuditEntry{Address: fmt.Sprint(i), Action: "log-in"})
	}
	if len(n.seen) > noiseMost+1 {
		t.Errorf("remembers %d callers", len(n.seen))
	}
}
