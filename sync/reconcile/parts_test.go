package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"channelsync/sync/contractrows"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// differing compares contracts as they were reconciled last with Autotask as it is, and
// returns those that differ.
func (b *bench) differing(ids ...int64) []int64 {
	b.t.Helper()
	read := map[int64]ledger.Parts{}
	for _, id := range ids {
		e := b.entry(v1.KindContract, id)
		if !contractrows.Comparable(e.Parts) {
			b.t.Fatalf("contract %d has no parts to compare: %+v", id, e.Parts)
		}
		read[id] = *e.Parts
	}
	hashes, err := contractrows.Hash(b.t.Context(), b.rec.Autotask, read, nil)
	harness.OK(b.t, err)
	return slices.DeleteFunc(slices.Sorted(maps.Keys(hashes)), func(id int64) bool { return hashes[id] == read[id].Hash })
}

// day is a day counted from today.
func (b *bench) day(n int) string {
	return b.clock.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly)
}

// TestAnEditIsFoundIfItMatters: what is compared depends on what the cost is made of;
// what cannot change vendor and cost before the contract is read again is not asked for.
func TestAnEditIsFoundIfItMatters(t *testing.T) {
	for _, row := range []struct {
		option, what string
		found        bool
		edit         func(*dated)
	}{
		{"auto", "nothing", false, func(*dated) {}},
		{"auto", "a row of today", true, func(p *dated) { p.edit("ContractServiceUnits", p.unit, atsim.Row{"cost": 121}) }},
		{"auto", "its vendor", true, func(p *dated) { p.edit("ContractServiceUnits", p.unit, atsim.Row{"vendorCompanyID": p.company}) }},
		{"auto", "a row of years ahead", true, func(p *dated) { p.edit("ContractServiceUnits", p.far, atsim.Row{"cost": 121}) }},
		{"auto", "a row that ended last month", false, func(p *dated) { p.edit("ContractServiceUnits", p.past, atsim.Row{"cost": 121}) }},
		{"auto", "a row of today is gone", true, func(p *dated) { p.at.Remove("ContractServiceUnits", p.unit) }},
		{"auto", "a new row from today", true, func(p *dated) { p.row(0, 20, 5) }},
		{"auto", "a new row of the past", false, func(p *dated) { p.row(-90, -60, 5) }},
		{"auto", "a row of the past gets longer", true, func(p *dated) { p.edit("ContractServiceUnits", p.past, atsim.Row{"endDate": p.day(0)}) }},
		{"auto", "the contract's own unit cost", true, func(p *dated) { p.edit("ContractServices", p.line, atsim.Row{"unitCost": 11}) }},
		{"auto", "another line", true, func(p *dated) {
			p.at.Put("ContractServices", atsim.Row{"contractID": p.contract, "serviceID": p.service})
		}},
		{"auto", "a bundle", true, func(p *dated) {
			p.at.Put("ContractServiceBundles", atsim.Row{"contractID": p.contract, "serviceBundleID": 1})
		}},
		{"auto", "what the bundle consists of", true, func(p *dated) { p.at.Remove("ServiceBundleServices", p.content) }},
		{"auto", "what the bundle costs", true, func(p *dated) { p.edit("ServiceBundles", p.bundle(), atsim.Row{"unitCost": 31}) }},
		{"monthly", "how often the bundle is billed", true, func(p *dated) { p.edit("ServiceBundles", p.bundle(), atsim.Row{"periodType": 5}) }},
		{"auto", "the bundle is gone", true, func(p *dated) { p.at.Remove("ServiceBundles", p.bundle()) }},
		{"auto", "the bundle's name, which nobody is told", false, func(p *dated) { p.edit("ServiceBundles", p.bundle(), atsim.Row{"name": "Sweet"}) }},
		{"auto", "a charge beside a figure and a vendor of rows", false, func(p *dated) {
			p.at.Put("ContractCharges", atsim.Row{"contractID": p.contract, "name": "x", "extendedCost": 5, "datePurchased": p.day(0)})
		}},
		{"auto", "whose product it is, beside them", false, func(p *dated) { p.edit("ProductVendors", p.supplier, atsim.Row{"vendorID": p.company}) }},
		{"auto", "a row moves to another contract", true, func(p *dated) { p.edit("ContractServiceUnits", p.unit, atsim.Row{"contractID": p.contract + 1000}) }},
		{"auto", "a row of another contract", false, func(p *dated) {
			p.at.Put("ContractServiceUnits", atsim.Row{"contractID": p.contract + 1000, "serviceID": p.service, "cost": 5, "startDate": p.day(0)})
		}},
		{"price", "a row of years ahead", true, func(p *dated) { p.edit("ContractServiceUnits", p.far, atsim.Row{"price": 121}) }},
		{"monthly", "a row of today", true, func(p *dated) { p.edit("ContractServiceUnits", p.unit, atsim.Row{"cost": 121}) }},
		{"monthly", "a row of next week", true, func(p *dated) { p.edit("ContractServiceUnits", p.next, atsim.Row{"cost": 121}) }},
		{"monthly", "a row of years ahead", false, func(p *dated) { p.edit("ContractServiceUnits", p.far, atsim.Row{"cost": 121}) }},
		{"monthly", "a row of years ahead begins next week", true, func(p *dated) { p.edit("ContractServiceUnits", p.far, atsim.Row{"startDate": p.day(7)}) }},
		{"monthly", "a row that ended last month", false, func(p *dated) { p.edit("ContractServiceUnits", p.past, atsim.Row{"cost": 121}) }},
	} {
		t.Run(row.option+": "+row.what, func(t *testing.T) {
			p := newDated(t, row.option)
			if found := p.differing(p.contract); len(found) > 0 {
				t.Fatal("it differs before anything was edited")
			}
			row.edit(p)
			want := 0
			if row.found {
				want = 1
			}
			if found := p.differing(p.contract); len(found) != want {
				t.Errorf("found %v, want %d", found, want)
			}
			p.rec.rows.ForgetCatalogue() // as whoever compares does
			p.batch(v1.KindContract, p.contract)
			if found := p.differing(p.contract); len(found) > 0 {
				t.Error("it still differs after a reconcile")
			}
		})
	}
}

