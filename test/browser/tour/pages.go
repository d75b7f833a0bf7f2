package tour

import (
	"net/url"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/browser/chrome"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func (t *tour) atWork() {
	t.edit(t.tenant.Client, atsim.Row{"phone": "518-555-0101"})
	t.drain()
	t.p.Open("/")
	t.p.See("Needs attention")
	t.stop("integrations")
	t.open("overview", "", "Issues", "Last 24 hours")
	t.open("welcome-later", "/welcome", "Done")
	t.open("activity", "/activity", "Synced")
	t.open("activity-filtered", "/activity?outcome=retrying", "Nothing recent fits these filters")
	t.open("activity-paused", "/activity?paused=1", "Paused")
	t.open("dead-letters", "/dead-letters", "is on the list of names that nobody may have")
	t.open("dead-letters-dismiss", "/dead-letters/bulk?action=dismiss&of=filter&code=rejected", "Dismiss: 1 dead letter?")
	t.open("dead-letters-cause", "/dead-letters?code=rejected", "All causes")
	t.p.Follow("Details of company " + t.refusedName())
	t.p.See("Try again")
	t.stop("dead-letter")
	t.p.Follow("Dismiss…")
	t.p.See("Dismiss this dead letter?")
	t.stop("dead-letter-dismiss")
	t.p.Open("/audit")
	t.p.See("Console")
	t.stop("audit")
}

func (t *tour) refusedName() string {
	t.w.T.Helper()
	return t.w.Record(t.in.ID, v1.KindCompany, t.tenant.Refused).Name
}

func (t *tour) records() {
	t.open("records", "/records", "Not synced", "Failed")
	t.open("records-filtered", "/records?kind=contract", "found")
	t.open("records-none", "/records?q="+url.QueryEscape("zzz nobody"), "Clear filters")
	t.p.Fill("Autotask id", "99999998")
	t.p.Press("Look it up in Autotask")
	t.p.See("As Autotask has it right now")
	t.stop("record-looked-up")
	t.open("records-sync-many", "/records/reconcile?of=filter&kind=company", "Sync now:", "evaluated when the job begins")
	t.open("records-exclude", "/records/exclude?of=selected&record=company/"+ID(t.tenant.Client), "Exclude: 1 client?", "would leave")
	company := "/records/company/"
	t.open("record", company+ID(t.tenant.Client), "What Channel Program was sent", "Autotask callback")
	t.p.Click("Download")
	t.p.Press("Sync now")
	t.stop("record-asked")
	t.open("record-explained", company+ID(t.tenant.Client)+"?explain=1", "As Autotask has it right now", "Met")
	t.open("record-not-synced", company+ID(t.tenant.Prospect)+"?explain=1", "Company type is not Customer", "Not met")
	t.open("record-dead", company+ID(t.tenant.Refused), "Go to its dead letter")
	t.open("record-contract", "/records/contract/"+ID(t.tenant.Contract), "How the vendor was found")
	t.drift()
	t.open("record-unseen", company+"99999999?explain=1", "As Autotask has it right now")
}

// drift has somebody edit a client in Channel Program, which a resync then leaves alone.
func (t *tour) drift() {
	t.open("drift-none", "/drift", "No edit was found")
	t.setDrift("report")
	err := t.w.Target.Edit(cpsim.Edit{Connection: service.Connection, ExternalID: ID(t.tenant.Client), Fields: map[string]any{
		"name": "Edited by hand", "phones": []any{},
	}})
	if err == nil {
		_, err = t.w.Admin.Resync(t.w.T.Context(), t.in.ID, v1.ResyncRequest{})
	}
	if err != nil {
		t.w.T.Fatal(err)
	}
	t.until("reported", func(in v1.Installation) bool { return in.Drift.Open == 1 && len(in.Jobs) == 0 })
	t.open("overview-drift", "", "Somebody edited records in Channel Program")
	t.open("record-edited", "/records/company/"+ID(t.tenant.Client), "Push ours over the edit", "See what was edited")
	t.open("drift-open", "/drift", "Waits for you", "Edited by hand", "Nothing is pushed over an edit")
	t.p.Press("Push ours over the edit of " + t.w.Record(t.in.ID, v1.KindCompany, t.tenant.Client).Name)
	t.p.See("are being sent to Channel Program now")
	t.until("put right", func(in v1.Installation) bool { return in.Drift.Repaired == 1 && in.Drift.Open == 0 })
	versions := "/records/company/" + ID(t.tenant.Client) + "/versions"
	t.open("versions", versions, "An edit in Channel Program was put right", "Edited by hand", "Autotask callback")
	t.p.Press("Compare")
	t.p.See("beside version")
	t.stop("versions-compared")
	t.open("versions-on-a-day", versions+"?on="+time.Now().UTC().Format(time.DateOnly), "Channel Program held version")
	t.open("versions-of-nothing-yet", versions+"?on=2020-01-01", "nothing is known of the time before")
	t.open("versions-behind-the-oldest", versions+"?cursor=1", "There are no older versions")
	t.open("versions-not-compared", versions+"?old=1&new=1", "Version 1 is chosen on both sides")
	t.open("versions-unseen", "/records/company/99999999/versions", "This record has not been seen here yet")
	t.open("versions-refused", versions+"?on=2099-01-01", "Enter a day that has passed")
	t.open("drift-repaired", "/drift?state=repaired", "Repaired", "Edited by hand")
	t.setDrift("repair")
}

