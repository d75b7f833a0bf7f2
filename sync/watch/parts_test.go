package watch

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"channelsync/sync/contractrows"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// tenant is contracts that were reconciled as Autotask has them now, each with a unit row.
type tenant struct {
	*bench
	w         *Watcher
	contracts []int64
	units     []int64
	// asked are the contracts of each step, in the order of the steps, and at is when
	// each request was sent.
	asked [][]int64
	at    []time.Time
}

// newTenant has n contracts. rows is how many rows the ledger says that each has, which
// makes the steps smaller than the rows there are would.
func newTenant(t *testing.T, n int, rows int32) *tenant {
	p := &tenant{bench: newBench(t, atsim.Config{})}
	p.w = p.watcher()
	p.line.see = p.see
	company := p.company("Northwind")
	for i := range n {
		id := p.contract(company, fmt.Sprint("Contract ", i))
		p.contracts = append(p.contracts, id)
		p.units = append(p.units, p.bench.at.Put("ContractServiceUnits", atsim.Row{
			"contractID": id, "serviceID": 1, "units": 1, "cost": 5, "startDate": p.day(-20), "endDate": p.day(10),
		}))
	}
	p.reconciled(rows, p.contracts...)
	p.asked, p.at = nil, nil
	return p
}

func (p *tenant) day(n int) string { return p.clock.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }

// reconciled remembers contracts as a reconcile of now would.
func (p *tenant) reconciled(rows int32, ids ...int64) {
	p.t.Helper()
	from := ledger.DayOf(p.clock.Now().UTC())
	p.reconciledAs(ledger.Parts{From: from, To: from + 14, Rows: rows, Due: from + 14}, ids...)
}

func (p *tenant) reconciledAs(parts ledger.Parts, ids ...int64) {
	p.t.Helper()
	read := map[int64]ledger.Parts{}
	for _, id := range ids {
		read[id] = parts
	}
	hashes, err := contractrows.Hash(p.t.Context(), p.w.Autotask, read, nil)
	harness.OK(p.t, err)
	var entries []*ledger.Entry
	for _, id := range ids {
		parts := read[id]
		parts.Hash = hashes[id]
		entries = append(entries, &ledger.Entry{Kind: v1.KindContract, ID: id, InScope: true, Outcome: v1.OutcomePushed, Parts: &parts})
	}
	p.remember(p.w, entries...)
}

// see notes which contracts a step asks for: every step begins with their services.
func (p *tenant) see(r *http.Request) {
	if strings.Contains(r.URL.Path, "/ThresholdInformation") {
		return // the client's own
	}
	p.at = append(p.at, p.clock.Now())
	if !strings.Contains(r.URL.Path, "/ContractServices/") {
		return
	}
	raw, err := io.ReadAll(r.Body)
	harness.OK(p.t, err)
	r.Body = io.NopCloser(strings.NewReader(string(raw)))
	var body struct {
		Filter []struct {
			Op, Field string
			Value     json.RawMessage
		}
	}
	harness.OK(p.t, json.Unmarshal(raw, &body))
	for _, f := range body.Filter {
		var ids []int64
		if strings.EqualFold(f.Field, "contractID") && json.Unmarshal(f.Value, &ids) == nil {
			p.asked = append(p.asked, ids)
		}
	}
}

// compare lets an hour pass and compares.
func (p *tenant) compare() {
	p.t.Helper()
	p.clock.Add(time.Hour)
	harness.OK(p.t, p.w.CompareParts(p.t.Context()))
}

// noMoreThan wants no window of time to have more requests.
func (p *tenant) noMoreThan(most int, window time.Duration) {
	p.t.Helper()
	for i := most; i < len(p.at); i++ {
		if within := p.at[i].Sub(p.at[i-most]); within < window {
			p.t.Fatalf("requests %d to %d within %s", i-most, i, within)
		}
	}
}

func TestEditedPartsEnqueueTheirContract(t *testing.T) {
	p := newTenant(t, 3, 1)
	seen := p.changes(p.w)
	p.compare()
	seen.expect("nothing happened")
	if got := p.installation(p.w.ID).Cursors.PartsCompared.Since(); !got.Equal(p.clock.Now()) {
		t.Errorf("compared at %s", got)
	}
	p.edit("ContractServiceUnits", p.units[1], atsim.Row{"cost": 6})
	harness.OK(t, p.w.CompareParts(t.Context()))
	seen.expect("the hour is not over")
	p.compare()
	seen.expect("another cost", poll1("contract", p.contracts[1]))
	p.reconciled(1, p.contracts[1])
	p.bench.at.Remove("ContractServiceUnits", p.units[1])
	p.compare()
	seen.expect("the row is gone", poll1("contract", p.contracts[1]))
}

