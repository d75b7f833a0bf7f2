package reconcile

import (
	"testing"
	"time"

	"channelsync/sync/contractrows"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// priced is a contract with one service of a vendor, and a unit row of this year, with a
// bundle and a charge that change neither vendor nor cost.
type priced struct {
	*bench
	company, vendor, service, contract, unit, content, supplier int64
}

func newPriced(t *testing.T) *priced {
	p := &priced{bench: newBench(t, setup{})}
	p.company = p.customer("Northwind")
	p.vendor = p.at.Put("Companies", atsim.Row{"companyName": "Datasafe Backup", "companyType": 7, "isActive": true})
	p.service = p.at.Put("Services", atsim.Row{"name": "Backup", "unitCost": 10, "unitPrice": 20, "periodType": 2, "vendorCompanyID": p.vendor, "isActive": true})
	p.contract = p.bench.contract(p.company, "Backup 2026")
	line := p.at.Put("ContractServices", atsim.Row{"contractID": p.contract, "serviceID": p.service, "unitCost": 10, "unitPrice": 20})
	p.unit = p.at.Put("ContractServiceUnits", atsim.Row{
		"contractID": p.contract, "contractServiceID": line, "serviceID": p.service, "units": 12, "cost": 120, "price": 240,
		"startDate": "2020-01-01", "endDate": "2040-01-01", "vendorCompanyID": p.vendor,
	})
	bundle := p.at.Put("ServiceBundles", atsim.Row{"name": "Suite", "periodType": 2})
	p.content = p.at.Put("ServiceBundleServices", atsim.Row{"serviceBundleID": bundle, "serviceID": p.service})
	p.at.Put("ContractServiceBundles", atsim.Row{"contractID": p.contract, "serviceBundleID": bundle})
	product := p.at.Put("Products", atsim.Row{"name": "Server"})
	p.supplier = p.at.Put("ProductVendors", atsim.Row{"productID": product, "vendorID": p.vendor, "isDefault": true})
	p.at.Put("ContractCharges", atsim.Row{"contractID": p.contract, "productID": product, "name": "Server"})
	p.at.Put("Currencies", atsim.Row{"name": "USD", "isInternalCurrency": true, "isActive": true})
	p.batch(v1.KindContract, p.contract)
	c := p.agreement(p.contract)
	if c.Data.VendorName != "Datasafe Backup" || c.Data.OverallCost == nil || c.Data.OverallCost.Amount != "120.00" || c.Data.Client.Name != "Northwind" {
		t.Fatalf("at the target: %+v %+v", c.Data, c.Data.OverallCost)
	}
	return p
}

func TestContractArrivesWithVendorAndCost(t *testing.T) {
	p := newPriced(t)
	e := p.outcome(v1.KindContract, p.contract, v1.OutcomePushed)
	want := []any{"Backup 2026", p.company, []int64{p.vendor}, []int64{p.service}, true}
	if diff := cmp.Diff(want, []any{e.Name, e.Parent, e.Vendors, e.Services, e.RowHash != "" && contractrows.Comparable(e.Parts)}); diff != "" {
		t.Error(diff)
	}
	p.edit("ContractServiceUnits", p.unit, atsim.Row{"cost": "130.5"})
	p.batch(v1.KindContract, p.contract)
	if c := p.agreement(p.contract); c.Data.OverallCost.Amount != "130.50" {
		t.Errorf("after the edit: %+v", c.Data.OverallCost)
	}
	p.batch(v1.KindContract, p.contract)
	p.outcome(v1.KindContract, p.contract, v1.OutcomeUnchanged)
}

func TestContractFollowsItsClient(t *testing.T) {
	p := newPriced(t)
	p.edit("Companies", p.company, atsim.Row{"isActive": false})
	p.batch(v1.KindContract, p.contract)
	p.outcome(v1.KindContract, p.contract, v1.OutcomeNotMet, v1.ReasonClientOutOfScope)
	if c := p.agreement(p.contract); c.Data.Lifecycle != "active" {
		t.Errorf("touched: %+v", c.Data)
	}
	p.at.Remove("Contracts", p.contract)
	p.batch(v1.KindContract, p.contract)
	p.outcome(v1.KindContract, p.contract, v1.OutcomeNotMet, v1.ReasonDeletedAtSource)
}

// TestMissingRowsDoNotChangeAContract: what the vendor leaves out of an answer must
// not give a contract another vendor or cost.
func TestMissingRowsDoNotChangeAContract(t *testing.T) {
	for name, f := range map[string]func(*priced) atsim.Fault{
		"the contract":          func(p *priced) atsim.Fault { return dropped("Contracts", p.contract) },
		"its company":           func(p *priced) atsim.Fault { return dropped("Companies", p.company) },
		"its service":           func(p *priced) atsim.Fault { return dropped("Services", p.service) },
		"its vendor":            func(p *priced) atsim.Fault { return dropped("Companies", p.vendor) },
		"a cost of a unit":      func(*priced) atsim.Fault { return lacking("ContractServiceUnits", "cost") },
		"a vendor of a unit":    func(*priced) atsim.Fault { return lacking("ContractServiceUnits", "vendorCompanyID") },
		"a contract of a unit":  func(*priced) atsim.Fault { return lacking("ContractServiceUnits", "contractID") },
		"a vendor of a service": func(*priced) atsim.Fault { return lacking("Services", "vendorCompanyID") },
		"a name of a company":   func(*priced) atsim.Fault { return lacking("Companies", "companyName") },
		"a type of a contract":  func(*priced) atsim.Fault { return lacking("Contracts", "contractType") },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPriced(t)
			p.rec = New(p.rec.Config) // nothing is cached
			p.at.SetFault(f(p))
			p.batch(v1.KindContract, p.contract)
			p.outcome(v1.KindContract, p.contract, v1.OutcomeUnchanged)
		})
	}
}

