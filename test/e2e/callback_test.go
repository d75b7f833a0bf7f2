package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// pushesOf counts what Channel Program was sent of a company.
func pushesOf(w *service.Harness, id int64) int {
	return len(w.Target.PushesOf(service.Connection, strconv.FormatInt(id, 10)))
}

// live starts a harness with one company whose backfill is over.
func live(t *testing.T) (*service.Harness, v1.Installation, int64) {
	t.Helper()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	id := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	return w, in, id
}

// TestTheSameCallbackFiftyTimesIsOnePush also when all fifty come at once.
func TestTheSameCallbackFiftyTimesIsOnePush(t *testing.T) {
	t.Parallel()
	w, in, id := live(t)
	// Autotask itself says nothing of this edit; fifty copies of what it would have said do.
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose})
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Group"})
	hook := w.Hook("CompanyWebhooks")
	body := callout.Envelope{
		Action: "Update", GUID: hook.GUID, EntityType: "Account", ID: id, EventTime: time.Now(), Sequence: 4711, PersonID: 1,
		Fields: []callout.Pair{{Name: "CompanyName", Value: "Northwind Group"}},
	}.Encode()
	before := pushesOf(w, id)
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		statuses = map[int]int{}
	)
	for range 50 {
		wg.Go(func() {
			status := service.Post(t, hook.URL, hook.Secret, body)
			mu.Lock()
			defer mu.Unlock()
			statuses[status]++
		})
	}
	wg.Wait()
	if statuses[http.StatusAccepted] != 1 || statuses[http.StatusNoContent] != 49 {
		t.Errorf("answers by status %v, want one 202 and 49 times 204", statuses)
	}
	w.ClientBecomes(id, "the edit", soon, service.Named("Northwind Group"))
	w.Drain(in.ID)
	if n := pushesOf(w, id) - before; n != 1 {
		t.Errorf("%d pushes, want 1", n)
	}
	for what, status := range map[string]int{
		"unsigned": service.Post(t, hook.URL, "", body), "wrong secret": service.Post(t, hook.URL, hook.Secret+"x", body),
	} {
		if status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", what, status)
		}
	}
}

// TestOrderAndDuplicatesDoNotMatter: whatever order callbacks come in, and
// however often, the newest state wins.
func TestOrderAndDuplicatesDoNotMatter(t *testing.T) {
	t.Parallel()
	w, in, id := live(t)
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Reorder, Probability: 0.5})
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Duplicate, Count: 2})
	for i := range 40 {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i), "phone": fmt.Sprintf("518-555-%04d", i)})
	}
	added := w.Company("Created and edited")
	w.Edit("Companies", added, atsim.Row{"companyName": "Edited"})
	w.Autotask.ClearFaults(0)
	w.ClientBecomes(id, "the newest state", soon, service.Named(newName(39)))
	w.ClientBecomes(added, "the newest state", soon, service.Named("Edited"))
	w.Drain(in.ID)
	w.Agree(soon, v1.SyncActiveCustomers)
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
}

// TestWhatIsNotSyncedPushesNothing: an edit of a field that no sync reads, and
// one that is taken back within the window.
func TestWhatIsNotSyncedPushesNothing(t *testing.T) {
	t.Parallel()
	w, in, id := live(t)
	before := pushesOf(w, id)
	w.Edit("Companies", id, atsim.Row{"fax": "518-555-0199"})
	w.Drain(in.ID)
	if n := pushesOf(w, id) - before; n != 0 {
		t.Errorf("a fax number was worth %d pushes", n)
	}
	w.Edit("Companies", id, atsim.Row{"companyName": "A slip of the pen"})
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental"})
	w.Drain(in.ID)
	if c := w.Client(id); c.Data.Name != "Northwind Dental" {
		t.Errorf("got %q", c.Data.Name)
	}
	if n := pushesOf(w, id) - before; n != 0 && n != 2 { // two when the window ended between both edits
		t.Errorf("an edit and its undoing were worth %d pushes", n)
	}
	// A callback for a record that did not change, made up by nobody knows whom but signed:
	hook := w.Hook("CompanyWebhooks")
	body := callout.Envelope{
		Action: "Update", GUID: hook.GUID, EntityType: "Account", ID: id, EventTime: time.Now(), Sequence: 999,
	}.Encode()
	was := pushesOf(w, id)
	if status := service.Post(t, hook.URL, hook.Secret, body); status != http.StatusAccepted {
		t.Errorf("answered %d", status)
	}
	w.Drain(in.ID)
	if n := pushesOf(w, id) - was; n != 0 {
		t.Errorf("an unchanged record was worth %d pushes", n)
	}
}
