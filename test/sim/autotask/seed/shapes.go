package seed

import (
	"time"

	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/billing"
)

// The services of the catalog that the shapes use, by their place among the offers.
const (
	backup, firewall, mail, desktop = 0, 1, 2, 3
	endpoint                        = 6 // billed by the year
)

// shape is a contract whose rows are as real tenants were seen to have them.
type shape struct {
	name string // what the contract is called
	put  func(f *filler, contractID int64, c customer)
	from func(f *filler) time.Time // first day of the contract; nil: six months ago
	to   func(f *filler) time.Time // last day; nil: a year after the first
}

// shapes puts one contract of each shape, spread over the active customers.
func (f *filler) shapes() {
	for i, s := range shapes {
		if len(f.customers) == 0 {
			return
		}
		c := f.customers[i%len(f.customers)]
		from := f.month.AddDate(0, -6, 0)
		if s.from != nil {
			from = s.from(f)
		}
		to := from.AddDate(1, 0, -1)
		if s.to != nil {
			to = s.to(f)
		}
		id := f.Put("Contracts", map[string]any{
			"companyID": c.id, "contractName": s.name, "contractType": 7, "contractPeriodType": 2, "contractCategory": 12,
			"status": 1, "startDate": from, "endDate": to, "estimatedCost": 0, "lastModifiedDateTime": from.Add(9 * time.Hour),
		})
		s.put(f, id, c)
	}
}

// shapes is every shape.
var shapes = []shape{
	{
		// The first row is prorated: it has half of a month's amount, or a little more or less.
		name: "Backup from the middle of the month",
		from: func(f *filler) time.Time { return f.month.AddDate(0, -1, 15) },
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[backup])
			l.bill(f.month.AddDate(0, -1, 15), f.month.AddDate(0, 11, -1), 4)
		},
	},
	{
		// Units were adjusted today: two rows of the line share the day.
		name: "Mail security, adjusted today",
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[mail])
			l.bill(f.month.AddDate(0, -6, 0), f.month.AddDate(0, 0, -1), 10)
			l.bill(f.month, f.day(), 10)
			l.bill(f.day(), f.month.AddDate(0, 6, -1), 14)
		},
	},
	{
		// A line is cancelled by its units: it keeps having rows, of none.
		name: "Firewall, without the desktops it had",
		put: func(f *filler, id int64, c customer) {
			kept, zeroed := f.serviceLine(id, c, f.catalog.services[firewall]), f.serviceLine(id, c, f.catalog.services[desktop])
			kept.bill(f.month.AddDate(0, -6, 0), f.month.AddDate(0, 6, -1), 1)
			zeroed.bill(f.month.AddDate(0, -6, 0), f.month.AddDate(0, 0, -1), 20)
			zeroed.bill(f.month, f.month.AddDate(0, 6, -1), 0)
		},
	},
	{
		// A line is cancelled by having no rows any more; ContractServices keeps it.
		name: "Endpoint protection, mail security cancelled",
		put: func(f *filler, id int64, c customer) {
			kept, cancelled := f.serviceLine(id, c, f.catalog.services[endpoint]), f.serviceLine(id, c, f.catalog.services[mail])
			kept.bill(f.month.AddDate(0, -6, 0), f.month.AddDate(0, 6, -1), 12)
			cancelled.bill(f.month.AddDate(0, -6, 0), f.month.AddDate(0, -1, -1), 300)
		},
	},
	{
		// Rows without their line, of a service and of a bundle.
		name: "Rows without a line",
		put: func(f *filler, id int64, c customer) {
			service, bundle := f.serviceLine(id, c, f.catalog.services[desktop]), f.bundleLine(id, c, f.catalog.bundles[0])
			service.change, bundle.change = without("contractServiceID"), without("contractServiceBundleID")
			service.bill(f.month.AddDate(0, -2, 0), f.month.AddDate(0, 3, -1), 3)
			bundle.bill(f.month.AddDate(0, -2, 0), f.month.AddDate(0, 3, -1), 2)
		},
	},
	{
		// vendorCompanyID is on the rows of one line and not on those of the other: the catalog's stands for it there.
		name: "Stamped beside unstamped",
		put: func(f *filler, id int64, c customer) {
			own, usual := f.serviceLine(id, c, f.catalog.services[firewall]), f.serviceLine(id, c, f.catalog.services[desktop])
			own.vendor = f.catalog.services[mail].vendor // bought from another vendor than usual
			usual.change = without("vendorCompanyID")
			own.bill(f.month.AddDate(0, -2, 0), f.month.AddDate(0, 3, -1), 2)
			usual.bill(f.month.AddDate(0, -2, 0), f.month.AddDate(0, 3, -1), 5)
		},
	},
	{
		name: "Ten years of backup",
		from: func(f *filler) time.Time { return f.month },
		to:   func(f *filler) time.Time { return f.month.AddDate(10, 0, -1) },
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[backup])
			l.bill(f.month, f.month.AddDate(10, 0, -1), 2)
		},
	},
	{
		// A yearly line that ends with its contract: one row of about a quarter of the year's amount.
		name: "Endpoint protection for three months",
		from: func(f *filler) time.Time { return f.month },
		to:   func(f *filler) time.Time { return f.month.AddDate(0, 3, -1) },
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[endpoint])
			l.bill(f.month, f.month.AddDate(0, 3, -1), 40)
		},
	},
	{
		// Two lines of one service, the second takes off what the first has too much.
		name: "Desktops with a credit",
		put: func(f *filler, id int64, c customer) {
			off := f.catalog.services[desktop]
			off.cost, off.price = off.cost.Neg(), off.price.Neg()
			full, credit := f.serviceLine(id, c, f.catalog.services[desktop]), f.serviceLine(id, c, off)
			full.bill(f.month.AddDate(0, -2, 0), f.month.AddDate(0, 3, -1), 10)
			credit.bill(f.month.AddDate(0, -1, 0), f.month.AddDate(0, 3, -1), 2)
		},
	},
	{
		// No row covers today: the next ones are not written yet.
		name: "Mail security between two periods",
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[mail])
			l.bill(f.month.AddDate(0, -3, 0), f.month.AddDate(0, 0, -1), 6)
			l.bill(f.month.AddDate(0, 1, 0), f.month.AddDate(0, 4, -1), 8)
		},
	},
	{
		// Past its end, and still In Effect.
		name: "Firewall until last year",
		from: func(f *filler) time.Time { return f.month.AddDate(-2, 0, 0) },
		put: func(f *filler, id int64, c customer) {
			l := f.serviceLine(id, c, f.catalog.services[firewall])
			l.bill(f.month.AddDate(-1, -3, 0), f.month.AddDate(-1, 0, -1), 1)
		},
	},
}

