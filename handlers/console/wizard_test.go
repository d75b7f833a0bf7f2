package console

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

// filled is the form of the wizard as somebody fills it in.
func filled() url.Values {
	return url.Values{
		"syncs": {"active_customers", "active_customer_contracts"}, "name": {" Acme MSP "}, "username": {"api@acme.example\n"},
		"secret": {" s3cr3t-s3cr3t "}, "trackingIdentifier": {"TR4CK1NG "}, "zone": {""},
		"connectionId": {"conn-1"}, "token": {"\tt0k3n-t0k3n"},
		"outOfScope": {"leave"}, "overallCost": {"monthly"}, "contractStatus": {"any"}, "emails": {"contacts"}, "currency": {"eur"},
	}
}

// secrets are those of filled; no page may have one.
var secrets = []string{"s3cr3t-s3cr3t", "TR4CK1NG", "t0k3n-t0k3n"}

// wanted is the body of the API's POST /installations that filled comes to.
const wanted = `{"name":"Acme MSP","username":"api@acme.example","secret":"s3cr3t-s3cr3t","trackingIdentifier":"TR4CK1NG",` +
	`"syncs":["active_customers","active_customer_contracts"],"channelProgram":{"connectionId":"conn-1","token":"t0k3n-t0k3n"},` +
	`"options":{"outOfScope":"leave","overallCost":"monthly","contractStatus":"any","emails":"contacts","currency":"EUR"}}`

func works() v1.Checks {
	return v1.Checks{Checks: []v1.Check{
		{Name: "zone", OK: true, Detail: "The zone is UK (https://uk)."},
		{Name: "credentials", OK: true, Detail: "Autotask accepts them in zone UK."},
		{Name: "webhooks", Detail: "The API user may not create webhooks.", Fix: "Tick the box."},
	}}
}

func (w *env) tried(t *testing.T) *answered {
	t.Helper()
	w.answer("POST /installations", works())
	a := w.post("/install", filled())
	if a.StatusCode != 200 {
		t.Fatalf("the test answered %d: %s", a.StatusCode, a.text("main"))
	}
	return a
}

// draftOf is the sealed draft that a page carries on.
func (a *answered) draftOf(t *testing.T) string {
	t.Helper()
	draft, ok := a.doc.Find("input[name=draft]").First().Attr("value")
	if !ok || draft == "" {
		t.Fatalf("the page has no draft: %s", a.text("main"))
	}
	return draft
}

// silent fails if a page tells a secret, in a field or anywhere else.
func (a *answered) silent(t *testing.T) {
	t.Helper()
	for _, s := range secrets {
		if strings.Contains(a.html, s) || strings.Contains(a.Header.Get("Location")+strings.Join(a.Header["Set-Cookie"], ""), s) {
			t.Errorf("the answer has the secret %s", s)
		}
	}
}

func TestWizardForm(t *testing.T) {
	w := newEnv(t)
	for path, want := range map[string]int{
		"/install": 2, "/install?sync=active_customers": 1, "/install?sync=active_customer_contracts": 1, "/install?sync=nonsense": 2,
	} {
		a := w.get(path)
		if got := a.doc.Find("input[name=syncs][checked]").Length(); a.StatusCode != 200 || got != want {
			t.Errorf("%s: %d with %d syncs selected, want %d", path, a.StatusCode, got, want)
		}
	}
	a := w.get("/install")
	if got := a.text("#zone option:first-child"); got != "Find it from the user name (recommended)" {
		t.Errorf("the first region is %q", got)
	}
	if a.doc.Find("#zone option").Length() != 2 || a.doc.Find("details.card:not(.guide)[open]").Length() != 0 {
		t.Errorf("regions and options: %s", a.text("form"))
	}
	for _, id := range []string{"secret", "trackingIdentifier", "channelProgram-token"} {
		field := a.doc.Find("#" + id)
		if kind, _ := field.Attr("type"); kind != "password" {
			t.Errorf("%s is of type %q", id, kind)
		}
		if _, has := field.Attr("value"); has {
			t.Errorf("%s has a value", id)
		}
	}
	every := a.doc.Find("main input:not([type=hidden]), main select")
	for i := range every.Length() {
		id, _ := every.Eq(i).Attr("id")
		if a.doc.Find(`label[for="`+id+`"]`).Length() != 1 {
			t.Errorf("the field %q has not one label", id)
		}
		for _, about := range strings.Fields(every.Eq(i).AttrOr("aria-describedby", "")) {
			if a.doc.Find("#"+about).Length() != 1 {
				t.Errorf("the field %q is described by %q, which there is not", id, about)
			}
		}
	}
}

