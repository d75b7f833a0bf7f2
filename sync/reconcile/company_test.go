package reconcile

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/sync/fetch"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func TestCompanyIsPushedOnceAndThenOnlyWhenItChanges(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	b.contact(id, "ann@northwind.example")
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if c := b.client(id); c.Data.Name != "Northwind" || len(c.Data.Emails) != 1 || len(c.Data.Phones) != 1 {
		t.Fatalf("at the target: %+v", c)
	}
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomeUnchanged)
	b.edit("Companies", id, atsim.Row{"fax": "518-555-0199"})
	b.batch(v1.KindCompany, id)
	if n := b.pushes(id); n != 1 {
		t.Fatalf("%d pushes, though nothing that syncs has changed", n)
	}
	b.edit("Companies", id, atsim.Row{"phone": nil})
	b.batch(v1.KindCompany, id)
	e := b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if c := b.client(id); len(c.Data.Phones) != 0 {
		t.Errorf("a cleared field is still there: %+v", c.Data)
	}
	if len(e.Details().Previous) == 0 || e.ObservedAt.IsZero() || !e.InScope || e.PushedAt.IsZero() {
		t.Errorf("remembered: %+v", e)
	}
}

func TestReasonsAreRemembered(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	in := b.customer("In scope")
	prospect := b.at.Put("Companies", atsim.Row{"companyName": "Prospect", "companyType": 3, "isActive": true})
	inactive := b.at.Put("Companies", atsim.Row{"companyName": "Former", "companyType": 1, "isActive": false})
	b.batch(v1.KindCompany, in, prospect, inactive, 99999)
	b.outcome(v1.KindCompany, in, v1.OutcomePushed)
	b.outcome(v1.KindCompany, prospect, v1.OutcomeNotMet, v1.ReasonTypeNotCustomer)
	b.outcome(v1.KindCompany, inactive, v1.OutcomeNotMet, v1.ReasonStatusInactive)
	b.outcome(v1.KindCompany, 99999, v1.OutcomeNotMet, v1.ReasonDeletedAtSource)
	b.edit("Companies", in, atsim.Row{"isActive": false})
	b.batch(v1.KindCompany, in)
	b.outcome(v1.KindCompany, in, v1.OutcomeNotMet, v1.ReasonStatusInactive)
	if c := b.client(in); c.Data.Lifecycle != "active" || b.pushes(in) != 1 {
		t.Errorf("one that left was touched: %+v", c.Data)
	}
}

func TestWhatAQueryAnswerLacksIsSettledByGet(t *testing.T) {
	for name, one := range map[string]struct {
		fault atsim.Fault
		modes func(*atsim.Modes)
		gone  bool // the record is really deleted
		want  v1.Outcome
	}{
		"an id that is missing":        {fault: atsim.Fault{Kind: "dropids", Entity: "Companies"}, want: v1.OutcomeUnchanged},
		"a key that is missing":        {fault: atsim.Fault{Kind: "dropfields", Entity: "Companies", Fields: []string{"phone"}}, want: v1.OutcomeUnchanged},
		"the type is missing":          {fault: atsim.Fault{Kind: "dropfields", Entity: "Companies", Fields: []string{"companyType", "isActive"}}, want: v1.OutcomeUnchanged},
		"a contact that is missing":    {fault: atsim.Fault{Kind: "dropids", Entity: "Contacts"}, want: v1.OutcomeUnchanged},
		"a contact's key is missing":   {fault: atsim.Fault{Kind: "dropfields", Entity: "Contacts", Fields: []string{"emailAddress"}}, want: v1.OutcomeUnchanged},
		"deleted, said with 404":       {gone: true, want: v1.OutcomeNotMet},
		"deleted, said with item null": {gone: true, modes: func(m *atsim.Modes) { m.NotFound = "null" }, want: v1.OutcomeNotMet},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			id := b.customer("Northwind")
			contact := b.contact(id, "ann@northwind.example")
			b.batch(v1.KindCompany, id)
			before := b.client(id)
			if one.fault.Kind == "dropids" {
				one.fault.Records = []int64{id, contact}
			}
			if one.fault.Kind != "" {
				b.at.SetFault(one.fault)
			}
			if one.modes != nil {
				b.at.SetModes(one.modes)
			}
			if one.gone {
				b.at.Remove("Companies", id)
			}
			b.at.ResetStats()
			b.batch(v1.KindCompany, id)
			var reasons []string
			if one.gone {
				reasons = []string{v1.ReasonDeletedAtSource}
			}
			b.outcome(v1.KindCompany, id, one.want, reasons...)
			if b.asked("Companies", "get")+b.asked("Contacts", "get") == 0 {
				t.Error("nothing was settled by a GET")
			}
			if diff := cmp.Diff(before.Data, b.client(id).Data); diff != "" {
				t.Errorf("the target changed: %s", diff)
			}
		})
	}
}

