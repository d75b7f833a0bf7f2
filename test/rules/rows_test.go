package rules

import (
	"flag"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/projection"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// rowsOf reads every row of an entity into the product's type of it, by its tags: as the
// client would, without a wire between.
func rowsOf[T any](at *atsim.Sim, entity string) []T {
	var out []T
	for _, row := range at.All(entity) {
		var item T
		into := reflect.ValueOf(&item).Elem()
		for i := range into.NumField() {
			tag, tagged := into.Type().Field(i).Tag.Lookup("at")
			if !tagged {
				continue
			}
			name, _, _ := strings.Cut(tag, ",")
			value, known := row[name]
			if !known {
				panic("the simulator has no " + entity + "." + name)
			}
			if value != nil {
				set(into.Field(i), value)
			}
		}
		out = append(out, item)
	}
	return out
}

func set(field reflect.Value, value any) {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if n, isInt := value.(int64); isInt && field.Type() == reflect.TypeFor[decimal.Decimal]() {
		value = decimal.NewFromInt(n)
	}
	field.Set(reflect.ValueOf(value))
}

func byID[T any](rows []T, id func(T) int64) map[int64]T {
	out := map[int64]T{}
	for _, r := range rows {
		out[id(r)] = r
	}
	return out
}

// of are the rows of one contract.
func of[T any](contract autotask.Contract, rows []T, contractID func(T) int64) []T {
	return slices.DeleteFunc(rows, func(r T) bool { return contractID(r) != contract.ID })
}

// partsOf are what the product would read of a contract.
func partsOf(at *atsim.Sim, contract autotask.Contract, now time.Time, o v1.Options) projection.ContractParts {
	companies := byID(rowsOf[autotask.Company](at, "Companies"), func(c autotask.Company) int64 { return c.ID })
	p := projection.ContractParts{
		Contract: contract, ClientName: companies[contract.CompanyID].CompanyName, CompanyCurrency: companies[contract.CompanyID].CurrencyID,
		Units:           of(contract, rowsOf[autotask.ContractServiceUnit](at, "ContractServiceUnits"), func(r autotask.ContractServiceUnit) int64 { return r.ContractID }),
		Services:        of(contract, rowsOf[autotask.ContractService](at, "ContractServices"), func(r autotask.ContractService) int64 { return r.ContractID }),
		Bundles:         of(contract, rowsOf[autotask.ContractServiceBundle](at, "ContractServiceBundles"), func(r autotask.ContractServiceBundle) int64 { return r.ContractID }),
		BundleUnits:     of(contract, rowsOf[autotask.ContractServiceBundleUnit](at, "ContractServiceBundleUnits"), func(r autotask.ContractServiceBundleUnit) int64 { return r.ContractID }),
		Charges:         of(contract, rowsOf[autotask.ContractCharge](at, "ContractCharges"), func(r autotask.ContractCharge) int64 { return r.ContractID }),
		Catalogue:       byID(rowsOf[autotask.Service](at, "Services"), func(s autotask.Service) int64 { return s.ID }),
		BundleCatalogue: byID(rowsOf[autotask.ServiceBundle](at, "ServiceBundles"), func(b autotask.ServiceBundle) int64 { return b.ID }),
		BundleServices:  rowsOf[autotask.ServiceBundleService](at, "ServiceBundleServices"),
		Products:        byID(rowsOf[autotask.Product](at, "Products"), func(p autotask.Product) int64 { return p.ID }),
		ProductVendors:  rowsOf[autotask.ProductVendor](at, "ProductVendors"),
		VendorNames:     map[int64]string{}, CostsReadable: true, Today: o.Today(now), Options: o,
	}
	for id, c := range companies {
		p.VendorNames[id] = c.CompanyName
	}
	for _, c := range rowsOf[autotask.Currency](at, "Currencies") {
		if c.IsInternalCurrency {
			p.Currency, p.CurrencyKnown, p.InternalCurrency = c.Name, true, &c.ID
		}
	}
	return p
}

// shuffled is the same parts with every list in another order.
func shuffled(t *rapid.T, p projection.ContractParts) projection.ContractParts {
	p.Units = rapid.Permutation(p.Units).Draw(t, "units' order")
	p.BundleUnits = rapid.Permutation(p.BundleUnits).Draw(t, "bundle units' order")
	p.Services = rapid.Permutation(p.Services).Draw(t, "services' order")
	p.Bundles = rapid.Permutation(p.Bundles).Draw(t, "bundles' order")
	p.Charges = rapid.Permutation(p.Charges).Draw(t, "charges' order")
	p.BundleServices = rapid.Permutation(p.BundleServices).Draw(t, "contents' order")
	p.ProductVendors = rapid.Permutation(p.ProductVendors).Draw(t, "suppliers' order")
	return p
}

// The tenant that contracts are drawn for.
const (
	client, vendorA, vendorB, vendorC, nameless, gone = 10, 20, 21, 22, 23, 29

	products = 3
	services = 7
	bundles  = 3
)

// today is the day about which rows are drawn: close to midnight in UTC.
var today = time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC)

