package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// twoPolls is two poll intervals of a harness, the window, and some room for a busy machine.
const twoPolls = 2*time.Second + 8*time.Second

// polled edits a company and a contact and wants both to arrive without any callback.
func polled(t *testing.T, w *service.Harness, company, contact int64) {
	t.Helper()
	w.Edit("Companies", company, atsim.Row{"companyName": "Northwind Group"})
	w.ClientBecomes(company, "an edit found by polling", twoPolls, service.Named("Northwind Group"))
	w.Edit("Contacts", contact, atsim.Row{"emailAddress": "ann.lee@northwind.example"})
	w.ClientBecomes(company, "an e-mail address found by polling", twoPolls, emails("ann.lee@northwind.example"))
	if n := w.Autotask.Stats().Callouts; n.Delivered != 0 {
		t.Errorf("there were callouts: %+v", n)
	}
}

// TestWithoutAPublicURLChangesArePolled: an MSP behind NAT is served as well, and told so.
func TestWithoutAPublicURLChangesArePolled(t *testing.T) {
	t.Parallel()
	w := service.New(t, service.Options{NoWebhooks: true})
	id := w.Company("Northwind Dental")
	ann := w.Contact(id, "ann@northwind.example")
	in := w.Install(v1.SyncActiveCustomers)
	polled(t, w, id, ann)
	shown := hasIssue(w, in.ID, "no_public_url")
	if len(shown.Issues) != 1 || shown.State != v1.StateLive {
		t.Errorf("state %s, issues %+v", shown.State, shown.Issues)
	}
	if hooks := w.Autotask.Webhooks(); len(hooks) != 0 {
		t.Errorf("webhooks were made: %+v", hooks)
	}
	w.Autotask.ResetStats()
	w.Eventually("four quiet polls", soon, func() error {
		if n := w.Autotask.Stats().Requests["Contacts"]["query"]; n < 4 {
			return fmt.Errorf("%d polls", n)
		}
		return nil
	})
	if n := w.AutotaskRequests(); n > 10 {
		t.Errorf("%d requests in four quiet polls, want two for each: %+v", n, w.Autotask.Stats().Requests)
	}
}

// TestWithoutTheWebhookRightChangesArePolled until the right is there: then the
// webhooks are made without anybody's doing.
func TestWithoutTheWebhookRightChangesArePolled(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusInternalServerError} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			tenant := atsim.Config{Modes: atsim.Modes{NoWebhookRight: status}}
			w := service.New(t, service.Options{Autotask: tenant, Settings: map[string]string{"webhook-check-interval": "1s"}})
			id := w.Company("Northwind Dental")
			ann := w.Contact(id, "ann@northwind.example")
			in := w.Install(v1.SyncActiveCustomers)
			shown := hasIssue(w, in.ID, "webhook_not_allowed")
			if i := shown.Issues[0]; len(shown.Issues) != 1 || i.Severity != v1.SeverityAct || shown.State != v1.StateLive {
				t.Errorf("state %s, issues %+v", shown.State, shown.Issues)
			}
			polled(t, w, id, ann)

			w.Autotask.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = 0 })
			w.Until(in.ID, "has its webhooks", soon, func(in v1.Installation) bool {
				return len(in.Issues) == 0 && len(in.Webhooks) == 2 && in.Webhooks[0].Ready && in.Webhooks[1].Ready
			})
			w.Edit("Companies", id, atsim.Row{"companyName": "By callback"})
			w.ClientBecomes(id, "an edit by callback", soon, service.Named("By callback"))
			w.Until(in.ID, "had a callback", soon, func(in v1.Installation) bool { return in.Webhooks[0].LastCallbackAt != nil })
		})
	}
}
