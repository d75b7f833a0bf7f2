package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/tracing"
	"channelsync/sync/condition"
	"channelsync/sync/fetch"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

var companyRows = fetch.NewRow(autotask.EntityCompanies, func(c autotask.Company) (int64, []string) { return c.ID, c.Missing })

// companies brings companies in line: the clients of the customers sync, and
// the scope and name that the contracts sync goes by.
func (b *batch) companies(ctx context.Context) error {
	down := b.clients(ctx)
	dependents, depErr := b.contractsOf(ctx)
	if depErr != nil {
		return depErr // nothing is committed yet, so all of it is done again
	}
	// What was decided before the upstream failed is remembered; the entries stay due.
	if err := tracing.Within(ctx, "commit", func(ctx context.Context) error { return b.commit(ctx, dependents) }); err != nil {
		return err
	}
	return down
}

// clients decides and pushes; the error is a failure of an upstream.
func (b *batch) clients(ctx context.Context) error {
	customers := b.in.Running(v1.SyncActiveCustomers)
	if !customers && !b.in.Running(v1.SyncActiveCustomerContracts) {
		b.wait(b.items)
		return nil
	}
	found, due, err := b.decideClients(ctx)
	if err != nil {
		return err
	}
	if err := b.guardMassChange(ctx); err != nil {
		return err
	}
	if !customers && b.in.Installed(v1.SyncActiveCustomers) {
		b.wait(b.open())
		return nil
	}
	if err := tracing.Within(ctx, "project", func(ctx context.Context) error { return b.projectClients(ctx, due, found) }); err != nil {
		return err
	}
	return push(ctx, b, clientTarget(b.Target))
}

// decideClients fetches the companies and returns those whose client is to be projected.
func (b *batch) decideClients(ctx context.Context) (fetch.Fetched[autotask.Company], []*item, error) {
	var found fetch.Fetched[autotask.Company]
	err := tracing.Within(ctx, "fetch", func(ctx context.Context) (err error) {
		found, err = fetch.ByIDs(ctx, b.fetcher, companyRows, b.ids(b.items))
		return err
	})
	if err != nil {
		return found, nil, fmt.Errorf("fetch companies: %w", err)
	}
	_, span := tracing.Child(ctx, "decide")
	defer span.End()
	var due []*item
	for _, it := range b.items {
		if b.decideCompany(it, found) {
			due = append(due, it)
		}
	}
	return found, due, nil
}

func (b *batch) ids(items []*item) []int64 {
	return each(items, func(it *item) int64 { return it.due.ID })
}

// wait resolves records whose sync is stopped: start enqueues them again.
func (b *batch) wait(items []*item) {
	for _, it := range items {
		it.outcome = v1.OutcomeWaiting
	}
}

// decideCompany says whether the client is to be projected.
func (b *batch) decideCompany(it *item, found fetch.Fetched[autotask.Company]) bool {
	id := it.due.ID
	if err := found.Bad[id]; err != nil {
		b.unreadable(it, "row_unreadable", err)
		return false
	}
	c, known := found.Rows[id]
	if !known {
		c = autotask.Company{ID: id}
	} else {
		it.entry.Name = ledger.NameOf(strings.TrimSpace(c.CompanyName))
		it.entry.ModifiedAt = newest(c.CreateDate, c.LastActivityDate, c.LastTrackedModifiedDateTime)
	}
	facts := condition.CompanyFacts{Company: c, Deleted: !known, Options: b.in.Options, Names: b.names, Installed: b.in.Installed(v1.SyncActiveCustomers)}
	d := condition.Company(facts)
	it.decision = d
	it.entry.ClientInScope = condition.ContractsCompany(condition.ContractsCompanyFacts{
		CompanyFacts: condition.CompanyFacts{Company: c, Deleted: !known, Options: b.in.Options, Installed: true}, HasContract: true,
	}).Met
	if d.Met {
		it.entry.InScope = true
		return true
	}
	b.leaves(it, d)
	return false
}