// TestRowsThatAgeEnqueueNothing: days pass, rows end and leave what is compared, and
// nothing was edited.
func TestRowsThatAgeEnqueueNothing(t *testing.T) {
	p := newTenant(t, 3, 1)
	seen := p.changes(p.w)
	for range 40 {
		p.clock.Add(23 * time.Hour)
		p.compare()
	}
	seen.expect("40 days, and the rows ended after 10")
	p.reconciled(1, p.contracts...)
	p.compare()
	seen.expect("nor do they once the contract was read again")
}

// TestADayThatChangesAContractEnqueuesItOnce: the reconcile said on which day the rows
// themselves give other figures.
func TestADayThatChangesAContractEnqueuesItOnce(t *testing.T) {
	p := newTenant(t, 2, 1)
	w, seen := p.w, p.changes(p.w)
	harness.OK(t, w.PollDays(t.Context()))
	seen.expect("not today")
	p.clock.Add(14 * 24 * time.Hour)
	harness.OK(t, w.PollDays(t.Context()))
	seen.expect("the day on which both are due", fmt.Sprintf("contract %d sweep", p.contracts[0]), fmt.Sprintf("contract %d sweep", p.contracts[1]))
	harness.OK(t, w.PollDays(t.Context()))
	seen.expect("once a day")
	p.reconciled(1, p.contracts...)
	p.clock.Add(24 * time.Hour)
	harness.OK(t, w.PollDays(t.Context()))
	seen.expect("they were reconciled")
}

// TestTheDayBeginsWhereTheTenantIs: at its midnight, whatever day it is in UTC.
func TestTheDayBeginsWhereTheTenantIs(t *testing.T) {
	for zone, midnight := range map[string]string{
		"": "2027-03-01T00:00:00Z", "Australia/Sydney": "2027-02-28T13:00:00Z", "America/New_York": "2027-03-01T05:00:00Z",
	} {
		t.Run(zone, func(t *testing.T) {
			p := newTenant(t, 1, 1)
			_, err := p.w.Store.Change(t.Context(), p.w.ID, func(in *installation.Installation) error {
				in.Options.TimeZone = zone
				return nil
			})
			harness.OK(t, err)
			at, err := time.Parse(time.RFC3339, midnight)
			harness.OK(t, err)
			dueOn := func(day ledger.Day) {
				p.remember(p.w, &ledger.Entry{
					Kind: v1.KindContract, ID: p.contracts[0], InScope: true, Outcome: v1.OutcomePushed, Parts: &ledger.Parts{Hash: "1.x", From: day - 5, Due: day},
				})
			}
			march1 := ledger.DayOf(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC))
			dueOn(march1)
			seen := p.changes(p.w)
			p.clock.Add(at.Add(-time.Second).Sub(p.clock.Now()))
			harness.OK(t, p.w.PollDays(t.Context()))
			seen.expect("a second before midnight")
			p.clock.Add(time.Second)
			harness.OK(t, p.w.PollDays(t.Context()))
			want := fmt.Sprintf("contract %d sweep", p.contracts[0])
			seen.expect("at midnight", want)
			harness.OK(t, p.w.PollDays(t.Context()))
			seen.expect("once a day")
		})
	}
}

// TestWhatIsReconciledOverMidnightIsEnqueued: it says only after midnight on which day it is due.
func TestWhatIsReconciledOverMidnightIsEnqueued(t *testing.T) {
	p := newTenant(t, 1, 1)
	seen := p.changes(p.w)
	harness.OK(t, p.w.PollDays(t.Context()))
	seen.expect("nothing is due")
	today := ledger.DayOf(p.clock.Now().UTC())
	p.remember(p.w, &ledger.Entry{
		Kind: v1.KindContract, ID: p.contracts[0], InScope: true, Outcome: v1.OutcomePushed, Parts: &ledger.Parts{Hash: "1.x", From: today - 1, Due: today},
	})
	harness.OK(t, p.w.PollDays(t.Context()))
	seen.expect("due today", fmt.Sprintf("contract %d sweep", p.contracts[0]))
}

// TestContractsThatEndedCostNothing: no request names one.
func TestContractsThatEndedCostNothing(t *testing.T) {
	p := newTenant(t, 3, 1)
	today := ledger.DayOf(p.clock.Now().UTC())
	var entries []*ledger.Entry
	for i, until := range []ledger.Day{today - 1, today + 30, today - 400} {
		entries = append(entries, &ledger.Entry{
			Kind: v1.KindContract, ID: p.contracts[i], InScope: true, Outcome: v1.OutcomePushed,
			Parts: &ledger.Parts{Hash: p.hash(p.contracts[i]), From: today - 500, Rows: 1, Until: until},
		})
	}
	p.remember(p.w, entries...)
	p.compare()
	if diff := cmp.Diff([][]int64{{p.contracts[1]}}, p.asked); diff != "" {
		t.Errorf("asked for: %s", diff)
	}
	p.clock.Add(31 * 24 * time.Hour)
	p.asked, p.at = nil, nil
	p.compare()
	if len(p.at) != 0 {
		t.Errorf("%d requests though all have ended", len(p.at))
	}
	if fresh, err := p.w.PartsFreshness(t.Context()); err != nil || fresh != nil {
		t.Errorf("freshness of nothing: %+v, %v", fresh, err)
	}
}

