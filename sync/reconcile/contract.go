package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"channelsync/sync/contractrows"
	"channelsync/sync/fetch"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/internal/tracing"
	"channelsync/sync/condition"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

var contractRows = fetch.NewRow(autotask.EntityContracts, func(c autotask.Contract) (int64, []string) { return c.ID, c.Missing })

// contracts brings contracts in line.
func (b *batch) contracts(ctx context.Context) error {
	down := b.agreements(ctx)
	if err := tracing.Within(ctx, "commit", func(ctx context.Context) error { return b.commit(ctx, nil) }); err != nil {
		return err
	}
	return down
}

// agreements decides and pushes; the error is a failure of an upstream.
func (b *batch) agreements(ctx context.Context) error {
	if b.in.Installed(v1.SyncActiveCustomerContracts) && !b.in.Running(v1.SyncActiveCustomerContracts) {
		b.wait(b.items)
		return nil
	}
	found, companies, due, err := b.decideContracts(ctx)
	if err != nil {
		return err
	}
	if err := b.guardMassChange(ctx); err != nil {
		return err
	}
	err = tracing.Within(ctx, "project", func(ctx context.Context) error { return b.projectContracts(ctx, due, found, companies) })
	if err != nil {
		return err
	}
	return push(ctx, b, contractTarget(b.Target))
}

// decideContracts fetches the contracts and their companies and returns those to be projected.
func (b *batch) decideContracts(ctx context.Context) (found fetch.Fetched[autotask.Contract], companies fetch.Fetched[autotask.Company], due []*item, err error) {
	err = tracing.Within(ctx, "fetch", func(ctx context.Context) (err error) {
		if found, err = fetch.ByIDs(ctx, b.fetcher, contractRows, b.ids(b.items)); err != nil {
			return fmt.Errorf("fetch contracts: %w", err)
		}
		var owners []int64
		for _, c := range found.Rows {
			owners = append(owners, c.CompanyID)
		}
		if companies, err = fetch.ByIDs(ctx, b.fetcher, companyRows, fetch.Unique(owners)); err != nil {
			return fmt.Errorf("fetch companies of contracts: %w", err)
		}
		return nil
	})
	if err != nil {
		return found, companies, nil, err
	}
	_, span := tracing.Child(ctx, "decide")
	defer span.End()
	for _, it := range b.items {
		if b.decideContract(it, found, companies) {
			due = append(due, it)
		}
	}
	return found, companies, due, nil
}

// decideContract says whether the contract is to be projected.
func (b *batch) decideContract(it *item, found fetch.Fetched[autotask.Contract], companies fetch.Fetched[autotask.Company]) bool {
	id := it.due.ID
	if err := found.Bad[id]; err != nil {
		b.unreadable(it, "row_unreadable", err)
		return false
	}
	c, known := found.Rows[id]
	facts := condition.ContractFacts{
		Contract: c, ContractDeleted: !known, Options: b.in.Options, Names: b.names, Installed: b.in.Installed(v1.SyncActiveCustomerContracts),
	}
	if known {
		if err := companies.Bad[c.CompanyID]; err != nil {
			b.unreadable(it, "company_unreadable", err)
			return false
		}
		company, exists := companies.Rows[c.CompanyID]
		if !exists {
			company = autotask.Company{ID: c.CompanyID}
		}
		facts.Company, facts.CompanyDeleted = company, !exists
		it.entry.Parent = c.CompanyID
		it.entry.Name = ledger.NameOf(strings.TrimSpace(c.ContractName))
		it.entry.ModifiedAt, it.entry.RowHash = c.LastModified, contractrows.RowHash(c)
	}
	d := condition.Contract(facts)
	it.decision = d
	if d.Met {
		it.entry.InScope = true
		return true
	}
	it.entry.Parts = nil
	b.leaves(it, d)
	return false
}

