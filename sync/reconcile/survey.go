package reconcile

import (
	"context"
	"fmt"
	"slices"

	"channelsync/sync/fetch"

	"golang.org/x/sync/errgroup"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/panics"
	"channelsync/sync/condition"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

// surveyBatches is how many batches of contracts are projected side by side: the
// vendor takes two requests at a time per entity from us.
const surveyBatches = 2

// Survey is what the syncs of an installation would make of all that Autotask has.
type Survey struct {
	Companies []Surveyed // every company but the MSP's own, by id
	Contracts []Surveyed // every contract, by id; none without their sync
	// Complete is false when the time or the requests ran out. Then there may be
	// more records than these, and some of these are not decided or not projected.
	Complete bool
}

// Surveyed is one record of a survey.
type Surveyed struct {
	Decided bool // false: the survey ended before it came to the record
	// Reason is why the record would not sync; empty when it would. It is the first
	// condition that does not hold, in the order in which they are evaluated, else
	// what is wrong with its rows.
	Reason string
	// Of a contract that would sync: no vendor is found, so that it gets the default
	// name, and its overall cost is not known.
	NoVendor, NoCost bool
}

// survey is one at work.
type survey struct {
	batch     *batch // the rules of a contract; it has no items and is never committed
	companies fetch.Prefetched[autotask.Company]
	contracts fetch.Prefetched[autotask.Contract]
	decided   map[int64]*item // contracts by id
	due       []*item         // contracts to be projected
}

// Survey reads everything that the syncs of in go by, decides and projects it as a
// reconcile would, and remembers, enqueues and pushes nothing. It needs neither ledger
// nor target. When ctx ends or Autotask allows no more requests it says what it
// knows by then; any other failure of Autotask is the error.
//
// It costs a request per 500 companies and contracts, and per 400 contracts that
// would sync one or a few for each of their parts. What only the customers sync
// reads of a client (contacts, countries) decides nothing and is not read.
func (r *Reconciler) Survey(ctx context.Context, in *installation.Installation) (Survey, error) {
	s := &survey{
		batch:     &batch{Reconciler: r, in: in, kind: v1.KindContract, began: r.Now()},
		companies: fetch.NewPrefetched[autotask.Company](), contracts: fetch.NewPrefetched[autotask.Contract](), decided: map[int64]*item{},
	}
	err := s.read(ctx)
	s.decide()
	if err == nil {
		err = s.project(ctx)
	}
	if err != nil && !ranOut(ctx, err) {
		return Survey{}, err
	}
	return s.result(err == nil), nil
}

// ranOut says whether it was the time or the requests that ended a survey.
func ranOut(ctx context.Context, err error) bool {
	kind := autotask.KindOf(err)
	return ctx.Err() != nil || kind == autotask.KindBudget || kind == autotask.KindThrottled
}

// read lists the companies and, for their sync, the contracts.
func (s *survey) read(ctx context.Context) error {
	var g errgroup.Group // without a common end: what one list has is of use without the other
	g.Go(panics.Guard(func() error {
		return fetch.Prefetch(ctx, s.batch.fetcher, companyRows, &s.companies, "companyName", "companyType", "isActive", "classification", "currencyID")
	}))
	if s.batch.in.Installed(v1.SyncActiveCustomerContracts) {
		g.Go(panics.Guard(func() error { return fetch.Prefetch(ctx, s.batch.fetcher, contractRows, &s.contracts) }))
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return s.readOwners(ctx)
}

// readOwners reads the companies of contracts that are not in the list: the MSP's
// own and deleted ones. They are no companies of the survey.
func (s *survey) readOwners(ctx context.Context) error {
	var missing []int64
	for _, c := range s.contracts.Rows {
		if !s.companies.Has(c.CompanyID) {
			missing = append(missing, c.CompanyID)
		}
	}
	found, err := fetch.ByIDs(ctx, s.batch.fetcher, companyRows, fetch.Unique(missing))
	if err != nil {
		return fmt.Errorf("fetch companies of contracts: %w", err)
	}
	s.companies.Add(found)
	return nil
}

// decide decides about the contracts whose company is known.
func (s *survey) decide() {
	for _, id := range s.contracts.IDs {
		if c, ok := s.contracts.Rows[id]; ok && !s.companies.Has(c.CompanyID) {
			continue
		}
		it := &item{due: events.DueEntry{Kind: v1.KindContract, ID: id}, entry: &ledger.Entry{Kind: v1.KindContract, ID: id}}
		s.decided[id] = it
		if s.batch.decideContract(it, s.contracts.Fetched, s.companies.Fetched) {
			s.due = append(s.due, it)
		}
	}
}

// project reads the parts of the contracts that would sync and finds vendor and cost.
func (s *survey) project(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(surveyBatches)
	for part := range slices.Chunk(s.due, fetch.MaxBatch) {
		g.Go(panics.Guard(func() error {
			return s.batch.projectContracts(ctx, part, s.contracts.Fetched, s.companies.Fetched)
		}))
	}
	return g.Wait()
}

func (s *survey) result(complete bool) Survey {
	out := Survey{Complete: complete}
	owned := map[int64][]Surveyed{}
	for _, id := range s.contracts.IDs {
		c := s.contract(id)
		out.Contracts = append(out.Contracts, c)
		owner := s.contracts.Rows[id].CompanyID
		owned[owner] = append(owned[owner], c)
	}
	for _, id := range s.companies.IDs {
		out.Companies = append(out.Companies, s.company(id, owned[id]))
	}
	return out
}

func (s *survey) contract(id int64) Surveyed {
	it := s.decided[id]
	switch {
	case it == nil:
		return Surveyed{}
	case it.failure != nil:
		return Surveyed{Decided: true, Reason: it.failure.code}
	case it.contract != nil:
		return Surveyed{Decided: true, NoVendor: it.contract.VendorNameDefaulted, NoCost: it.contract.OverallCost == nil}
	default:
		return because(it.decision)
	}
}

// company says whether a company would become a client. By the contracts sync
// alone it takes a contract that would sync, as only contracts carry its name there.
func (s *survey) company(id int64, contracts []Surveyed) Surveyed {
	if s.companies.Bad[id] != nil {
		return Surveyed{Decided: true, Reason: "row_unreadable"}
	}
	in := s.batch.in
	row, known := s.companies.Rows[id]
	row.ID = id
	facts := condition.CompanyFacts{Company: row, Deleted: !known, Options: in.Options, Installed: true}
	if in.Installed(v1.SyncActiveCustomers) {
		d := condition.Company(facts)
		if _, err := projection.Client(projection.ClientParts{Company: row, Options: in.Options}); d.Met && err != nil {
			return Surveyed{Decided: true, Reason: "not_pushable"}
		}
		return because(d)
	}
	d := condition.ContractsCompany(condition.ContractsCompanyFacts{CompanyFacts: facts, HasContract: len(contracts) > 0})
	out := because(d)
	switch syncs := slices.ContainsFunc(contracts, func(c Surveyed) bool { return c.Decided && c.Reason == "" }); {
	case syncs:
		return out
	case !s.contracts.Complete && (d.Met || out.Reason == v1.ReasonNoContract):
		return Surveyed{} // it may have contracts further down the list
	case d.Met:
		out.Reason = contracts[0].Reason
	}
	return out
}

// because is what a decision comes to.
func because(d condition.Decision) Surveyed {
	out := Surveyed{Decided: true}
	if !d.Met {
		out.Reason = d.Reasons()[0]
	}
	return out
}
