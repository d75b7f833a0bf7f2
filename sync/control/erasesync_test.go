package control

import (
	"fmt"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
)

// Erasing one sync did no more than uninstalling it: its records stayed, and what
// was pushed of them.
func TestErasedSyncLeavesNoRecords(t *testing.T) {
	for name, one := range map[string]struct {
		erase []v1.Sync
		left  []v1.Kind
	}{
		"contracts": {[]v1.Sync{v1.SyncActiveCustomerContracts}, []v1.Kind{v1.KindCompany}},
		"customers": {[]v1.Sync{v1.SyncActiveCustomers}, []v1.Kind{v1.KindContract}},
		"both":      {[]v1.Sync{v1.SyncActiveCustomers, v1.SyncActiveCustomerContracts}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{})
			id := d.create(v1.Syncs...).ID
			harness.OK(t, d.Ledger.Write(t.Context(), id, []*ledger.Entry{
				{Kind: v1.KindCompany, ID: 1, Name: "Acme", Outcome: v1.OutcomePushed},
				{Kind: v1.KindContract, ID: 3, Name: "Backup", Outcome: v1.OutcomeWaiting},
			}))
			for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
				harness.OK(t, d.DeadLetters.PutRecord(t.Context(), id, v1.DeadLetter{ID: string(kind) + "-7", Kind: string(kind), RecordID: "7", Code: "rejected"}))
				harness.OK(t, d.Bus.Journal().PublishAll(t.Context(), []events.Change{{Installation: id, Kind: kind, ID: 7, Trigger: v1.TriggerManual, EventTime: d.Now()}}))
			}
			for _, sync := range one.erase {
				harness.OK(t, d.Do(t.Context(), id, sync, "erase"))
				harness.OK(t, d.Do(t.Context(), id, sync, "erase")) // asked again after a crash
			}
			got := map[string][]string{}
			page, err := d.Ledger.List(t.Context(), id, v1.RecordQuery{Limit: 10})
			harness.OK(t, err)
			for _, r := range page.Items {
				got["ledger"] = append(got["ledger"], string(r.Kind))
			}
			dead, err := d.DeadLetterList(t.Context(), id, "", 10)
			harness.OK(t, err)
			for _, l := range dead.Items {
				got["dead letters"] = append(got["dead letters"], l.Kind)
			}
			harness.OK(t, d.Bus.Journal().Read(t.Context(), events.ReadFrom{Installation: id}, func(c events.StoredChange) error {
				if c.ID == 7 {
					got["journal"] = append(got["journal"], string(c.Kind))
				}
				return nil
			}))
			for _, place := range []string{"ledger", "dead letters", "journal"} {
				if fmt.Sprint(got[place]) != fmt.Sprint(texts(one.left)) {
					t.Errorf("%s has %v, want %v", place, got[place], one.left)
				}
			}
			in, err := d.Get(t.Context(), id)
			harness.OK(t, err)
			for _, sync := range one.erase {
				if in.Syncs[sync].State != v1.SyncUninstalled || in.Syncs[sync].Counts != (v1.Counts{}) {
					t.Errorf("%s: %+v", sync, in.Syncs[sync])
				}
			}
		})
	}
}

// TestErasedSyncLeavesTheOtherRunning: the other sync goes on, and the erased one can be
// installed anew.
func TestErasedSyncLeavesTheOtherRunning(t *testing.T) {
	d := newDesk(t, setup{})
	d.run()
	in := d.live(d.create(v1.Syncs...).ID)
	for _, sync := range v1.Syncs {
		before, err := d.Get(t.Context(), in.ID)
		harness.OK(t, err)
		harness.OK(t, d.Do(t.Context(), in.ID, sync, "erase"))
		if d.runtime(in.ID) == nil {
			t.Fatal("it does not run")
		}
		d.eventually("the other sync has its records", func() error {
			now, err := d.Get(t.Context(), in.ID)
			for _, other := range v1.Syncs {
				if other != sync && (err != nil || now.Backlog > 0 || now.Syncs[other].Counts.InScope != before.Syncs[other].Counts.InScope) {
					return fmt.Errorf("%+v: %w", now.Syncs[other], err)
				}
			}
			return nil
		})
		harness.OK(t, d.Do(t.Context(), in.ID, sync, "reinstall"))
		d.eventually("all records are back", func() error {
			now, err := d.Get(t.Context(), in.ID)
			if err != nil || now.Syncs[sync].Counts.InScope != before.Syncs[sync].Counts.InScope {
				return fmt.Errorf("%+v: %w", now.Syncs[sync], err)
			}
			return nil
		})
	}
}

// After a sync was erased and reinstalled, a record out of scope was said to have never been sent.
func TestOfAnErasedSyncNothingIsKnownFromBefore(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create(v1.SyncActiveCustomers).ID
	before := d.Now()
	erased := func(kind v1.Kind) time.Time { return d.kept(id).KnownSince(kind) }
	if !erased(v1.KindCompany).Equal(d.kept(id).CreatedAt) {
		t.Errorf("records are kept since %s, it was made on %s", erased(v1.KindCompany), d.kept(id).CreatedAt)
	}
	harness.OK(t, d.Do(t.Context(), id, v1.SyncActiveCustomers, "erase"))
	harness.OK(t, d.Do(t.Context(), id, v1.SyncActiveCustomers, "reinstall"))
	harness.OK(t, d.Ledger.Write(t.Context(), id, []*ledger.Entry{{Kind: v1.KindCompany, ID: 1, Name: "Acme", Outcome: v1.OutcomeNotMet}}))
	for _, at := range []time.Time{before, d.Now()} {
		page, err := d.Versions(t.Context(), id, v1.KindCompany, 1, v1.VersionQuery{At: at.Format(time.RFC3339Nano)})
		harness.OK(t, err)
		if h := page.Held; h.State != v1.HeldUnknown || !strings.Contains(h.Detail, "nothing is known of the time before") || !page.KnownSince.Equal(erased(v1.KindCompany)) || !page.KnownSince.After(before) {
			t.Errorf("at %s, records kept since %s: %+v", at, page.KnownSince, h)
		}
	}
}

func texts(kinds []v1.Kind) (out []string) {
	for _, k := range kinds {
		out = append(out, string(k))
	}
	return out
}
