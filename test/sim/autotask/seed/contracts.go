package seed

import (
	"time"

	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/billing"
)

// catalog is what contracts are made of.
type catalog struct {
	services []service
	bundles  []bundle
	products []int64
}

type service struct {
	id, vendor  int64
	cost, price decimal.Decimal
	months      int // of its billing period
}

type bundle struct {
	id          int64
	cost, price decimal.Decimal
}

var offers = []struct {
	vendor  string
	service string
	cost    string
	price   string
	period  int
	active  bool
}{
	{"Datasafe Backup, Inc.", "Server backup", "41.50", "79.00", 2, true},
	{"Müller Netzwerke GmbH", "Managed firewall", "18.2500", "45.00", 2, true},
	{"Brightmail & Co.", "Mail security", "1.85", "4.25", 2, true},
	{"Cloudrise Hosting", "Hosted desktop", "23.10", "39.90", 2, true},
	{"L'Orme Réseaux", "Wireless as a service", "95", "149", 3, true},
	{"The \"Patch\" Company", "Patch management", "2.125", "5.00", 2, true},
	{"Sentinel + Shield", "Endpoint protection", "3.40", "7.50", 5, true},
	{"Faded Star Software", "Legacy monitoring", "0.99", "3.00", 2, false},
	{"", "Help desk", "0", "65.00", 2, true},
}

func (f *filler) fillCatalog() {
	for _, o := range offers {
		row := map[string]any{
			"name": o.service, "unitCost": o.cost, "unitPrice": o.price, "periodType": o.period, "isActive": o.active,
			"createDate": f.spec.Today.AddDate(-3, 0, 0), "lastModifiedDate": f.spec.Today.AddDate(-1, 0, 0),
		}
		var vendor int64
		if o.vendor != "" {
			vendor = f.Put("Companies", f.dated(map[string]any{
				"companyName": o.vendor, "companyType": 7, "isActive": o.active, "phone": "", "ownerResourceID": owner,
			}))
			row["vendorCompanyID"] = vendor
		}
		f.catalog.services = append(f.catalog.services, service{
			f.Put("Services", row), vendor, decimal.RequireFromString(o.cost), decimal.RequireFromString(o.price),
			billing.Months(int64(o.period)),
		})
	}
	for i, name := range []string{"Essentials", "Security plus"} {
		a, b := f.catalog.services[i], f.catalog.services[i+2]
		made := bundle{cost: a.cost.Add(b.cost), price: a.price.Add(b.price)}
		made.id = f.Put("ServiceBundles", map[string]any{
			"name": name, "periodType": 2, "unitCost": made.cost, "unitPrice": made.price,
			"createDate": f.spec.Today.AddDate(-3, 0, 0), "lastModifiedDate": f.spec.Today.AddDate(-1, 0, 0),
		})
		f.Put("ServiceBundleServices", map[string]any{"serviceBundleID": made.id, "serviceID": a.id})
		f.Put("ServiceBundleServices", map[string]any{"serviceBundleID": made.id, "serviceID": b.id})
		f.catalog.bundles = append(f.catalog.bundles, made)
	}
	for i, name := range []string{"Rack server", "Access point"} {
		vendor := f.catalog.services[i].vendor
		id := f.Put("Products", map[string]any{
			"name": name, "defaultVendorID": vendor, "unitCost": "850", "unitPrice": "1100",
			"createDate": f.spec.Today.AddDate(-2, 0, 0), "lastModifiedDate": f.spec.Today.AddDate(-1, 0, 0),
		})
		f.Put("ProductVendors", map[string]any{"productID": id, "vendorID": vendor, "isDefault": true, "vendorCost": "850"})
		f.catalog.products = append(f.catalog.products, id)
	}
}

// types is the mix of contracts, cycled: mostly recurring services, as at a real provider.
var types = []int{7, 7, 1, 7, 3, 7, 7, 4, 7, 6, 7, 8}

func (f *filler) contract(c customer, i int) {
	kind := types[i%len(types)]
	start := f.month.AddDate(0, -(i % 9), 0)
	end := start.AddDate(1, 0, -1)
	row := map[string]any{
		"companyID": c.id, "contractName": clip("Managed services: "+c.name, 100),
		"contractType": kind, "contractCategory": 12,
		"status": 1, "startDate": start, "endDate": end, "estimatedCost": 0,
		"lastModifiedDateTime": start.Add(time.Duration(f.rng.IntN(86400*1e3)) * time.Millisecond),
	}
	if i%11 == 0 {
		row["status"] = 0
	}
	switch kind {
	case 7:
		row["contractPeriodType"] = 2
	case 3, 4:
		row["estimatedCost"], row["estimatedRevenue"] = 1000+f.rng.IntN(9000), c.pays.theirs(decimal.NewFromInt(15000))
	}
	id := f.Put("Contracts", row)
	switch {
	case kind == 7:
		for n := range 1 + i%3 {
			f.contractService(id, c, i+n, start, end)
		}
		if i%5 == 0 {
			f.contractBundle(id, c, i, start, end)
		}
	case kind == 1 || kind == 3:
		f.charge(id, c, i)
	}
}

func (f *filler) contractService(contractID int64, c customer, i int, start, end time.Time) {
	l := f.serviceLine(contractID, c, f.catalog.services[i%len(f.catalog.services)])
	l.units = int64(1 + f.rng.IntN(25))
	l.put(f.periods(start, end, l.months)...)
}

func (f *filler) contractBundle(contractID int64, c customer, i int, start, end time.Time) {
	l := f.bundleLine(contractID, c, f.catalog.bundles[i%len(f.catalog.bundles)])
	l.units = int64(1 + f.rng.IntN(10))
	l.put(f.periods(start, end, l.months)...)
}

// periods are the contract's billing periods, at most UnitPeriods of them, the current one among them.
func (f *filler) periods(start, end time.Time, months int) []billing.Period {
	all := billing.Periods(start, end, months)
	earliest := f.spec.Today.AddDate(0, -f.spec.UnitPeriods/2-1, 0)
	for len(all) > 1 && all[0].From.Before(earliest) && !all[1].From.After(f.spec.Today) {
		all = all[1:]
	}
	return all[:min(len(all), f.spec.UnitPeriods)]
}

func (f *filler) charge(contractID int64, c customer, i int) {
	row := map[string]any{
		"contractID": contractID, "name": "Hardware", "unitQuantity": 2, "unitCost": "850", "unitPrice": "1100",
		"extendedCost": "1700", "billableAmount": c.pays.theirs(decimal.NewFromInt(2200)), "internalCurrencyBillableAmount": "2200",
		"datePurchased": f.spec.Today.AddDate(0, -1, 0), "createDate": f.spec.Today.AddDate(0, -1, 0),
	}
	if i%2 == 0 {
		row["productID"] = f.catalog.products[i%len(f.catalog.products)]
	}
	f.Put("ContractCharges", row)
}

func clip(text string, most int) string {
	runes := []rune(text)
	return string(runes[:min(most, len(runes))])
}
