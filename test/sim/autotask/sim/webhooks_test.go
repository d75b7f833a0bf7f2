package sim_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/sim"
)

func registrationBody(url, name string) string {
	return fmt.Sprintf(`{"IsActive":true,"DeactivationUrl":%q,"isSubscribedToUpdateEvents":true,"IsSubscribedToCreateEvents":true,
		"IsSubscribedToDeleteEvents":true,"Name":%q,"SecretKey":"enkmoj676nwh8","SendThresholdExceededNotification":false,
		"WebhookUrl":%q,"entityType":"ignored"}`, url+"/deactivated", name, url+"/main")
}

// fieldID looks a field up on the picklist, as a client has to.
func (tn *tenant) fieldID(collection, label string) int64 {
	tn.t.Helper()
	list, _ := tn.must("GET", strings.TrimSuffix(collection, "s")+"Fields/entityInformation/fields", "").body["fields"].([]any)
	for _, entry := range list {
		f, _ := entry.(map[string]any)
		if f["name"] != "fieldID" {
			continue
		}
		values, _ := f["picklistValues"].([]any)
		for _, v := range values {
			choice, _ := v.(map[string]any)
			if choice["label"] == label {
				id, err := strconv.ParseInt(choice["value"].(string), 10, 64)
				if err != nil {
					tn.t.Fatal(err)
				}
				return id
			}
		}
	}
	tn.t.Fatalf("no field %s in %s", label, collection)
	return 0
}

// register makes a webhook that watches fields; a label that ends in * is always displayed and not subscribed.
func (tn *tenant) register(collection, url string, labels ...string) int64 {
	tn.t.Helper()
	id := tn.must("POST", collection, registrationBody(url, "channelsync "+collection)).id()
	for _, label := range labels {
		name, always := strings.CutSuffix(label, "*")
		tn.must("POST", fmt.Sprintf("%s/%d/Fields", collection, id), fmt.Sprintf(
			`{"FieldID":%d,"IsDisplayAlwaysField":%v,"IsSubscribedField":%v,"WebhookID":%d}`,
			tn.fieldID(collection, name), always, !always, id))
	}
	return id
}