func (t *tour) setDrift(to string) {
	t.w.T.Helper()
	options := t.in.Options
	options.Drift = to
	if _, err := t.w.Admin.UpdateInstallation(t.w.T.Context(), t.in.ID, v1.UpdateInstallation{Options: &options}); err != nil {
		t.w.T.Fatal(err)
	}
	t.drain()
}

func (t *tour) jobs() {
	t.open("replay", "/replay", "Running and recent")
	t.p.Click("Further limits")
	t.p.Fill("Only the one with the Autotask id", "twelve")
	t.p.Press("Dry run of the replay")
	t.p.See("got \"twelve\"")
	t.stop("replay-refused")
	t.p.Open("/installations/" + t.in.ID + "/replay")
	t.p.Press("Dry run of the resync")
	t.p.See("Resync (dry run)", "Nothing was sent.")
	t.stop("job-dry-run")
	t.p.Press("Do it now")
	t.p.See("Drift", "Start another")
	t.stop("job-done")
	t.open("replay-jobs", "/replay", "Resync (dry run)")
}

func (t *tour) settings() {
	t.open("settings", "/settings")
	form := t.p.In("Autotask credentials")
	form.Fill("Username (key)", service.Username)
	form.Fill("Password (secret)", "not-The-Secret-99")
	form.Fill("API tracking identifier", service.TrackingID)
	form.Press("Try and change")
	t.stop("settings-refused")
	t.w.Autotask.Unlock()
	form = t.p.In("Connection to Channel Program")
	form.Fill("Connection id", service.Connection)
	form.Fill("Connection token", "a-token-of-nobody")
	form.Press("Try and change")
	t.stop("settings-connection-refused")
	t.p.Open("/installations/" + t.in.ID + "/settings")
	t.p.Press("Change the name")
	t.p.See("The name is changed.")
	t.p.Press("Check and repair")
	t.p.Press("Give them new secrets")
	t.stop("settings-done")
	t.p.Press("Test now")
	t.p.See("Log-in at Autotask")
	t.stop("settings-tested")
	t.p.Press("Make a bridge")
	t.p.See("Copy these now.")
	t.stop("settings-bridge")
	t.p.Open("/installations/" + t.in.ID + "/settings")
	guid := chrome.Eval[string](t.p, `document.querySelector("#bridges th code").textContent`)
	t.p.Press("New secret for " + guid)
	t.p.See("Copy these now.")
	t.p.Open("/installations/" + t.in.ID + "/settings")
	t.p.Press("End " + guid)
	t.p.Fill("Hold back a mass change above (percent)", "many")
	t.p.Press("Show what would change")
	t.p.See("want a whole number")
	t.stop("options-refused")
	t.p.Open("/installations/" + t.in.ID + "/settings")
	t.p.Click("Filters: contract types, categories, classifications, companies")
	t.p.Fill("Part of the name, or id", "zzz nobody")
	t.p.Press("Find")
	t.stop("options-companies-none")
	t.p.Fill("Part of the name, or id", ID(t.tenant.Client))
	t.p.Press("Find")
	t.stop("options-companies")
	t.p.Click("Never " + t.w.Record(t.in.ID, v1.KindCompany, t.tenant.Client).Name + ", " + ID(t.tenant.Client))
	t.p.Press("Show what would change")
	t.p.See("Would leave")
	t.stop("options-preview")
	t.p.Press("Change the options")
	t.p.See("The options are changed.")
	t.stop("overview-options-changed")
	t.drain()
}

