package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/seal"
	"channelsync/test/harness"
)

func open(t *testing.T, table Table) *Log {
	return openAt(t, table, time.Now, zap.NewNop())
}

func openAt(t *testing.T, table Table, now func() time.Time, log *zap.Logger) *Log {
	t.Helper()
	ring, err := seal.NewRing(bytes.Repeat([]byte{3}, seal.KeySize))
	harness.OK(t, err)
	a, err := Open(t.Context(), Config{Table: table, Sealer: ring, Now: now, Log: log})
	harness.OK(t, err)
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
			harness.OK(t, err)
			return put(keys[2], bytes.Replace(e.Value, []byte(`"who":"ops"`), []byte(`"who":"eve"`), 1))
		}, "Entry 2 of "},
		"one is put in": {func(t *testing.T, _ *kv.Table, _ map[uint64]string) func(context.Context, *kv.Table) error {
			b, err := json.Marshal(v1.AuditEntry{At: time.Now(), Action: "made up"})
			harness.OK(t, err)
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
				harness.OK(t, []*Log{a, b}[i%2].Add(t.Context(), v1.AuditEntry{At: time.Now(), Who: "ops", Action: fmt.Sprint(i), Detail: "caf\xc3\xa9 \xff", OK: true}))
			}
			keys := chained(t, open(t, table))
			if len(keys) != 5 {
				t.Fatalf("numbers %v", keys)
			}
			harness.OK(t, tc.do(t, table, keys)(t.Context(), table))
			got, err := open(t, table).Verify(t.Context())
			harness.OK(t, err)
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
		harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: now, Action: action, OK: true}))
	}
	add("old")
	now = now.Add(keepFor - time.Hour)
	add("young")
	now = now.Add(2 * time.Hour)
	add("new")
	page, err := a.List(v1.AuditQuery{Limit: 10})
	harness.OK(t, err)
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
			harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "one", OK: true}))
			_, err := table.Put(t.Context(), row, []byte(`{"n":0,"first":1}`))
			harness.OK(t, err)
			a = open(t, table)
			harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "two", OK: true}))
			got, err := a.Verify(t.Context())
			harness.OK(t, err)
			if got.OK || got.Last != 2 {
				t.Errorf("%s overwritten: %+v", row, got)
			}
		})
	}
}

// A number that somebody makes up neither carries the chain there, nor keeps anybody counting up to it.
func TestANumberThatIsMadeUpIsNotBelieved(t *testing.T) {
	table := opened(t)
	harness.OK(t, open(t, table).Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "one", OK: true}))
	for i, n := range []uint64{1e18, 1<<64 - 1} {
		b, err := json.Marshal(link{AuditEntry: v1.AuditEntry{At: time.Now(), Action: "made up"}, N: n})
		harness.OK(t, err)
		_, err = table.Put(t.Context(), fmt.Sprintf("01JXAAAAAAAAAAAAAAAAAAAAA%d", i), b)
		harness.OK(t, err)
	}
	_, err := table.Put(t.Context(), chainHead, []byte("junk"))
	harness.OK(t, err)
	a := open(t, table)
	harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "two", OK: true}))
	got, err := a.Verify(t.Context())
	harness.OK(t, err)
	if got.OK || got.Last != 2 || got.Entries != 1 || len(got.Findings) > 5 { // the second names no former one
		t.Errorf("got %+v", got)
	}
}

// putIn writes an entry without a number and a code, as a version before the chain did, and as anybody can who may write.
func putIn(t *testing.T, table *kv.Table, key string, at time.Time, action string) {
	t.Helper()
	b, err := json.Marshal(v1.AuditEntry{At: at, Who: "ops", Action: action, OK: true})
	harness.OK(t, err)
	_, err = table.Put(t.Context(), key, b)
	harness.OK(t, err)
}

// An old entry with a number that is made up goes by its age, and takes nothing of the chain along: what is removed from it
// must show all the same.
func TestAnOldEntryThatIsMadeUpMovesNoBeginning(t *testing.T) {
	table := opened(t)
	a := open(t, table)
	for i := range 3 {
		harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: fmt.Sprint(i), OK: true}))
	}
	b, err := json.Marshal(link{AuditEntry: v1.AuditEntry{At: time.Now().Add(-2 * keepFor), Action: "made up"}, N: 1000})
	harness.OK(t, err)
	_, err = table.Put(t.Context(), "01JXAAAAAAAAAAAAAAAAAAAAAA", b)
	harness.OK(t, err)
	keys := chained(t, a)
	a = open(t, table)
	harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "drops what is old", OK: true}))
	if got, err := a.Verify(t.Context()); err != nil || !got.OK || got.First != 1 || got.Last != 4 || got.Entries != 4 {
		t.Errorf("got %+v, %v", got, err)
	}
	harness.OK(t, table.Delete(t.Context(), keys[2]))
	if got, err := a.Verify(t.Context()); err != nil || got.OK || !strings.Contains(strings.Join(got.Findings, "\n"), "Entry 2 is missing.") {
		t.Errorf("with one removed: %+v, %v", got, err)
	}
}

