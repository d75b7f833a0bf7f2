package lifecycle

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestStoppedKeepsEverything: 200 edits of a stopped installation are taken and
// kept, and arrive within a minute of the start.
func TestStoppedKeepsEverything(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(100)
	for i, id := range ids {
		w.Agreement(id, fmt.Sprintf("Project %04d", i))
	}
	in := w.Install()
	w.Drain(in.ID)
	act(w, in.ID, "", "stop")
	shown := is(w, in.ID, v1.StateStopped)
	for sync, st := range shown.Syncs {
		if st.State != v1.SyncStopped {
			t.Errorf("%s is %s", sync, st.State)
		}
	}
	w.Target.ResetStats()
	renameAll(w, ids, "Renamed")
	for i, row := range w.Autotask.All("Contracts") {
		w.Edit("Contracts", row["id"].(int64), atsim.Row{"contractName": fmt.Sprintf("Renamed project %04d", i)})
	}
	w.DeliverAll(soon)
	for _, d := range w.Autotask.Callouts() {
		if d.Action == "Update" && d.Status != http.StatusAccepted {
			t.Fatalf("a callback while stopped was answered %d: %s", d.Status, d.Error)
		}
	}
	w.Until(in.ID, "has a backlog", soon, func(in v1.Installation) bool { return in.Backlog >= len(ids) })
	w.Autotask.ResetStats() // a poll that was at work when it was stopped has ended by now
	quiet(w, 3*time.Second/2)
	if n := w.Target.Stats().Total; n != 0 {
		t.Errorf("Channel Program was asked %d times while stopped", n)
	}
	if n := w.Autotask.Stats().Total; n != 0 {
		t.Errorf("Autotask was asked %d times while stopped: %+v", n, w.Autotask.Stats().Requests)
	}
	w.Stop() // what was kept survives a restart, and so does being stopped
	w.Start()
	is(w, in.ID, v1.StateStopped)
	act(w, in.ID, "", "start")
	w.Agree(2 * soon)
	w.Idle(in.ID, soon)
	is(w, in.ID, v1.StateLive)
}

// TestOneSyncStopped: the other one goes on, and nothing is lost once it starts.
func TestOneSyncStopped(t *testing.T) {
	t.Parallel()
	for _, stopped := range v1.Syncs {
		t.Run(string(stopped), func(t *testing.T) {
			t.Parallel()
			w := service.New(t, service.Options{Autotask: service.Unlimited()})
			dollars(w)
			id := w.Company("Northwind Dental")
			contract := w.Agreement(id, "Project one")
			in := w.Install()
			w.Drain(in.ID)
			w.Agree(soon)
			act(w, in.ID, stopped, "stop")
			act(w, in.ID, stopped, "stop") // again is no error
			w.Edit("Companies", id, atsim.Row{"phone": "518-555-0142", "companyName": "Northwind Group"})
			w.Edit("Contracts", contract, atsim.Row{"contractName": "Project two"})
			added := w.Company("Came meanwhile")
			addedContract := w.Agreement(added, "Project three")

			customers := stopped == v1.SyncActiveCustomerContracts
			if customers {
				w.ClientBecomes(id, "renamed", soon, service.Named("Northwind Group"))
				w.ClientBecomes(added, "new", soon, service.Named("Came meanwhile"))
				w.RecordBecomes(in.ID, v1.KindContract, contract, soon, waiting)
				w.RecordBecomes(in.ID, v1.KindContract, addedContract, soon, waiting)
			} else {
				w.Eventually("the contracts", soon, func() error {
					first, second := w.Contract(contract).Data, w.Contract(addedContract).Data
					if first.Name == nil || *first.Name != "Project two" || first.Client.Name != "Northwind Group" || second.Name == nil {
						return fmt.Errorf("%+v, %+v", first, second)
					}
					return nil
				})
				w.RecordBecomes(in.ID, v1.KindCompany, id, soon, waiting)
				w.RecordBecomes(in.ID, v1.KindCompany, added, soon, waiting)
			}
			w.DeliverAll(soon)
			if c := w.Client(id); !customers && (len(c.Data.Phones) != 1 || c.Data.Phones[0].Value != "518-555-0100") {
				t.Errorf("the client was pushed while its sync was stopped: %+v", c.Data)
			}
			if c := w.Contract(contract); customers && (c.Data.Name == nil || *c.Data.Name != "Project one") {
				t.Errorf("the contract was pushed while its sync was stopped: %+v", c.Data)
			}
			shown := w.Until(in.ID, "shows what waits", soon, func(in v1.Installation) bool { return in.Backlog == 2 })
			if shown.Syncs[stopped].State != v1.SyncStopped || shown.State != v1.StateLive {
				t.Errorf("state %s, syncs %+v", shown.State, shown.Syncs)
			}
			w.Stop()
			w.Start()
			act(w, in.ID, stopped, "start")
			w.Agree(soon)
			w.Idle(in.ID, soon)
			is(w, in.ID, v1.StateLive)
		})
	}
}

