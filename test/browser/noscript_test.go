package browser

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestWithoutScripts goes from the log-in to the end of an installation with forms
// and links alone. Dead letters and replays without scripts are with their tests.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	id := w.Company("Northwind Dental")
	tour.Realistic(w, 5)
	p := tab(t, w, chrome.Options{NoScript: true})
	logIn(p)
	p.Follow("Install Autotask")
	p.Fill("Name of this installation", "Harbor Point IT")
	p.Fill("Username (key)", service.Username)
	p.Fill("Password (secret)", service.Secret)
	p.Fill("API tracking identifier", service.TrackingID)
	p.Fill("Connection id", service.Connection)
	p.Fill("Connection token", service.Token)
	p.Press("Check the connections")
	p.See("Check and preview", "Log-in at Autotask")
	p.Press("Show what will sync")
	p.See("will sync,")
	p.Press("Choose what syncs by name")
	p.See("Recurring Service", "record")
	p.Fill("Part of the name, or id", "northwind")
	p.Press("Find")
	p.Click("Never Northwind Dental, " + service.Text(id))
	p.Press("Check the connections")
	p.Press("Show what will sync")
	p.See("Excluded by the include or exclude list")
	p.Press("Choose what syncs by name")
	p.Fill("Never these companies", "")
	p.Press("Check the connections")
	p.Press("Start the first sync")
	p.ReloadUntil("in Channel Program. ")
	in := finished(t, w)

	p.Follow("Go to the overview")
	p.Press("Stop Active Customers")
	p.See("Active Customers is stopped.")
	p.Press("Start Active Customers")
	p.See("Active Customers is started.")
	p.Follow("Settings")
	p.Press("Stop both syncs")
	p.See("The installation is stopped.")
	w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
	w.DeliverAll(soon)
	p.Press("Start")
	w.ClientBecomes(id, "the new name", soon, service.Named("Northwind Dental Group"))

	p.Open(at(in, "/records"))
	p.Fill("Name, phone, e-mail, address or id", "Northwind Dental Group")
	p.Press("Search")
	p.Open(at(in, "/records/company/"+service.Text(id)))
	p.Follow("Ask Autotask now")
	p.See("As Autotask has it right now")
	p.Press("Sync now")
	w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeUnchanged })
	p.Open(at(in, "/records/company/"+service.Text(id)))
	p.Follow("What was sent, over time")
	p.See("Northwind Dental Group")
	p.Press("Compare")
	p.See("Version 1 beside version 2")

	p.Open(at(in, "/settings"))
	p.Follow("Uninstall…")
	p.Press("Uninstall")
	p.See("The installation is uninstalled.")
	w.Until(in.ID, "uninstalled", soon, func(in v1.Installation) bool { return in.State == v1.StateUninstalled })
	p.Press("Reinstall")
	p.See("The installation is reinstalled")
	w.Until(in.ID, "live again", soon, func(in v1.Installation) bool { return in.State == v1.StateLive })
	p.Press("Log out")
	p.At("/login")
}
