package lifecycle

import (
	"fmt"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

func credentials(secret v1.Secret) v1.Credentials {
	return v1.Credentials{Username: service.Username, Secret: secret, TrackingIdentifier: service.TrackingID}
}

// TestRefusedCredentials: one issue, no further log-in, not even after a restart;
// with new ones the work resumes by itself and nothing is lost.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	tenant := service.Unlimited()
	tenant.Modes.LockAfter = 4
	w := service.New(t, service.Options{Autotask: tenant, Settings: map[string]string{"webhook-check-interval": "1s"}})
	ids := w.Companies(20)
	contract := w.Agreement(ids[0], "Project one")
	in := w.Install()
	w.Drain(in.ID)
	w.Autotask.ResetStats()
	w.Autotask.SetSecret("Rotated-Secret-2")
	w.Rename(ids[0], "The first to be refused")
	issue := w.HasIssue(in.ID, "credentials_refused")
	shown := is(w, in.ID, v1.StateNeedsCredentials)
	if issue.Severity != v1.SeverityAct || issuesOf(shown, "autotask_unavailable", "permission_missing", "throttled") != 0 {
		t.Errorf("issues %+v", shown.Issues)
	}
	renameAll(w, ids, "Renamed meanwhile")
	w.Edit("Contracts", contract, atsim.Row{"contractName": "Project two"})
	w.DeliverAll(soon)
	if n := w.Autotask.Stats().Callouts; n.FailedAttempts != 0 {
		t.Errorf("callbacks failed: %+v", n)
	}
	checks, err := w.Admin.TestInstallation(t.Context(), in.ID) // asked by a person, and still no log-in
	if err != nil || len(checks.Checks) == 0 || checks.Checks[0].OK || checks.Checks[0].Fix == "" {
		t.Errorf("the test: %+v, %v", checks, err)
	}
	for range 2 {
		w.Stop()
		w.Start()
		is(w, in.ID, v1.StateNeedsCredentials)
		w.HasIssue(in.ID, "credentials_refused")
		quiet(w, 2*time.Second)
	}
	if n := w.Autotask.Stats().LoginFailures; n > 2 {
		t.Errorf("%d failed log-ins", n)
	}
	_, err = w.Admin.SetCredentials(t.Context(), in.ID, credentials("Wrong-Secret-4711"))
	if p := problemOf(t, err); p.Code != v1.CodeCredentialsRejected {
		t.Errorf("wrong again: %+v", p)
	}
	is(w, in.ID, v1.StateNeedsCredentials)
	if w.Autotask.Locked() {
		t.Fatal("the user was locked out")
	}
	if _, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials("Rotated-Secret-2")); err != nil {
		t.Fatal(err)
	}
	w.Agree(soon)
	w.HasNoIssue(in.ID, "credentials_refused")
	is(w, in.ID, v1.StateLive)
	w.Stop()
	w.Start()
	w.Rename(ids[1], "After a restart")
	w.ClientBecomes(ids[1], "an edit", soon, service.Named("After a restart"))
	if n := w.Autotask.Stats().LoginFailures; n > 3 {
		t.Errorf("%d failed log-ins in all", n)
	}
}

// quiet looks on for a while.
func quiet(w *service.Harness, d time.Duration) {
	w.T.Helper()
	select {
	case <-time.After(d):
	case <-w.T.Context().Done():
	}
}

// TestCredentialsAreReplacedWithoutDowntime: edits go on while the secret is
// rotated at Autotask and entered here; wrong ones change nothing.
func TestCredentialsAreReplacedWithoutDowntime(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(40)
	in := w.Install()
	w.Drain(in.ID)
	for round := range 5 {
		renameAll(w, ids[:20], fmt.Sprintf("Round %d", round))
		secret := v1.Secret(fmt.Sprintf("Rotated-Secret-%d", round))
		w.Autotask.SetSecret(secret.Reveal())
		shown, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials(secret))
		harness.OK(t, err)
		if shown.State == v1.StateNeedsCredentials {
			t.Errorf("round %d: state %s right after they were accepted", round, shown.State)
		}
		renameAll(w, ids[20:], fmt.Sprintf("Round %d", round))
	}
	w.Agree(soon)
	is(w, in.ID, v1.StateLive)
	w.HasNoIssue(in.ID, "credentials_refused")

	for name, c := range map[string]v1.Credentials{
		"secret":              credentials("Wrong-Secret-4711"),
		"tracking identifier": {Username: service.Username, Secret: "Rotated-Secret-4", TrackingIdentifier: "WRONG-IDENTIFIER"},
		"user":                {Username: "nobody@msp.example", Secret: "Rotated-Secret-4", TrackingIdentifier: service.TrackingID},
	} {
		_, err := w.Admin.SetCredentials(t.Context(), in.ID, c)
		if p := problemOf(t, err); p.Hint == "" || (p.Code != v1.CodeCredentialsRejected && p.Code != v1.CodeZoneUnknown) {
			t.Errorf("wrong %s: %+v", name, p)
		}
	}
	w.Rename(ids[0], "Still the right ones")
	w.ClientBecomes(ids[0], "an edit", soon, service.Named("Still the right ones"))
	is(w, in.ID, v1.StateLive)
}

// TestTheClockIsSetBack an hour, and edits still arrive: what is observed moves forward.
func TestTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	var clock clock
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Now: clock.now})
	dollars(w)
	id := w.Company("Northwind Dental")
	contract := w.Agreement(id, "Project 0")
	in := w.Install()
	w.Drain(in.ID)
	for i, offset := range []time.Duration{-time.Hour, -2 * time.Hour, 0, -time.Hour} {
		clock.offset.Store(int64(offset))
		name := fmt.Sprintf("Edited at %s %d", offset, i)
		w.Rename(id, name)
		w.ClientBecomes(id, "an edit", soon, service.Named(name))
		w.Edit("Contracts", contract, atsim.Row{"contractName": name})
		w.ContractBecomes(contract, "an edit", soon, calledOf(name))
	}
	w.Drain(in.ID)
	w.Agree(soon)
	last := map[string]time.Time{} // by entity: there is one record of each
	for _, p := range w.Target.Pushes(service.Connection) {
		if p.Outcome == "stale" || !p.ObservedAt.After(last[p.Entity]) {
			t.Errorf("%s: pushed %s observed at %s after %s", p.Entity, p.Outcome, p.ObservedAt, last[p.Entity])
		}
		last[p.Entity] = p.ObservedAt
	}
	is(w, in.ID, v1.StateLive)
}
