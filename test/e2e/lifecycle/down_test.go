package lifecycle

import (
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// firewall carries Autotask's callouts, unless it is shut: then nobody answers them.
type firewall struct {
	http.Transport
	shut atomic.Bool
}

var errShut = errors.New("connection refused")

func (f *firewall) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.shut.Load() {
		return nil, errShut
	}
	return f.Transport.RoundTrip(r)
}

// hasty is a tenant that gives a callout up within a fraction of a second.
func hasty(f *firewall) atsim.Config {
	c := service.Unlimited()
	c.Scale, c.Transport = 0.001, f
	return c
}

// TestEndpointDownUntilAutotaskGivesUp: the callback endpoint does not answer until
// Autotask has dropped its callouts and switched the webhook off. Once it is
// back, without anybody's doing, everything is as it should be.
func TestEndpointDownUntilAutotaskGivesUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		down, up func(*service.Harness, *firewall)
	}{
		{"the service is stopped", func(w *service.Harness, _ *firewall) { w.Stop() }, func(w *service.Harness, _ *firewall) { w.Start() }},
		{
			"its callbacks are refused",
			func(_ *service.Harness, f *firewall) { f.shut.Store(true) },
			func(_ *service.Harness, f *firewall) { f.shut.Store(false) },
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := &firewall{}
			w := service.New(t, service.Options{Autotask: hasty(f), Settings: map[string]string{"webhook-check-interval": "4s"}})
			ids := w.Companies(34)
			ann := w.Contact(ids[0], "ann@northwind.example")
			in := w.Install()
			w.Drain(in.ID)
			rightWebhooks(w, in.ID, w.CallbackURL)

			tc.down(w, f)
			w.Autotask.ResetStats()
			renameAll(w, ids, "Renamed")
			w.Edit("Contacts", ann, atsim.Row{"emailAddress": "ann.lee@northwind.example"})
			added := w.Company("Came meanwhile")
			w.DeliverAll(soon)
			if n := w.Autotask.Stats().Callouts; n.Dropped < 25 || n.Delivered != 0 {
				t.Errorf("callouts %+v, want at least 25 dropped and none delivered", n)
			}
			tc.up(w, f)

			w.Agree(soon)
			w.Eventually("the webhooks are right", soon, func() error { return wrongWebhooks(w, in.ID, w.CallbackURL) })
			w.Eventually("the error log is empty", soon, func() error {
				if rows := w.Autotask.All("WebhookEventErrorLogs"); len(rows) != 0 {
					return fmt.Errorf("%d rows", len(rows))
				}
				return nil
			})
			shown := w.Until(in.ID, "live without issues", soon, func(in v1.Installation) bool {
				return in.State == v1.StateLive && len(in.Issues) == issuesOf(in, "currency_assumed_usd") && in.Backlog == 0
			})
			if shown.Repaired < len(ids) {
				t.Errorf("repaired %d, want at least %d", shown.Repaired, len(ids))
			}
			w.Rename(added, "By callback again")
			w.ClientBecomes(added, "an edit after it", soon, service.Named("By callback again"))
			if again := w.Until(in.ID, "idle", soon, func(in v1.Installation) bool { return in.Backlog == 0 }); again.Repaired != shown.Repaired {
				t.Errorf("repaired %d after an edit by callback, want it to stay %d", again.Repaired, shown.Repaired)
			}
		})
	}
}

// issuesOf counts the issues of some codes.
func issuesOf(in v1.Installation, codes ...string) int {
	n := 0
	for _, code := range codes {
		if _, there := service.IssueOf(in, code); there {
			n++
		}
	}
	return n
}