func TestWizardTestsWhatWasEntered(t *testing.T) {
	w := newEnv(t)
	a := w.tried(t)
	if diff := cmp.Diff([]string{"POST /installations?test=only " + wanted}, w.wrote()); diff != "" {
		t.Errorf("the API was asked (-want +got):\n%s", diff)
	}
	a.silent(t)
	if got := a.text(".checks li.warn"); !strings.Contains(got, "Could be better: Webhooks") || !strings.Contains(got, "within about a minute instead of at once") {
		t.Errorf("the warning is %q", got)
	}
	if got := a.text(".checks li.good"); !strings.Contains(got, "The region is UK") || strings.Contains(got, "zone") {
		t.Errorf("what works is %q", got)
	}
	if a.doc.Find(".checks li.bad").Length() != 0 || a.doc.Find("form[data-load=preview][action='/install/preview'] button").Length() != 1 {
		t.Errorf("the second step is %s", a.text("main"))
	}
}

func TestWizardKeepsWhatWasEntered(t *testing.T) {
	w := newEnv(t)
	refusal := v1.NewProblem(422, v1.CodeCredentialsRejected, "Refused (HTTP 401).", "Copy all three again.")
	refusal.Checks = []v1.Check{{Name: "zone", OK: true, Detail: "The zone is UK."}, {Name: "credentials", Detail: "Refused.", Fix: "Copy."}}
	w.answer("POST /installations", refusal)
	a := w.post("/install", filled())
	a.silent(t)
	if a.StatusCode != 422 || !strings.Contains(a.text("#problem h2"), "Autotask refuses the user name") || a.text(".checks li.bad div > strong") != "Log-in at Autotask" {
		t.Fatalf("%d: %s", a.StatusCode, a.text("main"))
	}
	a.doc.Find("#problem a").Each(func(_ int, link *goquery.Selection) {
		if to := link.AttrOr("href", "#"); a.doc.Find(to+"[aria-invalid=true]").Length() != 1 {
			t.Errorf("the problem leads to %s, which is no marked field", to)
		}
	})
	for id, want := range map[string]string{
		"name": "Acme MSP", "username": "api@acme.example", "channelProgram-connectionId": "conn-1", "options-currency": "EUR",
	} {
		if got := a.doc.Find("#"+id).AttrOr("value", ""); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
	if a.doc.Find("#options-overallCost option[value=monthly][selected]").Length() != 1 || a.doc.Find("details[open] #options-overallCost").Length() != 1 {
		t.Error("the options are not as entered")
	}
	if !strings.Contains(a.text("#secret-hint"), "leave empty to keep") || a.doc.Find("#secret[required]").Length() != 0 {
		t.Error("the form does not say that the secret is kept")
	}

	// Only the secret is entered anew.
	again := filled()
	again.Set("secret", "an0ther")
	again.Set("trackingIdentifier", "")
	again.Set("token", " ")
	again.Set("draft", a.draftOf(t))
	w.answer("POST /installations", works())
	if a := w.post("/install", again); a.StatusCode != 200 {
		t.Fatalf("%d: %s", a.StatusCode, a.text("main"))
	}
	if got, want := w.wrote()[1], "POST /installations?test=only "+strings.Replace(wanted, "s3cr3t-s3cr3t", "an0ther", 1); got != want {
		t.Errorf("the API was asked\n%s, want\n%s", got, want)
	}
}

func TestWizardSaysWhatIsMissing(t *testing.T) {
	w := newEnv(t)
	w.answer("POST /installations", v1.Invalid("The body has fields that are not valid.",
		v1.FieldError{Pointer: "#/name", Code: "required", Detail: "got nothing, want a value"},
		v1.FieldError{Pointer: "#/channelProgram/token", Code: "required", Detail: "got nothing, want a value"},
		v1.FieldError{Pointer: "#/syncs", Code: "required", Detail: "got nothing, want a value"},
		v1.FieldError{Pointer: "#/options/currency", Code: "iso4217", Detail: `got "EU"`},
		v1.FieldError{Pointer: "#/options/timeZone", Code: "timezone", Detail: `got "new york", want an IANA time zone, perhaps America/New_York`},
	))
	a := w.post("/install", url.Values{"currency": {"EU"}})
	if got := a.text("#problem li"); a.StatusCode != 422 ||
		got != "Syncs: Choose at least one.Name: Enter it.Connection token: Enter it."+
			`Time zone: Got "new york", want an IANA time zone, perhaps America/New_York.`+"Currency: Enter a currency code of three letters, such as EUR, or leave it empty." {
		t.Errorf("%d: %q", a.StatusCode, got)
	}
	for _, id := range []string{"syncs-error", "name-error", "channelProgram-token-error", "options-currency-error", "options-timeZone-error"} {
		if a.doc.Find("#"+id).Length() != 1 {
			t.Errorf("there is no %s", id)
		}
	}
	if a.doc.Find("details[open] #options-currency[aria-invalid=true]").Length() != 1 || a.doc.Find("input[name=draft]").Length() != 0 {
		t.Error("the options are closed, or there is a draft of nothing")
	}
	choosesATimeZone(t, a)
}

// choosesATimeZone checks that the time zone is searched in a list of all.
func choosesATimeZone(t *testing.T, a *answered) {
	t.Helper()
	list, _ := a.doc.Find("#options-timeZone").Attr("list")
	names := a.doc.Find("datalist#" + list + " option")
	if names.Length() != len(v1.TimeZones()) || names.Filter(`[value="America/New_York"]`).Length() != 1 {
		t.Errorf("%d time zones are offered of %d", names.Length(), len(v1.TimeZones()))
	}
}

func TestWizardRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		problem *v1.Problem
		fields  []string
	}{
		"no zone":        {v1.NewProblem(422, v1.CodeZoneUnknown, "Autotask knows no zone.", "h"), []string{"username", "zone"}},
		"target":         {v1.NewProblem(422, v1.CodeChannelProgramRejected, "Refused.", "h"), []string{"channelProgram-connectionId", "channelProgram-token"}},
		"a right":        {v1.NewProblem(422, v1.CodePermissionMissing, "May not read companies.", "h"), nil},
		"no answer":      {v1.NewProblem(503, v1.CodeUnavailable, "Autotask did not answer.", "Try again."), nil},
		"installed":      {&v1.Problem{Status: 409, Code: v1.CodeAlreadyInstalled, Detail: "Installed as Acme.", Installation: one}, nil},
		"a foreign zone": {v1.Invalid("The zone cannot be used.", v1.FieldError{Pointer: "#/zone", Code: "zone", Detail: "got x, want y"}), []string{"zone"}},
	} {
		w := newEnv(t)
		w.answer("POST /installations", tc.problem)
		for _, path := range []string{"/install", "/install/start"} {
			fields := filled()
			fields.Set("draft", w.sealed(t, draft{Syncs: v1.Syncs, Secret: secrets[0]}))
			a := w.post(path, fields)
			a.silent(t)
			if a.StatusCode != tc.problem.Status || a.doc.Find("#problem h2").Length() != 1 || a.doc.Find("h1").Length() != 1 {
				t.Errorf("%s at %s: %d: %s", name, path, a.StatusCode, a.text("main"))
			}
			var blamed []string
			a.doc.Find("[aria-invalid=true]").Each(func(_ int, field *goquery.Selection) { blamed = append(blamed, field.AttrOr("id", "")) })
			if !slices.Equal(blamed, tc.fields) {
				t.Errorf("%s at %s: blamed %q, want %q", name, path, blamed, tc.fields)
			}
			if link := a.doc.Find("#problem a[href='/installations/" + one + "']").Length(); (link == 1) != (name == "installed") {
				t.Errorf("%s at %s: %d links to the other installation", name, path, link)
			}
		}
	}
}

