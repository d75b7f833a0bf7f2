package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
)

// TestIndexSaysWhatIsStored: whatever was written and read in whatever order, the
// index says the same as one that is built from the table.
func TestIndexSaysWhatIsStored(t *testing.T) {
	p := open(t)
	outcomes := []v1.Outcome{
		v1.OutcomePushed, v1.OutcomeUnchanged, v1.OutcomeNotMet, v1.OutcomeWaiting, v1.OutcomeRetrying, v1.OutcomeDead,
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx := context.Background()
		l := p.ledger()
		if err := l.Purge(ctx, inst); err != nil {
			rt.Fatal(err)
		}
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			var entries []*Entry
			for range rapid.IntRange(0, 4).Draw(rt, "entries") {
				e := company(rapid.Int64Range(1, 6).Draw(rt, "id"), rapid.SampledFrom([]string{"Alpha", "beta", "Ärzte"}).Draw(rt, "name"),
					rapid.SampledFrom(outcomes).Draw(rt, "outcome"))
				e.ModifiedAt = at.Add(time.Duration(rapid.IntRange(0, 3).Draw(rt, "stamp")) * time.Minute)
				for _, c := range rapid.SliceOfNDistinct(rapid.Int64Range(50, 53), 0, 3, rapid.ID[int64]).Draw(rt, "contacts") {
					e.Contacts = append(e.Contacts, Contact{ID: c, ModifiedAt: e.ModifiedAt})
				}
				if rapid.Bool().Draw(rt, "contract") {
					e.Kind, e.Parent, e.Contacts = v1.KindContract, 1, nil
				}
				entries = append(entries, e)
			}
			if err := l.Write(ctx, inst, entries); err != nil {
				rt.Fatal(err)
			}
			if rapid.Bool().Draw(rt, "look") {
				compare(rt, l, p.ledger())
			}
		}
		compare(rt, l, p.ledger())
	})
}

func compare(t *rapid.T, worked, fresh *Ledger) {
	if diff := cmp.Diff(everything(t, fresh), everything(t, worked)); diff != "" {
		t.Fatalf("the index in use differs from a fresh one: %s", diff)
	}
}

// everything is all that the index can be asked.
func everything(t *rapid.T, l *Ledger) map[string]any {
	ctx, out := context.Background(), map[string]any{}
	ask := func(what string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		out[what] = v
	}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		counts, err := l.Counts(ctx, inst, kind)
		ask("counts "+string(kind), counts, err)
		failed, err := l.Find(ctx, inst, kind, func(s Summary) bool { return s.Outcome == v1.OutcomeDead })
		ask("dead "+string(kind), failed, err)
		modified, err := l.ModifiedTimes(ctx, inst, kind, []int64{1, 2, 3, 4, 5, 6})
		ask("stamps "+string(kind), modified, err)
	}
	for _, q := range []string{"", "a", "ä", "3"} {
		page, err := l.List(ctx, inst, v1.RecordQuery{Q: q, Limit: 500})
		ask("list "+q, page, err)
	}
	readers, err := l.Readers(ctx, inst, []int64{50, 51, 52, 53})
	for _, companies := range readers {
		slices.Sort(companies)
	}
	ask("readers", readers, err)
	modified, err := l.ModifiedTimes(ctx, inst, v1.KindContact, []int64{50, 51, 52, 53})
	ask("stamps of contacts", modified, err)
	return out
}

func TestPagingShowsEveryRecordOnceWhileOthersAreAdded(t *testing.T) {
	l := open(t).ledger()
	const n = 1200
	for from := 0; from < n; from += 400 {
		var entries []*Entry
		for i := from; i < from+400; i++ {
			entries = append(entries, company(int64(2*i+2), "c"+strconv.Itoa(i), v1.OutcomePushed))
		}
		write(t, l, entries...)
	}
	seen := map[string]int{}
	var last int64
	q := v1.RecordQuery{Kind: v1.KindCompany, Limit: 70}
	for pages := 0; ; pages++ {
		page := must[v1.Page[v1.Record]](t)(l.List(t.Context(), inst, q))
		for _, r := range page.Items {
			id := must[int64](t)(strconv.ParseInt(r.ID, 10, 64))
			if id <= last {
				t.Fatalf("%d after %d", id, last)
			}
			last = id
			seen[r.ID]++
		}
		if page.NextCursor == nil {
			break
		}
		if len(page.Items) != q.Limit {
			t.Fatalf("a page of %d in the middle", len(page.Items))
		}
		q.Cursor = *page.NextCursor
		if pages < 10 { // before and after what was read
			write(t, l, company(int64(2*pages+1), "early", v1.OutcomePushed), company(int64(2001+2*pages), "late", v1.OutcomePushed))
		}
	}
	for i := range n {
		if id := strconv.Itoa(2*i + 2); seen[id] != 1 {
			t.Errorf("record %s was shown %d times", id, seen[id])
		}
	}
}