// dated is a contract whose only line has a row of last month, of today, of next week
// and of years ahead, beside a bundle and a charge without amounts.
type dated struct {
	*priced
	line, past, next, far int64
}

func newDated(t *testing.T, option string) *dated {
	p := &dated{priced: newPriced(t)}
	p.change(func(in *installation.Installation) { in.Options.OverallCost = option })
	p.line = p.at.All("ContractServices")[0]["id"].(int64)
	p.edit("ContractServiceUnits", p.unit, atsim.Row{"startDate": p.day(-20), "endDate": p.day(6)})
	p.past, p.next, p.far = p.row(-50, -21, 120), p.row(7, 36, 120), p.row(900, 930, 120)
	p.batch(v1.KindContract, p.contract)
	return p
}

// row is a unit row over some days from today.
func (p *dated) row(from, to int, cost any) int64 {
	return p.at.Put("ContractServiceUnits", atsim.Row{
		"contractID": p.contract, "contractServiceID": p.line, "serviceID": p.service, "units": 12, "cost": cost, "price": 240,
		"startDate": p.day(from), "endDate": p.day(to), "vendorCompanyID": p.vendor,
	})
}

func (p *dated) bundle() int64 { return p.at.All("ServiceBundles")[0]["id"].(int64) }

// TestChargesAreComparedWhereTheyCount: without a vendor or a cost of other rows, an
// edit of them, of their products and of the products' vendors is one of the contract.
func TestChargesAreComparedWhereTheyCount(t *testing.T) {
	b := newBench(t, setup{})
	vendor := b.at.Put("Companies", atsim.Row{"companyName": "Datasafe Backup", "companyType": 7, "isActive": true})
	product := b.at.Put("Products", atsim.Row{"name": "Server", "defaultVendorID": vendor})
	id := b.contract(b.customer("Northwind"), "Hardware", atsim.Row{"contractType": 1})
	charge := b.at.Put("ContractCharges", atsim.Row{"contractID": id, "productID": product, "name": "Server", "extendedCost": 5, "datePurchased": "2026-01-01"})
	supplier := b.at.Put("ProductVendors", atsim.Row{"productID": product, "vendorID": vendor, "isDefault": true})
	for _, edit := range []struct {
		what string
		do   func()
	}{
		{"the charge", func() { b.edit("ContractCharges", charge, atsim.Row{"extendedCost": 6}) }},
		{"its product", func() { b.edit("Products", product, atsim.Row{"defaultVendorID": nil}) }},
		{"the product's vendor", func() { b.edit("ProductVendors", supplier, atsim.Row{"isDefault": false}) }},
		{"another charge", func() {
			b.at.Put("ContractCharges", atsim.Row{"contractID": id, "name": "y", "extendedCost": 1, "datePurchased": "2026-01-01"})
		}},
	} {
		b.rec.rows.ForgetCatalogue()
		b.batch(v1.KindContract, id)
		if found := b.differing(id); len(found) > 0 {
			t.Fatalf("before an edit of %s it differs", edit.what)
		}
		edit.do()
		if found := b.differing(id); len(found) != 1 {
			t.Errorf("an edit of %s is not found", edit.what)
		}
	}
}