// An account that is installed already is tried all the same; the form says which
// installation has it before anything else is shown.
func TestWizardLeadsToTheInstallationThatThereIs(t *testing.T) {
	w := newEnv(t)
	w.answer("POST /installations?test=only", v1.Checks{Checks: []v1.Check{
		{Name: "credentials", OK: true, Detail: "Accepted."}, {Name: "installation", Detail: "Installed as Acme.", Fix: "Use it."},
	}})
	w.answer("POST /installations?preview=only", &v1.Problem{Status: 409, Code: v1.CodeAlreadyInstalled, Detail: "Installed as Acme.", Installation: one})
	a := w.post("/install", filled())
	if a.StatusCode != http.StatusConflict || a.doc.Find("#problem a[href='/installations/"+one+"']").Length() != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
}

func (w *env) sealed(t *testing.T, d draft) string {
	t.Helper()
	text, err := newSealer(token, clockNow).seal(d)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWizardPreview(t *testing.T) {
	w := newEnv(t)
	draft := w.tried(t).draftOf(t)
	preview := v1.SetupPreview{Checks: works().Checks, Complete: true}
	preview.Companies = v1.PreviewCounts{Total: 412, WillSync: 187, WillNot: 225, Reasons: []v1.PreviewReason{
		{Code: v1.ReasonTypeNotCustomer, Count: 200, Detail: "company type is not Customer"}, {Code: "?", Count: 25, Detail: mean},
	}}
	preview.Contracts.PreviewCounts = v1.PreviewCounts{Total: 240, WillSync: 240}
	preview.Contracts.WithoutVendor, preview.Contracts.WithoutCost = 31, 1
	w.answer("POST /installations", preview)
	a := w.post("/install/preview", url.Values{"draft": {draft}})
	a.silent(t)
	a.clean(t)
	if got := w.wrote()[1]; got != "POST /installations?preview=only "+wanted {
		t.Errorf("the API was asked %s", got)
	}
	got := a.text("#preview")
	for _, want := range []string{
		"412 companies: 187 will sync, 225 will not.", "Company type is not Customer200", "240 contracts: 240 will sync, 0 will not.",
		"31 will be sent as “MSP Managed Services”, because Autotask names no vendor for them.", "1 will be sent without an overall cost, because Autotask has none for it.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the preview lacks %q: %s", want, got)
		}
	}
	if a.doc.Find("#preview .note").Length() != 0 || a.draftOf(t) == "" {
		t.Errorf("a whole preview has a note: %s", got)
	}

	preview.Complete = false
	preview.Companies.WillNot = 100
	w.answer("POST /installations", preview)
	a = w.post("/install/preview", url.Values{"draft": {draft}})
	if got := a.text("#preview"); !strings.Contains(got, "This is only a part.") || !strings.Contains(got, "At least 412 companies: 187 will sync, 100 will not, 125 not checked yet.") {
		t.Errorf("an incomplete preview is %s", got)
	}

	w.answer("POST /installations", v1.NewProblem(503, v1.CodeUnavailable, "Autotask did not answer.", "Try again in a minute."))
	a = w.post("/install/preview", url.Values{"draft": {draft}})
	if a.StatusCode != 503 || !strings.Contains(a.text("#preview"), "The preview could not be made. Autotask did not answer. Try again in a minute.") ||
		a.doc.Find("#preview form[data-load]").Length() != 0 || a.doc.Find("form[action='/install/start']").Length() != 1 || a.doc.Find(".checks li").Length() != 3 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
}