func (t *tour) ends() {
	t.open("dead-letters-again", "/dead-letters?code=rejected")
	t.p.Open("/installations/" + t.in.ID + "/dead-letters/bulk?action=dismiss&of=filter&code=rejected")
	t.p.Press("Dismiss: 1 dead letter")
	t.p.See("Dismissal of dead letters", "1 of 1")
	t.p.Open("/installations/" + t.in.ID + "/records/reconcile?of=selected&record=company/" + ID(t.tenant.Client))
	t.p.Press("Sync now: 1 record")
	t.p.See("1 is being synced now.")
	t.p.Open("/installations/" + t.in.ID + "/records/exclude?of=selected&record=company/" + ID(t.tenant.Prospect))
	t.p.Press("Exclude: 1 client")
	t.p.See("1 client excluded.")
	t.drain()
	t.open("uninstall", "/uninstall", "This is what will happen:")
	t.open("uninstall-sync", "/uninstall?sync=active_customer_contracts", "This is what will happen:")
	t.p.Press("Uninstall Active Customer Contracts")
	t.p.See("Recommended:")
	t.stop("overview-one-sync")
	t.p.Press("Install Active Customer Contracts")
	t.drain()
	t.p.Press("Stop Active Customers")
	t.stop("overview-one-stopped")
	t.p.Press("Start Active Customers")
	t.drain()
	t.open("erase", "/erase", "This is what will happen:")
	t.p.Fill("Type the name of the installation to go on", "something else")
	t.p.Press("Erase for good")
	t.p.See("Nothing was erased.")
	t.stop("erase-refused")
}

// inTrouble has Autotask refuse the credentials.
func (t *tour) inTrouble() {
	t.w.Autotask.SetSecret("another-Secret-1")
	t.edit(t.tenant.Client, atsim.Row{"phone": "518-555-0102"})
	t.until("refused", func(in v1.Installation) bool { return in.State == v1.StateNeedsCredentials })
	t.p.Open("/")
	t.p.See("Action required")
	t.stop("integrations-action-required")
	t.open("overview-action-required", "", "Enter new ones")
	t.open("record-action-required", "/records/company/"+ID(t.tenant.Client)+"?explain=1", "Autotask refuses the credentials")
	t.w.Autotask.SetSecret(service.Secret)
	t.w.Autotask.Unlock()
	_, err := t.w.Admin.SetCredentials(t.w.T.Context(), t.in.ID, v1.Credentials{
		Username: service.Username, Secret: service.Secret, TrackingIdentifier: service.TrackingID,
	})
	if err != nil {
		t.w.T.Fatal(err)
	}
	t.until("at work again", func(in v1.Installation) bool { return in.State == v1.StateLive && in.Backlog == 0 })
}

func (t *tour) stopped() {
	t.open("settings-running", "/settings", "Stop both syncs")
	t.p.Press("Stop both syncs")
	t.edit(t.tenant.Client, atsim.Row{"phone": "518-555-0103"})
	t.open("overview-stopped", "", "Nothing is pushed.")
	t.open("settings-stopped", "/settings", "Both syncs are stopped.")
	t.open("replay-stopped", "/replay", "The installation is stopped")
	t.p.Press("Dry run of the resync")
	t.stop("replay-stopped-refused")
}

func (t *tour) uninstalled() {
	t.p.Open("/installations/" + t.in.ID + "/uninstall")
	t.p.Press("Uninstall")
	t.p.See("The installation is uninstalled.")
	t.stop("overview-uninstalled")
	t.open("dead-letters-empty", "/dead-letters")
	t.open("activity-uninstalled", "/activity")
	t.open("settings-uninstalled", "/settings", "Reinstall")
	t.open("replay-uninstalled", "/replay", "reinstall it")
	t.p.Open("/")
	t.p.See("Uninstalled")
	t.stop("integrations-uninstalled")
	t.p.Open("/installations/" + t.in.ID + "/erase")
	t.p.Fill("Type the name of the installation to go on", t.tenant.Name)
	t.p.Press("Erase for good")
	t.p.See("It is erased.", "Nothing is installed yet")
	t.stop("integrations-erased")
}