func TestRegistration(t *testing.T) {
	tn := start(t, nil)
	if r := tn.do("POST", "CompanyWebhooks", `{"name":"x"}`); r.status != 500 || !strings.Contains(r.text(), "is a required field") {
		t.Errorf("incomplete: %d %s", r.status, r.raw)
	}
	if r := tn.do("POST", "CompanyWebhooks", registrationBody("http://x", strings.Repeat("n", 51))); r.status != 500 ||
		r.text() != "name must be less than or equal to 50 characters" {
		t.Errorf("long name: %d %s", r.status, r.raw)
	}
	long := strings.ReplaceAll(registrationBody("http://x", "n"), "enkmoj676nwh8", strings.Repeat("s", 65))
	if r := tn.do("POST", "CompanyWebhooks", long); r.status != 500 || !strings.Contains(r.text(), "secretKey must be less") {
		t.Errorf("long secret: %d %s", r.status, r.raw)
	}
	id := tn.must("POST", "CompanyWebhooks", registrationBody("http://x", "mine")).id()
	contact := tn.must("POST", "ContactWebhooks", registrationBody("http://x", "mine")).id()
	if id != 1 || contact != 1 {
		t.Errorf("ids %d and %d: they count from 1 per entity", id, contact)
	}
	hook := tn.must("GET", "CompanyWebhooks/1", "").item()
	guid, _ := hook["webhookGUID"].(string)
	if hook["isReady"] != false || hook["isActive"] != true || hook["ownerResourceID"] == nil || len(guid) != 36 || guid != strings.ToLower(guid) {
		t.Errorf("fresh webhook %v", hook)
	}
	path := "CompanyWebhooks/1/Fields"
	if r := tn.do("POST", path, `{"fieldID":9999,"isDisplayAlwaysField":true,"isSubscribedField":true}`); r.status != 500 ||
		r.text() != "Picklist value [9999] does not exist for fieldID. ; on record number [1]." {
		t.Errorf("unknown field: %d %s", r.status, r.raw)
	}
	if name, kind := tn.fieldID("CompanyWebhooks", "CompanyName"), tn.fieldID("CompanyWebhooks", "CompanyType"); name != 7 || kind != 24 {
		t.Errorf("published ids: %d and %d", name, kind)
	}
	field := tn.must("POST", path, `{"fieldID":7,"isDisplayAlwaysField":true,"isSubscribedField":true}`).id()
	if r := tn.do("POST", path, `{"fieldID":7,"isDisplayAlwaysField":true,"isSubscribedField":true}`); r.status != 500 {
		t.Errorf("the same field twice: %d", r.status)
	}
	if tn.must("GET", "CompanyWebhooks/1", "").item()["isReady"] != true {
		t.Error("not ready with a field")
	}
	if r := tn.must("GET", path, ""); len(r.items()) != 1 || r.items()[0]["webhookID"] != 1.0 {
		t.Errorf("fields %s", r.raw)
	}
	if r := tn.do("PATCH", path, fmt.Sprintf(`{"id":%d,"fieldID":24}`, field)); r.status != 500 {
		t.Errorf("fieldID was changed: %d", r.status)
	}
	tn.must("PATCH", path, fmt.Sprintf(`{"id":%d,"isSubscribedField":false}`, field))
	tn.must("DELETE", fmt.Sprintf("%s/%d", path, field), "")
	if tn.must("GET", "CompanyWebhooks/1", "").item()["isReady"] != false {
		t.Error("ready without a field")
	}
	for _, verb := range []string{"PATCH", "PUT"} {
		if r := tn.do(verb, "CompanyWebhooks", `{"id":1,"isSubscribedToCreateEvents":true}`); r.status != 500 || !strings.Contains(r.text(), "at least one callout field") {
			t.Errorf("%s without a field: %d %s", verb, r.status, r.raw)
		}
	}
	tn.must("POST", path, `{"fieldID":7,"isDisplayAlwaysField":true,"isSubscribedField":true}`)

	tn.must("PATCH", "CompanyWebhooks", `{"id":1,"webhookUrl":"http://y","webhookGUID":"mine","isReady":false}`)
	hook = tn.must("GET", "CompanyWebhooks/1", "").item()
	if hook["webhookUrl"] != "http://y" || hook["webhookGUID"] != guid || hook["isReady"] != true || hook["name"] != "mine" {
		t.Errorf("patched: %v", hook)
	}
	tn.must("PUT", "CompanyWebhooks", strings.Replace(registrationBody("http://z", "put"), `"isSubscribedToUpdateEvents":true,`, `"id":1,`, 1))
	hook = tn.must("GET", "CompanyWebhooks/1", "").item()
	if hook["name"] != "put" || hook["isSubscribedToUpdateEvents"] != false || hook["webhookGUID"] != guid {
		t.Errorf("put: %v", hook)
	}
	if r := tn.do("PATCH", "CompanyWebhooks/1", `{"isActive":false}`); r.status != 405 {
		t.Errorf("PATCH with the id in the path: %d", r.status)
	}
	found := tn.must("POST", "CompanyWebhooks/query", `{"filter":[{"field":"name","op":"beginsWith","value":"PU"}]}`)
	if ids(found.items()) != "1" {
		t.Errorf("by name: %s", found.raw)
	}
	tn.must("DELETE", "CompanyWebhooks/1", "")
	if r := tn.do("DELETE", "CompanyWebhooks/1", ""); r.status != 500 || !strings.Contains(r.text(), "No matching records found") {
		t.Errorf("deleted twice: %d %s", r.status, r.raw)
	}
	if again := tn.must("POST", "CompanyWebhooks", registrationBody("http://x", "again")).id(); again != 2 {
		t.Errorf("id %d was given again", again)
	}
}