// day is today, as date-only fields have it.
func (f *filler) day() time.Time {
	y, m, d := f.spec.Today.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// without clears a field of each row.
func without(field string) func(map[string]any) {
	return func(row map[string]any) { row[field] = nil }
}

// line is a service or bundle line of a contract whose rows are put.
type line struct {
	f        *filler
	entity   string // of its rows
	own      map[string]any
	cost     decimal.Decimal
	price    decimal.Decimal
	pays     currency
	months   int
	vendor   int64 // 0: its rows name none
	units    int64
	contract int64
	change   func(row map[string]any)
}

// serviceLine puts a line of a service.
func (f *filler) serviceLine(contractID int64, c customer, s service) *line {
	theirs := c.pays.theirs(s.price)
	id := f.Put("ContractServices", map[string]any{
		"contractID": contractID, "serviceID": s.id, "unitPrice": theirs, "unitCost": s.cost,
		"internalCurrencyUnitPrice": s.price, "internalCurrencyAdjustedPrice": s.price,
	})
	return &line{
		f: f, entity: "ContractServiceUnits", own: map[string]any{"contractServiceID": id, "serviceID": s.id}, cost: s.cost, price: s.price,
		pays: c.pays, months: s.months, vendor: s.vendor, contract: contractID,
	}
}

// bundleLine puts a line of a bundle.
func (f *filler) bundleLine(contractID int64, c customer, b bundle) *line {
	theirs := c.pays.theirs(b.price)
	id := f.Put("ContractServiceBundles", map[string]any{
		"contractID": contractID, "serviceBundleID": b.id, "unitPrice": theirs, "internalCurrencyUnitPrice": b.price,
		"adjustedPrice": theirs, "internalCurrencyAdjustedPrice": b.price,
	})
	return &line{
		f: f, entity: "ContractServiceBundleUnits", own: map[string]any{"contractServiceBundleID": id, "serviceBundleID": b.id},
		cost: b.cost, price: b.price, pays: c.pays, months: 1, contract: contractID,
	}
}

// bill puts the rows of so many units between two days.
func (l *line) bill(from, to time.Time, units int64) {
	l.units = units
	for _, row := range billing.Rows(from, to, l.months, units, l.rates()) {
		l.putRow(row)
	}
}

// put puts a row for each of some whole periods.
func (l *line) put(periods ...billing.Period) {
	for _, p := range periods {
		l.putRow(billing.Row(p, l.units, l.rates(), decimal.NewFromInt(1)))
	}
}

func (l *line) rates() billing.Rates {
	theirs := l.pays.theirs(l.price)
	return billing.Rates{Cost: &l.cost, Price: &theirs, InternalPrice: &l.price}
}

func (l *line) putRow(row map[string]any) {
	row["contractID"] = l.contract
	for name, v := range l.own {
		row[name] = v
	}
	if l.vendor != 0 {
		row["vendorCompanyID"] = l.vendor
	}
	if to := row["endDate"].(time.Time); to.Before(l.f.spec.Today) {
		row["approveAndPostDate"] = to
	}
	if l.change != nil {
		l.change(row)
	}
	l.f.Put(l.entity, row)
}