func dropped(entity string, id int64) atsim.Fault {
	return atsim.Fault{Kind: "dropids", Entity: entity, Records: []int64{id}}
}

func lacking(entity, field string) atsim.Fault {
	return atsim.Fault{Kind: "dropfields", Entity: entity, Fields: []string{field}}
}

// TestUnreadableRowFailsItsContractsAlone: no row is passed over, and nobody else waits for it.
func TestUnreadableRowFailsItsContractsAlone(t *testing.T) {
	bad := func(entity string, id int64, field string) atsim.Fault {
		return atsim.Fault{Kind: "badvalue", Entity: entity, Record: id, Field: field, Value: []byte(`"none"`)}
	}
	for name, one := range map[string]struct {
		fault func(*priced) atsim.Fault
		code  string
	}{
		"the contract": {func(p *priced) atsim.Fault { return bad("Contracts", p.contract, "contractType") }, "row_unreadable"},
		"its company":  {func(p *priced) atsim.Fault { return bad("Companies", p.company, "companyType") }, "company_unreadable"},
		"a unit":       {func(p *priced) atsim.Fault { return bad("ContractServiceUnits", p.unit, "cost") }, "parts_unreadable"},
		"its service":  {func(p *priced) atsim.Fault { return bad("Services", p.service, "vendorCompanyID") }, "parts_unreadable"},
		"a unit that does not tell its contract": {
			func(p *priced) atsim.Fault { return bad("ContractServiceUnits", p.unit, "contractID") }, "parts_unreadable",
		},
		"what its bundle consists of": {
			func(p *priced) atsim.Fault { return bad("ServiceBundleServices", p.content, "serviceID") }, "parts_unreadable",
		},
		"whose product it is": {
			func(p *priced) atsim.Fault { return bad("ProductVendors", p.supplier, "vendorID") }, "parts_unreadable",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPriced(t)
			p.rec = New(p.rec.Config)
			other := p.bench.contract(p.customer("Contoso"), "Support")
			p.at.SetFault(one.fault(p))
			p.batch(v1.KindContract, p.contract, other)
			p.outcome(v1.KindContract, other, v1.OutcomePushed)
			p.outcome(v1.KindContract, p.contract, v1.OutcomeRetrying, one.code)
			if c := p.agreement(p.contract); c.Data.VendorName != "Datasafe Backup" || c.Data.OverallCost == nil {
				t.Errorf("it was pushed all the same: %+v", c.Data)
			}
			p.at.ClearFaults(0)
			p.clock.Add(time.Hour)
			p.batch(v1.KindContract, p.contract)
			p.outcome(v1.KindContract, p.contract, v1.OutcomeUnchanged)
		})
	}
}

