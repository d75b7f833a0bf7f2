package watch

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"channelsync/sync/contractrows"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	atsim "channelsync/test/sim/autotask/sim"
)

// vendorClock is the simulator's, which need not agree with ours.
func vendorClock(c *clock.Clock, ahead time.Duration) func() time.Time {
	return func() time.Time { return c.Now().Add(ahead) }
}

func (b *bench) company(name string) int64 {
	return b.at.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true})
}

func (b *bench) contract(company int64, name string) int64 {
	return b.at.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": name, "contractType": 7, "status": 1, "startDate": "2026-01-01", "endDate": "2030-01-01",
	})
}

func (b *bench) remember(w *Watcher, entries ...*ledger.Entry) {
	b.t.Helper()
	harness.OK(b.t, b.ledger.Write(b.t.Context(), w.ID, entries))
}

func poll1(what string, id int64) string { return fmt.Sprintf("%s %d poll", what, id) }

func pollCompanies(t *testing.T, w *Watcher) {
	t.Helper()
	_, err := w.PollCompanies(t.Context())
	harness.OK(t, err)
}

// TestPollFindsEachEditOnce, whatever the difference of the two clocks.
func TestPollFindsEachEditOnce(t *testing.T) {
	for _, ahead := range []time.Duration{0, time.Hour, -time.Hour} {
		t.Run(ahead.String(), func(t *testing.T) {
			clock := clock.At(time.Now())
			b := newBench(t, atsim.Config{Now: vendorClock(clock, ahead)})
			w := b.watcher()
			w.Now = clock.Now
			seen := b.changes(w)
			old := b.company("Old")
			clock.Add(48 * time.Hour)
			pollCompanies(t, w)
			seen.expect("what is two days old needs a backfill, not a poll")
			fresh := b.company("Fresh")
			pollCompanies(t, w)
			seen.expect("a new company", poll1("company", fresh))
			pollCompanies(t, w)
			seen.expect("nothing happened")
			clock.Add(time.Second)
			b.edit("Companies", old, atsim.Row{"phone": "1"})
			clock.Add(time.Second)
			pollCompanies(t, w)
			seen.expect("an edit", poll1("company", old))
			clock.Add(overlap / 2)
			b.edit("Companies", fresh, atsim.Row{"phone": "2"})
			pollCompanies(t, w)
			seen.expect("another edit; the first is still within the overlap", poll1("company", fresh))
			clock.Add(10 * overlap)
			pollCompanies(t, w)
			seen.expect("long after")
		})
	}
}

func TestStampThatLandsLateIsFound(t *testing.T) {
	b := newBench(t, atsim.Config{Now: time.Now})
	w := b.watcher()
	seen := b.changes(w)
	one, two := b.company("One"), b.company("Two")
	b.edit("Companies", two, atsim.Row{"phone": "1"})
	now := time.Now().Add(time.Hour)
	b.edit("Companies", one, editedAt(now))
	pollCompanies(t, w)
	seen.expect("both", poll1("company", one), poll1("company", two))
	b.edit("Companies", two, editedAt(now.Add(-overlap/2))) // stored after the poll, with an earlier stamp
	pollCompanies(t, w)
	seen.expect("within the overlap", poll1("company", two))
}

func editedAt(at time.Time) atsim.Row {
	return atsim.Row{"lastActivityDate": at, "lastTrackedModifiedDateTime": at, "createDate": at.Add(-time.Hour)}
}

func TestStampInAFarFutureDoesNotBlindThePoll(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	wrong := b.company("Wrong clock")
	b.edit("Companies", wrong, editedAt(time.Now().AddDate(10, 0, 0)))
	pollCompanies(t, w)
	seen.expect("the record itself", poll1("company", wrong))
	if at := b.installation(w.ID).Cursors.Companies; at.After(time.Now().Add(reach)) {
		t.Errorf("the cursor stands at %s", at)
	}
	other := b.company("Other")
	pollCompanies(t, w)
	seen.expect("another record", poll1("company", other))
}

