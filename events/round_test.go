package events

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/test/harness"
)

// roundOf is the message of some changes, as the committer stores them.
func roundOf(t testing.TB, changes ...Change) *nats.Msg {
	t.Helper()
	r := &round{}
	for _, c := range changes {
		text, err := encodeLine(c, keyOf(fmt.Sprintf("k%d", c.ID)), time.Time{})
		harness.OK(t, err)
		r.changes = append(r.changes, &submission{installation: c.Installation, line: text})
	}
	return r.message()
}

func readAll(t testing.TB, msg *nats.Msg, only string) (all []StoredChange) {
	t.Helper()
	err := readMessage(msg.Subject, msg.Header, msg.Data, time.Unix(1, 0), only, func(c StoredChange, err error) {
		if err != nil {
			t.Errorf("place %d: %v", c.Place, err)
		}
		all = append(all, c)
	})
	harness.OK(t, err)
	return all
}

func of(installation string, id int64) Change {
	c := change(id)
	c.Installation = installation
	return c
}

func TestARoundOfOneInstallationLiesUnderItsName(t *testing.T) {
	alone, shared := roundOf(t, of(inst, 1), of(inst, 2)), roundOf(t, of(inst, 1), of(other, 2), of(other, 3))
	if alone.Subject != "change."+inst || shared.Subject != "change.shared" {
		t.Errorf("subjects %s and %s", alone.Subject, shared.Subject)
	}
	for _, c := range []struct {
		msg  *nats.Msg
		only string
		want []int
	}{{alone, "", []int{0, 1}}, {shared, "", []int{0, 1, 2}}, {shared, inst, []int{0}}, {shared, other, []int{1, 2}}} {
		var got []int
		for _, stored := range readAll(t, c.msg, c.only) {
			got = append(got, stored.Place)
			if want := int64(stored.Place + 1); stored.ID != want || c.only != "" && stored.Installation != c.only {
				t.Errorf("place %d of %s holds %+v", stored.Place, c.msg.Subject, stored.Change)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s, only %q: places %v, want %v", c.msg.Subject, c.only, got, c.want)
		}
	}
}

// TestALineThatCannotBeReadHarmsNoOther, and a line that names no installation none of another one.
func TestALineThatCannotBeReadHarmsNoOther(t *testing.T) {
	msg := roundOf(t, of(inst, 1), of(inst, 2), of(other, 3), of(other, 4))
	lines := strings.Split(string(msg.Data), "\n")
	for name, tc := range map[string]struct {
		line int
		with string
		want []int64
	}{
		"not JSON":            {1, "{", []int64{2, 3, 4}},
		"no record":           {2, `{"id":7}`, []int64{1, 3, 4}},
		"a negative id":       {5, `{"kind":"company","id":-1}`, []int64{1, 2, 3}},
		"an installation's":   {3, `"x.>"`, []int64{1, 2}},
		"of another type":     {4, `7`, []int64{1, 2, 4}},
		"empty":               {4, ``, []int64{1, 2, 4}},
		"the first name lost": {0, `"`, []int64{3, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			broken := slices.Clone(lines)
			broken[tc.line] = tc.with
			var got []int64
			err := readMessage(msg.Subject, msg.Header, []byte(strings.Join(broken, "\n")), time.Now(), "", func(c StoredChange, err error) {
				if (err == nil) != (c.Installation != "") {
					t.Errorf("%+v beside %v", c, err)
				}
				if err == nil {
					got = append(got, c.ID)
				}
			})
			if err != nil || !slices.Equal(got, tc.want) {
				t.Errorf("read %v, %v; want %v", got, err, tc.want)
			}
		})
	}
}

// FuzzReadRound: whatever a round holds, what is read of it is written and read again as it is.
func FuzzReadRound(f *testing.F) {
	f.Add("change."+inst, []byte(`{"key":"AAAAAAAAAAAAAAAA","kind":"company","id":7,"trigger":"callback","fields":["a\nb"],"sequenceNumber":3}`))
	f.Add("change.shared", []byte("\""+inst+"\"\n{\"kind\":\"contract\",\"id\":0}\n\""+other+"\"\n{\"kind\":\"contact\",\"id\":1}\n{"))
	f.Add("change.shared", []byte(`{"kind":"contract","id":0}`))
	f.Add("change."+inst, []byte(nil))
	f.Fuzz(func(t *testing.T, subject string, body []byte) {
		header := nats.Header{roundHeader: {roundFormat}}
		var read []StoredChange
		err := readMessage(subject, header, body, time.Unix(9, 0), "", func(c StoredChange, err error) {
			if err == nil {
				read = append(read, c)
			}
		})
		if _, isRound := parseRoundSubject(subject); !isRound || err != nil || len(read) == 0 {
			return
		}
		slices.SortStableFunc(read, func(a, b StoredChange) int { return strings.Compare(a.Installation, b.Installation) })
		r := &round{}
		for _, c := range read {
			text, err := encodeLine(c.Change, changeKey{1}, c.StoredAt)
			if err != nil {
				t.Skip() // a time that JSON cannot write
			}
			r.changes = append(r.changes, &submission{installation: c.Installation, line: text})
		}
		msg := r.message()
		for i, again := range readAll(t, msg, "") {
			read[i].Place = i
			if diff := cmp.Diff(read[i], again); diff != "" {
				t.Error(diff)
			}
		}
		keys := 0
		if n := keysIn(msg.Subject, msg.Header, msg.Data, func(key changeKey, place int) {
			if key != (changeKey{1}) || place != keys {
				t.Errorf("place %d has the key %x", place, key)
			}
			keys++
		}); n != len(read) || keys != n {
			t.Errorf("%d keys of %d changes, want %d", keys, n, len(read))
		}
	})
}

func TestRoundsAreBounded(t *testing.T) {
	t.Parallel()
	b := open(t)
	long := strings.Repeat("f", 10_000)
	var changes []Change
	for id := range int64(3 * roundMax) {
		c := of([]string{inst, other}[id%2], id)
		if id < roundMax {
			c.Fields = []string{long}
		}
		changes = append(changes, c)
	}
	harness.OK(t, b.Journal().PublishAll(t.Context(), changes))
	seen := map[int64]int{}
	for sequence := uint64(1); sequence <= b.Stats().Rounds; sequence++ {
		msg, err := b.journal.Handle.GetMsg(t.Context(), sequence)
		harness.OK(t, err)
		all := readAll(t, &nats.Msg{Subject: msg.Subject, Header: msg.Header, Data: msg.Data}, "")
		if len(msg.Data) > roundBytes || len(all) > roundMax {
			t.Errorf("round %d: %d changes in %d bytes", sequence, len(all), len(msg.Data))
		}
		for _, c := range all {
			seen[c.ID]++
		}
	}
	if len(seen) != len(changes) {
		t.Errorf("%d changes are stored, want %d", len(seen), len(changes))
	}
	if _, err := b.Journal().Publish(t.Context(), Change{
		Installation: inst, Kind: v1.KindCompany, ID: 1, Fields: []string{strings.Repeat("f", roundBytes)},
	}, ""); !errors.Is(err, ErrChangeTooLarge) {
		t.Errorf("a change larger than any round: %v", err)
	}
}

// TestRepeatsInOneRoundShareOneFate: while nothing can be stored both fail, and neither is
// taken for stored afterwards.
func TestRepeatsInOneRoundShareOneFate(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *store.Config) { c.JournalMaxBytes = smallJournal })
	var err error
	for id := int64(1); err == nil; id++ {
		_, err = b.Journal().Publish(t.Context(), large(id), "")
	}
	twice := func() (receipts [2]Receipt, errs [2]error) {
		var wg sync.WaitGroup
		for i := range 2 {
			wg.Go(func() { receipts[i], errs[i] = b.Journal().Publish(t.Context(), large(9000), "again") })
		}
		wg.Wait()
		return receipts, errs
	}
	if _, errs := twice(); !errors.Is(errs[0], ErrJournalFull) || !errors.Is(errs[1], ErrJournalFull) {
		t.Errorf("full: %v", errs)
	}
	dispatch(t, b)
	harness.Until(t, "room", 10*time.Second, func() bool {
		_, err := b.Journal().Publish(t.Context(), large(9001), "")
		return err == nil
	})
	receipts, errs := twice()
	if err := errors.Join(errs[:]...); err != nil || receipts[0].Duplicate == receipts[1].Duplicate ||
		receipts[0].Sequence != receipts[1].Sequence || receipts[0].Place != receipts[1].Place {
		t.Errorf("got %+v, %v", receipts, err)
	}
}

