package e2e

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/e2e/world"
	atsim "channelsync/test/sim/autotask/sim"
)

func TestEditedCompanyArrives(t *testing.T) {
	w := world.New(t, world.Options{})
	id := w.Autotask.Put("Companies", atsim.Row{"companyName": "Northwind Dental", "companyType": 1, "isActive": true, "phone": "518-555-0100"})
	w.Autotask.Put("Contacts", atsim.Row{"companyID": id, "firstName": "Ann", "lastName": "Lee", "emailAddress": "ann@northwind.example", "isActive": 1})
	in := w.Install(v1.SyncActiveCustomers)

	external := fmt.Sprint(id)
	c, ok := w.Target.Client(world.Connection, external)
	if !ok || c.Data.Name != "Northwind Dental" || len(c.Data.Emails) != 1 || len(c.Data.Phones) != 1 {
		t.Fatalf("after the backfill: got %+v", c)
	}
	if err := w.Autotask.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"}); err != nil {
		t.Fatal(err)
	}
	w.Eventually("the new name at the target", 10*time.Second, func() error {
		if c, _ := w.Target.Client(world.Connection, external); c.Data.Name != "Northwind Dental Group" {
			return fmt.Errorf("got %q", c.Data.Name)
		}
		return nil
	})
	t.Logf("installation: %+v", in)
}
