package lifecycle

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// wantedFields are the fields whose change is a change of what is synced, by collection.
var wantedFields = map[string][]string{
	"CompanyWebhooks": {
		"additionalAddressInformation", "address1", "address2", "alternatePhone1", "alternatePhone2", "city", "classification", "companyName",
		"companyType", "countryID", "isActive", "phone", "postalCode", "state", "webAddress",
	},
	"ContactWebhooks": {"companyID", "emailAddress", "emailAddress2", "emailAddress3", "isActive", "primaryContact"},
}

// wrongWebhooks says what is not as it should be at Autotask: one webhook of each
// collection, active, ready, with the right address and exactly the wanted fields.
func wrongWebhooks(w *service.Harness, id, publicURL string) error {
	return wrongOf(w, id, publicURL, func(atsim.Webhook) bool { return false })
}

func wrongOf(w *service.Harness, id, publicURL string, strange func(atsim.Webhook) bool) error {
	found := map[string]int{}
	url := publicURL + "/callbacks/autotask/" + id
	for _, h := range w.Autotask.Webhooks() {
		if strange(h) {
			continue
		}
		found[h.Collection]++
		fields := slices.Sorted(slices.Values(h.Fields))
		switch {
		case !h.Active || !h.Ready:
			return fmt.Errorf("%s %d: active %v, ready %v", h.Collection, h.ID, h.Active, h.Ready)
		case !h.Creates || !h.Updates || !h.Deletes:
			return fmt.Errorf("%s %d does not call for every action: %+v", h.Collection, h.ID, h)
		case h.URL != url || h.DeactivationURL != url+"/deactivated":
			return fmt.Errorf("%s %d calls %s and %s, want %s", h.Collection, h.ID, h.URL, h.DeactivationURL, url)
		case !slices.Equal(fields, wantedFields[h.Collection]):
			return fmt.Errorf("%s %d has the fields %v, want %v", h.Collection, h.ID, fields, wantedFields[h.Collection])
		case !strings.Contains(h.Name, id):
			return fmt.Errorf("%s %d is called %q", h.Collection, h.ID, h.Name)
		}
	}
	if len(found) != 2 || found["CompanyWebhooks"] != 1 || found["ContactWebhooks"] != 1 {
		return fmt.Errorf("webhooks by collection: %v, want one of each", found)
	}
	return nil
}

// rightWebhooks waits until the webhooks are right, and tries whether what they sign is taken.
func rightWebhooks(w *service.Harness, id, publicURL string) {
	w.T.Helper()
	w.Eventually("the webhooks are right", soon, func() error { return wrongWebhooks(w, id, publicURL) })
	w.Eventually("what they sign is taken", soon, func() error {
		shown := w.Until(id, "shows its webhooks", soon, func(in v1.Installation) bool {
			return len(in.Webhooks) == 2 && in.Webhooks[0].Ready && in.Webhooks[1].Ready && in.Webhooks[0].Active && in.Webhooks[1].Active
		})
		for _, h := range w.Autotask.Webhooks() {
			if !slices.ContainsFunc(shown.Webhooks, func(s v1.Webhook) bool { return s.GUID == h.GUID && s.ID == h.ID }) {
				return fmt.Errorf("%s %s is not shown: %+v", h.Collection, h.GUID, shown.Webhooks)
			}
			status := service.Post(w.T, h.URL, h.Secret, changeOf(h, 1, time.Now().UnixNano()))
			if status != http.StatusAccepted {
				return fmt.Errorf("a callback of %s was answered %d", h.Collection, status)
			}
		}
		return nil
	})
}

// TestRegistrationCutShortAnywhere cuts the registration off at each of its calls
// to Autotask in turn: Autotask takes the call, and the service never hears of it.
// Repaired once, there is always exactly one right webhook of each kind.
func TestRegistrationCutShortAnywhere(t *testing.T) {
	t.Parallel()
	c := newCutter()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Wrap: c.wrap})
	in := w.Install()
	rightWebhooks(w, in.ID, w.CallbackURL)
	cuts := 0
	for through := false; !through; {
		act(w, in.ID, "", "uninstall")
		if hooks := w.Autotask.Webhooks(); len(hooks) != 0 {
			t.Fatalf("after the uninstall: %+v", hooks)
		}
		c.arm(cuts)
		act(w, in.ID, "", "reinstall")
		w.Eventually("cut off, or through", soon, func() error {
			select {
			case <-c.cut():
				cuts++
				return nil
			default:
			}
			err := wrongWebhooks(w, in.ID, w.CallbackURL)
			through = err == nil
			return err
		})
		c.mend()
		repair(w, in.ID)
		w.Eventually(fmt.Sprintf("right after call %d was cut off", cuts), soon, func() error {
			return wrongWebhooks(w, in.ID, w.CallbackURL)
		})
	}
	rightWebhooks(w, in.ID, w.CallbackURL)
	w.HasNoIssue(in.ID, "autotask_unavailable")
	if fields := len(wantedFields["CompanyWebhooks"]) + len(wantedFields["ContactWebhooks"]); cuts < fields+6 {
		t.Errorf("cut off %d times, want at least once for each of %d fields and 6 other calls", cuts, fields)
	}
}
