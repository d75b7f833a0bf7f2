package lifecycle

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// twoZones is a harness with a second address of the same Autotask, which may be a zone.
func twoZones(t *testing.T) (w *service.Harness, first, second string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.OK(t, err)
	second = l.Addr().String()
	w = service.New(t, service.Options{Autotask: service.Unlimited(), Hosts: []string{second}})
	srv := httptest.NewUnstartedServer(w.Autotask.Handler())
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	t.Cleanup(func() {
		w.Stop() // its connections first
		srv.Close()
	})
	return w, strings.TrimPrefix(w.AutotaskURL, "http://"), second
}

// moveTo moves the tenant to another zone; empty moves it back to wherever it is asked.
func moveTo(w *service.Harness, host string) {
	w.Autotask.SetModes(func(m *atsim.Modes) { m.MovedTo = host })
}

// TestAMovedZoneIsFoundAgain without a person, for good, and at the price of one
// failed log-in.
func TestAMovedZoneIsFoundAgain(t *testing.T) {
	t.Parallel()
	w, first, second := twoZones(t)
	ids := w.Companies(30)
	in := w.Install()
	if in.Zone.URL != "http://"+first+"/atservicesrest" {
		t.Fatalf("zone %+v", in.Zone)
	}
	w.Drain(in.ID)
	for _, host := range []string{second, first, second} {
		w.Autotask.ResetStats()
		moveTo(w, host)
		renameAll(w, ids, "In zone "+host)
		w.Agree(soon)
		w.Until(in.ID, "shows the zone", soon, func(in v1.Installation) bool {
			return in.Zone.URL == "http://"+host+"/atservicesrest" && in.State == v1.StateLive &&
				issuesOf(in, "credentials_refused", "autotask_unavailable") == 0
		})
		if n := w.Autotask.Stats().LoginFailures; n > 3 { // those on their way at once
			t.Errorf("%d failed log-ins", n)
		}
	}
	w.Stop()
	w.Autotask.ResetStats()
	w.Start()
	w.Rename(ids[0], "After a restart")
	w.ClientBecomes(ids[0], "an edit", soon, service.Named("After a restart"))
	if n := w.Autotask.Stats().LoginFailures; n != 0 {
		t.Errorf("%d failed log-ins after the restart: the zone was forgotten", n)
	}
}

// TestSetUpInAWrongZone that is allowed finds the right one.
func TestSetUpInAWrongZone(t *testing.T) {
	t.Parallel()
	w, first, second := twoZones(t)
	w.Company("Northwind Dental")
	moveTo(w, first)
	req := service.Create()
	req.Zone = second
	in, err := w.Admin.CreateInstallation(t.Context(), req)
	harness.OK(t, err)
	if in.Zone.URL != "http://"+first+"/atservicesrest" {
		t.Errorf("zone %+v, want %s", in.Zone, first)
	}
	if n := w.Autotask.Stats().LoginFailures; n > 2 {
		t.Errorf("%d failed log-ins", n)
	}
	is(w, in.ID, v1.StateLive)
	w.Agree(soon)
}

// TestCredentialsGoToNoOtherHost: a discovery answer that points off the list is not followed.
func TestCredentialsGoToNoOtherHost(t *testing.T) {
	t.Parallel()
	evil, asked := spy(t)
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	id := w.Company("Northwind Dental")
	in := w.Install()
	w.Drain(in.ID)
	moveTo(w, strings.TrimPrefix(evil, "http://"))
	w.Autotask.ResetStats()
	w.Rename(id, "In nobody's zone")
	names := func() {
		t.Helper()
		issue := w.HasIssue(in.ID, "credentials_refused")
		if !strings.Contains(issue.Detail, strings.TrimPrefix(evil, "http://")) || !strings.Contains(issue.Detail, "not Autotask's") {
			t.Errorf("the issue does not say which zone is not Autotask's: %q", issue.Detail)
		}
	}
	names()
	is(w, in.ID, v1.StateNeedsCredentials)
	w.Stop()
	w.Start()
	names()

	second := service.Create()
	second.Username = strings.ToUpper(second.Username)
	second.TrackingIdentifier = "ANOTHER-IDENTIFIER"
	_, err := w.Admin.TryInstallation(t.Context(), second)
	if p := problemOf(t, err); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Hint, "--autotask-allow-hosts") ||
		!strings.Contains(p.Detail, "not one of Autotask's own") {
		t.Errorf("a set-up: %+v", p)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the host off the list was contacted %d times", n)
	}
	if n := w.Autotask.Stats().LoginFailures; n > 3 {
		t.Errorf("%d failed log-ins", n)
	}
	moveTo(w, "")
	credentials := v1.Credentials{Username: service.Username, Secret: service.Secret, TrackingIdentifier: service.TrackingID}
	if _, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials); err != nil {
		t.Fatal(err)
	}
	w.ClientBecomes(id, "the edit made meanwhile", soon, service.Named("In nobody's zone"))
	is(w, in.ID, v1.StateLive)
}
