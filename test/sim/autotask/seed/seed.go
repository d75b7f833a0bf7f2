// Package seed fills a simulated tenant with a believable managed service provider: its own company, customers and
// other companies with contacts, contracts of every type with their parts, and the catalog and vendors behind them.
//
// Some of the customers pay in another currency than the tenant's own. Among the contracts are rows of every shape that
// real tenants were seen to have (see shapes.go).
//
// It is deterministic: the same Spec makes the same rows. It only puts rows; the facade of the simulator calls it.
package seed

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"
)

// Tenant is where rows go; Put returns the id of the row.
type Tenant interface {
	Put(entity string, fields map[string]any) int64
}

// Spec says how much to make.
type Spec struct {
	Companies   int       `json:"companies"`   // besides company 0 and the catalog's vendors
	UnitPeriods int       `json:"unitPeriods"` // unit rows of a line at most, around today (6); lines of the shapes may have more
	Seed        int64     `json:"seed"`
	Today       time.Time `json:"today"` // zero = the simulator's now
}

// filler makes one tenant.
type filler struct {
	Tenant
	spec    Spec
	rng     *rand.Rand
	month   time.Time // the first day of this one
	catalog catalog

	customers []customer
}

// customer is a company that has contracts.
type customer struct {
	id   int64
	name string
	pays currency
}

// currency is one that customers pay in.
type currency struct {
	id     int64 // 0: the company names none, so it is the tenant's own
	name   string
	symbol string
	rate   string // of what costs one of the tenant's own
}

// theirs is an amount of the tenant's currency in this one.
func (c currency) theirs(amount decimal.Decimal) decimal.Decimal {
	return amount.Mul(decimal.RequireFromString(c.rate)).Round(4)
}

var (
	dollars  = currency{1, "USD", "$", "1"}
	euros    = currency{2, "EUR", "€", "0.92"}
	pounds   = currency{3, "GBP", "£", "0.79"}
	unstated = currency{rate: "1"}
)

// Fill makes the rows of a spec. The first call makes company 0, currencies, countries and the catalog too; calling it
// again adds companies to a catalog of its own.
func Fill(t Tenant, spec Spec) {
	if spec.UnitPeriods <= 0 {
		spec.UnitPeriods = 6
	}
	f := &filler{
		Tenant: t, spec: spec, rng: rand.New(rand.NewPCG(uint64(spec.Seed), 0x5EED)),
		month: time.Date(spec.Today.Year(), spec.Today.Month(), 1, 0, 0, 0, 0, time.UTC),
	}
	f.basics()
	f.fillCatalog()
	for i := range spec.Companies {
		f.company(i)
	}
	f.shapes()
}

func (f *filler) basics() {
	for _, c := range []struct {
		id         int64
		name, code string
	}{{237, "United States", "US"}, {80, "Germany", "DE"}, {74, "France", "FR"}, {236, "United Kingdom", "GB"}} {
		f.Put("Countries", map[string]any{
			"id": c.id, "name": c.name, "displayName": c.name, "countryCode": c.code, "isDefaultCountry": c.code == "US",
		})
	}
	for _, c := range []currency{dollars, euros, pounds} {
		f.Put("Currencies", map[string]any{
			"id": c.id, "name": c.name, "displaySymbol": c.symbol, "exchangeRate": c.rate, "isInternalCurrency": c == dollars,
		})
	}
	f.Put("Companies", f.dated(map[string]any{
		"id": 0, "companyName": "Harbor Point IT, the MSP itself", "companyType": 1, "isActive": true,
		"phone": "518-555-0000", "address1": "1 Harbor Point", "city": "Albany", "state": "NY", "postalCode": "12207", "countryID": 237,
		"ownerResourceID": owner,
	}))
}

const owner = 29682945

// dated gives a row a past: created up to five years ago, edited since.
func (f *filler) dated(row map[string]any) map[string]any {
	created := f.spec.Today.Add(-time.Duration(30+f.rng.IntN(1800)) * 24 * time.Hour).Truncate(time.Second)
	age := f.spec.Today.Sub(created)
	row["createDate"] = created.Add(563 * time.Millisecond)
	row["lastTrackedModifiedDateTime"] = created.Add(age / 4).Truncate(100 * time.Millisecond)
	row["lastActivityDate"] = created.Add(age / 2).Truncate(time.Second)
	return row
}

// kindsOf is the mix of companies, cycled: type and whether active.
var kindsOf = []struct {
	kind   int
	active bool
}{
	{1, true},
	{1, true},
	{2, true},
	{1, true},
	{1, true},
	{3, true},
	{1, true},
	{1, false},
	{1, true},
	{1, true},
	{1, true},
	{7, true},
	{1, true},
	{4, false},
	{1, true},
	{1, true},
	{8, true},
	{1, true},
	{2, false},
	{1, true},
}

func (f *filler) company(i int) {
	kind, place := kindsOf[i%len(kindsOf)], places[f.rng.IntN(len(places))]
	name := companyName(i)
	row := f.dated(map[string]any{
		"companyName": name, "companyType": kind.kind, "isActive": kind.active, "ownerResourceID": owner,
		"phone":    fmt.Sprintf("%s-555-%04d", place.area, i%10000),
		"address1": fmt.Sprintf("%d %s", 1+f.rng.IntN(400), streets[f.rng.IntN(len(streets))]),
		"city":     place.city, "state": place.state, "postalCode": place.code, "countryID": place.country,
		"classification": 1 + f.rng.IntN(3),
	})
	if i%3 == 0 {
		row["webAddress"] = "www." + domain(i)
	}
	if i%4 == 0 {
		row["address2"] = fmt.Sprintf("Suite %d", 100+f.rng.IntN(800))
		row["alternatePhone1"] = fmt.Sprintf("%s-555-%04d", place.area, f.rng.IntN(10000))
	}
	pays := paysIn(place.country, i)
	if row["currencyID"] = pays.id; pays == unstated {
		row["currencyID"] = nil
	}
	id := f.Put("Companies", row)
	for n := range i % 4 {
		f.contact(id, i, n)
	}
	if kind.kind == 1 && i%5 != 4 {
		c := customer{id, name, pays}
		if kind.active {
			f.customers = append(f.customers, c)
		}
		for n := range 1 + i%7/5 {
			f.contract(c, i+n*3)
		}
	}
}

// paysIn is the currency of a company of a country; half of those with the tenant's own do not name it.
func paysIn(country int64, i int) currency {
	switch {
	case country == 80 || country == 74:
		return euros
	case country == 236:
		return pounds
	case i%2 == 0:
		return unstated
	}
	return dollars
}

func (f *filler) contact(companyID int64, company, n int) {
	first, last := firstNames[f.rng.IntN(len(firstNames))], lastNames[f.rng.IntN(len(lastNames))]
	row := map[string]any{
		"companyID": companyID, "firstName": first, "lastName": last, "title": "Office Manager",
		"emailAddress": fmt.Sprintf("contact%d@%s", n+1, domain(company)), "isActive": 1, "primaryContact": n == company%2,
		"phone": fmt.Sprintf("518-555-%04d", f.rng.IntN(10000)),
	}
	switch {
	case n == 1 && company%6 == 1:
		row["isActive"] = 0
	case n == 0 && company%5 == 0:
		row["emailAddress2"] = "billing@" + domain(company)
	case n == 2:
		row["emailAddress"] = nil
	}
	row = f.dated(row)
	delete(row, "lastTrackedModifiedDateTime")
	row["lastModifiedDate"] = row["lastActivityDate"]
	f.Put("Contacts", row)
}