// TestWithoutTheRightToCreateWebhooks edits arrive by polling, an issue says what to
// tick, and webhooks are used without anybody's doing when the right comes.
func TestWithoutTheRightToCreateWebhooks(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			tenant := service.Unlimited()
			tenant.Modes.NoWebhookRight = status
			w := service.New(t, service.Options{Autotask: tenant, Settings: map[string]string{"webhook-check-interval": "1s"}})
			id := w.Company("Northwind Dental")
			in := w.Install(v1.SyncActiveCustomers)
			issue := w.HasIssue(in.ID, "webhook_not_allowed")
			if issue.Severity != v1.SeverityAct {
				t.Errorf("issue %+v", issue)
			}
			for i := range 3 {
				w.Rename(id, fmt.Sprintf("By polling %d", i))
				w.ClientBecomes(id, "an edit by polling", soon, service.Named(fmt.Sprintf("By polling %d", i)))
			}
			if n := w.Autotask.Stats().Callouts.Delivered; n != 0 {
				t.Errorf("%d callouts", n)
			}
			w.Autotask.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = 0 })
			rightWebhooks(w, in.ID, w.CallbackURL)
			w.HasNoIssue(in.ID, "webhook_not_allowed")
			w.Drain(in.ID)
			w.Rename(id, "By callback")
			w.ClientBecomes(id, "an edit by callback", soon, service.Named("By callback"))
		})
	}
}

// TestTheRightToCreateWebhooksIsTakenAway after they were made, and a webhook
// is switched off: polling takes over until the right is back.
func TestTheRightToCreateWebhooksIsTakenAway(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: map[string]string{"webhook-check-interval": "1s"}})
	id := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.Autotask.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = http.StatusForbidden })
	hook := w.Hook("CompanyWebhooks")
	w.Edit(hook.Collection, hook.ID, atsim.Row{"isActive": false})
	w.HasIssue(in.ID, "webhook_not_allowed")
	w.Rename(id, "By polling")
	w.ClientBecomes(id, "an edit by polling", soon, service.Named("By polling"))
	w.Autotask.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = 0 })
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.HasNoIssue(in.ID, "webhook_not_allowed")
}

// TestTwoPostsDoNotUnlockAnything is the attack that a receiver fell for: an
// unsigned Deactivated that makes it forget the secret, then forged callbacks.
func TestTwoPostsDoNotUnlockAnything(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	id := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)
	hook := w.Hook("CompanyWebhooks")
	before := w.Record(in.ID, v1.KindCompany, id)
	w.Target.ResetStats()
	for _, url := range []string{hook.URL, hook.DeactivationURL} {
		for _, secret := range []string{"", "a secret of the attacker's"} {
			for _, body := range []string{
				`{"Action":"Deactivated"}`, `{"Action":"Deactivated","Guid":"` + hook.GUID + `"}`,
				`{"Action":"deactivated","Action":"Update","Guid":"` + hook.GUID + `","EntityType":"Account","Id":` + service.Text(id) + `}`,
			} {
				status := service.Post(t, url, secret, []byte(body))
				if status != http.StatusNoContent && status != http.StatusUnauthorized {
					t.Errorf("%s signed %q: %d", body, secret, status)
				}
			}
			forged := service.Post(t, hook.URL, secret, changeOf(hook, id, 4711))
			if forged != http.StatusUnauthorized {
				t.Errorf("a forged callback signed %q was answered %d", secret, forged)
			}
		}
	}
	w.Drain(in.ID)
	if n := w.Target.Stats().Total; n != 0 {
		t.Errorf("Channel Program was asked %d times", n)
	}
	if after := w.Record(in.ID, v1.KindCompany, id); len(after.Timeline) != len(before.Timeline) || !after.ReconciledAt.Equal(*before.ReconciledAt) {
		t.Errorf("the record was looked at: %+v, before: %+v", after, before)
	}
	w.Eventually("the webhooks are as they were", soon, func() error { return wrongWebhooks(w, in.ID, w.CallbackURL) })
	if now := w.Hook("CompanyWebhooks"); now.GUID != hook.GUID || now.Secret != hook.Secret {
		t.Errorf("the webhook is another one: %+v, was %+v", now, hook)
	}
	if status := service.Post(t, hook.URL, hook.Secret, changeOf(hook, id, 4712)); status != http.StatusAccepted {
		t.Errorf("a real callback was answered %d", status)
	}
	w.Rename(id, "Still here")
	w.ClientBecomes(id, "an edit after the attack", soon, service.Named("Still here"))
}
