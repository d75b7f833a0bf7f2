package browser

import (
	"errors"
	"fmt"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestStopAndStart stops a sync and then all, and sees what was kept arrive.
func TestStopAndStart(t *testing.T) {
	t.Parallel()
	w, id, in, p := begin(t)
	p.Follow("View Example MSP")
	p.See("In sync.")

	p.Press("Stop Active Customers")
	p.See("Active Customers is stopped. Changes are kept; Start delivers them.", "Stopped")
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
	w.DeliverAll(soon)
	w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeWaiting })
	p.Press("Start Active Customers")
	p.See("Active Customers is started. What waited is delivered within minutes.")
	w.ClientBecomes(id, "the new name", soon, service.Named("Northwind Dental Group"))

	p.Follow("Settings")
	p.Press("Stop both syncs")
	p.See("The installation is stopped. Changes are kept; Start delivers them.")
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind"})
	w.DeliverAll(soon)
	if got := w.Client(id).Data.Name; got != "Northwind Dental Group" {
		t.Errorf("a stopped installation pushed the name %q", got)
	}
	p.Follow("Overview")
	p.See("Nothing is pushed.")
	p.Press("Start")
	p.See("The installation is started.")
	w.ClientBecomes(id, "the newest name", soon, service.Named("Northwind"))
	p.See("In sync.") // by itself
}

// TestUninstallReinstallErase ends an installation in both ways.
func TestUninstallReinstallErase(t *testing.T) {
	t.Parallel()
	w, id, in, p := begin(t)

	p.Open(at(in, "/settings"))
	p.Follow("Uninstall…")
	p.See("The webhooks at Autotask are removed, and both syncs stop.", "Clients and contracts in Channel Program stay there.")
	p.Follow("Keep it")
	p.At(at(in, "/settings"))
	p.Follow("Uninstall…")
	p.Press("Uninstall")
	p.See("The installation is uninstalled.")
	w.Until(in.ID, "uninstalled", soon, func(in v1.Installation) bool { return in.State == v1.StateUninstalled })
	w.Eventually("no webhooks are left", soon, func() error {
		if n := len(w.Autotask.All("CompanyWebhooks")); n > 0 {
			return fmt.Errorf("%d are there", n)
		}
		return nil
	})

	p.Press("Reinstall")
	p.See("The installation is reinstalled with the settings it had.")
	w.Until(in.ID, "live again", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
	w.ClientBecomes(id, "the new name", soon, service.Named("Northwind Dental Group"))

	p.Open(at(in, "/settings"))
	p.Follow("Erase…")
	p.Fill("Type the name of the installation to go on", "Example MS")
	p.Press("Erase for good")
	p.See("Nothing was erased.", "type the name exactly as it is shown")
	if _, err := w.Admin.Installation(t.Context(), in.ID); err != nil {
		t.Fatalf("after a name that is not quite right: %v", err)
	}
	p.Fill("Type the name of the installation to go on", "Example MSP")
	p.Press("Erase for good")
	p.At("/")
	p.See("It is erased.", "Nothing is installed yet")
	_, err := w.Admin.Installation(t.Context(), in.ID)
	if problem, ok := errors.AsType[*v1.Problem](err); !ok || problem.Status != 404 {
		t.Errorf("an erased installation: %v, want 404", err)
	}
	if w.Client(id).ExternalID == "" {
		t.Error("the client is gone from Channel Program")
	}
}

// TestTheOtherSyncInstalls follows the recommendation to have both.
func TestTheOtherSyncInstalls(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	contract := w.Agreement(w.Company("Northwind Dental"), "Managed care")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open(at(in, ""))
	p.See("Recommended: enable both syncs")
	p.Press("Install Active Customer Contracts")
	p.See("Active Customer Contracts is installed. Its first sync has begun.")
	w.Eventually("the contract is there", soon, func() error {
		if w.Contract(contract).ExternalID == "" {
			return errors.New("it is not")
		}
		return nil
	})
	p.Follow("Uninstall Active Customer Contracts")
	p.See("The data that it sent to Channel Program stays there.")
	p.Press("Uninstall Active Customer Contracts")
	p.See("Active Customer Contracts is uninstalled. Its settings are kept.")
	if w.Contract(contract).ExternalID == "" {
		t.Error("the contract is gone from Channel Program")
	}
	p.Press("Install Active Customer Contracts")
	p.See("Active Customer Contracts is reinstalled with the settings it had.")
}