func TestSearch(t *testing.T) {
	l := open(t).ledger()
	write(
		t, l, company(174, "Northwind Dental", v1.OutcomePushed), company(1740, "Südwind GmbH", v1.OutcomeNotMet), company(5, "Contoso 174", v1.OutcomePushed),
		&Entry{Kind: v1.KindContract, ID: 174, Name: "Backup for Northwind", Outcome: v1.OutcomeDead},
		company(6, "Lake\u00a0Shore \u00a0Cafe\u0301 & Sta\u00addt", v1.OutcomePushed),
	)
	for name, one := range map[string]struct {
		q    v1.RecordQuery
		want []string
	}{
		"all, companies first":       {v1.RecordQuery{}, []string{"company 5", "company 6", "company 174", "company 1740", "contract 174"}},
		"part of a name in any case": {v1.RecordQuery{Q: " NORTHWIND "}, []string{"company 174", "contract 174"}},
		"capitals beyond ASCII":      {v1.RecordQuery{Q: "SÜDWIND"}, []string{"company 1740"}},
		"an id whole, a name partly": {v1.RecordQuery{Q: "174"}, []string{"company 5", "company 174", "contract 174"}},
		"no-break spaces":            {v1.RecordQuery{Q: "lake shore caf"}, []string{"company 6"}},
		"one letter or two marks":    {v1.RecordQuery{Q: "café"}, []string{"company 6"}},
		"a soft hyphen":              {v1.RecordQuery{Q: "stadt"}, []string{"company 6"}},
		"blanks around it":           {v1.RecordQuery{Q: "\u00a0174\u200b"}, []string{"company 5", "company 174", "contract 174"}},
		"a kind":                     {v1.RecordQuery{Kind: v1.KindContract}, []string{"contract 174"}},
		"an outcome":                 {v1.RecordQuery{Outcome: v1.OutcomeNotMet}, []string{"company 1740"}},
		"after a cursor":             {v1.RecordQuery{Cursor: "company:174"}, []string{"company 1740", "contract 174"}},
		"after one that is not kept": {v1.RecordQuery{Cursor: "company:200"}, []string{"company 1740", "contract 174"}},
		"nothing":                    {v1.RecordQuery{Q: "nobody"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			one.q.Limit = 50
			var got []string
			for _, r := range must[v1.Page[v1.Record]](t)(l.List(t.Context(), inst, one.q)).Items {
				got = append(got, fmt.Sprintf("%s %s", r.Kind, r.ID))
			}
			if diff := cmp.Diff(one.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestForeignCursorIsRefused(t *testing.T) {
	l := open(t).ledger()
	for _, cursor := range []string{"x", "company:", "company:x", "contact:1", ":1", "company:1:2"} {
		_, err := l.List(t.Context(), inst, v1.RecordQuery{Cursor: cursor, Limit: 10})
		if p, ok := errors.AsType[*v1.Problem](err); !ok || p.Code != v1.CodeInvalid {
			t.Errorf("%q: got %v", cursor, err)
		}
	}
}

func TestReadersAndStampsOfContacts(t *testing.T) {
	l := open(t).ledger()
	reads := func(id int64, modified time.Time, contacts ...int64) *Entry {
		e := company(id, "c", v1.OutcomePushed)
		for _, c := range contacts {
			e.Contacts = append(e.Contacts, Contact{ID: c, ModifiedAt: modified})
		}
		return e
	}
	write(t, l, reads(1, at, 50, 51), reads(2, at, 52))
	write(t, l, reads(2, at.Add(time.Hour), 50, 52)) // 50 moved to company 2, and company 1 does not know yet
	readers := must[map[int64][]int64](t)(l.Readers(t.Context(), inst, []int64{50, 51, 99}))
	slices.Sort(readers[50])
	if diff := cmp.Diff(map[int64][]int64{50: {1, 2}, 51: {1}}, readers); diff != "" {
		t.Errorf("readers: %s", diff)
	}
	want := map[int64]time.Time{50: at, 51: at, 52: at.Add(time.Hour)}
	if diff := cmp.Diff(want, must[map[int64]time.Time](t)(l.ModifiedTimes(t.Context(), inst, v1.KindContact, []int64{50, 51, 52, 99}))); diff != "" {
		t.Errorf("only what every reader has seen is known: %s", diff)
	}
	write(t, l, reads(1, at.Add(time.Hour), 51))
	readers = must[map[int64][]int64](t)(l.Readers(t.Context(), inst, []int64{50}))
	if diff := cmp.Diff(map[int64][]int64{50: {2}}, readers); diff != "" {
		t.Errorf("after company 1 was fetched: %s", diff)
	}
}

// TestTimesInTheIndex: whatever the source tells comes back as it was, down to what
// Autotask's clock can tell, and no time is no time.
func TestTimesInTheIndex(t *testing.T) {
	for _, want := range []time.Time{
		{},
		at, at.Add(100 * time.Nanosecond), time.Date(1, 1, 1, 0, 0, 0, 100, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_900, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_900, time.UTC), at.In(time.FixedZone("east", 7200)),
	} {
		if got := ticksOf(want).time(); !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%s became %s", want, got)
		}
	}
}

// TestIndexIsSmall bounds what a record costs as long as the program runs.
func TestIndexIsSmall(t *testing.T) {
	const records, most = 20_000, 350
	ix := newSummaries()
	before := heap()
	for i := range int64(records) {
		e := company(i+1, "Client number "+strconv.FormatInt(i, 10), v1.OutcomePushed)
		e.Contacts = []Contact{{ID: 2 * i, ModifiedAt: at}, {ID: 2*i + 1, ModifiedAt: at}}
		e.Projection, e.Sources = bytes.Repeat([]byte("p"), 500), bytes.Repeat([]byte("s"), 500)
		ix.put(e.Kind, summarize(e))
	}
	ix.all(v1.KindCompany)
	each := (int64(heap()) - int64(before)) / records
	if runtime.KeepAlive(ix); each > most {
		t.Errorf("a record costs %d bytes, want at most %d", each, most)
	}
	t.Logf("a record of two contacts costs %d bytes", each)
}

// heap is what is in use once the garbage is gone.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
