package operate

import (
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestABridgeTellsOfContractsAtOnce: what a sender of the user's own signs is
// treated like Autotask's own callbacks, contracts included.
func TestABridgeTellsOfContractsAtOnce(t *testing.T) {
	t.Parallel()
	// No poll comes to the rescue.
	w := start(t, service.Options{Settings: map[string]string{"contract-poll-interval": "1h", "contract-parts-interval": "1h"}})
	owner := w.Company("Northwind Dental")
	contract := w.Agreement(owner, "Care one")
	in := w.Install()
	w.Agree(soon)
	w.Quiesce(in.ID)
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose}) // nor does Autotask itself say anything

	bridge, err := w.Admin.CreateBridge(t.Context(), in.ID, "")
	harness.OK(t, err)
	if want := w.CallbackURL + "/callbacks/autotask/" + in.ID; bridge.URL != want || bridge.GUID == "" || len(bridge.Secret) < 20 {
		t.Fatalf("bridge %+v, want the URL %s, a GUID and a secret", bridge, want)
	}
	other, err := w.Admin.CreateBridge(t.Context(), in.ID, "")
	harness.OK(t, err)
	if other.GUID == bridge.GUID || other.Secret == bridge.Secret {
		t.Error("two bridges are the same")
	}
	said := int64(0)
	notice := func(entity string, id int64) []byte {
		said++
		return callout.Envelope{
			Action: "Update", GUID: bridge.GUID, EntityType: entity, ID: id, EventTime: time.Now(), Sequence: said,
		}.Encode()
	}

	w.Edit("Contracts", contract, atsim.Row{"contractName": "Care two"})
	if got := service.Post(t, bridge.URL, bridge.Secret, notice("Contract", contract)); got != http.StatusAccepted {
		t.Fatalf("a contract's callback: %d, want 202", got)
	}
	w.ContractBecomes(contract, "the edit", soon, service.Called("Care two"))

	w.Edit("Companies", owner, atsim.Row{"companyName": "Northwind Group"})
	if got := service.Post(t, bridge.URL, bridge.Secret, notice("Account", owner)); got != http.StatusAccepted {
		t.Fatalf("a company's callback: %d, want 202", got)
	}
	w.ClientBecomes(owner, "the edit", soon, service.Named("Northwind Group"))

	added := w.Autotask.Put("Contacts", atsim.Row{
		"companyID": owner, "firstName": "Ann", "lastName": "Lee", "emailAddress": "ann@northwind.example", "isActive": 1,
	})
	if got := service.Post(t, bridge.URL, bridge.Secret, notice("contacts", added)); got != http.StatusAccepted {
		t.Fatalf("a contact's callback: %d, want 202", got)
	}
	w.ClientBecomes(owner, "the contact", soon, func(c cpsim.ClientInput) bool { return len(c.Emails) == 1 })
	w.Agree(soon)

	for what, secret := range map[string]string{
		"a wrong secret": bridge.Secret + "x", "another bridge's secret": other.Secret, "Autotask's secret": w.Hook("CompanyWebhooks").Secret,
	} {
		if got := service.Post(t, bridge.URL, secret, notice("Contract", contract)); got != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", what, got)
		}
	}
	t.Run("after a restart", func(t *testing.T) {
		w.Stop()
		w.Start()
		w.Edit("Contracts", contract, atsim.Row{"contractName": "Care three"})
		if got := service.Post(t, bridge.URL, bridge.Secret, notice("CONTRACTS", contract)); got != http.StatusAccepted {
			t.Fatalf("%d, want 202", got)
		}
		w.ContractBecomes(contract, "the edit", soon, service.Called("Care three"))
	})
	t.Run("the list of webhooks shows Autotask's own only", func(t *testing.T) {
		shown, err := w.Admin.Installation(t.Context(), in.ID)
		harness.OK(t, err)
		for _, h := range shown.Webhooks {
			if h.GUID == bridge.GUID {
				t.Errorf("the bridge is listed: %+v", h)
			}
		}
		if len(shown.Webhooks) != 2 {
			t.Errorf("%d webhooks, want 2", len(shown.Webhooks))
		}
	})
	t.Run("a check of the registrations leaves it alone", func(t *testing.T) {
		harness.OK(t, w.Admin.RepairWebhooks(t.Context(), in.ID))
		w.Quiesce(in.ID)
		if got := service.Post(t, bridge.URL, bridge.Secret, notice("Contract", contract)); got != http.StatusAccepted {
			t.Errorf("%d, want 202", got)
		}
	})
	t.Run("there are only so many", func(t *testing.T) {
		var err error
		for n := 2; n < 50 && err == nil; n++ {
			_, err = w.Admin.CreateBridge(t.Context(), in.ID, "")
		}
		problemIs(t, err, http.StatusConflict, v1.CodeConflict)
	})
}

