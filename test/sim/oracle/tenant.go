package oracle

import (
	"fmt"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	autotask "channelsync/test/sim/autotask/sim"
)

// row is one row by field name, as the simulated Autotask hands it out.
type row = autotask.Row

// tenant is every row of the entities that the rules speak of, ascending by id.
type tenant struct {
	companies, contacts, countries, currencies []row
	contracts, services, units                 []row
	bundles, bundleUnits, charges              []row
	catalogue, bundleCatalogue, bundleServices []row
	products, suppliers                        []row
}

func read(at *autotask.Sim) tenant {
	return tenant{
		companies:       at.All("Companies"),
		contacts:        at.All("Contacts"),
		countries:       at.All("Countries"),
		currencies:      at.All("Currencies"),
		contracts:       at.All("Contracts"),
		services:        at.All("ContractServices"),
		units:           at.All("ContractServiceUnits"),
		bundles:         at.All("ContractServiceBundles"),
		bundleUnits:     at.All("ContractServiceBundleUnits"),
		charges:         at.All("ContractCharges"),
		catalogue:       at.All("Services"),
		bundleCatalogue: at.All("ServiceBundles"),
		bundleServices:  at.All("ServiceBundleServices"),
		products:        at.All("Products"),
		suppliers:       at.All("ProductVendors"),
	}
}

// where is the rows whose field refers to the id.
func where(rows []row, name string, id int64) []row {
	var found []row
	for _, r := range rows {
		if ref, ok := number(r, name); ok && ref == id {
			found = append(found, r)
		}
	}
	return found
}

// byID is the row of the id that a field of another row names; nil when the field is empty or the row is gone.
func byID(rows []row, from row, name string) row {
	id, ok := number(from, name)
	if !ok {
		return nil
	}
	for _, r := range where(rows, "id", id) {
		return r
	}
	return nil
}

// value panics on a misspelt field, which would otherwise read as an empty one.
func value(r row, name string) any {
	v, ok := r[name]
	if !ok {
		panic(fmt.Sprintf("oracle: no field %q", name))
	}
	return v
}

// text: "All text trimmed; empty is absent; no other rewriting."
func text(r row, name string) string {
	s, _ := value(r, name).(string)
	return strings.TrimSpace(s)
}

// number is a whole number and whether there is one: 0 is an id like any other.
func number(r row, name string) (int64, bool) {
	n, ok := value(r, name).(int64)
	return n, ok
}

func isTrue(r row, name string) bool {
	b, _ := value(r, name).(bool)
	return b
}

// amount is an amount of money, 0 when there is none.
func amount(r row, name string) decimal.Decimal {
	d, _ := value(r, name).(decimal.Decimal)
	return d
}

// day is the UTC date of a field, "" when there is none. Days compare as text.
func day(r row, name string) string {
	t, ok := value(r, name).(time.Time)
	if !ok {
		return ""
	}
	return date(t)
}

func date(t time.Time) string { return t.UTC().Format(time.DateOnly) }