func TestRegistrationLimits(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.Modes.MaxWebhooks = 2 })
	for range 2 {
		tn.must("POST", "CompanyWebhooks", registrationBody("http://x", "n"))
	}
	if r := tn.do("POST", "CompanyWebhooks", registrationBody("http://x", "n")); r.status != 500 || !strings.Contains(r.text(), "maximum webhook limit") {
		t.Errorf("over the limit: %d %s", r.status, r.raw)
	}
	for _, status := range []int{403, 500} {
		tn.SetModes(func(m *sim.Modes) { m.NoWebhookRight = status })
		if r := tn.do("POST", "ContactWebhooks", registrationBody("http://x", "n")); r.status != status || !strings.Contains(r.text(), "permission") {
			t.Errorf("without the right: %d %s", r.status, r.raw)
		}
	}
}

// fieldsOf are the callouts' actions and Fields, in order.
func fieldsOf(list []received) []string {
	var out []string
	for _, got := range list {
		out = append(out, fmt.Sprint(got.body["Action"], got.body["SequenceNumber"], got.body["Fields"]))
	}
	return out
}

func TestCalloutLife(t *testing.T) {
	tn, h := start(t, nil), receive(t, nil)
	tn.register("CompanyWebhooks", h.URL, "CompanyName", "IsActive", "CompanyType*")
	id := tn.Put("Companies", sim.Row{"companyName": "Café & Söhne", "companyType": 1, "phone": "1"})
	tn.waitCallouts()                                                       // between a create and an update no order is promised
	tn.must("PATCH", "Companies", fmt.Sprintf(`{"id":%d,"phone":"2"}`, id)) // not subscribed
	tn.must("PATCH", "Companies", fmt.Sprintf(`{"id":%d,"isActive":false}`, id))
	tn.waitCallouts()
	tn.must("PATCH", "Companies", fmt.Sprintf(`{"id":%d,"isActive":false}`, id)) // no difference
	tn.waitCallouts()
	tn.Remove("Companies", id)
	tn.waitCallouts()
	want := []string{
		"Create1 map[CompanyName:Café & Söhne CompanyType:1 IsActive:True]",
		"Update2 map[CompanyType:1 IsActive:False]",
		"Delete3 map[]",
	}
	got := h.all()
	if !cmp.Equal(fieldsOf(got), want) {
		t.Fatalf("callouts %q, want %q", fieldsOf(got), want)
	}
	hook := tn.Webhooks()[0]
	first := got[0]
	if first.body["Guid"] != hook.GUID || first.body["EntityType"] != "Account" || first.body["Id"] != float64(id) || first.path != "/main" {
		t.Errorf("first callout %v to %s", first.body, first.path)
	}
	if want := callout.Sign(hook.Secret, []byte(first.raw)); first.signature != want || !strings.Contains(first.raw, `Caf\u00E9 \u0026 S\u00F6hne`) {
		t.Errorf("signature %s of %s", first.signature, first.raw)
	}
}

func TestContactCalloutAndTypedValues(t *testing.T) {
	tn, h := start(t, func(c *sim.Config) { c.Modes.TypedValues = true }), receive(t, nil)
	numbered(tn, 1)
	tn.register("ContactWebhooks", h.URL, "EmailAddress", "IsActive")
	body := `{"companyID":0,"firstName":"A","lastName":"B","isActive":1,"emailAddress":"a@b.example"}`
	id := tn.must("POST", "Companies/0/Contacts", body).id()
	tn.waitCallouts()
	tn.must("PATCH", "Contacts", fmt.Sprintf(`{"id":%d,"isActive":0,"emailAddress":null}`, id))
	tn.waitCallouts()
	want := []string{"Create1 map[EmailAddress:a@b.example IsActive:1]", "Update2 map[EmailAddress:<nil> IsActive:0]"}
	got := h.all()
	if !cmp.Equal(fieldsOf(got), want) || got[0].body["EntityType"] != "Contact" || !strings.Contains(got[1].raw, `"IsActive":0`) {
		t.Errorf("callouts %q", fieldsOf(got))
	}
}