func (p *tenant) hash(id int64) string {
	found := ""
	_, err := p.ledger.Find(p.t.Context(), p.w.ID, v1.KindContract, func(s ledger.Summary) bool {
		if s.ID == id {
			found = s.Parts.Hash
		}
		return false
	})
	harness.OK(p.t, err)
	return found
}

// TestAComparisonGoesOnAfterARestart: with what was not compared yet, on whatever
// instance, and the requests of the hour stay used.
func TestAComparisonGoesOnAfterARestart(t *testing.T) {
	p := newTenant(t, 10, 12_500) // two make a step
	seen := p.changes(p.w)
	p.clock.Add(time.Hour)
	p.line.arm(10, false) // in the third step
	if err := p.w.CompareParts(t.Context()); autotask.KindOf(err) != autotask.KindUnavailable {
		t.Fatalf("got %v", err)
	}
	p.line.arm(0, false)
	used := len(p.at)
	if since := p.installation(p.w.ID).Cursors.PartsCompared.Since(); !since.IsZero() {
		t.Errorf("all is said to have been compared since %s", since)
	}
	p.edit("ContractServiceUnits", p.units[9], atsim.Row{"cost": 6})
	p.w = p.again(p.w.ID)
	harness.OK(t, p.w.CompareParts(t.Context()))
	seen.expect("what was edited", poll1("contract", p.contracts[9]))
	var want [][]int64
	for _, first := range []int{0, 2, 4, 4, 6, 8} { // the third step is made again
		want = append(want, p.contracts[first:first+2])
	}
	if diff := cmp.Diff(want, p.asked); diff != "" {
		t.Errorf("steps: %s", diff)
	}
	total := 0
	for _, u := range p.installation(p.w.ID).Cursors.PartsRequests.Used {
		total += u.N
	}
	if total < len(p.at) || total > len(p.at)+2*stepRequests {
		t.Errorf("%d requests are remembered of %d, %d of them before the restart", total, len(p.at), used)
	}
}

// TestNoHourHasMoreRequestsThanItsLimit: where comparing all contracts takes more, each
// has its turn less often, in turn, and what is said of that holds.
func TestNoHourHasMoreRequestsThanItsLimit(t *testing.T) {
	p := newTenant(t, 200, 12_500) // 100 steps of 4 requests
	began := p.clock.Now()
	p.clock.Add(time.Hour)
	fresh, err := p.w.PartsFreshness(t.Context())
	harness.OK(t, err)
	every := time.Duration(fresh.EverySeconds) * time.Second
	if want := 100 * (stepOverhead + 2*12_500/rowsPerPage); fresh.Requests != want || fresh.Contracts != 200 {
		t.Errorf("%+v, want %d requests for 200 contracts", fresh, want)
	}
	if every < 20*time.Hour || fresh.ComparedSince != nil {
		t.Errorf("freshness %+v", fresh)
	}
	ctx, cancel := context.WithCancel(t.Context())
	compared := map[int64]int{}
	noted := p.line.see
	p.line.see = func(r *http.Request) {
		noted(r)
		if step := len(p.asked); step > 0 && compared[p.asked[step-1][0]] == 1 && len(compared) == len(p.contracts) {
			cancel() // a second round begins
			return
		}
		for _, id := range p.asked[len(p.asked)-1] {
			compared[id] = len(p.asked)
		}
	}
	if err := p.w.CompareParts(ctx); ctx.Err() == nil {
		t.Fatalf("it ended by itself: %v", err)
	}
	took := p.clock.Now().Sub(began)
	if len(p.at) < 2*partsRequests || took < 2*time.Hour || took > every {
		t.Errorf("%d requests in %s; said to be within %s", len(p.at), took, every)
	}
	p.noMoreThan(partsRequests, time.Hour)
	for i, id := range p.contracts {
		if step := compared[id]; step != i/2+1 {
			t.Errorf("contract %d was compared in step %d, want %d: in turn", i, step, i/2+1)
		}
	}
}