// TestWhatNoQueryAnswersIsNoEdit: a GET by id may tell more than a query, and a
// comparison makes none.
func TestWhatNoQueryAnswersIsNoEdit(t *testing.T) {
	for name, fault := range map[string]func(product, charge int64) atsim.Fault{
		"the vendor of a product": func(int64, int64) atsim.Fault { return lacking("Products", "defaultVendorID") },
		"a product":               func(product, _ int64) atsim.Fault { return dropped("Products", product) },
		"the cost of a charge":    func(int64, int64) atsim.Fault { return lacking("ContractCharges", "extendedCost") },
		"the unit cost of a line": func(int64, int64) atsim.Fault { return lacking("ContractServices", "unitCost") },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, setup{})
			vendor := b.at.Put("Companies", atsim.Row{"companyName": "Datasafe Backup", "companyType": 7, "isActive": true})
			product := b.at.Put("Products", atsim.Row{"name": "Server", "defaultVendorID": vendor})
			id := b.contract(b.customer("Northwind"), "Hardware", atsim.Row{"contractType": 1})
			charge := b.at.Put("ContractCharges", atsim.Row{"contractID": id, "productID": product, "name": "Server", "extendedCost": 5, "datePurchased": "2026-01-01"})
			b.at.Put("ContractServices", atsim.Row{"contractID": id, "serviceID": 1, "unitCost": 10, "unitPrice": 20})
			b.at.SetFault(fault(product, charge))
			b.batch(v1.KindContract, id)
			if c := b.agreement(id); c.Data.VendorName != "Datasafe Backup" {
				t.Fatalf("at the target: %+v", c.Data)
			}
			if found := b.differing(id); len(found) > 0 {
				t.Error("it differs though nothing was edited")
			}
		})
	}
}

// TestAContractThatHasNotBegunIsComparedByItsFirstRows: they stand for today, however
// far ahead they are.
func TestAContractThatHasNotBegunIsComparedByItsFirstRows(t *testing.T) {
	p := newDated(t, "monthly")
	for _, id := range []int64{p.past, p.unit, p.next} {
		p.bench.at.Remove("ContractServiceUnits", id)
	}
	p.batch(v1.KindContract, p.contract)
	if found := p.differing(p.contract); len(found) > 0 {
		t.Fatal("it differs before anything was edited")
	}
	p.edit("ContractServiceUnits", p.far, atsim.Row{"units": 13, "cost": 130})
	if found := p.differing(p.contract); len(found) != 1 {
		t.Error("an edit of its first row is not found")
	}
	p.row(-1, 0, 120)
	p.batch(v1.KindContract, p.contract)
	p.edit("ContractServiceUnits", p.far, atsim.Row{"units": 14, "cost": 140})
	if found := p.differing(p.contract); len(found) > 0 {
		t.Error("it has begun, and an edit of a row of years ahead is found")
	}
}

// TestABadRowIsFoundOnce: it is a change of its contract, whose reconcile names it; then
// it is known, until it is repaired. One that is not compared does not count again and again either.
func TestABadRowIsFoundOnce(t *testing.T) {
	p := newDated(t, "auto")
	bad := func(id int64, field string) atsim.Fault {
		return atsim.Fault{Kind: "badvalue", Entity: "ContractServiceUnits", Record: id, Field: field, Value: []byte(`"none"`)}
	}
	for _, row := range []struct {
		what  string
		fault atsim.Fault
		found int
	}{
		{"of today", bad(p.unit, "cost"), 1},
		{"that does not say its days", bad(p.unit, "endDate"), 1},
		{"that does not say its contract", bad(p.unit, "contractID"), 1},
		{"of the past", bad(p.past, "cost"), 0},
		{"of a service", atsim.Fault{Kind: "badvalue", Entity: "ContractServices", Record: p.line, Field: "unitCost", Value: []byte(`{}`)}, 1},
		{"of a bundle", atsim.Fault{Kind: "badvalue", Entity: "ServiceBundles", Record: p.bundle(), Field: "unitCost", Value: []byte(`{}`)}, 1},
		{"of a bundle's contents", atsim.Fault{Kind: "badvalue", Entity: "ServiceBundleServices", Record: p.content, Field: "serviceID", Value: []byte(`{}`)}, 1},
	} {
		t.Run(row.what, func(t *testing.T) {
			p.at.SetFault(row.fault)
			if found := p.differing(p.contract); len(found) != row.found {
				t.Errorf("found %v, want %d", found, row.found)
			}
			p.rec.rows.ForgetCatalogue()
			p.batch(v1.KindContract, p.contract)
			e := p.outcome(v1.KindContract, p.contract, v1.OutcomeRetrying, "parts_unreadable")
			if found := p.differing(p.contract); len(found) > 0 {
				t.Errorf("it is found again, with %q", e.Detail)
			}
			p.at.ClearFaults(0)
			if found := p.differing(p.contract); len(found) != row.found {
				t.Errorf("mended: found %v, want %d", found, row.found)
			}
			p.clock.Add(time.Hour)
			p.rec.rows.ForgetCatalogue()
			p.batch(v1.KindContract, p.contract)
			p.outcome(v1.KindContract, p.contract, v1.OutcomeUnchanged)
			if found := p.differing(p.contract); len(found) > 0 {
				t.Error("it differs after all is well again")
			}
		})
	}
}

