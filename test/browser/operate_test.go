package browser

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/browser/tour"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestWhyARecordIsNotSynced asks for the reason, has it put right in Autotask, and
// sees the record arrive.
func TestWhyARecordIsNotSynced(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	w.Company("Northwind Dental")
	prospect := w.Autotask.Put("Companies", atsim.Row{"companyName": "Lakeside Orthopedics", "companyType": 3, "isActive": true, "phone": "518-555-0100"})
	in := w.Install()
	w.Quiesce(in.ID)
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open(at(in, ""))
	p.Follow("Clients and contracts")
	p.Fill("Name, phone, e-mail, address or id", "lakeside")
	p.Press("Search")
	p.See("1 record found", "Not synced")
	p.Follow("Lakeside Orthopedics")
	p.See("Company type is not Customer")
	p.Follow("Ask Autotask now")
	p.See("As Autotask has it right now", "company type is", "Not met")
	if w.Client(prospect).ExternalID != "" {
		t.Error("asking pushed it")
	}
	w.Edit("Companies", prospect, atsim.Row{"companyType": 1})
	w.ClientBecomes(prospect, "there", soon, service.Named("Lakeside Orthopedics"))
	p.See("Autotask callback") // the open page follows
	p.Press("Sync now")
	p.See("Up to date")
}

// TestDeadLetterIsRequeued mends what Channel Program refused, and tries it again.
func TestDeadLetterIsRequeued(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]chrome.Options{"scripts": {}, "no scripts": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			w := tour.Start(t)
			ids := []int64{w.Company("Northwind Dental"), w.Company("Riverside Logistics"), w.Company("Hillside Bakery")}
			names := []string{service.Text(ids[0]), service.Text(ids[1]), service.Text(ids[2])}
			_, err := w.Target.SetFault(cpsim.Fault{
				Kind: cpsim.FaultRejectItems, ExternalIDs: names, Code: "invalid", Pointer: "/name", Detail: "is on the list of names that nobody may have",
			})
			if err != nil {
				t.Fatal(err)
			}
			in := w.Install(v1.SyncActiveCustomers)
			w.Quiesce(in.ID)
			w.Target.ClearFaults()
			p := tab(t, w, o)
			logIn(p)
			p.Open(at(in, ""))
			p.Follow("Dead letters")
			p.See("is on the list of names that nobody may have", "Riverside Logistics")
			p.Press("Try again company Riverside Logistics")
			w.ClientBecomes(ids[1], "there", soon, service.Named("Riverside Logistics"))
			p.Open(at(in, "/dead-letters"))
			p.SeeNot("Riverside Logistics")

			p.Follow("Details of company Hillside Bakery")
			p.Follow("Dismiss…")
			p.See("Nothing is sent to Channel Program, and nothing is removed there.")
			p.Press("Dismiss")
			p.At(at(in, "/dead-letters"))
			p.See("Northwind Dental")
			p.SeeNot("Hillside Bakery is")

			w.Quiesce(in.ID)
			p.Open(at(in, "/dead-letters"))
			p.Follow("Details of company Northwind Dental")
			p.Press("Try again")
			w.ClientBecomes(ids[0], "there", soon, service.Named("Northwind Dental"))
			w.Quiesce(in.ID)
			p.Open(at(in, "/dead-letters"))
			p.See("Nothing has failed permanently")
			if w.Client(ids[2]).ExternalID != "" {
				t.Error("what was dismissed was pushed")
			}
		})
	}
}

// TestReplayAndResync looks first and does it then.
func TestReplayAndResync(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]chrome.Options{"scripts": {}, "no scripts": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			w := tour.Start(t)
			id := w.Company("Northwind Dental")
			in := w.Install()
			w.Quiesce(in.ID)
			w.Edit("Companies", id, atsim.Row{"companyName": "Northwind Dental Group"})
			w.ClientBecomes(id, "the new name", soon, service.Named("Northwind Dental Group"))
			w.Quiesce(in.ID)
			w.Target.ResetStats()
			p := tab(t, w, o)
			logIn(p)
			p.Open(at(in, ""))
			p.Follow("Replay")
			p.Click("Further limits")
			p.Fill("Only the one with the Autotask id", service.Text(id))
			p.Choose("Only changes of", "Clients")
			p.Click("Send even what has not changed")
			p.Press("Dry run of the replay")
			jobEnds(p, o)
			p.See("Replay (dry run)", "Nothing was sent. Doing it now sends 1 record to Channel Program")
			if n := len(w.Target.Pushes(service.Connection)); n > 0 {
				t.Errorf("a dry run pushed %d records", n)
			}
			p.Press("Do it now")
			p.See("It has started.")
			jobEnds(p, o)
			p.See("Looked at 1 of 1")
			w.Eventually("one push", soon, func() error {
				if n := len(w.Target.Pushes(service.Connection)); n != 1 {
					return fmt.Errorf("%d pushes", n)
				}
				return nil
			})

			err := w.Target.Edit(cpsim.Edit{
				Connection: service.Connection, Entity: "client", ExternalID: service.Text(id), Fields: map[string]any{"name": "Edited by somebody"},
			})
			if err != nil {
				t.Fatal(err)
			}
			p.Open(at(in, "/replay"))
			p.Press("Dry run of the resync")
			jobEnds(p, o)
			p.Press("Do it now")
			jobEnds(p, o)
			p.See("had been edited in Channel Program")
			w.ClientBecomes(id, "put right", soon, service.Named("Northwind Dental Group"))
		})
	}
}

// jobEnds waits for the end of the job that is shown: by itself with scripts, else
// by reloading, as the page says.
func jobEnds(p *chrome.Page, o chrome.Options) {
	p.T.Helper()
	if o.NoScript {
		p.ReloadUntil("Done started")
	}
	p.See("Done started")
}

// TestActivityIsLive sees an edit arrive on an open page.
func TestActivityIsLive(t *testing.T) {
	t.Parallel()
	w, id, in, p := begin(t)
	p.Open(at(in, ""))
	p.Follow("Activity")
	p.See("Northwind Dental")
	chrome.Eval[int](p, "window.notReloaded = 1")
	w.Edit("Companies", id, atsim.Row{"companyName": "Hillside Bakery"})
	p.See("Hillside Bakery", "Autotask callback")
	if !chrome.Eval[bool](p, "window.notReloaded === 1") {
		t.Error("the page was loaded anew")
	}
	p.Follow("Pause")
	p.See("Paused")
	p.Follow("Resume")
}

// TestLookUp asks for a record that was never seen here.
func TestLookUp(t *testing.T) {
	t.Parallel()
	w := tour.Start(t)
	northwind := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	const contract = 77000123 // no company has that id too
	w.Autotask.Put("Contracts", atsim.Row{
		"id": contract, "companyID": northwind, "contractName": "Managed care", "contractType": 3, "status": 1, "estimatedCost": 1250,
		"startDate": time.Now(), "endDate": time.Now().AddDate(1, 0, 0),
	})
	p := tab(t, w, chrome.Options{})
	logIn(p)
	p.Open(at(in, "/records"))
	p.Fill("Name, phone, e-mail, address or id", service.Text(contract))
	p.Press("Search")
	p.See("No record seen so far has the id or name")
	p.Follow("Look up contract " + service.Text(contract) + " in Autotask")
	p.See("As Autotask has it right now", "Managed care")
	if w.Contract(contract).ExternalID != "" {
		t.Error("looking it up pushed it")
	}
}