// anyVendor is an id that a row may have as its vendor.
func anyVendor() *rapid.Generator[any] {
	return rapid.SampledFrom([]any{nil, nil, vendorA, vendorA, vendorB, vendorB, vendorC, nameless, gone, 0})
}

// anyAmount is what a row may tell: nothing, zero, a credit, few places and many.
func anyAmount() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return 0
		}
		return decimal.New(rapid.Int64Range(-2_000, 60_000).Draw(t, "value"), -rapid.Int32Range(0, 5).Draw(t, "places"))
	})
}

// anyTenant draws a tenant with one contract.
func anyTenant(t *rapid.T) *atsim.Sim {
	at := atsim.New(atsim.Config{Now: func() time.Time { return today }})
	internal := rapid.SampledFrom([]atsim.Row{
		{"id": 1, "name": "USD", "isInternalCurrency": true},
		{"id": 1, "name": "Dollars", "isInternalCurrency": true},
		{"id": 1, "name": "USD", "isInternalCurrency": false},
	}).Draw(t, "currency")
	at.Put("Currencies", internal)
	at.Put("Currencies", atsim.Row{"id": 2, "name": "EUR"})
	at.Put("Companies", atsim.Row{"id": 0, "companyName": "The MSP", "companyType": 1, "isActive": true})
	for id, name := range map[int]string{vendorA: "Alpha", vendorB: "Beta", vendorC: "Gamma", nameless: " "} {
		at.Put("Companies", atsim.Row{"id": id, "companyName": name, "companyType": 7, "isActive": id != vendorC})
	}
	pays := rapid.SampledFrom([]any{nil, 1, 2}).Draw(t, "company's currency")
	at.Put("Companies", atsim.Row{"id": client, "companyName": "Acme", "companyType": 1, "isActive": true, "currencyID": pays})
	period := rapid.SampledFrom([]any{2, 2, 2, 3, 4, 5, 1})
	for id := range services {
		at.Put("Services", atsim.Row{
			"id": id + 1, "name": "Service", "periodType": period.Draw(t, "period"), "unitCost": anyAmount().Draw(t, "unit cost"),
			"vendorCompanyID": anyVendor().Draw(t, "vendor"),
		})
	}
	for id := range bundles {
		at.Put("ServiceBundles", atsim.Row{
			"id": id + 1, "name": "Bundle", "periodType": period.Draw(t, "period"), "unitCost": anyAmount().Draw(t, "unit cost"),
		})
		for range rapid.IntRange(0, 5).Draw(t, "contents") {
			at.Put("ServiceBundleServices", atsim.Row{
				"serviceBundleID": id + 1, "serviceID": rapid.IntRange(1, services+1).Draw(t, "service"),
			})
		}
	}
	for id := range products {
		at.Put("Products", atsim.Row{"id": id + 1, "name": "Product", "defaultVendorID": anyVendor().Draw(t, "vendor")})
		for range rapid.IntRange(0, 2).Draw(t, "suppliers") {
			at.Put("ProductVendors", atsim.Row{
				"productID": id + 1, "vendorID": rapid.SampledFrom([]int{vendorA, vendorB, nameless}).Draw(t, "vendor"),
				"isDefault": rapid.Bool().Draw(t, "default"), "isActive": rapid.Bool().Draw(t, "active"),
			})
		}
	}
	contract := at.Put("Contracts", atsim.Row{
		"companyID": client, "contractName": "Care", "contractType": rapid.SampledFrom([]int{7, 7, 7, 7, 1, 3}).Draw(t, "type"), "status": 1,
		"estimatedCost": anyAmount().Draw(t, "estimated cost"), "estimatedRevenue": anyAmount().Draw(t, "estimated revenue"),
	})
	for n := range rapid.IntRange(0, 3).Draw(t, "lines") {
		anyLine(t, at, contract, n)
	}
	for range rapid.IntRange(0, 3).Draw(t, "odd rows") {
		oddRow(t, at, contract)
	}
	for range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "charges") {
		at.Put("ContractCharges", atsim.Row{
			"contractID": contract, "name": "Hardware", "productID": rapid.SampledFrom([]any{nil, 1, 2, 3, 99}).Draw(t, "product"),
			"extendedCost": anyAmount().Draw(t, "cost"), "billableAmount": anyAmount().Draw(t, "billable"),
			"internalCurrencyBillableAmount": anyAmount().Draw(t, "internal"),
		})
	}
	return at
}

