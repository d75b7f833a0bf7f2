package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/billing"
	"channelsync/test/sim/autotask/store"
)

// What people do to the lines of recurring contracts, and the unit rows that the vendor writes then. A line is a row of
// ContractServices or ContractServiceBundles; today is the simulator's day in UTC. Only Renew changes the contract's
// modification time: it edits the contract itself.

// lineOf says what hangs on each kind of line.
type lineOf struct {
	entity, rows      string // of the lines, and of their unit rows
	reference         string // field of a unit row that names its line
	item, catalogue   string // field that names the service or bundle, and its entity
	vendor            string // field of a unit row that names its vendor; empty: it has none
	rateOfLine        string // field of a line with its cost; empty: only the catalogue has it
	internalUnitPrice string
}

func kindOfLine(entity string) (lineOf, error) {
	switch entity {
	case "ContractServices":
		return lineOf{
			entity: entity, rows: "ContractServiceUnits", reference: "contractServiceID", item: "serviceID", catalogue: "Services",
			vendor: "vendorCompanyID", rateOfLine: "unitCost", internalUnitPrice: "internalCurrencyUnitPrice",
		}, nil
	case "ContractServiceBundles":
		return lineOf{
			entity: entity, rows: "ContractServiceBundleUnits", reference: "contractServiceBundleID", item: "serviceBundleID",
			catalogue: "ServiceBundles", internalUnitPrice: "internalCurrencyUnitPrice",
		}, nil
	}
	return lineOf{}, fmt.Errorf("%s has no lines: want ContractServices or ContractServiceBundles", entity)
}

// billed is a line of a contract with what its rows are worked out from.
type billed struct {
	lineOf
	id, contract int64
	rates        billing.Rates
	months       int
	fields       Row   // what all its rows have
	units        []Row // its rows by start, then by id
}

// AddLine puts a service on a contract from a day on, with a row for each billing period up to the contract's end. The
// first is prorated where the day is not the first one of a period. It returns the id of the ContractServices row.
func (s *Sim) AddLine(contractID, serviceID, units int64, from time.Time) (int64, error) {
	contract, ok := s.Get("Contracts", contractID)
	if !ok {
		return 0, fmt.Errorf("add a line to contract %d: %w", contractID, store.ErrNotFound)
	}
	service, ok := s.Get("Services", serviceID)
	if !ok {
		return 0, fmt.Errorf("add a line of service %d: %w", serviceID, store.ErrNotFound)
	}
	to, limited := contract["endDate"].(time.Time)
	if !limited {
		return 0, fmt.Errorf("contract %d has no end", contractID)
	}
	id, err := s.put("ContractServices", Row{
		"contractID": contractID, "serviceID": serviceID, "unitCost": service["unitCost"], "unitPrice": service["unitPrice"],
		"internalCurrencyUnitPrice": service["unitPrice"],
	})
	if err != nil {
		return 0, err
	}
	l, err := s.line("ContractServices", id)
	if err != nil {
		return 0, err
	}
	return id, s.bill(l, midnight(from), midnight(to), units)
}

// Adjust gives a line other units from today on: the row of today ends today, a new one begins today, and those that
// follow are of as many units. With 0 units the line is cancelled and keeps having rows.
func (s *Sim) Adjust(entity string, id, units int64) error {
	l, err := s.line(entity, id)
	if err != nil {
		return err
	}
	today := s.today()
	now, ok := l.rowOf(today)
	if !ok {
		return fmt.Errorf("%s %d has no row of today to adjust", entity, id)
	}
	was, _ := now["units"].(int64)
	first, last := now["startDate"].(time.Time), now["endDate"].(time.Time)
	if err := s.rewrite(l, now, billing.Period{From: first, To: today}, was, l.partOf(first, today, last)); err != nil {
		return err
	}
	begun := billing.Row(billing.Period{From: today, To: last}, units, l.rates, l.partOf(today, last, last))
	if err := s.putUnits(l, begun); err != nil {
		return err
	}
	for _, row := range l.units {
		first, last := row["startDate"].(time.Time), row["endDate"].(time.Time)
		if !first.After(today) {
			continue
		}
		if err := s.rewrite(l, row, billing.Period{From: first, To: last}, units, l.partOf(first, last, last)); err != nil {
			return err
		}
	}
	return nil
}

