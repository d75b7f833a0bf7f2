package e2e

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

func TestEditedCompanyArrives(t *testing.T) {
	w := service.New(t, service.Options{})
	id := w.Company("Northwind Dental")
	w.Contact(id, "ann@northwind.example")
	w.Install(v1.SyncActiveCustomers)

	if c := w.Client(id); c.Data.Name != "Northwind Dental" || len(c.Data.Emails) != 1 || len(c.Data.Phones) != 1 {
		t.Fatalf("after the backfill: got %+v", c)
	}
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
	w.ClientBecomes(id, "the new name", soon, service.Named("Northwind Dental Group"))
}
