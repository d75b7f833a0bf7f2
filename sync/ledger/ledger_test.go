package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
)

func TestEntryComesBackAsItWas(t *testing.T) {
	p := open(t)
	e := &Entry{
		Kind: v1.KindContract, ID: 9, Name: "Backup", Parent: 174, Outcome: v1.OutcomePushed, InScope: true, Fingerprint: "abc",
		Projection: json.RawMessage(`{"name":"Backup"}`), Vendors: []int64{5}, Services: []int64{6}, ModifiedAt: at, ObservedAt: at.Add(time.Second),
		ChangedAt: at, ReconciledAt: at, PushedAt: at, Timeline: []v1.TimelineStep{{At: at, Step: "pushed"}}, Parts: &Parts{Hash: "h", From: 20000, Rows: 3}, Notes: []string{"cost_unknown"},
		Since: map[string]time.Time{"cost_unknown": at.Add(-time.Hour)},
	}
	write(t, p.ledger(), e, company(174, "Northwind", v1.OutcomePushed))
	got := must[map[int64]*Entry](t)(p.ledger().Read(t.Context(), inst, v1.KindContract, []int64{9, 10, 174}))
	if diff := cmp.Diff(map[int64]*Entry{9: e}, got, cmpopts.IgnoreFields(Entry{}, "Revision")); diff != "" {
		t.Error(diff)
	}
}

func TestEntriesLieSealed(t *testing.T) {
	p := open(t)
	write(t, p.ledger(), company(174, "Northwind Dental", v1.OutcomePushed))
	seen := 0
	if err := p.table.Each(t.Context(), "", func(e kv.Entry) error {
		seen++
		if bytes.Contains(e.Value, []byte("Northwind")) {
			t.Error("the name lies readable")
		}
		return nil
	}); err != nil || seen != 1 {
		t.Fatalf("%d entries: %v", seen, err)
	}
}

func TestEntryOfAnotherRecordIsNotTaken(t *testing.T) {
	p := open(t)
	write(t, p.ledger(), company(174, "Northwind", v1.OutcomePushed))
	e := must[kv.Entry](t)(p.table.Get(t.Context(), inst+".company.174"))
	if _, err := p.table.Put(t.Context(), inst+".company.175", e.Value); err != nil {
		t.Fatal(err)
	}
	// It is as one that was never reconciled, so that it holds nobody up, and is replaced by what is stored next.
	l := p.ledger()
	for _, id := range []int64{175, 176} {
		if id == 176 {
			if _, err := p.table.Put(t.Context(), inst+".company.176", []byte("junk")); err != nil {
				t.Fatal(err)
			}
		}
		got := must[map[int64]*Entry](t)(l.Read(t.Context(), inst, v1.KindCompany, []int64{id}))[id]
		if got == nil || got.ID != id || got.Kind != v1.KindCompany || got.Name != "" || got.Outcome != "" || got.Revision == 0 {
			t.Fatalf("got %+v", got)
		}
		got.Name, got.Outcome = "Contoso", v1.OutcomePushed
		write(t, l, got)
		if again := must[map[int64]*Entry](t)(p.ledger().Read(t.Context(), inst, v1.KindCompany, []int64{id}))[id]; again.Name != "Contoso" {
			t.Errorf("got %+v", again)
		}
	}
}

func TestTimelineKeepsTheLastSteps(t *testing.T) {
	e := &Entry{}
	for i := range MaxSteps + 5 {
		e.Step(v1.TimelineStep{Millis: int64(i)})
	}
	if len(e.Timeline) != MaxSteps || e.Timeline[0].Millis != 5 || e.Timeline[MaxSteps-1].Millis != MaxSteps+4 {
		t.Fatalf("%d steps from %d to %d", len(e.Timeline), e.Timeline[0].Millis, e.Timeline[len(e.Timeline)-1].Millis)
	}
}

func TestDetailsOfAContractThatFails(t *testing.T) {
	next := at.Add(time.Hour)
	d := (&Entry{Kind: v1.KindContract, ID: 9, Parent: 174, Attempts: 2, NextAttempt: next, PendingApproval: true}).Details()
	if d.CompanyID != "174" || d.NextAttemptAt == nil || !d.NextAttemptAt.Equal(next) || !d.Held || d.Attempts != 2 || string(d.Projection) != "null" {
		t.Errorf("got %+v", d)
	}
	if d := company(174, "Northwind", v1.OutcomePushed).Details(); d.CompanyID != "" || d.NextAttemptAt != nil || d.Held {
		t.Errorf("got %+v", d)
	}
}

func TestContentFingerprint(t *testing.T) {
	for fingerprint, want := range map[string]string{"": "", "abc": "abc", "archived:status_inactive:abc": "abc", "archived:x:": ""} {
		if got := (&Entry{Fingerprint: fingerprint}).ContentFingerprint(); got != want {
			t.Errorf("%q: got %q", fingerprint, got)
		}
	}
}

func TestPurgeOfAKindLeavesTheOtherAlone(t *testing.T) {
	p := open(t)
	l := p.ledger()
	contract := company(1, "contract", v1.OutcomePushed)
	contract.Kind = v1.KindContract
	write(t, l, company(1, "company", v1.OutcomePushed), contract)
	if err := l.PurgeKind(t.Context(), inst, v1.KindContract); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*Ledger{"at once": l, "after a restart": p.ledger()} {
		if ids := must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindContract)); len(ids) != 0 {
			t.Errorf("%s: still has %v", name, ids)
		}
		if ids := must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany)); len(ids) != 1 {
			t.Errorf("%s: companies %v", name, ids)
		}
	}
}

func TestPurgeLeavesOthersAlone(t *testing.T) {
	p := open(t)
	l := p.ledger()
	write(t, l, company(1, "one", v1.OutcomePushed))
	if err := l.Write(t.Context(), other, []*Entry{company(1, "other", v1.OutcomePushed)}); err != nil {
		t.Fatal(err)
	}
	if err := l.Purge(t.Context(), inst); err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]*Ledger{"at once": l, "after a restart": p.ledger()} {
		if ids := must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany)); len(ids) != 0 {
			t.Errorf("%s: still has %v", name, ids)
		}
		if ids := must[[]int64](t)(l.Ids(t.Context(), other, v1.KindCompany)); len(ids) != 1 {
			t.Errorf("%s: the other has %v", name, ids)
		}
	}
}

// failing stores what it is given and says that it did not, once.
type failing struct {
	Table
	err error
}

func (f *failing) PutMany(ctx context.Context, puts []kv.KeyValue) error {
	err := f.Table.PutMany(ctx, puts)
	if f.err != nil {
		err, f.err = f.err, nil
	}
	return err
}

func TestIndexIsRightAfterAWriteWithUnknownEnd(t *testing.T) {
	p := open(t)
	table := &failing{Table: p.table}
	l := New(table, p.vault)
	write(t, l, company(1, "one", v1.OutcomePushed))
	must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany)) // builds the index
	lost := errors.New("no answer in time")
	table.err = lost
	if err := l.Write(t.Context(), inst, []*Entry{company(2, "two", v1.OutcomePushed)}); !errors.Is(err, lost) {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff([]int64{1, 2}, must[[]int64](t)(l.Ids(t.Context(), inst, v1.KindCompany))); diff != "" {
		t.Error(diff)
	}
}