// TestARepeatCostsNoRound, before a restart and after it, whichever round it was in.
func TestARepeatCostsNoRound(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	first := make([]Receipt, 40)
	var wg sync.WaitGroup
	for i := range first {
		wg.Go(func() {
			var err error
			if first[i], err = b.Journal().Publish(t.Context(), of([]string{inst, other}[i%2], int64(i)), fmt.Sprint("m", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	again := func(b *Bus) {
		t.Helper()
		before := b.Stats().Rounds
		for i, want := range first {
			want.Duplicate = true
			if got := publish(t, b, of([]string{inst, other}[i%2], int64(i)), fmt.Sprint("m", i)); got != want {
				t.Errorf("change %d: %+v, want %+v", i, got, want)
			}
		}
		if n := b.Stats().Rounds - before; n > 0 {
			t.Errorf("repeats took %d rounds", n)
		}
	}
	again(b)
	shut(t, b)
	again(open(t, here))
}

func TestWhatIsKnownIsBounded(t *testing.T) {
	var k knownChanges
	began := time.Now()
	key := func(i int) changeKey { return keyOf(fmt.Sprint(i)) }
	for i := range knownMax + 10 {
		k.add(key(i), Receipt{Sequence: uint64(i)}, began.Add(time.Duration(i)*time.Millisecond))
	}
	last := began.Add((knownMax + 9) * time.Millisecond)
	for i, want := range map[int]bool{0: false, 9: false, 10: true, knownMax + 9: true, knownMax + 10: false} {
		if r, ok := k.find(key(i), last); ok != want || ok && (r.Sequence != uint64(i) || !r.Duplicate) {
			t.Errorf("change %d: %+v, %t", i, r, ok)
		}
	}
	if len(k.byKey) != knownMax || len(k.order) != knownMax {
		t.Errorf("%d and %d are kept", len(k.byKey), len(k.order))
	}
	later := last.Add(knownFor + time.Second)
	if _, ok := k.find(key(knownMax), later); ok {
		t.Error("one is known for too long")
	}
	k.add(key(-1), Receipt{Sequence: 7}, later)
	k.add(changeKey{}, Receipt{Sequence: 8}, later)
	if _, ok := k.find(changeKey{}, later); ok || len(k.byKey) != 1 || len(k.order) != 1 {
		t.Errorf("%d and %d are kept, want what is new alone", len(k.byKey), len(k.order))
	}
}

// TestARoundOfANewerVersionWaits: it is neither carried nor ended by this one.
func TestARoundOfANewerVersionWaits(t *testing.T) {
	t.Parallel()
	b := open(t)
	msg := roundOf(t, of(inst, 1))
	msg.Header.Set(roundHeader, "2")
	if _, err := b.JS.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	publish(t, b, of(inst, 2), "")
	dispatch(t, b)
	peekN(t, b, LaneLive, 1)
	// The other one is acknowledged a moment after its record is due.
	harness.Until(t, "the newer round alone waits", 5*time.Second, func() bool {
		n, err := b.Journal().Undispatched(t.Context())
		return n == 1 && err == nil
	})
	if s := b.Stats(); s.Terminated != 0 {
		t.Errorf("stats %+v", s)
	}
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst}, func(StoredChange) error { return nil })
	if !errors.Is(err, errUnknownRound) {
		t.Errorf("a replay leaves it out: %v", err)
	}
}

// TestEveryAcknowledgedChangeIsDispatched, in whatever order changes of several installations
// come, are repeated, fetched, carried, and cut off by a restart.
func TestEveryAcknowledgedChangeIsDispatched(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		restart := func(was *Bus) *Bus {
			if was != nil {
				shut(t, was)
			}
			var b *Bus
			harness.Until(t, "the store is opened", 10*time.Second, func() (ok bool) {
				var err error
				b, err = Open(t.Context(), store.Config{DataDir: dir})
				if err != nil && !errors.Is(err, store.ErrLocked) { // a process that another test starts holds a lock until it has begun
					rt.Fatal(err)
				}
				return err == nil
			})
			return b
		}
		b := restart(nil)
		defer func() { shut(t, b) }()
		acked := map[recordLane]bool{}
		known := map[string]Receipt{}
		steps := rapid.IntRange(5, 25).Draw(rt, "steps")
		for range steps {
			switch rapid.SampledFrom([]string{"publish", "publish", "publish", "all", "carry", "fetch", "restart"}).Draw(rt, "step") {
			case "publish":
				n := rapid.IntRange(1, 12).Draw(rt, "side by side")
				ids := rapid.SliceOfN(rapid.Int64Range(1, 40), n, n).Draw(rt, "ids")
				receipts := make([]Receipt, n)
				var wg sync.WaitGroup
				for i, id := range ids {
					wg.Go(func() {
						var err error
						receipts[i], err = b.Journal().Publish(t.Context(), of([]string{inst, other}[id%2], id), fmt.Sprint(id))
						if err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				for i, id := range ids {
					r := receipts[i]
					r.Duplicate = false
					if was, ok := known[fmt.Sprint(id)]; ok && was != r {
						rt.Errorf("change %d is at %+v and at %+v", id, was, r)
					}
					known[fmt.Sprint(id)] = r
					acked[recordLane{[]string{inst, other}[id%2], v1.KindCompany, id, LaneLive}] = true
				}
			case "all":
				id := rapid.Int64Range(1, 40).Draw(rt, "id")
				if err := b.Journal().PublishAll(t.Context(), []Change{of(inst, id+100), of(other, id+200)}); err != nil {
					rt.Fatal(err)
				}
				acked[recordLane{inst, v1.KindCompany, id + 100, LaneLive}] = true
				acked[recordLane{other, v1.KindCompany, id + 200, LaneLive}] = true
			case "carry", "fetch":
				msgs, _, err := b.fetchWaiting(nil)
				if err != nil {
					rt.Fatal(err)
				}
				if rapid.Bool().Draw(rt, "to its end") {
					if err := b.carryAll(t.Context(), msgs); err != nil {
						rt.Fatal(err)
					}
				}
			case "restart":
				b = restart(b)
			}
		}
		b = restart(b) // what was fetched and not carried comes again at once
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Dispatch(ctx) }()
		harness.Until(t, "all dispatched", 20*time.Second, func() bool { return b.nothingWaits(t.Context()) })
		cancel()
		if err := <-done; err != nil {
			rt.Fatal(err)
		}
		for _, installation := range []string{inst, other} {
			entries, err := b.Worklist().Peek(t.Context(), installation, v1.KindCompany, LaneLive, PeekMax)
			if err != nil {
				rt.Fatal(err)
			}
			for _, e := range entries {
				key := recordLane{e.Installation, e.Kind, e.ID, e.Lane}
				if !acked[key] {
					rt.Errorf("enqueued and never published: %+v", e)
				}
				delete(acked, key)
			}
		}
		if len(acked) > 0 {
			rt.Errorf("acknowledged and not dispatched: %v", acked)
		}
	})
}