// oldBuild is the way to an Autotask whose companies have few fields.
type oldBuild struct{ http.RoundTripper }

func (o oldBuild) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(strings.ToLower(r.URL.Path), "/companies/entityinformation/fields") {
		return o.RoundTripper.RoundTrip(r)
	}
	fields := `{"fields":[{"name":"id"},{"name":"companyName"},{"name":"companyType"},{"name":"isActive"}]}`
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(fields)),
	}, nil
}

func TestFieldsThatABuildLacksAreNotAskedForAgain(t *testing.T) {
	b := newBench(t, setup{
		syncs: []v1.Sync{v1.SyncActiveCustomers},
		via:   func(rt http.RoundTripper) http.RoundTripper { return oldBuild{rt} },
	})
	id := b.customer("Northwind")
	b.at.SetFault(atsim.Fault{Kind: "dropfields", Entity: "Companies", Fields: []string{"phone", "city"}})
	b.at.ResetStats()
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if n := b.asked("Companies", "get"); n != 0 {
		t.Errorf("%d GETs for keys that this build does not have", n)
	}
}

func TestContactsThatLeaveAreSettled(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	one, two := b.customer("One"), b.customer("Two")
	moved, gone, off := b.contact(one, "moved@example.com"), b.contact(one, "gone@example.com"), b.contact(one, "off@example.com")
	b.batch(v1.KindCompany, one, two)
	b.edit("Contacts", moved, atsim.Row{"companyID": two})
	b.at.Remove("Contacts", gone)
	b.edit("Contacts", off, atsim.Row{"isActive": 0})
	b.batch(v1.KindContact, moved, gone, off)
	due := b.dueIDs(v1.KindCompany)
	slices.Sort(due)
	if diff := cmp.Diff([]int64{one, two}, due); diff != "" {
		t.Fatalf("companies of the contacts: %s", diff)
	}
	b.batch(v1.KindCompany, due...)
	if n := len(b.client(one).Data.Emails); n != 0 {
		t.Errorf("company one still has %d", n)
	}
	if emails := b.client(two).Data.Emails; len(emails) != 1 || emails[0].Value != "moved@example.com" {
		t.Errorf("company two has %+v", emails)
	}
}

func TestContactsEnqueueNobodyWithoutTheCustomersSync(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomerContracts}})
	b.batch(v1.KindContact, b.contact(b.customer("One"), "ann@example.com"))
	if due := b.dueIDs(v1.KindCompany); len(due) != 0 {
		t.Errorf("marked %v", due)
	}
}

func TestDependentsComeOnlyFromScopeAndName(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("Northwind")
	var contracts []int64
	for _, name := range []string{"Backup", "Support"} {
		contracts = append(contracts, b.contract(id, name))
	}
	b.batch(v1.KindCompany, id)
	calls := 0
	expect := func(what string, n int) {
		t.Helper()
		b.batch(v1.KindCompany, id)
		got := b.dependents()[calls:]
		calls += len(got)
		if len(got) != n {
			t.Errorf("%s: %v were marked, want %d of %v", what, got, n, contracts)
		}
	}
	calls = len(b.dependents())
	if calls != len(contracts) {
		t.Errorf("seen for the first time: %d were marked", calls)
	}
	expect("nothing changed", 0)
	b.edit("Companies", id, atsim.Row{"phone": "1"})
	expect("another phone number", 0)
	b.edit("Companies", id, atsim.Row{"companyName": "Northwind Group"})
	expect("another name", 2)
	b.edit("Companies", id, atsim.Row{"isActive": false})
	expect("it left", 2)
	b.edit("Companies", id, atsim.Row{"companyName": "Out of scope"})
	expect("another name while out of scope", 0)
	b.edit("Companies", id, atsim.Row{"isActive": true})
	expect("it came back", 2)
}

func TestBackfillLeavesContractsToTheirOwn(t *testing.T) {
	b := newBench(t, setup{})
	id := b.customer("Northwind")
	b.contract(id, "Backup")
	due := b.due(v1.KindCompany, id)
	due[0].Lane, due[0].Trigger = events.LaneBulk, v1.TriggerBackfill
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	if got := b.dependents(); len(got) != 0 {
		t.Errorf("marked %v", got)
	}
	b.edit("Companies", id, atsim.Row{"companyName": "Renamed, and no callback came"})
	due[0].Trigger = v1.TriggerSweep
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	if got := b.dependents(); len(got) != 1 {
		t.Errorf("the sweep found another name and marked %v", got)
	}
}

