package console

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

func TestWelcome(t *testing.T) {
	backfilling := func(in *v1.Installation) {
		in.State = v1.StateBackfilling
		in.Syncs = map[v1.Sync]v1.SyncStatus{v1.SyncActiveCustomers: {State: v1.SyncBackfilling}, v1.SyncActiveCustomerContracts: {State: v1.SyncRunning}}
		in.Jobs = []v1.Job{
			{ID: "j", Type: "backfill", State: v1.JobRunning, Total: 400, Done: 100, StartedAt: clockNow()},
			{ID: "k", Type: "resync", State: v1.JobRunning, StartedAt: clockNow()},
		}
	}
	for name, tc := range map[string]struct {
		change     func(*v1.Installation)
		done       bool
		says       string
		alsoNot    string
		progresses int
	}{
		"done": {func(*v1.Installation) {}, true, "Done: 1,187 clients and 240 contracts are in Channel Program. You can close this page.", "", 0},
		"under way without webhooks": {func(in *v1.Installation) {
			backfilling(in)
			in.Issues = []v1.Issue{{Code: "webhook_not_allowed", Severity: v1.SeverityAct, Title: "No webhooks"}}
		}, false, "The first sync is under way: 100 of 400 records.", "No webhooks", 1},
		"under way":  {backfilling, false, "The first sync is under way: 100 of 400 records.", "You can close", 1},
		"installing": {func(in *v1.Installation) { in.State = v1.StateInstalling }, false, "The webhooks are being registered", "Done", 0},
		"both bad and going on": {func(in *v1.Installation) {
			backfilling(in)
			in.State = v1.StateDegraded
			in.Issues = []v1.Issue{{Code: "throttled", Severity: v1.SeverityRetrying, Title: "Autotask's limit is used up"}}
		}, false, "Autotask's limit is used up. We are retrying", "Done", 1},
		"refused": {func(in *v1.Installation) {
			in.State = v1.StateNeedsCredentials
			in.Issues = []v1.Issue{{Code: "credentials_refused", Severity: v1.SeverityAct, Title: "Autotask refuses the log-in", Fix: "Enter new ones."}}
		}, false, "Autotask refuses the log-in. Enter new ones.", "Done", 0},
		"stopped": {func(in *v1.Installation) { in.State = v1.StateStopped }, false, "Stopped", "Done", 0},
		"some failed": {func(in *v1.Installation) {
			in.Syncs[v1.SyncActiveCustomerContracts] = v1.SyncStatus{State: v1.SyncRunning, Counts: v1.Counts{Pushed: 1, Failed: 2}}
		}, true, "1,187 clients and 1 contract are in Channel Program. 2 records could not be sent yet", "You can close", 0},
		"contracts only": {func(in *v1.Installation) {
			in.Syncs = map[v1.Sync]v1.SyncStatus{v1.SyncActiveCustomerContracts: {State: v1.SyncRunning, Counts: v1.Counts{Pushed: 1}}}
		}, true, "Done: 1 contract is in Channel Program.", "client", 0},
	} {
		w := newEnv(t)
		in := anInstallation()
		tc.change(&in)
		w.installed(in)
		a := w.get("/installations/" + one + "/welcome")
		state := a.text("#state")
		if a.StatusCode != 200 || !strings.Contains(state, tc.says) || tc.alsoNot != "" && strings.Contains(state, tc.alsoNot) {
			t.Errorf("%s: %d: %s", name, a.StatusCode, state)
		}
		if got := a.doc.Find("#progress progress").Length(); got != tc.progresses {
			t.Errorf("%s: %d bars, want %d", name, got, tc.progresses)
		}
		if got := firstSyncDone(&in); got != tc.done {
			t.Errorf("%s: done is %t", name, got)
		}
		if got := a.doc.Find("#issues:not([hidden])").Length(); got != min(1, len(in.Issues)) {
			t.Errorf("%s: %d lists of issues for %d", name, got, len(in.Issues))
		}
		offer := a.doc.Find("#other form[action='/installations/" + one + "/syncs/active_customers/install'] input[name=back]")
		if (offer.Length() == 1) != (len(in.Syncs) == 1) {
			t.Errorf("%s: the other sync is offered %d times", name, offer.Length())
		}
	}
}

func TestWelcomeEscapes(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Name = mean
	in.Issues = []v1.Issue{{Code: mean, Severity: v1.SeverityAct, Title: mean, Detail: mean, Fix: mean}}
	w.installed(in)
	w.get("/installations/" + one + "/welcome").clean(t)
	w.answer("GET /installations/"+one, v1.NotFound("There is no such installation."))
	if a := w.get("/installations/" + one + "/welcome"); a.StatusCode != 404 {
		t.Errorf("an installation there is not: %d", a.StatusCode)
	}
}
