package autotask

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func newWebhook() NewWebhook {
	return NewWebhook{
		Name: "channelsync 01J companies", WebhookURL: "https://sync.test/callbacks/autotask/x",
		DeactivationURL: "https://sync.test/callbacks/autotask/x/deactivated", Secret: hookSecret,
	}
}

const hookSecret = v1.Secret("enkmoj676nwh8")

func TestCreateWebhook(t *testing.T) {
	v := always(200, `{"itemId":177}`)
	id, err := newTestClient(t, v).CreateWebhook(t.Context(), CompanyWebhooks, newWebhook())
	if id != 177 || err != nil {
		t.Fatalf("CreateWebhook = %d, %v", id, err)
	}
	call := v.sent()[0]
	want := `{"deactivationUrl":"https://sync.test/callbacks/autotask/x/deactivated","isActive":true,` +
		`"isSubscribedToCreateEvents":true,"isSubscribedToDeleteEvents":true,"isSubscribedToUpdateEvents":true,` +
		`"name":"channelsync 01J companies","secretKey":"enkmoj676nwh8",` +
		`"sendThresholdExceededNotification":false,"webhookUrl":"https://sync.test/callbacks/autotask/x"}`
	if call.method != "POST" || call.path != "/atservicesrest/v1.0/CompanyWebhooks" || call.body != want {
		t.Errorf("sent %s %s %s\nwant %s", call.method, call.path, call.body, want)
	}
}