func TestSilentWebhooks(t *testing.T) {
	tn, h := start(t, nil), receive(t, nil)
	tn.must("POST", "CompanyWebhooks", registrationBody(h.URL, "not ready"))
	creates := tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.must("PATCH", "CompanyWebhooks", fmt.Sprintf(`{"id":%d,"isSubscribedToCreateEvents":false}`, creates))
	tn.Put("Companies", sim.Row{"companyName": "x"})
	tn.waitCallouts()
	if got := h.all(); len(got) != 0 {
		t.Errorf("callouts %q", fieldsOf(got))
	}
}

func TestFailuresReachTheErrorLogAndDeactivate(t *testing.T) {
	tn := start(t, nil)
	h := receive(t, func(int) int { return 500 })
	tn.register("CompanyWebhooks", h.URL, "CompanyName")
	id := tn.Put("Companies", sim.Row{"companyName": "x", "companyType": 1})
	tn.waitCallouts()
	logged := tn.must("POST", "WebhookEventErrorLogs/query", `{"filter":[{"op":"eq","field":"accountWebhookID","value":1}]}`).items()
	if len(logged) != 1 || logged[0]["payload"] != h.all()[0].raw || logged[0]["sequenceNumber"] != 1.0 ||
		!strings.HasPrefix(logged[0]["errorMessage"].(string), "500") {
		t.Fatalf("error log %v", logged)
	}
	if n := len(h.all()); n != 5 {
		t.Errorf("%d tries, want 5", n)
	}
	tn.must("DELETE", fmt.Sprintf("WebhookEventErrorLogs/%.0f", logged[0]["id"]), "")
	if r := tn.must("POST", "WebhookEventErrorLogs/query/count", "{"+every+"}"); r.raw != `{"queryCount":0}` {
		t.Errorf("after the delete: %s", r.raw)
	}
	for n := range 24 {
		if err := tn.Edit("Companies", id, sim.Row{"companyName": fmt.Sprint("name ", n)}); err != nil {
			t.Fatal(err)
		}
	}
	tn.waitCallouts()
	if hook := tn.Webhooks()[0]; hook.Active {
		t.Error("25 dropped events in a row left the webhook active")
	}
	got := h.all()
	if last := got[len(got)-1]; last.body["Action"] != "Deactivated" || last.path != "/deactivated" || last.signature != "" {
		t.Errorf("last callout %v to %s, signature %q", last.body, last.path, last.signature)
	}
	before := len(got)
	tn.Put("Companies", sim.Row{"companyName": "unseen"})
	tn.waitCallouts()
	if len(h.all()) != before {
		t.Error("an inactive webhook called out")
	}
	tn.must("PATCH", "CompanyWebhooks", `{"id":1,"isActive":true}`)
	tn.Put("Companies", sim.Row{"companyName": "seen"})
	tn.waitCallouts()
	if len(h.all()) != before+5 {
		t.Error("a reactivated webhook did not call out")
	}
}

func TestDeletingTellsTheDeactivationURL(t *testing.T) {
	tn, h := start(t, func(c *sim.Config) { c.Modes.SignDeactivated = true }), receive(t, nil)
	tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.must("DELETE", "CompanyWebhooks/1", "")
	tn.waitCallouts()
	got := h.all()
	if len(got) != 1 || got[0].body["Action"] != "Deactivated" || got[0].signature != callout.Sign("enkmoj676nwh8", []byte(got[0].raw)) {
		t.Errorf("callouts %+v", got)
	}
	if fields := tn.All("CompanyWebhookFields"); len(fields) != 0 {
		t.Errorf("fields left over: %v", fields)
	}
}