// TestAContractThatAutotaskDoesNotAnswerSpoilsNoOthers: the others are compared all the
// same, and it is left to its own retries.
func TestAContractThatAutotaskDoesNotAnswerSpoilsNoOthers(t *testing.T) {
	p := newDated(t, "auto")
	var ids []int64
	for i := range 5 {
		ids = append(ids, p.bench.contract(p.company, fmt.Sprint("Support ", i)))
	}
	p.batch(v1.KindContract, ids...)
	broken := ids[2]
	p.at.Put("ContractServiceUnits", atsim.Row{"contractID": ids[4], "serviceID": p.service, "units": 1, "cost": 1, "startDate": p.day(0)})
	cfg := p.rec.Config
	cfg.Autotask = autotask.New(autotask.Config{
		Credentials: autotask.Credentials{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK"},
		Zone:        p.in.Zone, Hosts: autotask.NewHosts([]string{strings.TrimSuffix(strings.TrimPrefix(p.in.Zone.URL, "http://"), "/atservicesrest")}),
		Transport: refusing{http.DefaultTransport, broken}, Wait: func(context.Context, time.Duration) error { return nil },
	})
	p.rec = New(cfg)
	all := append(slices.Clone(ids), p.contract)
	if got, want := p.differing(all...), []int64{broken, ids[4]}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v: the one that is not answered and the one that was edited", got, want)
	}
	p.batch(v1.KindContract, broken)
	e := p.outcome(v1.KindContract, broken, v1.OutcomeRetrying, "parts_unreadable")
	if !contractrows.Unreadable(e.Parts) {
		t.Errorf("it would be asked for with others again: %+v", e.Parts)
	}
}

// TestWhatIsKeptOfPartsSaysWhenTheyMatter: how long there is something to compare, and
// the day on which the figures change by themselves.
func TestWhatIsKeptOfPartsSaysWhenTheyMatter(t *testing.T) {
	p := newDated(t, "monthly")
	today := ledger.DayOf(p.clock.Now().UTC())
	parts := func() ledger.Parts { return *p.entry(v1.KindContract, p.contract).Parts }
	if got := parts(); got.From != today || got.To != today+contractrows.Lookahead || got.Charges || got.Rows == 0 {
		t.Errorf("got %+v", got)
	}
	if got := parts(); got.Due != today+contractrows.Lookahead {
		t.Errorf("due on %s, want %s: the next row costs the same", got.Due, today+contractrows.Lookahead)
	}
	p.edit("ContractServiceUnits", p.next, atsim.Row{"units": 13, "cost": 130})
	p.batch(v1.KindContract, p.contract)
	if got := parts(); got.Due != today+7 {
		t.Errorf("due on %s, want the day on which the next row costs more", got.Due)
	}
	p.edit("Contracts", p.contract, atsim.Row{"endDate": p.day(3)})
	p.batch(v1.KindContract, p.contract)
	if got := parts(); got.Until != today+930 {
		t.Errorf("until %s, want the end of the last row with units", got.Until)
	}
	for _, id := range []int64{p.next, p.far} {
		p.edit("ContractServiceUnits", id, atsim.Row{"units": 0})
	}
	p.batch(v1.KindContract, p.contract)
	if got := parts(); got.Until != today+6 {
		t.Errorf("until %s, want the end of the last row with units, though the contract ended before", got.Until)
	}
	p.edit("Companies", p.company, atsim.Row{"isActive": false})
	p.batch(v1.KindContract, p.contract)
	if got := p.entry(v1.KindContract, p.contract).Parts; got != nil {
		t.Errorf("out of scope there is nothing to compare, got %+v", got)
	}
}

// refusing is the way to an Autotask that fails over the unit rows of one contract.
type refusing struct {
	http.RoundTripper
	contract int64
}

func (r refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	if strings.Contains(req.URL.Path, "/ContractServiceUnits/") && strings.Contains(string(body), strconv.FormatInt(r.contract, 10)) {
		return &http.Response{
			StatusCode: http.StatusInternalServerError, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
			Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{"errors":["Object reference not set"]}`)),
		}, nil
	}
	again := req.Clone(req.Context())
	again.Body = io.NopCloser(bytes.NewReader(body))
	return r.RoundTripper.RoundTrip(again)
}