// TestRowsWithoutWhatIsNotNeededAreRead: real tenants have rows without the id of their
// line, and what only another option reads may be anything.
func TestRowsWithoutWhatIsNotNeededAreRead(t *testing.T) {
	for name, f := range map[string]atsim.Fault{
		"no line":                {Entity: "ContractServiceUnits", Field: "contractServiceID", Value: []byte(`null`)},
		"no vendor of a row":     {Entity: "ContractServiceUnits", Field: "vendorCompanyID", Value: []byte(`null`)},
		"no end":                 {Entity: "ContractServiceUnits", Field: "endDate", Value: []byte(`null`)},
		"units as text":          {Entity: "ContractServiceUnits", Field: "units", Value: []byte(`"12"`)},
		"a price that is none":   {Entity: "ContractServiceUnits", Field: "price", Value: []byte(`{}`)},
		"a revenue that is none": {Entity: "Contracts", Field: "estimatedRevenue", Value: []byte(`"n/a"`)},
		"no name of a service":   {Entity: "Services", Field: "name", Value: []byte(`{}`)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPriced(t)
			p.rec = New(p.rec.Config) // nothing is cached
			f.Kind = "badvalue"
			p.at.SetFault(f)
			p.batch(v1.KindContract, p.contract)
			p.outcome(v1.KindContract, p.contract, v1.OutcomeUnchanged)
		})
	}
}

// TestAKeyThatThisAutotaskDoesNotAnswerCostsNoRequestPerRow: a contract may have
// thousands of rows, and none of them is read by id for a key that none of them has.
func TestAKeyThatThisAutotaskDoesNotAnswerCostsNoRequestPerRow(t *testing.T) {
	noFields := atsim.Fault{Kind: "status", Verb: "fields", Status: 500, Text: "Something went wrong."}
	for name, one := range map[string]struct {
		autotask atsim.Config
		fault    *atsim.Fault
		most     int // rows that may be read by id
	}{
		"a build without the field":                           {autotask: atsim.Config{Without: []string{"ContractServiceUnits.internalCurrencyPrice"}}},
		"and that does not tell its fields":                   {autotask: atsim.Config{Without: []string{"ContractServiceUnits.internalCurrencyPrice"}}, fault: &noFields},
		"a build that leaves out what is empty":               {autotask: atsim.Config{Modes: atsim.Modes{OmitEmpty: true}}, most: 1},
		"one that leaves it out and does not tell its fields": {autotask: atsim.Config{Modes: atsim.Modes{OmitEmpty: true}}, fault: &noFields, most: 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{autotask: one.autotask})
			id := b.contract(b.customer("Northwind"), "Backup")
			for range 40 {
				b.at.Put("ContractServiceUnits", atsim.Row{"contractID": id, "units": 1, "cost": 1, "startDate": "2026-01-01"})
			}
			if one.fault != nil {
				b.at.SetFault(*one.fault)
			}
			b.batch(v1.KindContract, id)
			b.batch(v1.KindContract, id)
			if c := b.agreement(id); c.Data.OverallCost == nil || c.Data.OverallCost.Amount != "40.00" {
				t.Errorf("at the target: %+v", c.Data)
			}
			if got := b.asked("ContractServiceUnits", "get"); got > one.most {
				t.Errorf("%d rows were read by id, want at most %d", got, one.most)
			}
			if got := b.asked("ContractServiceUnits", "fields"); got > 4 { // an answer of 500 is asked for anew some times
				t.Errorf("the fields were asked for %d times", got)
			}
		})
	}
}

