package operate

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// care is a recurring contract whose figures are known: ten mailboxes at 10 a month, stamped by Gamma and usually bought
// from Alpha, and two backups at 30 from Beta.
type care struct {
	*service.Harness
	contract, mail, backup int64
}

func openCare(t *testing.T) care {
	t.Helper()
	c := care{Harness: start(t, service.Options{Settings: often()})}
	c.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "USD", "isInternalCurrency": true})
	vendor := func(name string) int64 {
		return c.Autotask.Put("Companies", atsim.Row{"companyName": name, "companyType": 7})
	}
	service := func(name, cost string, vendor int64) int64 {
		return c.Autotask.Put("Services", atsim.Row{"name": name, "periodType": 2, "unitCost": cost, "unitPrice": "99", "vendorCompanyID": vendor})
	}
	mail, backup := service("Mail", "10", vendor("Alpha")), service("Backup", "30", vendor("Beta"))
	gamma := vendor("Gamma")

	now := time.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	c.contract = c.Autotask.Put("Contracts", atsim.Row{
		"companyID": c.Company("Northwind Dental"), "contractName": "Care", "contractType": 7, "status": 1,
		"startDate": month.AddDate(0, -1, 15), "endDate": month.AddDate(0, 3, -1),
	})
	var err error
	if c.mail, err = c.Autotask.AddLine(c.contract, mail, 10, month.AddDate(0, -1, 15)); err != nil {
		t.Fatal(err)
	}
	if c.backup, err = c.Autotask.AddLine(c.contract, backup, 2, month); err != nil {
		t.Fatal(err)
	}
	for _, row := range c.Autotask.All("ContractServiceUnits") {
		if row["contractServiceID"] == c.mail {
			c.Edit("ContractServiceUnits", row["id"].(int64), atsim.Row{"vendorCompanyID": gamma})
		}
	}
	return c
}

// arrives does something to the contract and waits for its figures; cost "" is none.
func (c care) arrives(t *testing.T, what string, do func() error, vendor, cost string) {
	t.Helper()
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	c.ContractBecomes(c.contract, what, within(parts+poll), func(in cpsim.ContractInput) bool {
		got := ""
		if in.OverallCost != nil {
			got = in.OverallCost.Amount
		}
		return in.VendorName == vendor && got == cost
	})
}

// TestWhatIsDoneToLinesArrives: nothing tells of it, the comparison of the parts finds it, and the figure is that of a
// whole month on whatever day it happens.
func TestWhatIsDoneToLinesArrives(t *testing.T) {
	t.Parallel()
	c := openCare(t)
	in := c.Install()
	c.Quiesce(in.ID)
	c.arrives(t, "the option monthly", func() error {
		_, err := c.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: &v1.Options{OverallCost: "monthly"}})
		return err
	}, "Gamma", "160.00")
	c.Quiesce(in.ID)

	c.arrives(t, "a removed gamma", func() error { return c.Autotask.RemoveVendor(c.mail) }, "Alpha", "160.00")
	c.arrives(t, "an adjustment today", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 5) }, "Beta", "110.00")
	c.arrives(t, "a second one on the same day", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 4) }, "Beta", "100.00")
	c.arrives(t, "a cancelled line", func() error { return c.Autotask.CancelLine("ContractServices", c.backup) }, "Alpha", "40.00")
	c.arrives(t, "a renewal, which adds rows to come", func() error { return c.Autotask.Renew(c.contract, 12) }, "Alpha", "40.00")
	c.arrives(t, "a line of no units", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 0) }, "MSP Managed Services", "")
	c.arrives(t, "units again", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 7) }, "Alpha", "70.00")
}

// TestWhatIsDoneToLinesArrivesInTheTotal: of option auto, which adds up all rows, prorated ones too.
func TestWhatIsDoneToLinesArrivesInTheTotal(t *testing.T) {
	t.Parallel()
	c := openCare(t)
	in := c.Install()
	c.Agree(soon)
	c.Quiesce(in.ID)
	before := c.Contract(c.contract).Data.OverallCost
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"an adjustment today", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 4) }},
		{"a removed gamma", func() error { return c.Autotask.RemoveVendor(c.mail) }},
		{"a renewal", func() error { return c.Autotask.Renew(c.contract, 6) }},
		{"a cancelled line", func() error { return c.Autotask.CancelLine("ContractServices", c.backup) }},
		{"a line of no units", func() error { return c.Autotask.Adjust("ContractServices", c.mail, 0) }},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		if err := c.TryAgree(within(parts + poll)); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
	}
	if after := c.Contract(c.contract).Data.OverallCost; before == nil || after == nil || before.Amount == after.Amount {
		t.Errorf("the total was %+v and is %+v", before, after)
	}
}
