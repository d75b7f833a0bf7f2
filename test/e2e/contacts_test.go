package e2e

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestContactsAreTheirCompanysEmails goes through everything that can happen to a contact.
func TestContactsAreTheirCompanysEmails(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	here, there := w.Company("Northwind Dental"), w.Company("Southwind Dental")
	ann := w.Contact(here, "ann@northwind.example")
	in := w.Install(v1.SyncActiveCustomers)
	var bob int64
	steps := []struct {
		what        string
		do          func()
		here, there []string
	}{
		{"the backfill", func() {}, []string{"ann@northwind.example"}, nil},
		{
			"a new contact", func() { bob = w.Contact(here, "bob@northwind.example") },
			[]string{"ann@northwind.example", "bob@northwind.example"},
			nil,
		},
		{
			"an edited address", func() { w.Edit("Contacts", ann, atsim.Row{"emailAddress": "ann.lee@northwind.example"}) },
			[]string{"ann.lee@northwind.example", "bob@northwind.example"},
			nil,
		},
		{
			"a second address", func() { w.Edit("Contacts", ann, atsim.Row{"emailAddress2": "billing@northwind.example"}) },
			[]string{"ann.lee@northwind.example", "billing@northwind.example", "bob@northwind.example"},
			nil,
		},
		{
			"another primary contact", func() { w.Edit("Contacts", bob, atsim.Row{"primaryContact": true}) },
			[]string{"bob@northwind.example", "ann.lee@northwind.example", "billing@northwind.example"},
			nil,
		},
		{
			"a contact moved to another company", func() { w.Edit("Contacts", ann, atsim.Row{"companyID": there}) },
			[]string{"bob@northwind.example"},
			[]string{"ann.lee@northwind.example", "billing@northwind.example"},
		},
		{
			"a cleared address", func() { w.Edit("Contacts", ann, atsim.Row{"emailAddress2": nil}) },
			[]string{"bob@northwind.example"},
			[]string{"ann.lee@northwind.example"},
		},
		{
			"a deactivated contact", func() { w.Edit("Contacts", ann, atsim.Row{"isActive": 0}) },
			[]string{"bob@northwind.example"},
			nil,
		},
		{
			"a reactivated contact", func() { w.Edit("Contacts", ann, atsim.Row{"isActive": 1}) },
			[]string{"bob@northwind.example"},
			[]string{"ann.lee@northwind.example"},
		},
		{"a deleted contact", func() { w.Autotask.Remove("Contacts", bob) }, nil, []string{"ann.lee@northwind.example"}},
	}
	for _, step := range steps {
		step.do()
		w.ClientBecomes(here, step.what, soon, emails(step.here...))
		w.ClientBecomes(there, step.what, soon, emails(step.there...))
	}
	w.Drain(in.ID)
	w.Agree(soon, v1.SyncActiveCustomers)
}

// TestCompaniesComeAndGo: a company arrives when it becomes active, is left as it
// is at the target when it stops being so, and the record says why.
func TestCompaniesComeAndGo(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	sleeper := w.Autotask.Put("Companies", atsim.Row{"companyName": "Sleeper", "companyType": 1, "isActive": false})
	w.Contact(sleeper, "desk@sleeper.example")
	leaver := w.Company("Leaver")
	lead := w.Autotask.Put("Companies", atsim.Row{"companyName": "Lead", "companyType": 2, "isActive": true})
	goner := w.Company("Goner")
	in := w.Install(v1.SyncActiveCustomers)
	w.Agree(soon, v1.SyncActiveCustomers)
	notMet := func(id int64, reason string) {
		t.Helper()
		w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool {
			return r.Outcome == v1.OutcomeNotMet && len(r.Reasons) == 1 && r.Reasons[0] == reason
		})
	}
	notMet(sleeper, v1.ReasonStatusInactive)
	notMet(lead, v1.ReasonTypeNotCustomer)

	w.Edit("Companies", sleeper, atsim.Row{"isActive": true})
	w.ClientBecomes(sleeper, "active", soon, emails("desk@sleeper.example"))
	w.Edit("Companies", lead, atsim.Row{"companyType": 1})
	w.ClientBecomes(lead, "a customer", soon, service.Named("Lead"))

	before := pushesOf(w, leaver)
	w.Edit("Companies", leaver, atsim.Row{"isActive": false, "companyName": "Leaver, closed"})
	notMet(leaver, v1.ReasonStatusInactive)
	if c := w.Client(leaver); c.Data.Name != "Leaver" || c.Data.Lifecycle == "archived" || pushesOf(w, leaver) != before {
		t.Errorf("a company that left was changed at the target: %+v", c)
	}
	w.Edit("Companies", leaver, atsim.Row{"isActive": true})
	w.ClientBecomes(leaver, "back", soon, service.Named("Leaver, closed"))

	w.Autotask.Remove("Companies", goner)
	notMet(goner, v1.ReasonDeletedAtSource)
	if c := w.Client(goner); c.Data.Name != "Goner" || c.Data.Lifecycle == "archived" {
		t.Errorf("a deleted company was changed at the target: %+v", c)
	}

	w.Edit("Companies", lead, atsim.Row{
		"phone": nil, "address1": "1 Main Street", "city": "Albany", "webAddress": "lead.example",
	})
	w.ClientBecomes(lead, "cleared and added fields", soon, func(c cpsim.ClientInput) bool {
		return len(c.Phones) == 0 && c.Address != nil && c.Address.Line1 == "1 Main Street" && len(c.Websites) == 1
	})
	w.Edit("Companies", lead, atsim.Row{"address1": nil, "city": nil, "webAddress": ""})
	w.ClientBecomes(lead, "cleared address", soon, func(c cpsim.ClientInput) bool {
		return c.Address == nil && len(c.Websites) == 0
	})
	w.Drain(in.ID)
	w.Agree(soon, v1.SyncActiveCustomers)
}