// CancelLine ends a line yesterday: it has no row of today or later any more. Its ContractServices (bundle) row stays.
func (s *Sim) CancelLine(entity string, id int64) error {
	l, err := s.line(entity, id)
	if err != nil {
		return err
	}
	today := s.today()
	yesterday := today.AddDate(0, 0, -1)
	for _, row := range l.units {
		unit := row["id"].(int64)
		first, last := row["startDate"].(time.Time), row["endDate"].(time.Time)
		switch {
		case !first.Before(today):
			s.Remove(l.rows, unit)
		case !last.Before(today):
			units, _ := row["units"].(int64)
			if err := s.rewrite(l, row, billing.Period{From: first, To: yesterday}, units, l.partOf(first, yesterday, last)); err != nil {
				return err
			}
		}
	}
	return nil
}

// RemoveVendor clears the vendor of all rows of a service line, which leaves that of the catalogue's service, if it has one.
func (s *Sim) RemoveVendor(id int64) error {
	l, err := s.line("ContractServices", id)
	if err != nil {
		return err
	}
	for _, row := range l.units {
		if err := s.Edit(l.rows, row["id"].(int64), Row{l.vendor: nil}); err != nil {
			return err
		}
	}
	return nil
}

// Renew moves a contract's end by so many months, and goes on with those of its lines that have units on its last day.
func (s *Sim) Renew(contractID int64, months int) error {
	contract, ok := s.Get("Contracts", contractID)
	if !ok {
		return fmt.Errorf("renew contract %d: %w", contractID, store.ErrNotFound)
	}
	last, limited := contract["endDate"].(time.Time)
	if !limited || months < 1 {
		return fmt.Errorf("renew contract %d by %d months: want an end and a month or more", contractID, months)
	}
	begin := midnight(last).AddDate(0, 0, 1)
	end := begin.AddDate(0, months, -1)
	if err := s.Edit("Contracts", contractID, Row{"endDate": end}); err != nil {
		return err
	}
	for _, entity := range []string{"ContractServices", "ContractServiceBundles"} {
		for _, line := range s.All(entity) {
			if line["contractID"] != contractID {
				continue
			}
			l, err := s.line(entity, line["id"].(int64))
			if err != nil {
				return err
			}
			row, there := l.rowOf(midnight(last))
			if units, _ := row["units"].(int64); there && units > 0 {
				if err := s.bill(l, begin, end, units); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// line reads a line and its rows. Rows without their line, or without both of their days, stay as they are.
func (s *Sim) line(entity string, id int64) (billed, error) {
	kind, err := kindOfLine(entity)
	if err != nil {
		return billed{}, err
	}
	own, ok := s.Get(entity, id)
	if !ok {
		return billed{}, fmt.Errorf("%s %d: %w", entity, id, store.ErrNotFound)
	}
	l := billed{lineOf: kind, id: id, contract: own["contractID"].(int64), months: 1}
	l.fields = Row{"contractID": l.contract, l.reference: id, l.item: own[l.item]}
	item, _ := own[l.item].(int64)
	catalogue, there := s.Get(l.catalogue, item)
	if there {
		period, _ := catalogue["periodType"].(int64)
		l.months = billing.Months(period)
		l.rates.Cost = decimalOf(catalogue["unitCost"])
		if l.vendor != "" {
			l.fields[l.vendor] = catalogue["vendorCompanyID"]
		}
	}
	if l.rateOfLine != "" && own[l.rateOfLine] != nil {
		l.rates.Cost = decimalOf(own[l.rateOfLine])
	}
	l.rates.Price, l.rates.InternalPrice = decimalOf(own["unitPrice"]), decimalOf(own[l.internalUnitPrice])
	for _, row := range s.All(l.rows) {
		begin, begins := row["startDate"].(time.Time)
		end, ends := row["endDate"].(time.Time)
		if row[l.reference] == id && begins && ends {
			row["startDate"], row["endDate"] = midnight(begin), midnight(end)
			l.units = append(l.units, row)
		}
	}
	slices.SortFunc(l.units, func(a, b Row) int {
		return cmp.Or(a["startDate"].(time.Time).Compare(b["startDate"].(time.Time)), cmp.Compare(a["id"].(int64), b["id"].(int64)))
	})
	if n := len(l.units); n > 0 && l.vendor != "" {
		l.fields[l.vendor] = l.units[n-1][l.vendor] // new rows have the vendor of the others
	}
	return l, nil
}

// rowOf is the line's row of a day: of two the one that begins later.
func (l billed) rowOf(day time.Time) (Row, bool) {
	for _, row := range slices.Backward(l.units) {
		if !row["startDate"].(time.Time).After(day) && !row["endDate"].(time.Time).Before(day) {
			return row, true
		}
	}
	return nil, false
}

// partOf is the part of a billing period that some days of it are; the period ends on the last day.
func (l billed) partOf(from, to, last time.Time) decimal.Decimal {
	part := billing.Period{From: from, To: last}.Share(l.months, false)
	days := func(to time.Time) decimal.Decimal {
		return decimal.NewFromInt(int64(to.Sub(from)/(24*time.Hour)) + 1)
	}
	return part.Mul(days(to)).Div(days(last))
}

func (s *Sim) bill(l billed, from, to time.Time, units int64) error {
	for _, row := range billing.Rows(from, to, l.months, units, l.rates) {
		if err := s.putUnits(l, row); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sim) putUnits(l billed, row Row) error {
	for name, v := range l.fields {
		row[name] = v
	}
	_, err := s.put(l.rows, row)
	return err
}

// rewrite gives a row other days or units, and the amounts that follow.
func (s *Sim) rewrite(l billed, row Row, p billing.Period, units int64, part decimal.Decimal) error {
	return s.Edit(l.rows, row["id"].(int64), billing.Row(p, units, l.rates, part))
}

func (s *Sim) today() time.Time { return midnight(s.cfg.Now()) }

func midnight(at time.Time) time.Time {
	y, m, d := at.UTC().Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func decimalOf(v any) *decimal.Decimal {
	if d, is := v.(decimal.Decimal); is {
		return &d
	}
	return nil
}

// operation is the body of one over HTTP.
type operation struct {
	Units     *int64
	Months    int
	ServiceID int64
	From      string
}

var errNoOperation = errors.New("no such operation: want adjust, cancel or unstamp of a line, renew or addLine of a contract")

// operate does one of the operations on a row by its name.
func (s *Sim) operate(entity string, id int64, name string, o operation) (int64, error) {
	switch {
	case name == "adjust" && o.Units != nil:
		return id, s.Adjust(entity, id, *o.Units)
	case name == "adjust":
		return 0, errors.New(`adjust wants {"units"}; 0 cancels the line`)
	case name == "cancel":
		return id, s.CancelLine(entity, id)
	case name == "unstamp" && entity == "ContractServices":
		return id, s.RemoveVendor(id)
	case name == "renew" && entity == "Contracts":
		return id, s.Renew(id, o.Months)
	case name == "addLine" && entity == "Contracts" && o.Units != nil:
		from, err := time.Parse(time.DateOnly, o.From)
		if err != nil {
			return 0, fmt.Errorf("from is %q, want a day like 2026-11-16", o.From)
		}
		return s.AddLine(id, o.ServiceID, *o.Units, from)
	}
	return 0, errNoOperation
}