// anyLine draws a line as the vendor bills it: isInt periods, a part of one at its begin
// and end, adjustments that share a day, months of no units, prices in two currencies.
func anyLine(t *rapid.T, at *atsim.Sim, contract int64, n int) {
	bundle := rapid.IntRange(0, 2).Draw(t, "bundle") == 0
	line := "ContractServices"
	fields := atsim.Row{"id": n + 1, "contractID": contract}
	item := rapid.IntRange(1, services).Draw(t, "service")
	if bundle {
		line, item = "ContractServiceBundles", rapid.IntRange(1, bundles).Draw(t, "bundle")
		fields["serviceBundleID"] = item
	} else {
		fields["serviceID"], fields["unitCost"] = item, anyAmount().Draw(t, "unit cost")
	}
	if rapid.IntRange(0, 5).Draw(t, "line is gone") > 0 {
		at.Put(line, fields)
	}
	shown := any(n + 1)
	if rapid.IntRange(0, 3).Draw(t, "rows do not tell their line") == 0 {
		shown = nil
	}
	rate := decimal.New(rapid.Int64Range(-50, 5_000).Draw(t, "rate"), -2)
	units := rapid.IntRange(0, 12)
	now, months := units.Draw(t, "units"), rapid.SampledFrom([]int{1, 1, 3, 12}).Draw(t, "months")
	day := today.Truncate(24*time.Hour).AddDate(0, 0, -rapid.IntRange(-40, 200).Draw(t, "since"))
	for range rapid.IntRange(0, 5).Draw(t, "periods") {
		next := day.AddDate(0, months, 0)
		total := next.Sub(day)
		from := day
		if rapid.IntRange(0, 4).Draw(t, "begins late") == 0 {
			from = day.AddDate(0, 0, rapid.IntRange(0, 27).Draw(t, "late"))
		}
		cuts := []time.Time{from}
		for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "adjustments") {
			cuts = append(cuts, from.AddDate(0, 0, rapid.SampledFrom([]int{0, 0, 9, 14, 27}).Draw(t, "adjusted")))
		}
		slices.SortFunc(cuts, time.Time.Compare)
		for i, first := range cuts {
			last := next.AddDate(0, 0, -1+rapid.SampledFrom([]int{0, 0, 0, 0, 1, 3, 4, -1}).Draw(t, "spill"))
			if i+1 < len(cuts) {
				last = cuts[i+1] // it ends on the day on which the next one begins
			}
			covered := decimal.NewFromInt(int64(last.Sub(first)/(24*time.Hour)) + 1).Div(decimal.NewFromInt(int64(total / (24 * time.Hour))))
			cost := rate.Mul(decimal.NewFromInt(int64(now))).Mul(covered).RoundBank(4)
			row := atsim.Row{
				"contractID": contract, "units": now, "cost": cost, "price": cost.Mul(decimal.NewFromInt(2)),
				"internalCurrencyPrice": rapid.SampledFrom([]any{nil, cost.Mul(decimal.NewFromInt(3))}).Draw(t, "internal price"),
				"startDate":             first, "endDate": last,
			}
			putUnit(t, at, row, bundle, shown, item)
			now = units.Draw(t, "units")
		}
		day = next
	}
}

// oddRow draws a row that fits to nothing.
func oddRow(t *rapid.T, at *atsim.Sim, contract int64) {
	from := today.Truncate(24*time.Hour).AddDate(0, 0, rapid.IntRange(-40, 20).Draw(t, "from"))
	row := atsim.Row{
		"contractID": contract, "units": rapid.SampledFrom([]any{nil, 0, 1, 7, -1}).Draw(t, "units"), "cost": anyAmount().Draw(t, "cost"),
		"price": anyAmount().Draw(t, "price"), "internalCurrencyPrice": anyAmount().Draw(t, "internal price"),
		"startDate": from, "endDate": from.AddDate(0, 0, rapid.SampledFrom([]int{-2, 0, 5, 29, 30, 364}).Draw(t, "days")),
	}
	for _, open := range []string{"startDate", "endDate"} {
		if rapid.IntRange(0, 5).Draw(t, open) == 0 {
			row[open] = nil
		}
	}
	bundle := rapid.Bool().Draw(t, "bundle")
	putUnit(t, at, row, bundle, rapid.SampledFrom([]any{nil, 1, 2, 77}).Draw(t, "line"), rapid.SampledFrom([]any{nil, 1, 2, 88}).Draw(t, "item"))
}

func putUnit(t *rapid.T, at *atsim.Sim, row atsim.Row, bundle bool, line, item any) {
	if bundle {
		row["contractServiceBundleID"], row["serviceBundleID"] = line, item
		at.Put("ContractServiceBundleUnits", row)
		return
	}
	row["contractServiceID"], row["serviceID"], row["vendorCompanyID"] = line, item, anyVendor().Draw(t, "stamp")
	at.Put("ContractServiceUnits", row)
}

// TestMain draws more than rapid's 100 tenants unless a flag says otherwise: each has few lines.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "500"); err != nil {
		panic(err)
	}
	harness.Main(m)
}