// leaves archives an item that is out of scope, or leaves it as it is.
func (b *batch) leaves(it *item, d condition.Decision) {
	reason := d.ArchivedReason(channelprogram.ArchivedReasons(b.kind))
	if b.in.Options.OutOfScope == "archive" && reason != "" && len(it.entry.Projection) > 0 {
		it.archive(reason)
		it.reasons, it.detail = d.Reasons(), d.Detail()
		return
	}
	it.notMet(d.Reasons(), d.Detail())
}

// projectClients reads what else a client is made of and compares it with what was pushed last.
func (b *batch) projectClients(ctx context.Context, due []*item, found fetch.Fetched[autotask.Company]) error {
	if len(due) == 0 {
		return nil
	}
	contacts, bad, err := b.contactsOf(ctx, due)
	if err != nil {
		return fmt.Errorf("fetch contacts: %w", err)
	}
	countries, err := b.countries.get(ctx, b.fetcher.Client, b.Now())
	if err != nil {
		return fmt.Errorf("fetch countries: %w", err)
	}
	for _, it := range due {
		if err := bad[it.due.ID]; err != nil {
			b.unreadable(it, "contact_unreadable", err)
			continue
		}
		c := found.Rows[it.due.ID]
		code := ""
		if c.CountryID != nil {
			code = countries[*c.CountryID]
		}
		p, err := projection.Client(projection.ClientParts{Company: c, Contacts: contacts[c.ID], CountryCode: code, Options: b.in.Options})
		if err != nil {
			it.notPushable(err)
			continue
		}
		it.entry.Contacts = readContacts(contacts[c.ID], p)
		it.project(p.Fingerprint, p.Sources, c.LastTrackedModifiedDateTime)
		it.client = &p.Input
	}
	return nil
}

// maxContacts is how many contacts of a company are remembered.
const maxContacts = 2000

// readContacts are the contacts of a company to be remembered: all, or of too many first
// those whose addresses are used, then those who have one. Only of these an edit
// somewhere else (it moved, it is gone) must find the company that does not have it any
// more; the edit of any other finds its company by itself.
func readContacts(contacts []autotask.Contact, p projection.ClientProjection) []ledger.Contact {
	if len(contacts) > maxContacts {
		rank := func(c autotask.Contact) int {
			if _, gave := slices.BinarySearch(p.Gave, c.ID); gave {
				return 0
			}
			if _, could := slices.BinarySearch(p.Contacts, c.ID); could {
				return 1
			}
			return 2
		}
		contacts = slices.Clone(contacts)
		slices.SortFunc(contacts, func(a, b autotask.Contact) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.ID, b.ID)) })
		contacts = contacts[:maxContacts]
	}
	return each(contacts, func(c autotask.Contact) ledger.Contact {
		return ledger.Contact{ID: c.ID, ModifiedAt: newest(c.CreateDate, c.LastModified)}
	})
}

func newest(times ...time.Time) time.Time { return slices.MaxFunc(times, time.Time.Compare) }

