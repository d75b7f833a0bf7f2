package e2e

import (
	"fmt"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestBackfillBringsAllAndOnlyTheRightOnes: every active customer arrives, with
// its contacts' e-mail addresses, and nobody else, for few requests.
func TestBackfillBringsAllAndOnlyTheRightOnes(t *testing.T) {
	const companies = 1200
	w := service.New(t, service.Options{})
	w.Autotask.Put("Companies", atsim.Row{"id": 0, "companyName": "The MSP itself", "companyType": 1, "isActive": true})
	inScope := 0
	for i := range companies {
		row := atsim.Row{"companyName": fmt.Sprintf("Client %04d", i), "companyType": 1, "isActive": true, "phone": "518-555-0100"}
		switch {
		case i%10 == 3:
			row["companyType"] = 2 + i%7
		case i%10 == 7:
			row["isActive"] = false
		}
		id := w.Autotask.Put("Companies", row)
		for n := range i % 3 {
			w.Contact(id, fmt.Sprintf("c%d-%d@client.example", i, n))
		}
		if i%10 != 3 && i%10 != 7 {
			inScope++
		}
	}
	w.Autotask.ResetStats()
	in := w.Install(v1.SyncActiveCustomers)
	requests := w.AutotaskRequests()
	t.Logf("backfill: %d Autotask requests for %d companies: %.4f each", requests, companies, float64(requests)/companies)
	if most := companies * 5 / 100; requests > most {
		t.Errorf("%d Autotask requests, want at most %d: %+v", requests, most, w.Autotask.Stats().Requests)
	}

	w.Agree(soon, v1.SyncActiveCustomers)
	if n := len(w.Target.Clients(service.Connection)); n != inScope {
		t.Errorf("%d clients, want %d", n, inScope)
	}
	counts := in.Syncs[v1.SyncActiveCustomers].Counts
	others := companies - inScope // and perhaps the MSP itself, when it was looked at
	if counts.InScope != inScope || counts.NotMet < others || counts.NotMet > others+1 || counts.Failed != 0 {
		t.Errorf("counts %+v, want %d in scope and %d not", counts, inScope, others)
	}
	w.Eventually("nothing left to do", soon, func() error {
		in, err := w.Admin.Installation(t.Context(), in.ID)
		if err != nil || in.Backlog != 0 || len(in.Issues) != 0 || len(in.Jobs) != 0 {
			return fmt.Errorf("%+v, %w", in, err)
		}
		return nil
	})
	for id, ops := range w.Target.Writes(service.Connection) {
		n := 0
		for _, count := range ops {
			n += count
		}
		if n != 1 {
			t.Errorf("%s was written %d times", id, n)
		}
	}
}
