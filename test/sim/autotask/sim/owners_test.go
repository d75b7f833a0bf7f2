package sim_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/sim/autotask/sim"
)

// as makes the tenant's requests another API user's.
func (tn *tenant) as(name, secret string) {
	tn.header.Set("UserName", name)
	tn.header.Set("Secret", secret)
}

func TestWebhooksBelongToWhoMakesThem(t *testing.T) {
	tn, h := start(t, nil), receive(t, nil)
	second := tn.AddUser("second@msp.example", "another-secret")
	first := tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.as("second@msp.example", "another-secret")
	other := tn.register("CompanyWebhooks", h.URL+"/other", "CompanyName")
	owner := func(id int64) any {
		return tn.must("GET", fmt.Sprintf("CompanyWebhooks/%d", id), "").item()["ownerResourceID"]
	}
	if owner(other) != float64(second) || owner(first) == owner(other) {
		t.Errorf("owners %v and %v, want the second to be %d", owner(first), owner(other), second)
	}
	tn.must("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"ownerResourceID":%d}`, first, second))
	if owner(first) == float64(second) {
		t.Error("ownerResourceID was changed")
	}

	tn.SetModes(func(m *sim.Modes) { m.OwnersOnly = true })
	for what, r := range map[string]reply{
		"change":     tn.do("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"name":"x"}`, first)),
		"delete":     tn.do("DELETE", fmt.Sprintf("CompanyWebhooks/%d", first), ""),
		"its fields": tn.do("DELETE", fmt.Sprintf("CompanyWebhooks/%d/Fields/1", first), ""),
	} {
		if r.status != 500 || !strings.Contains(r.text(), "permissions") {
			t.Errorf("%s: %d %s", what, r.status, r.raw)
		}
	}
	tn.must("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"name":"mine"}`, other))

	tn.RemoveUser("SECOND@msp.example")
	if r := tn.do("GET", "CompanyWebhooks/1", ""); r.status != 500 || !strings.Contains(r.text(), "Zone information") {
		t.Errorf("a user that is gone: %d %s", r.status, r.raw)
	}
	tn.waitCallouts()
	if hooks := tn.Webhooks(); len(hooks) != 1 || hooks[0].ID != first {
		t.Errorf("webhooks after their owner is gone: %+v", hooks)
	}
	got := h.all()
	if len(got) != 1 || got[0].body["Action"] != "Deactivated" || got[0].path != "/other/deactivated" {
		t.Errorf("callouts %+v", got)
	}
}

// Identical callouts are duplicates, whoever owns them and active or not: only the oldest can fire.
func TestIdenticalCalloutsDoNotAllFire(t *testing.T) {
	tn, h := start(t, nil), receive(t, nil)
	tn.AddUser("second@msp.example", "another-secret")
	first := tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.as("second@msp.example", "another-secret")
	second := tn.register("CompanyWebhooks", h.URL, "CompanyName")
	fired := func(what string, want ...int64) {
		t.Helper()
		before := len(h.all())
		tn.Put("Companies", sim.Row{"companyName": what})
		tn.waitCallouts()
		var guids, wanted []string
		for _, got := range h.all()[before:] {
			if got.body["Action"] == "Create" {
				guids = append(guids, fmt.Sprint(got.body["Guid"]))
			}
		}
		for _, hook := range tn.Webhooks() {
			if slices.Contains(want, hook.ID) {
				wanted = append(wanted, hook.GUID)
			}
		}
		if diff := cmp.Diff(wanted, guids); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	fired("both", first)
	tn.must("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"isActive":false}`, first))
	fired("the older one is inactive")
	tn.must("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"isSubscribedToCreateEvents":false}`, first))
	fired("the older one is for other events", second)
	tn.must("DELETE", fmt.Sprintf("CompanyWebhooks/%d", first), "")
	fired("the newer one alone", second)
}

func TestErrorLogIsItsCreators(t *testing.T) {
	tn := start(t, nil)
	h := receive(t, func(int) int { return 500 })
	tn.AddUser("second@msp.example", "another-secret")
	tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.Put("Companies", sim.Row{"companyName": "x"})
	tn.waitCallouts()
	count := func() string {
		return tn.must("POST", "WebhookEventErrorLogs/query/count", `{"filter":[{"op":"exist","field":"id"}]}`).raw
	}
	rows := func() int {
		return len(tn.must("POST", "WebhookEventErrorLogs/query", `{"filter":[{"op":"exist","field":"id"}]}`).items())
	}
	if count() != `{"queryCount":1}` || rows() != 1 {
		t.Fatalf("the creator sees %s", count())
	}
	tn.as("second@msp.example", "another-secret")
	if count() != `{"queryCount":0}` || rows() != 0 {
		t.Errorf("another user sees %s", count())
	}
	if r := tn.do("GET", "WebhookEventErrorLogs/1", ""); r.status != 404 {
		t.Errorf("by id: %d", r.status)
	}
	if r := tn.do("DELETE", "WebhookEventErrorLogs/1", ""); r.status != 500 {
		t.Errorf("delete: %d", r.status)
	}
	tn.as(user, secret)
	tn.must("DELETE", "WebhookEventErrorLogs/1", "")
}

// A product's trigger asks for the user-defined fields before it subscribes.
func TestUserDefinedFieldsOfWebhooks(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.UDFs = map[string][]string{"Companies": {"Sync with us", "Account code"}} })
	h := receive(t, nil)
	for _, collection := range []string{"CompanyWebhookUdfFields", "ContactWebhookUdfFields"} {
		info, _ := tn.must("GET", collection+"/entityInformation", "").body["info"].(map[string]any)
		if info["canCreate"] != true || info["name"] != strings.TrimSuffix(collection, "s") {
			t.Errorf("%s: %v", collection, info)
		}
	}
	for entity, supports := range map[string]bool{"Companies": true, "Contacts": true, "Contracts": false, "ContractServices": false} {
		info, _ := tn.must("GET", entity+"/entityInformation", "").body["info"].(map[string]any)
		if info["supportsWebhookCallouts"] != supports {
			t.Errorf("%s: supportsWebhookCallouts %v", entity, info["supportsWebhookCallouts"])
		}
	}
	ids := map[string]int64{}
	list, _ := tn.must("GET", "CompanyWebhookUdfFields/entityInformation/fields", "").body["fields"].([]any)
	for _, entry := range list {
		f, _ := entry.(map[string]any)
		values, _ := f["picklistValues"].([]any)
		for _, v := range values {
			choice, _ := v.(map[string]any)
			id, err := strconv.ParseInt(fmt.Sprint(choice["value"]), 10, 64)
			if err != nil || f["name"] != "udfFieldID" {
				t.Fatalf("%v of %v: %v", choice, f["name"], err)
			}
			ids[fmt.Sprint(choice["label"])] = id
		}
	}
	if len(ids) != 2 || ids["Sync with us"] == ids["Account code"] {
		t.Fatalf("picklist %v", ids)
	}
	hook := tn.must("POST", "CompanyWebhooks", registrationBody(h.URL, "mine")).id()
	path := fmt.Sprintf("CompanyWebhooks/%d/UdfFields", hook)
	field := fmt.Sprintf(`{"udfFieldID":%d,"isDisplayAlwaysField":false,"isSubscribedField":true}`, ids["Sync with us"])
	tn.must("POST", path, field)
	if r := tn.do("POST", path, field); r.status != 500 {
		t.Errorf("the same field twice: %d", r.status)
	}
	if tn.must("GET", fmt.Sprintf("CompanyWebhooks/%d", hook), "").item()["isReady"] != true {
		t.Error("not ready with a user-defined field alone")
	}
	company := tn.Put("Companies", sim.Row{"companyName": "x", "userDefinedFields": map[string]string{"Account code": "7"}})
	tn.waitCallouts()
	for _, edit := range []sim.Row{
		{"userDefinedFields": map[string]string{"Account code": "8"}}, // not subscribed
		{"userDefinedFields": map[string]string{"Account code": "8", "Sync with us": "29683107"}},
		{"userDefinedFields": map[string]string{"Account code": "8"}},
	} {
		if err := tn.Edit("Companies", company, edit); err != nil {
			t.Fatal(err)
		}
		tn.waitCallouts()
	}
	want := []string{"Create1 map[]", "Update2 map[Sync with us:29683107]", "Update3 map[Sync with us:<nil>]"}
	if got := fieldsOf(h.all()); !cmp.Equal(got, want) {
		t.Errorf("callouts %q, want %q", got, want)
	}
	tn.must("DELETE", fmt.Sprintf("CompanyWebhooks/%d", hook), "")
	if left := tn.All("CompanyWebhookUdfFields"); len(left) != 0 {
		t.Errorf("fields left over: %v", left)
	}
}

func TestUsersOverHTTP(t *testing.T) {
	tn := start(t, nil)
	id := tn.must("POST", "/sim/users", `{"username":"second@msp.example","secret":"another-secret"}`).body["id"]
	if r := tn.do("POST", "/sim/users", `{"username":"Second@msp.example","secret":"x"}`); r.status != 400 {
		t.Errorf("the same name twice: %d", r.status)
	}
	tn.as("second@msp.example", "another-secret")
	hook := tn.must("POST", "CompanyWebhooks", registrationBody("http://127.0.0.1:1", "theirs")).id()
	if owner := tn.must("GET", fmt.Sprintf("CompanyWebhooks/%d", hook), "").item()["ownerResourceID"]; owner != id {
		t.Errorf("owner %v, want %v", owner, id)
	}
	tn.must("DELETE", "/sim/users/second@msp.example", "")
	if hooks := tn.Webhooks(); len(hooks) != 0 {
		t.Errorf("webhooks %+v", hooks)
	}
}
