package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/condition"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

var contractRows = row[autotask.Contract]{
	entity:  autotask.EntityContracts,
	id:      func(c autotask.Contract) int64 { return c.ID },
	missing: func(c autotask.Contract) []string { return c.Missing },
}

// contracts brings contracts in line.
func (b *batch) contracts(ctx context.Context) error {
	road := b.agreements(ctx)
	if err := b.settle(ctx, nil); err != nil {
		return err
	}
	return road
}

// agreements decides and pushes; the error is a failure of the road.
func (b *batch) agreements(ctx context.Context) error {
	if b.in.Installed(v1.SyncActiveCustomerContracts) && !b.in.Running(v1.SyncActiveCustomerContracts) {
		b.wait(b.items)
		return nil
	}
	found, companies, due, err := b.decideContracts(ctx)
	if err != nil {
		return err
	}
	if err := b.holdBack(ctx); err != nil {
		return err
	}
	if err := b.projectContracts(ctx, due, found, companies); err != nil {
		return err
	}
	return push(ctx, b, contractTarget(b.Target))
}

// decideContracts fetches the contracts and their companies and returns those to be projected.
func (b *batch) decideContracts(ctx context.Context) (found fetched[autotask.Contract], companies fetched[autotask.Company], due []*item, err error) {
	if found, err = fetch(ctx, b.fetcher, contractRows, b.ids(b.items)); err != nil {
		return found, companies, nil, fmt.Errorf("fetch contracts: %w", err)
	}
	var owners []int64
	for _, c := range found.rows {
		owners = append(owners, c.CompanyID)
	}
	if companies, err = fetch(ctx, b.fetcher, companyRows, unique(owners)); err != nil {
		return found, companies, nil, fmt.Errorf("fetch companies of contracts: %w", err)
	}
	for _, it := range b.items {
		if b.decideContract(it, found, companies) {
			due = append(due, it)
		}
	}
	return found, companies, due, nil
}

// decideContract says whether the contract is to be projected.
func (b *batch) decideContract(it *item, found fetched[autotask.Contract], companies fetched[autotask.Company]) bool {
	id := it.due.ID
	if err := found.bad[id]; err != nil {
		b.unreadable(it, "row_unreadable", err)
		return false
	}
	c, known := found.rows[id]
	facts := condition.ContractFacts{
		Contract: c, ContractDeleted: !known, Options: b.in.Options, Installed: b.in.Installed(v1.SyncActiveCustomerContracts),
	}
	if known {
		if err := companies.bad[c.CompanyID]; err != nil {
			b.unreadable(it, "company_unreadable", err)
			return false
		}
		company, exists := companies.rows[c.CompanyID]
		if !exists {
			company = autotask.Company{ID: c.CompanyID}
		}
		facts.Company, facts.CompanyDeleted = company, !exists
		it.entry.Parent = c.CompanyID
		it.entry.Name = ledger.NameOf(trim(c.ContractName))
		it.entry.Stamp, it.entry.RowHash = c.LastModified, ContractHash(c)
	}
	d := condition.Contract(facts)
	it.decision = d
	if d.Met {
		it.entry.InScope = true
		return true
	}
	it.entry.Parts = nil
	reason := d.ArchivedReason(channelprogram.ArchivedReasons(v1.KindContract))
	if b.in.Options.OutOfScope == "archive" && reason != "" && len(it.entry.Projection) > 0 {
		it.archive(reason)
		it.reasons, it.detail = d.Reasons(), d.Detail()
		return false
	}
	it.notMet(d.Reasons(), d.Detail())
	return false
}