// TestScopeIsKnownWhateverBecomesOfTheClient: its contracts are marked though nothing of it is pushed.
func TestScopeIsKnownWhateverBecomesOfTheClient(t *testing.T) {
	for name, one := range map[string]struct {
		hinder  func(*bench)
		outcome v1.Outcome
		reasons []string
	}{
		"the client is rejected": {
			func(b *bench) { b.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, Detail: "no", Pointer: "/name"}) }, v1.OutcomeDead, []string{"rejected"},
		},
		"the customers sync waits": {
			func(b *bench) {
				b.change(func(in *installation.Installation) { in.Syncs[v1.SyncActiveCustomers].Stopped = true })
			}, v1.OutcomeWaiting, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{})
			id := b.at.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": false})
			b.contract(id, "Backup")
			b.batch(v1.KindCompany, id)
			before := len(b.dependents())
			one.hinder(b)
			b.edit("Companies", id, atsim.Row{"isActive": true})
			b.batch(v1.KindCompany, id)
			b.outcome(v1.KindCompany, id, one.outcome, one.reasons...)
			if n := len(b.dependents()) - before; n != 1 {
				t.Errorf("%d contracts were marked", n)
			}
		})
	}
}

func TestContractsThatCannotBeListedAreFoundTheNextTime(t *testing.T) {
	b := newBench(t, setup{})
	id := b.at.Put("Companies", atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": false})
	contract := b.contract(id, "Backup")
	b.batch(v1.KindCompany, id)
	before := len(b.dependents())
	b.at.SetFault(atsim.Fault{Kind: "badvalue", Entity: "Contracts", Field: "id", Record: contract, Value: []byte(`"none"`)})
	b.edit("Companies", id, atsim.Row{"isActive": true})
	b.batch(v1.KindCompany, id)
	b.at.ClearFaults(0)
	b.clock.Add(time.Hour)
	b.batch(v1.KindCompany, id)
	if n := len(b.dependents()) - before; n < 1 {
		t.Error("the contract was never marked")
	}
}

func TestOutOfScopeCanBeArchived(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, options: v1.Options{OutOfScope: "archive"}})
	id := b.customer("Northwind")
	never := b.at.Put("Companies", atsim.Row{"companyName": "Never there", "companyType": 1, "isActive": false})
	b.batch(v1.KindCompany, id, never)
	b.edit("Companies", id, atsim.Row{"isActive": false})
	for range 2 {
		b.batch(v1.KindCompany, id, never)
	}
	e := b.outcome(v1.KindCompany, id, v1.OutcomeNotMet, v1.ReasonStatusInactive)
	if c := b.client(id); c.Data.Lifecycle != "archived" || c.Data.ArchivedReason != v1.ReasonStatusInactive || len(c.Data.Phones) != 1 || !e.Archived {
		t.Errorf("archived as %+v", c.Data)
	}
	if n := b.pushes(id); n != 2 {
		t.Errorf("%d pushes", n)
	}
	if b.pushes(never) != 0 {
		t.Error("one that was never pushed was archived")
	}
	b.edit("Companies", id, atsim.Row{"isActive": true})
	b.batch(v1.KindCompany, id)
	b.outcome(v1.KindCompany, id, v1.OutcomePushed)
	if c := b.client(id); c.Data.Lifecycle != "active" {
		t.Errorf("back again, but %s", c.Data.Lifecycle)
	}
	b.at.Remove("Companies", id)
	b.batch(v1.KindCompany, id)
	if c := b.client(id); c.Data.ArchivedReason != v1.ReasonDeletedAtSource {
		t.Errorf("deleted, and archived for %q", c.Data.ArchivedReason)
	}
}

func TestStoppedSyncsWait(t *testing.T) {
	customers, contracts := v1.SyncActiveCustomers, v1.SyncActiveCustomerContracts
	for name, one := range map[string]struct {
		stopped  []v1.Sync
		company  v1.Outcome
		contract v1.Outcome
	}{
		"none":      {nil, v1.OutcomePushed, v1.OutcomePushed},
		"customers": {[]v1.Sync{customers}, v1.OutcomeWaiting, v1.OutcomePushed},
		"contracts": {[]v1.Sync{contracts}, v1.OutcomePushed, v1.OutcomeWaiting},
		"both":      {[]v1.Sync{customers, contracts}, v1.OutcomeWaiting, v1.OutcomeWaiting},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{})
			b.change(func(in *installation.Installation) {
				for _, s := range one.stopped {
					in.Syncs[s].Stopped = true
				}
			})
			company := b.customer("Northwind")
			contract := b.contract(company, "Backup")
			b.batch(v1.KindCompany, company)
			b.batch(v1.KindContract, contract)
			b.outcome(v1.KindCompany, company, one.company)
			b.outcome(v1.KindContract, contract, one.contract)
		})
	}
}