func TestCalloutFaults(t *testing.T) {
	edit := func(tn *tenant, name string) { tn.Put("Companies", sim.Row{"id": 0, "companyName": name}) }
	for name, c := range map[string]struct {
		fault sim.Fault
		want  func(tn *tenant, got []received) bool
	}{
		"duplicate": {sim.Fault{Kind: fault.Duplicate, Count: 2, Next: 1}, func(_ *tenant, got []received) bool {
			return len(got) == 4 && got[0].raw == got[1].raw && got[1].raw == got[2].raw
		}},
		"reorder": {sim.Fault{Kind: fault.Reorder, Next: 1}, func(_ *tenant, got []received) bool {
			return len(got) == 2 && got[0].body["SequenceNumber"] == 2.0 && got[1].body["SequenceNumber"] == 1.0
		}},
		"silent gap": {sim.Fault{Kind: fault.Gap, Next: 1}, func(tn *tenant, got []received) bool {
			return len(got) == 1 && got[0].body["SequenceNumber"] == 2.0 && len(tn.All("WebhookEventErrorLogs")) == 0
		}},
		"logged gap": {sim.Fault{Kind: fault.Gap, Logged: true, Next: 1}, func(tn *tenant, got []received) bool {
			log := tn.All("WebhookEventErrorLogs")
			return len(got) == 1 && len(log) == 1 && strings.Contains(log[0]["payload"].(string), `"SequenceNumber":1,`)
		}},
		"lost": {sim.Fault{Kind: fault.Lose, Next: 1}, func(tn *tenant, got []received) bool {
			return len(got) == 1 && got[0].body["SequenceNumber"] == 1.0 && tn.Stats().LostCallouts == 1
		}},
		"person": {sim.Fault{Kind: fault.PersonID, Next: 1}, func(_ *tenant, got []received) bool {
			return got[0].body["PersonID"] != nil && got[1].body["PersonId"] != nil
		}},
		"no fields": {sim.Fault{Kind: fault.NoFields, Next: 1}, func(_ *tenant, got []received) bool {
			return !strings.Contains(got[0].raw, "Fields") && strings.Contains(got[1].raw, "Fields")
		}},
		"null values": {sim.Fault{Kind: fault.Values, Next: 1}, func(_ *tenant, got []received) bool {
			return strings.Contains(got[0].raw, `"CompanyName":null`)
		}},
		"number values": {sim.Fault{Kind: fault.Values, Value: []byte("5"), Next: 1}, func(_ *tenant, got []received) bool {
			return strings.Contains(got[0].raw, `"CompanyName":5`)
		}},
		"entity type": {sim.Fault{Kind: fault.EntityType, Next: 1}, func(_ *tenant, got []received) bool {
			return got[0].body["EntityType"] == "Company" && got[1].body["EntityType"] == "Account"
		}},
		"fraction": {sim.Fault{Kind: fault.Fraction, Next: 1}, func(_ *tenant, got []received) bool {
			return got[0].body["EventTime"] == "2026-11-23T09:00:00.1230000Z" && got[1].body["EventTime"] == "2026-11-23T09:00:00Z"
		}},
		"unknown guid": {sim.Fault{Kind: fault.UnknownGUID, Next: 1}, func(tn *tenant, got []received) bool {
			return got[0].body["Guid"] != tn.Webhooks()[0].GUID && got[1].body["Guid"] == tn.Webhooks()[0].GUID
		}},
		"big": {sim.Fault{Kind: fault.Big, Next: 1}, func(_ *tenant, got []received) bool { return len(got[0].raw) > 8192 }},
		"bad signature": {sim.Fault{Kind: fault.BadSign, Next: 1}, func(tn *tenant, got []received) bool {
			return got[0].signature != callout.Sign(tn.Webhooks()[0].Secret, []byte(got[0].raw))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tn, h := start(t, nil), receive(t, nil)
			numbered(tn, 1)
			tn.register("CompanyWebhooks", h.URL, "CompanyName")
			c.fault.Entity = "Companies"
			tn.SetFault(c.fault)
			edit(tn, "first")
			tn.waitCallouts()
			edit(tn, "second")
			tn.waitCallouts()
			if got := h.all(); !c.want(tn, got) {
				t.Errorf("%d callouts: %+v", len(got), got)
			}
		})
	}
}