func (b *batch) projectContracts(ctx context.Context, due []*item, found fetch.Fetched[autotask.Contract], companies fetch.Fetched[autotask.Company]) error {
	if len(due) == 0 {
		return nil
	}
	d := contractrows.Digests{}
	for _, it := range due {
		id := it.due.ID
		d[id] = contractrows.NewDigest(ledger.DayOf(b.today()), projection.CountsAllRows(b.in.Options, found.Rows[id]))
	}
	parts, bad, err := b.rows.Parts(ctx, d)
	if err != nil {
		return err
	}
	cat, err := b.rows.Catalogue(ctx, parts)
	if err != nil {
		return err
	}
	unread, err := b.rows.HashUnreadable(ctx, d, bad)
	if err != nil {
		return err
	}
	for _, it := range due {
		id := it.due.ID
		if err := bad[id]; err != nil {
			it.entry.Parts = d[id].RememberUnreadable(unread[id])
			b.unreadable(it, "parts_unreadable", err)
			continue
		}
		d[id].AddCatalogue(cat)
		it.entry.Parts = d[id].Remember()
		own := parts.Of(id)
		vendors, services := cat.ReadBy(own)
		if err := cat.Unreadable(own, vendors, services); err != nil {
			b.unreadable(it, "parts_unreadable", err)
			continue
		}
		c := found.Rows[id]
		owner := companies.Rows[c.CompanyID]
		rows := projection.ContractParts{
			Contract: c, ClientName: owner.CompanyName, CompanyCurrency: owner.CurrencyID,
			Units: parts.Units[id], Services: parts.Services[id], Bundles: parts.Bundles[id], BundleUnits: parts.BundleUnits[id], Charges: parts.Charges[id],
			Catalogue: cat.Services, BundleCatalogue: cat.Bundles, BundleServices: flat(cat.BundleServices),
			Products: cat.Products, ProductVendors: flat(cat.ProductVendors), VendorNames: cat.VendorNames,
			Currency: cat.Currency.Code, CurrencyKnown: cat.Currency.Code != "", InternalCurrency: cat.Currency.ID,
			CostsReadable: parts.Hidden == nil, Today: b.today(), Options: b.in.Options,
		}
		p, err := projection.Contract(rows)
		if row, unread := errors.AsType[autotask.RowError](err); unread {
			it.fail("parts_unreadable", unreadText(it.named(), row, b.Now()), false)
			continue
		}
		if err != nil {
			it.notPushable(err)
			continue
		}
		it.entry.Parts = d[id].RememberProjected(projection.Lookahead(rows, p, contractrows.Lookahead))
		var sources any = p.Sources
		if last := lastPushed[channelprogram.ContractInput](it); parts.Hidden != nil && last != nil {
			// A right that was lost must not blank what was known, nor how it was found. The issue says that it is not read any more.
			sources = it.entry.Sources
			p.Input.OverallCost, p.Input.VendorName, p.Input.VendorNameDefaulted = last.OverallCost, last.VendorName, last.VendorNameDefaulted
			p.Fingerprint = projection.ContractFingerprint(p.Input)
		}
		it.entry.Notes = p.Issues
		it.entry.Vendors, it.entry.Services = vendors, services
		it.project(p.Fingerprint, sources, c.LastModified)
		it.contract = &p.Input
	}
	return nil
}

// today is the day that the figures are of, where the tenant is.
func (b *batch) today() time.Time { return b.in.Options.Today(b.began) }

// lastPushed is the record as it was pushed last; nil when it never was.
func lastPushed[T channelprogram.ClientInput | channelprogram.ContractInput](it *item) *T {
	var last T
	if len(it.entry.Projection) == 0 || json.Unmarshal(it.entry.Projection, &last) != nil {
		return nil
	}
	return &last
}

func flat[T any](m map[int64][]T) []T {
	var out []T
	for _, v := range m {
		out = append(out, v...)
	}
	return out
}