// TestWizardChoosesByName lists what the tenant has, from the checks and from the form, and finds companies.
func TestWizardChoosesByName(t *testing.T) {
	w := newEnv(t)
	draft := w.tried(t).draftOf(t)
	w.answer("POST /installations?choices=counted", v1.SetupChoices{
		Choices: v1.Choices{ContractTypes: []v1.Choice{{ID: 7, Name: "Recurring" + mean, Records: new(12)}, {ID: 3, Name: "Fixed"}}},
		Options: v1.Options{ContractTypes: []int64{7}},
	})
	a := w.post("/install/choose", url.Values{"draft": {draft}})
	a.clean(t)
	a.silent(t)
	if a.doc.Find("details#options[open]").Length() != 1 || a.doc.Find("input[name=contractTypes]").Length() != 2 || !strings.Contains(a.text("#options-contractTypes"), "12 records") {
		t.Errorf("%d: %s", a.StatusCode, a.text("#options"))
	}
	if got, _ := a.doc.Find("input[name=contractTypes][checked]").Attr("value"); got != "7" {
		t.Errorf("ticked is %q", got)
	}
	form := filled()
	form.Set("company", "acme")
	form.Set("exclude", "Zenith (12)")
	w.answer("POST /installations?choices=counted&company=acme", v1.SetupChoices{
		Choices: v1.Choices{Companies: []v1.Choice{{ID: 174, Name: "Acme, Inc."}}}, Options: v1.Options{Exclude: v1.RecordIDs{12}},
	})
	a = w.post("/install/choose", form)
	a.silent(t)
	if got, _ := a.doc.Find(".found input[name=exclude]").Attr("value"); got != "Acme, Inc. (174)" || a.doc.Find("#options-exclude").Text() != "12" {
		t.Errorf("found %q, excluded %q", got, a.doc.Find("#options-exclude").Text())
	}
	w.answer("POST /installations?choices=counted", v1.NewProblem(422, v1.CodeCredentialsRejected, "401", ""))
	if a = w.post("/install/choose", filled()); a.StatusCode != 422 || !strings.Contains(a.text("#problem"), "Autotask refuses the user name") {
		t.Errorf("%d: %s", a.StatusCode, a.text("#problem"))
	}
	if a = w.post("/install/choose", url.Values{"draft": {"forged"}}); a.StatusCode != 422 {
		t.Errorf("a forged draft: %d", a.StatusCode)
	}
}