// What a version before the chain wrote is counted apart, not taken for a forgery, also when a second instance starts.
func TestEntriesOfBeforeTheChain(t *testing.T) {
	table := opened(t)
	for i := range signAtOnce + 1 {
		putIn(t, table, fmt.Sprintf("01JXAAAAAAAAAAAAAAAAAAA%03d", i), time.Now().Add(-time.Hour), "of before")
	}
	a := open(t, table)
	harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "new", OK: true}))
	for _, a := range []*Log{a, open(t, table)} {
		if got, err := a.Verify(t.Context()); err != nil || !got.OK || got.Before != signAtOnce+1 || got.Entries != 1 {
			t.Errorf("got %+v, %v", got, err)
		}
		page, err := a.List(v1.AuditQuery{Limit: 2})
		harness.OK(t, err)
		if page.Items[1].Action != "of before" || page.Items[1].Unverified || page.Items[0].Unverified {
			t.Errorf("listed %+v", page.Items)
		}
	}
}

// An entry without a number is of before only if it was there when the chain began, whatever time it says.
func TestABackdatedEntryIsNotOfBeforeTheChain(t *testing.T) {
	table := opened(t)
	putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAA", time.Now().Add(-time.Hour), "of before")
	harness.OK(t, open(t, table).Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "new", OK: true}))
	putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAB", time.Now().Add(-2*time.Hour), "made up")
	for name, do := range map[string]func(){
		"put in":                        func() {},
		"and the head removed":          func() { harness.OK(t, table.Delete(t.Context(), chainHead)) },
		"and one of before overwritten": func() { putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAA", time.Now().Add(-3*time.Hour), "made up") },
	} {
		do()
		a := open(t, table)
		got, err := a.Verify(t.Context())
		harness.OK(t, err)
		if got.OK || got.Before > 1 || !strings.Contains(strings.Join(got.Findings, "\n"), "Entry 01JXAAAAAAAAAAAAAAAAAAAAAB of ") {
			t.Errorf("%s: %+v", name, got)
		}
		page, err := a.List(v1.AuditQuery{Limit: 10})
		harness.OK(t, err)
		for _, e := range page.Items {
			if e.Unverified != (e.Action == "made up") {
				t.Errorf("%s: listed %+v", name, e)
			}
		}
	}
}

// A store whose chain a former build began believes what is of before its head once, and nothing that comes afterwards.
func TestAChainFromBeforeVouchesOnce(t *testing.T) {
	table := opened(t)
	a := open(t, table)
	putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAA", time.Now().Add(-time.Hour), "of before")
	harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Action: "new", OK: true}))
	_, err := table.Put(t.Context(), chainKey, a.Sealer.Seal(chainPurpose, a.chain.key)) // as that build stored it
	harness.OK(t, err)
	a = open(t, table)
	if got, err := a.Verify(t.Context()); err != nil || !got.OK || got.Before != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAB", time.Now().Add(-time.Hour), "made up")
	if got, err := open(t, table).Verify(t.Context()); err != nil || got.OK || got.Before != 1 {
		t.Errorf("afterwards: %+v, %v", got, err)
	}
}

// An instance that runs goes on to show what somebody removed from the store, and does not show as its own what he put in.
func TestWhatIsRemovedFromTheStoreIsStillShown(t *testing.T) {
	table := opened(t)
	a, b := open(t, table), open(t, table)
	harness.Go(t, func(ctx context.Context) error { b.Follow(ctx, table, zap.NewNop()); return nil })
	harness.OK(t, a.Add(t.Context(), v1.AuditEntry{At: time.Now(), Who: "ops", Action: "done", OK: true}))
	key := chained(t, a)[1]
	harness.Until(t, "an entry of another instance arrives", harness.Soon, func() bool { return chained(t, b)[1] == key })
	harness.OK(t, table.Delete(t.Context(), key))
	putIn(t, table, "no-key-of-an-entry", time.Now().Add(time.Minute), "made up") // no page could begin after it
	putIn(t, table, "01JXAAAAAAAAAAAAAAAAAAAAAB", time.Now(), "made up")
	var page v1.Page[v1.AuditEntry]
	harness.Until(t, "what is written after the removal arrives", harness.Soon, func() bool {
		var err error
		page, err = b.List(v1.AuditQuery{Limit: 10})
		harness.OK(t, err)
		return len(page.Items) > 0 && page.Items[0].Action == "made up"
	})
	if len(page.Items) != 2 || page.Items[1].Action != "done" || page.Items[1].Unverified || !page.Items[0].Unverified {
		t.Errorf("listed %+v", page.Items)
	}
}
