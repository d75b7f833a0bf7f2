package lifecycle

import (
	"fmt"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

const newUser, newUsersSecret = "second-user@msp.example", "Second-Secret-0815"

// TestAnotherAPIUserLosesNothing: webhooks end with the API user who made them, so those of the new one take their
// place, while edits go on. Every record is edited once: no later edit makes good what was lost.
func TestAnotherAPIUserLosesNothing(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	second := w.Autotask.AddUser(newUser, newUsersSecret)
	ids := w.Companies(300)
	leaving := w.Contact(ids[0], "leaving@client.example")
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Drain(in.ID)
	w.Autotask.ResetStats()

	begun, owned := make(chan struct{}), make(chan struct{})
	var editing sync.WaitGroup
	editing.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i, id := range ids {
			switch i {
			case 20:
				close(begun)
			case 60:
				w.Autotask.Remove("Contacts", leaving)
			case len(ids) - 20:
				<-owned
			}
			<-tick.C
			_ = w.Autotask.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Edited %04d", i)})
		}
	})
	<-begun
	_, err := w.Admin.SetCredentials(t.Context(), in.ID, v1.Credentials{
		Username: newUser, Secret: newUsersSecret, TrackingIdentifier: service.TrackingID,
	})
	if err != nil {
		t.Error(err)
	}
	w.Eventually("the webhooks are the new user's", soon, func() error {
		for _, h := range w.Autotask.Webhooks() {
			if h.Owner != second {
				return fmt.Errorf("%s %d belongs to %d", h.Collection, h.ID, h.Owner)
			}
		}
		return wrongWebhooks(w, in.ID, w.CallbackURL)
	})
	close(owned)
	editing.Wait()
	w.DeliverAll(soon)
	w.Agree(soon)
	if n := w.Autotask.Stats().Callouts; n.FailedAttempts != 0 {
		t.Errorf("callbacks were refused: %+v", n)
	}
	for i, id := range ids {
		if got := w.Client(id).Data.Name; got != fmt.Sprintf("Edited %04d", i) {
			t.Errorf("client %d is called %q", id, got)
		}
	}

	// The former user goes, and nothing changes.
	w.Autotask.RemoveUser(service.Username)
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Stop()
	w.Start()
	w.Rename(ids[0], "After all that")
	w.ClientBecomes(ids[0], "an edit", soon, service.Named("After all that"))
	is(w, in.ID, v1.StateLive)
}

// TestTheSameAPIUserKeepsItsWebhooks when only its secret is another one.
func TestTheSameAPIUserKeepsItsWebhooks(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	before := fmt.Sprint(w.Hook("CompanyWebhooks").GUID, w.Hook("ContactWebhooks").GUID)
	w.Autotask.SetSecret("Rotated-Secret-2")
	if _, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials("Rotated-Secret-2")); err != nil {
		t.Fatal(err)
	}
	repair(w, in.ID)
	rightWebhooks(w, in.ID, w.CallbackURL)
	if now := fmt.Sprint(w.Hook("CompanyWebhooks").GUID, w.Hook("ContactWebhooks").GUID); now != before {
		t.Errorf("the webhooks are others: %s, were %s", now, before)
	}
}

// TestANewAPIUserThatMayNotRemoveTheFormerOnes: Autotask does not fire all of identical callouts, so changes are polled
// until somebody removes them, and the issue says which.
func TestANewAPIUserThatMayNotRemoveTheFormerOnes(t *testing.T) {
	t.Parallel()
	tenant := service.Unlimited()
	tenant.Modes.OwnersOnly = true
	w := service.New(t, service.Options{Autotask: tenant, Settings: map[string]string{"webhook-check-interval": "1s"}})
	w.Autotask.AddUser(newUser, newUsersSecret)
	id := w.Company("Northwind Dental")
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	if _, err := w.Admin.SetCredentials(t.Context(), in.ID, v1.Credentials{
		Username: newUser, Secret: newUsersSecret, TrackingIdentifier: service.TrackingID,
	}); err != nil {
		t.Fatal(err)
	}
	w.HasIssue(in.ID, "webhook_former_owner")
	w.Rename(id, "Found by polling")
	w.ClientBecomes(id, "an edit", soon, service.Named("Found by polling"))
	w.Autotask.RemoveUser(service.Username)
	w.HasNoIssue(in.ID, "webhook_former_owner")
	rightWebhooks(w, in.ID, w.CallbackURL)
	is(w, in.ID, v1.StateLive)
}

// TestKilledBeforeTheFirstField: the process is killed once Autotask has made a webhook, before it has a field or before
// its id is known. It is found again and completed, never doubled.
func TestKilledBeforeTheFirstField(t *testing.T) {
	t.Parallel()
	binary := service.Build(t)
	for name, after := range map[string]int{"before its id is known": 1, "before its first field": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCutter()
			w := service.New(t, service.Options{Autotask: service.Unlimited(), Wrap: c.wrap, Binary: binary})
			id := w.Company("Northwind Dental")
			c.arm(after)
			in, err := w.Admin.CreateInstallation(t.Context(), service.Create())
			harness.OK(t, err)
			select {
			case <-c.cut():
			case <-time.After(soon):
				t.Fatal("nothing was cut off")
			}
			w.Kill()
			if hooks := w.Autotask.Webhooks(); len(hooks) != 1 || len(hooks[0].Fields) != 0 {
				t.Fatalf("webhooks after the crash: %+v", hooks)
			}
			c.mend()
			w.Start()
			rightWebhooks(w, in.ID, w.CallbackURL)
			is(w, in.ID, v1.StateLive)
			w.Rename(id, "By callback")
			w.ClientBecomes(id, "an edit", soon, service.Named("By callback"))
		})
	}
}