func TestLostRightToReadCostsBlanksNothing(t *testing.T) {
	p := newPriced(t)
	p.at.SetModes(func(m *atsim.Modes) {
		m.Denied = []string{"ContractServiceUnits", "ContractServiceBundleUnits", "ContractCharges"}
	})
	p.edit("Contracts", p.contract, atsim.Row{"contractName": "Backup 2027"})
	fresh := p.bench.contract(p.company, "Support")
	p.batch(v1.KindContract, p.contract, fresh)
	e := p.outcome(v1.KindContract, p.contract, v1.OutcomePushed)
	c := p.agreement(p.contract)
	if c.Data.OverallCost == nil || c.Data.OverallCost.Amount != "120.00" || c.Data.VendorName != "Datasafe Backup" || *c.Data.Name != "Backup 2027" {
		t.Errorf("at the target: %+v %+v", c.Data, c.Data.OverallCost)
	}
	if diff := cmp.Diff([]string{"costs_unreadable"}, e.Notes); diff != "" {
		t.Errorf("notes: %s", diff)
	}
	p.outcome(v1.KindContract, fresh, v1.OutcomePushed)
	if c := p.agreement(fresh); c.Data.OverallCost != nil {
		t.Errorf("a cost that nobody could read: %+v", c.Data.OverallCost)
	}
}

func TestRenamedVendorReachesItsContracts(t *testing.T) {
	p := newPriced(t)
	p.batch(v1.KindCompany, p.vendor)
	p.outcome(v1.KindCompany, p.vendor, v1.OutcomeNotMet, v1.ReasonTypeNotCustomer)
	before := len(p.dependents())
	p.edit("Companies", p.vendor, atsim.Row{"companyName": "Datasafe Group"})
	p.batch(v1.KindCompany, p.vendor)
	got := p.dependents()[before:]
	if diff := cmp.Diff([]int64{p.contract}, got); diff != "" {
		t.Fatalf("marked: %s", diff)
	}
	p.batch(v1.KindContract, got...)
	if c := p.agreement(p.contract); c.Data.VendorName != "Datasafe Group" {
		t.Errorf("the vendor is still %q", c.Data.VendorName)
	}
}

func TestServiceIsReadAgainOnceForgotten(t *testing.T) {
	p := newPriced(t)
	other := p.at.Put("Companies", atsim.Row{"companyName": "Other Vendor", "companyType": 7, "isActive": true})
	p.at.Remove("ContractServiceUnits", p.unit)
	p.edit("Services", p.service, atsim.Row{"vendorCompanyID": other})
	p.rec.rows.ForgetServices(p.service)
	p.batch(v1.KindContract, p.contract)
	if c := p.agreement(p.contract); c.Data.VendorName != "Other Vendor" {
		t.Errorf("the vendor is %q", c.Data.VendorName)
	}
}

func TestCurrencyThatTheTargetDoesNotTakeIsNamed(t *testing.T) {
	p := newPriced(t)
	p.fault(cpsim.Fault{Kind: cpsim.FaultRejectItems, Code: "currency_unsupported", Pointer: "/overallCost/currency", Detail: "USD only"})
	p.edit("Contracts", p.contract, atsim.Row{"contractName": "Renamed"})
	p.batch(v1.KindContract, p.contract)
	p.outcome(v1.KindContract, p.contract, v1.OutcomeDead, "currency_unsupported")
}