func TestWhatACallbackTookCareOfIsNotPublishedAgain(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	known, old := b.company("Known"), b.company("Known as it was before")
	modified := b.companyModified(w, known)
	b.remember(
		w, &ledger.Entry{Kind: v1.KindCompany, ID: known, ModifiedAt: modified},
		&ledger.Entry{Kind: v1.KindCompany, ID: old, ModifiedAt: b.companyModified(w, old).Add(-time.Second)},
	)
	pollCompanies(t, w)
	seen.expect("only what was not fetched as of its stamp", poll1("company", old))
}

func newestOf(times []time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

func (b *bench) companyModified(w *Watcher, id int64) time.Time {
	b.t.Helper()
	c, err := autotask.Get[companyTimes](b.t.Context(), w.Autotask, autotask.EntityCompanies, id)
	harness.OK(b.t, err)
	return newestOf(c.times())
}

func TestUnreadableStampIsPublishedOnce(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	id := b.company("Unreadable")
	b.at.SetFault(atsim.Fault{Kind: "badvalue", Entity: "Companies", Record: id, Field: "createDate", Value: []byte(`"yesterday"`)})
	for range 3 {
		pollCompanies(t, w)
	}
	seen.expect("the reconcile names what is wrong", poll1("company", id))
}

func TestFailedPollIsMadeUpFor(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	id := b.company("Northwind")
	fault := b.at.SetFault(atsim.Fault{Kind: "away"})
	if _, err := w.PollCompanies(t.Context()); autotask.KindOf(err) != autotask.KindUnavailable {
		t.Fatalf("got %v", err)
	}
	b.at.ClearFaults(fault)
	pollCompanies(t, w)
	seen.expect("the next poll", poll1("company", id))
}

func TestPollContacts(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	id := b.at.Put("Contacts", atsim.Row{"companyID": b.company("Northwind"), "firstName": "Ann", "lastName": "Lee", "isActive": 1})
	for range 2 {
		_, err := w.PollContacts(t.Context())
		harness.OK(t, err)
	}
	seen.expect("a new contact, once", poll1("contact", id))
	b.edit("Contacts", id, atsim.Row{"emailAddress": "ann@northwind.example"})
	_, err := w.PollContacts(t.Context())
	harness.OK(t, err)
	seen.expect("its address", poll1("contact", id))
}

func TestPollContracts(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	company := b.company("Northwind")
	id := b.contract(company, "Backup")
	harness.OK(t, w.PollContracts(t.Context()))
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("a new contract, once", poll1("contract", id))
	b.remember(w, &ledger.Entry{Kind: v1.KindContract, ID: id})
	b.edit("Contracts", id, atsim.Row{"contractName": "Backup Plus"})
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("its name", poll1("contract", id))
	bare := b.contract(company, "Created without a stamp")
	b.edit("Contracts", bare, atsim.Row{"lastModifiedDateTime": nil})
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("one whose stamp is empty is found by its id", poll1("contract", bare))
}

// TestContractsOfABuildWithoutStampsAreCompared: new, edited and deleted ones are found once.
func TestContractsOfABuildWithoutStampsAreCompared(t *testing.T) {
	b := newBench(t, atsim.Config{Undated: true})
	w := b.watcher()
	seen := b.changes(w)
	id := b.contract(b.company("Northwind"), "Backup")
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("a new contract", poll1("contract", id))
	fetched := func() *ledger.Entry {
		c, err := autotask.Get[autotask.Contract](t.Context(), w.Autotask, autotask.EntityContracts, id)
		harness.OK(t, err)
		return &ledger.Entry{Kind: v1.KindContract, ID: id, RowHash: contractrows.RowHash(c), Outcome: v1.OutcomePushed}
	}
	b.remember(w, fetched())
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("nothing happened")
	b.edit("Contracts", id, atsim.Row{"estimatedCost": 100})
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("an edit", poll1("contract", id))
	e := fetched()
	b.remember(w, e)
	b.at.Remove("Contracts", id)
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("missing from the list: to be settled", poll1("contract", id))
	e.Outcome, e.Reasons = v1.OutcomeNotMet, []string{v1.ReasonDeletedAtSource}
	b.remember(w, e)
	harness.OK(t, w.PollContracts(t.Context()))
	seen.expect("once it is settled, it is not asked about for ever")
}

func TestEditedServiceEnqueuesItsContracts(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	seen := b.changes(w)
	service := b.at.Put("Services", atsim.Row{"name": "Backup", "unitCost": 1, "unitPrice": 2, "periodType": 2, "isActive": true})
	b.remember(
		w, &ledger.Entry{Kind: v1.KindContract, ID: 7, Services: []int64{service, 99}}, &ledger.Entry{Kind: v1.KindContract, ID: 8, Services: []int64{99}},
	)
	harness.OK(t, w.PollServices(t.Context()))
	seen.expect("a new service", poll1("contract", 7))
	harness.OK(t, w.PollServices(t.Context()))
	seen.expect("nothing happened")
	b.edit("Services", service, atsim.Row{"unitCost": 3})
	harness.OK(t, w.PollServices(t.Context()))
	seen.expect("an edit", poll1("contract", 7))
	if diff := cmp.Diff([]int64{service, service}, w.Catalogue.(*forgotten).services); diff != "" {
		t.Errorf("told to forget: %s", diff)
	}
}

// TestListBeginsWithAFewWhereOthersWait: only the first page of the pass is short, so
// that the others have their first records soon too.
func TestListBeginsWithAFewWhereOthersWait(t *testing.T) {
	const n = 600
	for name, tc := range map[string]struct {
		crowded bool
		cursor  map[v1.Kind]int64
		want    []int
	}{
		"alone":                    {false, map[v1.Kind]int64{}, []int{500, 100}},
		"beside others":            {true, map[v1.Kind]int64{}, []int{firstPage, 500, 100 - firstPage}},
		"the second kind":          {true, map[v1.Kind]int64{v1.KindContract: -1}, []int{500, 100}},
		"going on after a restart": {true, map[v1.Kind]int64{v1.KindCompany: 1}, []int{500, 100}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, atsim.Config{})
			w := b.watcher()
			w.Crowded = func() bool { return tc.crowded }
			for i := range n {
				b.company(fmt.Sprint("c", i))
			}
			var pages []int
			j := job.Job{Job: v1.Job{ID: "job", Type: job.TypeBackfill}, Cursor: tc.cursor}
			harness.OK(t, w.List(t.Context(), j, v1.KindCompany, func(page []int64) error {
				pages = append(pages, len(page))
				return nil
			}))
			if diff := cmp.Diff(tc.want, pages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListGoesOnWhereItEnded(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	const n = 1100
	var ids []int64
	for i := range n {
		ids = append(ids, b.company(fmt.Sprint("c", i)))
	}
	j := job.Job{Job: v1.Job{ID: "job", Type: job.TypeBackfill}, Kinds: []v1.Kind{v1.KindCompany}, Cursor: map[v1.Kind]int64{}}
	var listed []int64
	cut := fmt.Errorf("crashed")
	err := w.List(t.Context(), j, v1.KindCompany, func(page []int64) error {
		if len(listed) > 0 {
			return cut
		}
		listed = append(listed, page...)
		j.Cursor[v1.KindCompany] = page[len(page)-1]
		return nil
	})
	if err == nil {
		t.Fatal("no error")
	}
	b.at.ResetStats()
	harness.OK(t, w.List(t.Context(), j, v1.KindCompany, func(page []int64) error {
		listed = append(listed, page...)
		return nil
	}))
	if diff := cmp.Diff(ids, listed); diff != "" {
		t.Error(diff)
	}
	if n := b.at.Stats().Total; n > 2 {
		t.Errorf("%d requests for the other 600", n)
	}
	enqueued := map[string]bool{}
	for _, c := range b.changes(w).next() {
		enqueued[c] = true
	}
	if len(enqueued) != n || !enqueued[fmt.Sprintf("company %d backfill", ids[0])] {
		t.Errorf("%d records were marked", len(enqueued))
	}
}

func TestRememberedRecordsThatAreNotListedAreSettledOnce(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	b.remember(
		w, &ledger.Entry{Kind: v1.KindCompany, ID: 1, Outcome: v1.OutcomePushed}, &ledger.Entry{Kind: v1.KindCompany, ID: 2, Outcome: v1.OutcomePushed},
		&ledger.Entry{Kind: v1.KindCompany, ID: 3, Outcome: v1.OutcomeNotMet, Reasons: []string{v1.ReasonDeletedAtSource}},
	)
	j := job.Job{Job: v1.Job{ID: "job", Type: job.TypeSweep}, Force: true}
	n, err := w.Remembered(t.Context(), j, v1.KindCompany, map[int64]bool{1: true})
	harness.OK(t, err)
	if n != 1 {
		t.Errorf("%d were marked", n)
	}
	b.changes(w).expect("the one that may be gone", "company 2 sweep")
}

func TestMissedCalloutsAreReadAndDeleted(t *testing.T) {
	b := newBench(t, unlimited())
	w, other := b.watcher(), b.watcher()
	b.repair(w, publicURL)
	b.repair(other, publicURL)
	in := b.installation(w.ID)
	row := func(webhook int64, payload any) int64 {
		text, isText := payload.(string)
		if !isText {
			raw, err := json.Marshal(payload)
			harness.OK(t, err)
			text = string(raw)
		}
		return b.at.Put("WebhookEventErrorLogs", atsim.Row{"accountWebhookID": webhook, "sequenceNumber": 1, "payload": text, "errorMessage": "503"})
	}
	mine := in.Registration(autotask.EntityCompanies)
	handled := row(mine.ID, map[string]any{
		"Action": "Delete", "Guid": mine.GUID, "EntityType": "Account", "Id": 174, "SequenceNumber": 5, "EventTime": "2026-03-01T12:00:00Z",
	})
	cut := row(mine.ID, `{"Action":"Update","Guid":"`)
	foreign := row(b.installation(other.ID).Registration(autotask.EntityCompanies).ID, map[string]any{"Action": "Update", "EntityType": "Account", "Id": 1})
	seen := b.changes(w)
	n, err := w.ReadMissed(t.Context())
	harness.OK(t, err)
	if n != 1 {
		t.Errorf("%d were read", n)
	}
	seen.expect("what was missed", poll1("company", 174))
	for id, want := range map[int64]bool{handled: false, cut: false, foreign: true} {
		if _, there := b.at.Get("WebhookEventErrorLogs", id); there != want {
			t.Errorf("row %d is there: %v", id, there)
		}
	}
	n, err = w.ReadMissed(t.Context())
	harness.OK(t, err)
	if n != 0 {
		t.Errorf("%d were read again", n)
	}
}

func TestCursorsOfDifferentWatchesAreKeptApart(t *testing.T) {
	b := newBench(t, atsim.Config{})
	w := b.watcher()
	company := b.company("Northwind")
	b.contract(company, "Backup")
	pollCompanies(t, w)
	before := b.installation(w.ID).Cursors
	harness.OK(t, w.PollContracts(t.Context()))
	after := b.installation(w.ID).Cursors
	if before.Companies.IsZero() || !before.Contracts.IsZero() || after.Contracts.IsZero() {
		t.Errorf("before %+v, after %+v", before, after)
	}
	after.Contracts = time.Time{}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}