func (b *batch) projectContracts(ctx context.Context, due []*item, found fetched[autotask.Contract], companies fetched[autotask.Company]) error {
	if len(due) == 0 {
		return nil
	}
	d := digests{}
	for _, it := range due {
		id := it.due.ID
		d[id] = &digest{window: b.window(found.rows[id])}
		if w := d[id].window; w.to != 0 {
			d[id].later = &digest{window: unitWindow{from: w.to + 1}}
		}
	}
	parts, bad, err := b.partsOf(ctx, d)
	if err != nil {
		return err
	}
	for _, one := range d {
		one.whole()
	}
	cat, err := b.catalogueFor(ctx, parts)
	if err != nil {
		return err
	}
	unread, err := b.unreadParts(ctx, d, bad)
	if err != nil {
		return err
	}
	for _, it := range due {
		id := it.due.ID
		if err := bad[id]; err != nil {
			it.entry.Parts = read(d[id].window, unread[id], d[id].rows)
			b.unreadable(it, "parts_unreadable", err)
			continue
		}
		d[id].addCatalogue(cat.unstamped())
		it.entry.Parts = read(d[id].window, d[id].hash(true), d[id].rows+d[id].ofCharge)
		vendors, services := readBy(id, parts, cat)
		if err := cat.unreadable(parts.of(id), vendors, services); err != nil {
			b.unreadable(it, "parts_unreadable", err)
			continue
		}
		c := found.rows[id]
		owner := companies.rows[c.CompanyID]
		rows := projection.ContractParts{
			Contract: c, ClientName: owner.CompanyName, CompanyCurrency: owner.CurrencyID,
			Units: parts.Units[id], Services: parts.Services[id], Bundles: parts.Bundles[id], BundleUnits: parts.BundleUnits[id], Charges: parts.Charges[id],
			Catalogue: cat.services, BundleCatalogue: cat.bundles, BundleServices: flat(cat.bundleServices),
			Products: cat.products, ProductVendors: flat(cat.productVendors), VendorNames: cat.vendorNames,
			Currency: cat.currency.code, CurrencyKnown: cat.currency.code != "", InternalCurrency: cat.currency.id,
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
		it.entry.Parts = expected(d[id], projection.LookAhead(rows, p, lookAhead))
		var sources any = p.Sources
		if last := lastPushed(it); parts.Hidden != nil && last != nil {
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

// window is which unit rows of a contract matter from today on.
func (b *batch) window(c autotask.Contract) unitWindow {
	w := unitWindow{from: ledger.DayOf(b.today())}
	if !projection.CountsAllRows(b.in.Options, c) {
		w.to = w.from + lookAhead
	}
	return w
}

// read is what is remembered of the parts of a contract while nothing else is known of
// it: all of it counts, and it is due when the days that were looked at are over.
func read(w unitWindow, hash string, rows int32) *ledger.Parts {
	return &ledger.Parts{Hash: hash, From: w.from, To: w.to, Charges: true, Rows: rows, Due: w.from + lookAhead}
}

// expected is what is remembered of the parts of a contract that was projected.
func expected(d *digest, o projection.Outlook) *ledger.Parts {
	p := read(d.window, d.hash(o.Charges), d.rows)
	p.Charges, p.Until = o.Charges, ledger.DayOf(o.Ends)
	if o.Charges {
		p.Rows += d.ofCharge
	}
	switch {
	case !o.Changes.IsZero():
		p.Due = ledger.DayOf(o.Changes)
	case p.Until != 0 && p.Until < p.Due:
		p.Due = 0 // no day can change anything any more
	}
	return p
}

// unreadParts are the hashes of contracts whose parts cannot be read: with them the
// next comparison finds nothing new, until the row is mended. Old rows that went bad
// are not among those that are compared, so these are read as a comparison does.
func (b *batch) unreadParts(ctx context.Context, d digests, bad map[int64]error) (map[int64]string, error) {
	want := make(map[int64]ledger.Parts, len(bad))
	for id, err := range bad {
		if _, late := errors.AsType[notInTime](err); !late { // else it is read apart
			want[id] = *read(d[id].window, "", 0)
		}
	}
	return DigestParts(ctx, b.Autotask, want, nil)
}

// readBy lists the vendors and services that a contract's projection read: whose
// rename or edit must reach it.
func readBy(contract int64, p Parts, cat catalogue) (vendors, services []int64) {
	own := p.of(contract)
	services = own.serviceIDs()
	for _, b := range own.bundleIDs() {
		for _, s := range cat.bundleServices[b] {
			services = append(services, s.ServiceID)
		}
	}
	services = unique(services)
	mine := catalogue{services: map[int64]autotask.Service{}, products: map[int64]autotask.Product{}, productVendors: map[int64][]autotask.ProductVendor{}}
	for _, id := range services {
		if s, ok := cat.services[id]; ok {
			mine.services[id] = s
		}
	}
	for _, id := range own.productIDs() {
		mine.products[id], mine.productVendors[id] = cat.products[id], cat.productVendors[id]
	}
	return mine.vendorIDs(own), services
}

// lastPushed is the contract as it was pushed last; nil when it never was.
func lastPushed(it *item) *channelprogram.ContractInput {
	var last channelprogram.ContractInput
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

// ContractHash is a hash over everything that is read of a contract's own row.
func ContractHash(c autotask.Contract) string {
	c.Missing, c.LastModified = nil, time.Time{}
	b, err := json.Marshal(c)
	if err != nil {
		return "" // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}