func TestWizardStarts(t *testing.T) {
	w := newEnv(t)
	draft := w.tried(t).draftOf(t)
	w.answer("POST /installations", anInstallation())
	a := w.post("/install/start", url.Values{"draft": {draft}})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/installations/"+one+"/welcome" {
		t.Errorf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	if got := w.wrote()[1]; got != "POST /installations "+wanted {
		t.Errorf("the API was asked %s", got)
	}

	a = w.post("/install/change", url.Values{"draft": {draft}})
	a.silent(t)
	if a.StatusCode != 200 || a.doc.Find("#name").AttrOr("value", "") != "Acme MSP" || a.doc.Find("#problem").Length() != 0 || len(w.wrote()) != 2 {
		t.Errorf("going back: %d: %s", a.StatusCode, a.text("main"))
	}
}

func TestWizardForgets(t *testing.T) {
	w := newEnv(t)
	old := newSealer(token, func() time.Time { return clockNow().Add(-time.Hour) })
	expired, err := old.seal(draft{Name: "Acme", Secret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	for _, draft := range []string{expired, "", "nonsense"} {
		for _, path := range []string{"/install/preview", "/install/start", "/install/change"} {
			if a := w.post(path, url.Values{"draft": {draft}}); a.StatusCode != 422 || !strings.Contains(a.text("#problem"), "more than 30 minutes") {
				t.Errorf("%s with %q: %d: %s", path, draft, a.StatusCode, a.text("main"))
			}
		}
	}
	fields := filled()
	fields.Set("draft", expired)
	fields.Set("token", "")
	if a := w.post("/install", fields); a.StatusCode != 422 || !strings.Contains(a.text("#problem"), "more than 30 minutes") ||
		a.doc.Find("#name").AttrOr("value", "") != "Acme MSP" || a.doc.Find("#channelProgram-token[required]").Length() != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	if got := w.wrote(); len(got) != 0 {
		t.Errorf("the API was asked %q", got)
	}
	fields.Set("token", "t") // all secrets are there again: the old draft does not matter
	w.answer("POST /installations", works())
	if a := w.post("/install", fields); a.StatusCode != 200 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	if a := w.get("/install/preview"); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/install" {
		t.Errorf("a step that is reloaded: %d to %q", a.StatusCode, a.Header.Get("Location"))
	}
}

func TestWizardEscapes(t *testing.T) {
	w := newEnv(t)
	w.answer("GET /zones", v1.Zones{Items: []v1.Zone{{Name: mean, URL: mean}}, Found: &v1.Zone{Name: mean, URL: mean + "2"}})
	refusal := v1.NewProblem(422, v1.CodeInvalid, mean, mean)
	refusal.Checks = []v1.Check{{Name: mean, Detail: mean, Fix: mean}}
	refusal.Errors = []v1.FieldError{{Pointer: "#/name", Code: "max", Detail: mean}}
	w.answer("POST /installations", refusal)
	fields := url.Values{"syncs": {mean}}
	for name := range filled() {
		fields.Set(name, mean)
	}
	a := w.post("/install", fields)
	a.clean(t)
	if got := a.doc.Find("#name").AttrOr("value", ""); got != v1.Trim(mean) {
		t.Errorf("the name is %q", got)
	}
	w.answer("POST /installations", v1.Checks{Checks: refusal.Checks})
	a = w.post("/install", fields)
	a.clean(t)
	if a.StatusCode != 200 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	w.get("/install/region?username=" + url.QueryEscape(mean)).clean(t)
}

func TestRegion(t *testing.T) {
	list := []v1.Zone{{Name: "UK", URL: "https://uk/atservicesrest"}}
	for name, tc := range map[string]struct {
		answer            any
		zone, text, notes string
	}{
		"on the list":     {v1.Zones{Items: list, Found: &v1.Zone{Name: "Zone 4", URL: "https://UK/atservicesrest"}}, "UK", "UK", "Found from the user name: UK."},
		"not on the list": {v1.Zones{Items: list, Found: &v1.Zone{Name: "New", URL: "https://new/atservicesrest"}}, "https://new/atservicesrest", "New", "Found from the user name: New."},
		"not known":       {v1.Zones{Items: list}, "", "", "names no region"},
		"no answer":       {v1.NewProblem(503, v1.CodeUnavailable, "d", "h"), "", "", "could not be looked up"},
	} {
		w := newEnv(t)
		w.answer("GET /zones", tc.answer)
		a := w.get("/install/region?username=+api%40acme.example")
		part := a.doc.Find("[data-zone]")
		if a.StatusCode != 200 || part.AttrOr("data-zone", "") != tc.zone || part.AttrOr("data-text", "") != tc.text || !strings.Contains(part.Text(), tc.notes) {
			t.Errorf("%s: %d: %s", name, a.StatusCode, a.html)
		}
		w.mu.Lock()
		if diff := cmp.Diff([]string{"GET /zones?username=api%40acme.example"}, w.asked); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", name, diff)
		}
		w.mu.Unlock()
	}
	w := newEnv(t)
	if a := w.get("/install/region"); a.StatusCode != 200 || a.text("p") != "" || len(w.asked) != 0 {
		t.Errorf("without a name: %d: %s, asked %q", a.StatusCode, a.html, w.asked)
	}
	r := httptest.NewRequest(http.MethodGet, "/install/region?username=x", nil)
	if a := w.send(r); a.StatusCode != http.StatusSeeOther || len(w.asked) != 0 {
		t.Errorf("without a session: %d, asked %q", a.StatusCode, w.asked)
	}
}