func TestBatchCostsFewRequests(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	var ids []int64
	for range fetch.MaxBatch {
		ids = append(ids, b.customer("Northwind"))
	}
	b.at.ResetStats()
	b.batch(v1.KindCompany, ids...)
	if n := b.at.Stats().Total; n > 4 {
		t.Errorf("%d requests for %d companies", n, len(ids))
	}
	if n := len(b.cp.Clients(connection)); n != fetch.MaxBatch {
		t.Errorf("%d clients arrived", n)
	}
	known, err := b.ledger.Digest(t.Context(), inst)
	if err != nil || known.Counts[v1.KindCompany].Pushed != fetch.MaxBatch {
		t.Errorf("counted %+v, %v", known, err)
	}
}

func TestLiveChangesAloneTellHowFreshThingsAre(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	bulk := b.due(v1.KindCompany, id)
	bulk[0].Lane, bulk[0].StoredAt = events.LaneBulk, b.clock.Now().Add(-time.Hour)
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, bulk))
	if f := b.rec.Freshness.Read(b.clock.Now()); f.P50Seconds != nil || f.LastAt != nil {
		t.Errorf("after a backfill: %+v", f)
	}
	live := b.due(v1.KindCompany, id)
	live[0].StoredAt = b.clock.Now().Add(-3 * time.Second)
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, live))
	if f := b.rec.Freshness.Read(b.clock.Now()); f.P95Seconds == nil || *f.P95Seconds != 3 || f.LastAt != nil {
		t.Errorf("after a live change that changed nothing: %+v", f)
	}
	if s := b.results[len(b.results)-1]; s.Took != 3*time.Second || s.ID != id || s.Outcome != v1.OutcomeUnchanged || s.Name != "Northwind" {
		t.Errorf("told: %+v", s)
	}
	b.edit("Companies", id, atsim.Row{"companyName": "Southwind"})
	live = b.due(v1.KindCompany, id)
	live[0].StoredAt = b.clock.Now().Add(-2 * time.Second)
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, live))
	if f := b.rec.Freshness.Read(b.clock.Now()); f.LastSeconds == nil || *f.LastSeconds != 2 || !f.LastAt.Equal(b.clock.Now()) {
		t.Errorf("after a live change that was pushed: %+v", f)
	}
}

func TestSweepThatFindsNothingLeavesTheTimelineAlone(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	id := b.customer("Northwind")
	b.batch(v1.KindCompany, id)
	b.batch(v1.KindCompany, id)
	before := b.entry(v1.KindCompany, id)
	due := b.due(v1.KindCompany, id)
	due[0].Lane, due[0].Trigger = events.LaneBulk, v1.TriggerSweep
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	after := b.entry(v1.KindCompany, id)
	if diff := cmp.Diff(before.Timeline, after.Timeline); diff != "" {
		t.Errorf("timeline: %s", diff)
	}
	if !after.ReconciledAt.After(before.ReconciledAt) {
		t.Error("it does not say that it was looked at")
	}
	var steps []string
	for _, s := range before.Timeline {
		steps = append(steps, s.Step)
	}
	if diff := cmp.Diff([]string{"changed", "fetched", "pushed", "changed", "fetched", "decided"}, steps); diff != "" {
		t.Error(diff)
	}
}

func TestForcedPushFindsDrift(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	edited, same := b.customer("Northwind"), b.customer("Southwind")
	b.batch(v1.KindCompany, edited, same)
	harness.OK(t, b.cp.Edit(cpsim.Edit{Connection: connection, ExternalID: ledgerID(edited), Fields: map[string]any{"name": "Edited by hand"}}))
	due := b.due(v1.KindCompany, edited, same)
	for i := range due {
		due[i].Force, due[i].Lane, due[i].Trigger, due[i].Job = true, events.LaneBulk, v1.TriggerSweep, "job"
	}
	b.results = nil
	harness.OK(t, b.rec.Batch(t.Context(), v1.KindCompany, due))
	if c := b.client(edited); c.Data.Name != "Northwind" {
		t.Errorf("still %q", c.Data.Name)
	}
	drift := map[int64]bool{}
	for _, s := range b.results {
		drift[s.ID] = s.Drift
	}
	if diff := cmp.Diff(map[int64]bool{edited: true, same: false}, drift); diff != "" {
		t.Error(diff)
	}
	b.outcome(v1.KindCompany, edited, v1.OutcomePushed)
	b.outcome(v1.KindCompany, same, v1.OutcomeUnchanged)
}

func ledgerID(id int64) string { return (&ledger.Entry{ID: id}).Record().ID }