func TestWebhooksThatTheVendorWouldRefuse(t *testing.T) {
	v := always(200, `{"itemId":1}`)
	c := newTestClient(t, v)
	for says, change := range map[string]func(*NewWebhook){
		"name: got 51 characters, want 1 to 50":    func(w *NewWebhook) { w.Name = strings.Repeat("é", 51) },
		"name: got 0 characters":                   func(w *NewWebhook) { w.Name = "" },
		"webhookUrl: got 501 characters":           func(w *NewWebhook) { w.WebhookURL = strings.Repeat("x", 501) },
		"deactivationUrl: got 0":                   func(w *NewWebhook) { w.DeactivationURL = "" },
		"secretKey: got 65 characters, want 10 to": func(w *NewWebhook) { w.Secret = v1.Secret(strings.Repeat("s", 65)) },
		"secretKey: got 9":                         func(w *NewWebhook) { w.Secret = "123456789" },
	} {
		w := newWebhook()
		change(&w)
		if _, err := c.CreateWebhook(t.Context(), CompanyWebhooks, w); KindOf(err) != KindInvalid || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
	err := c.ChangeWebhook(t.Context(), CompanyWebhooks, 1, WebhookChange{Secret: ptr(v1.Secret("short"))})
	if KindOf(err) != KindInvalid || len(v.sent()) != 0 {
		t.Errorf("%v, %d calls were made", err, len(v.sent()))
	}
}

func TestChangeWebhookSendsTheIDInTheBody(t *testing.T) {
	v := always(200, ``)
	c := newTestClient(t, v)
	harness.OK(t, c.ChangeWebhook(t.Context(), ContactWebhooks, 5, WebhookChange{IsActive: ptr(true)}))
	all := WebhookChange{
		Name: ptr("n"), WebhookURL: ptr("u"), DeactivationURL: ptr("d"), Secret: ptr(hookSecret), IsActive: ptr(false),
		CreateEvents: ptr(true), UpdateEvents: ptr(true), DeleteEvents: ptr(true),
	}
	harness.OK(t, c.ChangeWebhook(t.Context(), ContactWebhooks, 5, all))
	want := []string{
		`{"id":5,"isActive":true}`,
		`{"deactivationUrl":"d","id":5,"isActive":false,"isSubscribedToCreateEvents":true,"isSubscribedToDeleteEvents":true,` +
			`"isSubscribedToUpdateEvents":true,"name":"n","secretKey":"enkmoj676nwh8","webhookUrl":"u"}`,
	}
	for i, call := range v.sent() {
		if call.method != "PATCH" || call.path != "/atservicesrest/v1.0/ContactWebhooks" || call.body != want[i] {
			t.Errorf("sent %s %s %s", call.method, call.path, call.body)
		}
	}
}

func TestDeleteOfWhatIsGoneSucceeds(t *testing.T) {
	const gone = `{"errors":["No message. No matching records found. The logged in Resource may not have the required permissions to delete the data."]}`
	for _, tc := range []struct {
		status int
		body   string
		kind   Kind
	}{
		{200, `{"itemId":5}`, ""},
		{200, ``, ""},
		{404, ``, ""},
		{500, gone, ""},
		{403, ``, KindPermission},
		{503, ``, KindUnavailable},
	} {
		v := always(tc.status, tc.body)
		c := newTestClient(t, v)
		if err := c.DeleteWebhook(t.Context(), CompanyWebhooks, 5); KindOf(err) != tc.kind {
			t.Errorf("%d %s: %v", tc.status, tc.body, err)
		}
		if err := c.DeleteMissedCallout(t.Context(), 6); KindOf(err) != tc.kind {
			t.Errorf("%d %s: %v", tc.status, tc.body, err)
		}
		calls := v.sent()
		if calls[0].method != "DELETE" || calls[0].path != "/atservicesrest/v1.0/CompanyWebhooks/5" ||
			calls[1].path != "/atservicesrest/v1.0/WebhookEventErrorLogs/6" {
			t.Errorf("sent %+v", calls)
		}
	}
}

func TestListWebhooksByPrefix(t *testing.T) {
	v := always(200, page(`{"id":4,"name":"channelsync x","webhookGuid":"A1DA","webhookUrl":"u","deactivationUrl":"d","isActive":true,`+
		`"isReady":false,"isSubscribedToCreateEvents":1,"isSubscribedToUpdateEvents":"true","isSubscribedToDeleteEvents":false}`,
		`{"id":9,"name":"channelsync y","webhookGUID":"b2","isActive":false}`))
	got, err := newTestClient(t, v).Webhooks(t.Context(), CompanyWebhooks, "channelsync ")
	want := []Webhook{
		{
			ID: 4, GUID: "A1DA", Name: "channelsync x", WebhookURL: "u", DeactivationURL: "d", IsActive: true, IsReady: ptr(false),
			IsSubscribedToCreateEvents: true, IsSubscribedToUpdateEvents: true,
		},
		{
			ID: 9, GUID: "b2", Name: "channelsync y",
			Missing: []string{
				"webhookUrl", "deactivationUrl", "isSubscribedToCreateEvents", "isSubscribedToUpdateEvents", "isSubscribedToDeleteEvents",
			},
		},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
	if got[0].Ready() || !got[1].Ready() {
		t.Error("ready is what isReady says, and yes where the build does not say")
	}
	q := v.sent()[0].query(t)
	if diff := cmp.Diff(Filter{Op: opBeginsWith, Field: "name", Value: "channelsync "}, q.Filter[0]); diff != "" {
		t.Error(diff)
	}
	if slices.ContainsFunc(q.IncludeFields, func(f string) bool { return strings.EqualFold(f, "secretKey") }) {
		t.Error("the secret was asked for")
	}
	if _, err := newTestClient(t, always(200, page(`{"id":4,"name":{}}`))).Webhooks(t.Context(), CompanyWebhooks, ""); KindOf(err) != KindBadRow {
		t.Errorf("a registration that cannot be read: %v", err)
	}
}

func TestReadAWebhook(t *testing.T) {
	v := always(200, `{"item":{"id":4,"webhookGUID":"g","isActive":true,"isReady":true}}`)
	w, err := newTestClient(t, v).Webhook(t.Context(), ContactWebhooks, 4)
	if err != nil || w.GUID != "g" || !w.IsActive || !w.Ready() {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestWebhookCatalogueFindsEveryFieldWeSubscribe(t *testing.T) {
	for entity, path := range map[WebhookEntity]string{
		CompanyWebhooks: "CompanyWebhookFields", ContactWebhooks: "ContactWebhookFields",
	} {
		var choices []string
		for i, name := range entity.SubscribedFields() {
			choices = append(choices, fmt.Sprintf(`{"value":"%d","label":%q,"isActive":true}`, 7+i, strings.ToUpper(name[:1])+name[1:]))
		}
		v := always(200, `{"fields":[{"name":"id"},{"name":"FieldID","isPickList":true,"picklistValues":[`+strings.Join(choices, ",")+`]}]}`)
		catalogue, err := newTestClient(t, v).WebhookCatalogue(t.Context(), entity)
		if err != nil || v.sent()[0].path != "/atservicesrest/v1.0/"+path+"/entityInformation/fields" {
			t.Fatalf("%s: %v, asked %s", entity, err, v.sent()[0].path)
		}
		for i, name := range entity.SubscribedFields() {
			if id, ok := catalogue.FieldID(name); id != int64(7+i) || !ok {
				t.Errorf("%s: %s is %d, %v", entity, name, id, ok)
			}
			if strings.HasPrefix(name, "last") {
				t.Errorf("%s subscribes the stamp %s", entity, name)
			}
		}
		if _, ok := catalogue.FieldID("fax"); ok {
			t.Error("a field that is not there was found")
		}
	}
	_, err := newTestClient(t, always(200, `{"fields":[]}`)).WebhookCatalogue(t.Context(), CompanyWebhooks)
	if KindOf(err) != KindUndecodable {
		t.Errorf("no picklist: %v", err)
	}
	if WebhookEntity("TicketWebhooks").SubscribedFields() != nil {
		t.Error("nothing of a ticket is synced")
	}
	if len(ContractWebhooks.SubscribedFields()) == 0 {
		t.Error("the day Autotask calls out for contracts, fields are needed")
	}
}

func TestWebhookFields(t *testing.T) {
	v := inOrder(status(200, page(`{"id":1,"fieldID":7,"webhookID":4,"isSubscribedField":true,"isDisplayAlwaysField":false}`,
		`{"id":2,"fieldID":24,"isSubscribedField":false}`)), status(200, `{"itemId":3}`), status(200, `{"itemId":2}`))
	c := newTestClient(t, v)
	fields, err := c.WebhookFields(t.Context(), CompanyWebhooks, 4)
	want := []WebhookField{{ID: 1, FieldID: 7, WebhookID: 4, IsSubscribedField: true}, {ID: 2, FieldID: 24}}
	if diff := cmp.Diff(want, fields); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
	if id, err := c.AddWebhookField(t.Context(), CompanyWebhooks, 4, 9); id != 3 || err != nil {
		t.Errorf("AddWebhookField = %d, %v", id, err)
	}
	if err := c.SubscribeWebhookField(t.Context(), CompanyWebhooks, 4, 2); err != nil {
		t.Error(err)
	}
	var got []string
	for _, call := range v.sent() {
		if call.path != "/atservicesrest/v1.0/CompanyWebhooks/4/Fields" {
			t.Errorf("asked %s", call.path)
		}
		got = append(got, call.method+" "+call.body)
	}
	sentWant := []string{
		"GET ",
		`POST {"fieldID":9,"isDisplayAlwaysField":false,"isSubscribedField":true,"webhookID":4}`,
		`PATCH {"id":2,"isSubscribedField":true}`,
	}
	if diff := cmp.Diff(sentWant, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestMissedCallouts(t *testing.T) {
	payload, _ := json.Marshal(`{"Action":"Update","Guid":"a1da62a4-2c49-40a8-8183-69994ce5b3eb","EntityType":"Account","Id":1301}`)
	v := always(200, page(`{"id":1,"accountWebhookID":4,"contactWebhookID":null,"sequenceNumber":32,"payload":`+string(payload)+
		`,"errorMessage":"503","createDateTime":"2026-01-02T03:04:05.1"}`))
	var got []MissedCallout
	err := newTestClient(t, v).MissedCallouts(t.Context(), nil, func(rows Rows[MissedCallout]) error {
		got = append(got, rows.Items...)
		return nil
	})
	if err != nil || len(got) != 1 || *got[0].CompanyWebhookID != 4 || got[0].ContactWebhookID != nil || *got[0].SequenceNumber != 32 {
		t.Fatalf("%+v, %v", got, err)
	}
	if c, err := callback.Decode([]byte(got[0].Payload)); err != nil || c.ID != 1301 {
		t.Errorf("its payload: %+v, %v", c, err)
	}
}

func TestEntityInformation(t *testing.T) {
	v := inOrder(
		status(200, `{"info":{"name":"CompanyWebhook","canCreate":true,"canDelete":false,"canQuery":true,"canUpdate":true,`+
			`"userAccessForCreate":"All","hasUserDefinedFields":true,"supportsWebhookCallouts":true}}`),
		status(200, `{"info":{"name":"CompanyWebhook","canCreate":true,"userAccessForCreate":"None"}}`),
		status(200, `{"info":null}`),
	)
	c := newTestClient(t, v)
	got, err := c.EntityInformation(t.Context(), EntityContracts)
	want := EntityInfo{CanCreate: true, UserAccessForCreate: "All", SupportsWebhookCallouts: true}
	if err != nil || got != want || !got.MayCreate() {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := c.EntityInformation(t.Context(), EntityContracts); err != nil || got.MayCreate() {
		t.Errorf("without access: %+v, %v", got, err)
	}
	if _, err := c.EntityInformation(t.Context(), EntityContracts); KindOf(err) != KindUndecodable {
		t.Errorf("no info: %v", err)
	}
	if path := v.sent()[0].path; path != "/atservicesrest/v1.0/Contracts/entityInformation" {
		t.Errorf("asked %s", path)
	}
}

func TestFieldsWithPicklists(t *testing.T) {
	v := always(200, `{"fields":[{"name":"companyType","dataType":"short","isQueryable":true,"isPickList":true,"picklistValues":[`+
		`{"value":"1","label":"Customer","isActive":true,"isSystem":true},{"value":"9","label":"Old","isActive":false}],`+
		`"isSupportedWebhookField":true},{"name":"id","dataType":"long","picklistValues":null}]}`)
	c := newTestClient(t, v)
	got, err := c.Fields(t.Context(), EntityCompanies)
	want := []FieldInfo{
		{Name: "companyType", Picklist: []PicklistValue{{Value: "1", Label: "Customer"}, {Value: "9", Label: "Old"}}},
		{Name: "id"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
	if names, err := c.FieldNames(t.Context(), EntityCompanies); err != nil || !slices.Equal(names, []string{"companyType", "id"}) {
		t.Errorf("FieldNames = %v, %v", names, err)
	}
}

func TestThresholdInformation(t *testing.T) {
	v := meter(9_000, 124)
	c := newTestClient(t, v)
	got, err := c.readThreshold(t.Context())
	if want := (Threshold{Limit: 9_000, Used: 124}); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if call := v.sent()[0]; call.method != http.MethodGet || call.path != "/atservicesrest/v1.0/ThresholdInformation" {
		t.Errorf("asked %s %s", call.method, call.path)
	}
	if _, err := newTestClient(t, always(200, `{}`)).readThreshold(t.Context()); KindOf(err) != KindUndecodable {
		t.Errorf("without numbers: %v", err)
	}
}