// contractsOf finds the contracts whose company came into scope, left it or was
// renamed: their change is a dependent of its change. Only those three, so that
// dependents cannot loop.
func (b *batch) contractsOf(ctx context.Context) ([]events.Change, error) {
	if !b.in.Installed(v1.SyncActiveCustomerContracts) {
		return nil, nil
	}
	var companies []int64
	renamed := map[int64]bool{}
	for _, it := range b.items {
		if len(it.decision.Conditions) == 0 {
			continue // not fetched, so nothing new is known of it
		}
		e, was := it.entry, it.before
		// The first time that a company is read nothing is known of what it was: a change
		// of it may have been of anything. In a backfill its contracts have one of their own.
		known := was.Name != "" || !was.ModifiedAt.IsZero()
		first := !known && it.due.Lane == events.LaneLive
		if first || known && it.namedOtherwise() {
			renamed[e.ID] = true
		}
		if first || known && (e.ClientInScope != was.ClientInScope || e.ClientInScope && e.Name != was.Name) {
			companies = append(companies, e.ID)
		}
	}
	named, err := b.namedBy(ctx, renamed)
	if err != nil || len(companies) == 0 {
		return dependents(b.in.ID, v1.KindContract, named, b.Now()), err
	}
	rows, bad, err := fetch.Bisect(ctx, companies, func(ctx context.Context, part []int64) (autotask.Rows[fetch.RowID], error) {
		rows, err := autotask.ByIDs[fetch.RowID](ctx, b.fetcher.Client, autotask.EntityContracts, "companyID", part)
		if err == nil && len(rows.Bad) > 0 {
			return rows, &autotask.Error{Kind: autotask.KindUndecodable, Operation: "query", Entity: autotask.EntityContracts, Cause: rows.Bad[0]}
		}
		return rows, err
	})
	if err != nil {
		return nil, fmt.Errorf("fetch contracts of companies: %w", err)
	}
	for _, it := range b.items {
		if err := bad[it.due.ID]; err != nil {
			// The next attempt must see the change of scope or name again.
			it.entry.ClientInScope, it.entry.Name = it.before.ClientInScope, it.before.Name
			if it.failure == nil {
				b.unreadable(it, "contracts_unreadable", err)
			}
		}
	}
	ids := named
	for _, c := range rows.Items {
		ids = append(ids, c.ID)
	}
	return dependents(b.in.ID, v1.KindContract, fetch.Unique(ids), b.Now()), nil
}

// namedOtherwise says whether contracts that name the company as their vendor read
// something else now: another name, or none since it was deleted.
func (it *item) namedOtherwise() bool {
	if it.entry.Name != it.before.Name {
		return true
	}
	gone := slices.Contains(it.decision.Reasons(), v1.ReasonDeletedAtSource)
	return gone != slices.Contains(it.before.Reasons, v1.ReasonDeletedAtSource)
}

// namedBy finds the contracts whose vendor is one of the renamed companies.
func (b *batch) namedBy(ctx context.Context, renamed map[int64]bool) ([]int64, error) {
	if len(renamed) == 0 {
		return nil, nil
	}
	for id := range renamed {
		b.rows.ForgetVendors(id)
	}
	ids, err := b.Ledger.Find(ctx, b.in.ID, v1.KindContract, func(s ledger.Summary) bool {
		return slices.ContainsFunc(s.Vendors, func(id int64) bool { return renamed[id] })
	})
	if err != nil {
		return nil, fmt.Errorf("find contracts of vendors: %w", err)
	}
	return ids, nil
}

// countriesFor is how long the country codes are believed; they change about once a decade.
const countriesFor = 24 * time.Hour

// countries caches the code of each country id.
type countries struct{ codes fetch.Cache[map[int64]string] }

func newCountries() countries { return countries{fetch.Cache[map[int64]string]{Keeps: countriesFor}} }

// get returns the codes by id. Without the right to read countries there are
// none: an address without its country is better than no client.
func (c *countries) get(ctx context.Context, client *autotask.Client, now time.Time) (map[int64]string, error) {
	lists, _, err := c.codes.Get(ctx, now, []int64{0}, func(ctx context.Context, _ []int64) (map[int64]map[int64]string, map[int64]error, error) {
		codes := map[int64]string{}
		err := autotask.Each(ctx, client, autotask.EntityCountries, autotask.Query{}, func(rows autotask.Rows[autotask.Country]) error {
			for _, row := range rows.Items {
				codes[row.ID] = strings.TrimSpace(row.CountryCode)
			}
			return nil
		})
		if err != nil && autotask.KindOf(err) != autotask.KindPermission && autotask.KindOf(err) != autotask.KindNotFound {
			return nil, nil, err
		}
		return map[int64]map[int64]string{0: codes}, nil, nil
	})
	return lists[0], err
}