func waiting(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeWaiting }

// TestUninstallAndReinstall: an uninstall leaves no webhook and all client data; a
// reinstall needs nothing to be typed again and finds what changed meanwhile.
func TestUninstallAndReinstall(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(20)
	contract := w.Agreement(ids[0], "Project one")
	in := w.Install()
	w.Drain(in.ID)
	hook := w.Hook("CompanyWebhooks")
	act(w, in.ID, "", "uninstall")
	act(w, in.ID, "", "uninstall") // again is no error
	shown := is(w, in.ID, v1.StateUninstalled)
	if len(w.Autotask.Webhooks()) != 0 || len(shown.Webhooks) != 0 {
		t.Errorf("webhooks at Autotask %+v, shown %+v", w.Autotask.Webhooks(), shown.Webhooks)
	}
	if n := len(w.Target.Clients(service.Connection)); n != len(ids) {
		t.Errorf("%d clients are left, want all %d", n, len(ids))
	}
	w.Autotask.ResetStats()
	for n := range int64(3) {
		if status := service.Post(t, hook.URL, hook.Secret, changeOf(hook, ids[0], 900+n)); status != http.StatusNoContent {
			t.Errorf("a callback was answered %d, want 204", status)
		}
	}
	if status := service.Post(t, hook.URL, "wrong", changeOf(hook, ids[0], 910)); status != http.StatusUnauthorized {
		t.Errorf("a forged callback was answered %d, want 401", status)
	}
	for what, err := range map[string]error{
		"start": w.Admin.Act(t.Context(), in.ID, "", "start"), "stop a sync": w.Admin.Act(t.Context(), in.ID, v1.SyncActiveCustomers, "stop"),
		"reconcile": w.Admin.ReconcileRecord(t.Context(), in.ID, v1.KindCompany, service.Text(ids[0])),
	} {
		if p := problemOf(t, err); p.Status != http.StatusConflict || p.Hint == "" {
			t.Errorf("%s: %+v", what, p)
		}
	}
	renameAll(w, ids, "Changed meanwhile")
	w.Edit("Contracts", contract, atsim.Row{"contractName": "Project two"})
	added := w.Company("Came meanwhile")
	w.Stop()
	w.Start()
	is(w, in.ID, v1.StateUninstalled)
	if n := w.Autotask.Stats().Total; n != 0 {
		t.Errorf("Autotask was asked %d times of an uninstalled installation: %+v", n, w.Autotask.Stats().Requests)
	}

	act(w, in.ID, "", "reinstall")
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Agree(soon)
	is(w, in.ID, v1.StateLive)
	w.Rename(added, "By callback")
	w.ClientBecomes(added, "an edit by callback", soon, service.Named("By callback"))
	p := problemOf(t, w.Admin.Act(t.Context(), in.ID, "", "reinstall"))
	if p.Status != http.StatusConflict {
		t.Errorf("a second reinstall: %+v", p)
	}
}

// TestOneSyncUninstalledAndReinstalled: the other one stays as it is.
func TestOneSyncUninstalledAndReinstalled(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	dollars(w)
	id := w.Company("Northwind Dental")
	contract := w.Agreement(id, "Project one")
	w.Contact(id, "ann@northwind.example")
	in := w.Install()
	w.Drain(in.ID)
	act(w, in.ID, v1.SyncActiveCustomers, "uninstall")
	w.Eventually("only the companies' webhook is left", soon, func() error {
		if hooks := w.Autotask.Webhooks(); len(hooks) != 1 || hooks[0].Collection != "CompanyWebhooks" {
			return fmt.Errorf("%+v", hooks)
		}
		return nil
	})
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Group", "phone": "518-555-0142"})
	w.Eventually("the contract carries the new name", soon, func() error {
		if c := w.Contract(contract).Data; c.Client.Name != "Northwind Group" {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	w.Drain(in.ID)
	if c := w.Client(id).Data; len(c.Phones) != 1 || c.Phones[0].Value != "518-555-0100" || len(c.Emails) != 1 {
		t.Errorf("the client was pushed though its sync is uninstalled: %+v", c)
	}
	act(w, in.ID, v1.SyncActiveCustomers, "reinstall")
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Agree(soon)
	is(w, in.ID, v1.StateLive)
}