// TestAStoppedInstallationIsNotWaitedFor: who waits for the next hour asks for nothing more.
func TestAStoppedInstallationIsNotWaitedFor(t *testing.T) {
	p := newTenant(t, 160, 12_500)
	waited := p.w.Wait
	p.w.Wait = func(ctx context.Context, d time.Duration) error {
		_, err := p.store.Change(ctx, p.w.ID, func(in *installation.Installation) error {
			in.Stopped = true
			return nil
		})
		harness.OK(t, err)
		return waited(ctx, d)
	}
	p.compare()
	if len(p.at) != partsRequests {
		t.Errorf("%d requests, want those of one hour", len(p.at))
	}
	p.clock.Add(48 * time.Hour)
	if p.w.PartsDue() {
		t.Error("a stopped installation is due")
	}
}

// TestTheHourlyLimitIsWaitedFor: Autotask's own limit ends no comparison, and what was
// read is not read again.
func TestTheHourlyLimitIsWaitedFor(t *testing.T) {
	p := newTenant(t, 3, 1)
	seen := p.changes(p.w)
	p.edit("ContractServiceUnits", p.units[2], atsim.Row{"cost": 6})
	p.bench.at.SetFault(atsim.Fault{Kind: "throttle", Entity: "ContractServiceUnits", RetryAfter: 600, Next: 1})
	began := p.clock.Now()
	p.compare()
	seen.expect("found all the same", poll1("contract", p.contracts[2]))
	if took := p.clock.Now().Sub(began); took != time.Hour+10*time.Minute || len(p.asked) != 1 {
		t.Errorf("it took %s and %d steps", took, len(p.asked))
	}
}

// TestWhatIsReconciledMeanwhileIsNotEnqueued: its rows were read anew.
func TestWhatIsReconciledMeanwhileIsNotEnqueued(t *testing.T) {
	p := newTenant(t, 3, 1)
	seen := p.changes(p.w)
	for _, unit := range p.units[:2] {
		p.edit("ContractServiceUnits", unit, atsim.Row{"cost": 6})
	}
	noted, once := p.line.see, false
	p.line.see = func(r *http.Request) {
		noted(r)
		if strings.Contains(r.URL.Path, "/ContractCharges/") || once {
			return
		}
		if strings.Contains(r.URL.Path, "/ContractServiceBundleUnits/") {
			once = true
			p.reconciled(1, p.contracts[0])
		}
	}
	p.compare()
	seen.expect("the other one", poll1("contract", p.contracts[1]))
}

// TestContractsOfAnOlderVersionAreReadAgain: nothing is remembered to compare them
// with, so they are reconciled once, without hurry and without a request.
func TestContractsOfAnOlderVersionAreReadAgain(t *testing.T) {
	p := newTenant(t, 1, 1)
	seen := p.changes(p.w)
	p.remember(
		p.w, &ledger.Entry{Kind: v1.KindContract, ID: 1, InScope: true, Outcome: v1.OutcomeUnchanged},
		&ledger.Entry{Kind: v1.KindContract, ID: 2, InScope: true, Outcome: v1.OutcomeUnchanged, Parts: &ledger.Parts{Hash: "another format"}},
		&ledger.Entry{Kind: v1.KindContract, ID: 3, InScope: true, Outcome: v1.OutcomeRetrying},
		&ledger.Entry{Kind: v1.KindContract, ID: 4, Outcome: v1.OutcomeNotMet},
	)
	p.compare()
	seen.expect("those that can be", "contract 1 sweep", "contract 2 sweep")
	if diff := cmp.Diff([][]int64{p.contracts}, p.asked); diff != "" {
		t.Errorf("asked for: %s", diff)
	}
}

// TestPartsFreshness: what is said holds for every contract, and says when it is renewed.
func TestPartsFreshness(t *testing.T) {
	p := newTenant(t, 3, 1)
	read := func() v1.PartsFreshness {
		t.Helper()
		fresh, err := p.w.PartsFreshness(t.Context())
		harness.OK(t, err)
		return *fresh
	}
	if got := read(); got.ComparedSince != nil || got.NextAt != nil || got.EverySeconds != 3600 || got.Contracts != 3 {
		t.Errorf("never compared: %+v", got)
	}
	p.compare()
	at := p.clock.Now()
	p.clock.Add(20 * time.Minute)
	if got := read(); !got.ComparedSince.Equal(at) || !got.NextAt.Equal(at.Add(time.Hour)) {
		t.Errorf("compared at %s: %+v", at, got)
	}
	in := p.installation(p.w.ID)
	_, err := p.store.Change(t.Context(), in.ID, func(in *installation.Installation) error {
		in.Syncs[v1.SyncActiveCustomerContracts].Uninstalled = true
		return nil
	})
	harness.OK(t, err)
	if fresh, err := p.w.PartsFreshness(t.Context()); err != nil || fresh != nil {
		t.Errorf("without the sync: %+v, %v", fresh, err)
	}
}