// TestABridgeEndsAndRotates: an ended one is a GUID that nobody knows, and uninstalling ends all.
func TestABridgeEndsAndRotates(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	owner := w.Company("Northwind Dental")
	in := w.Install(customers)
	w.Quiesce(in.ID)
	made := func(name string) v1.Bridge {
		t.Helper()
		b, err := w.Admin.CreateBridge(t.Context(), in.ID, name)
		harness.OK(t, err)
		return b
	}
	sequence := int64(0)
	answer := func(guid, secret string) int {
		t.Helper()
		sequence++
		return service.Post(t, w.CallbackURL+"/callbacks/autotask/"+in.ID, secret, callout.Envelope{
			Action: "Update", GUID: guid, EntityType: "Account", ID: owner, EventTime: time.Now(), Sequence: sequence,
		}.Encode())
	}
	answers := func(what, guid, secret string, want int) {
		t.Helper()
		if got := answer(guid, secret); got != want {
			t.Errorf("%s: got %d, want %d", what, got, want)
		}
	}
	first, second, third := made("Workflow rule"), made(""), made("third")
	answers("a new one", first.GUID, first.Secret, http.StatusAccepted)
	all, err := w.Admin.Bridges(t.Context(), in.ID)
	if err != nil || len(all) != 3 || all[0].GUID != first.GUID || all[0].Name != "Workflow rule" || all[0].CreatedAt.IsZero() ||
		all[0].LastUsedAt == nil || all[1].LastUsedAt != nil {
		t.Errorf("listed %+v, %v", all, err)
	}

	rotated, err := w.Admin.RotateBridge(t.Context(), in.ID, strings.ToUpper(first.GUID), false)
	if err != nil || rotated.GUID != first.GUID || rotated.Secret == first.Secret || rotated.URL != first.URL {
		t.Fatalf("rotated %+v, %v", rotated, err)
	}
	answers("the new secret", first.GUID, rotated.Secret, http.StatusAccepted)
	answers("the former one, within the hour", first.GUID, first.Secret, http.StatusAccepted)
	at, err := w.Admin.RotateBridge(t.Context(), in.ID, second.GUID, true)
	harness.OK(t, err)
	answers("the new secret, at once", second.GUID, at.Secret, http.StatusAccepted)
	answers("the former one, ended at once", second.GUID, second.Secret, http.StatusUnauthorized)

	harness.OK(t, w.Admin.EndBridge(t.Context(), in.ID, third.GUID))
	answers("an ended one", third.GUID, third.Secret, http.StatusUnauthorized)
	refusedWith(t, w.Admin.EndBridge(t.Context(), in.ID, third.GUID), 404, v1.CodeNotFound)
	_, err = w.Admin.RotateBridge(t.Context(), in.ID, third.GUID, false)
	refusedWith(t, err, 404, v1.CodeNotFound)

	harness.OK(t, w.Admin.Act(t.Context(), in.ID, "", "uninstall"))
	answers("one of an uninstalled installation", first.GUID, rotated.Secret, http.StatusUnauthorized)
	if all, err := w.Admin.Bridges(t.Context(), in.ID); err != nil || len(all) != 0 {
		t.Errorf("after uninstalling: %+v, %v", all, err)
	}
}
