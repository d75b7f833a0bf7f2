package console

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

func TestSettingsForms(t *testing.T) {
	at := "/installations/" + one
	for name, tc := range map[string]struct {
		path   string
		fields url.Values
		asks   string
	}{
		"name": {"/name", url.Values{"name": {" New name "}}, `PATCH ` + at + ` {"name":"New name"}`},
		"credentials": {
			"/credentials",
			url.Values{"username": {"u"}, "secret": {" s3cret\n"}, "trackingIdentifier": {"TRACK"}, "zone": {"America East 3"}},
			`PUT ` + at + `/credentials {"username":"u","secret":"s3cret","trackingIdentifier":"TRACK","zone":"America East 3"}`,
		},
		"channel program": {
			"/channel-program",
			url.Values{"connectionId": {"conn"}, "token": {"t0ken"}},
			`PUT ` + at + `/channel-program {"connectionId":"conn","token":"t0ken"}`,
		},
		"options": {
			"/options",
			url.Values{"overallCost": {"annual"}, "timeZone": {" Europe/Berlin "}, "currency": {"eur"}, "exclude": {"1, 2\n3"}, "massChangePercent": {"20"}},
			`PATCH ` + at + ` {"options":{"timeZone":"Europe/Berlin","overallCost":"annual","currency":"EUR","exclude":["1","2","3"],"massChangePercent":20}}`,
		},
	} {
		w := newEnv(t)
		call, _, _ := strings.Cut(tc.asks, " {")
		w.answer(call, anInstallation())
		a := w.post(at+"/settings"+tc.path, tc.fields)
		if a.StatusCode != 303 || a.flash(t).Text == "" || a.flash(t).Problem {
			t.Errorf("%s: %d %+v\n%s", name, a.StatusCode, a.flash(t), a.text("main"))
		}
		if got := w.wrote(); !slices.Equal(got, []string{tc.asks}) {
			t.Errorf("%s: asked %q, want %q", name, got, tc.asks)
		}
	}
}

func TestARefusedFormKeepsAllButSecrets(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	p := v1.NewProblem(422, v1.CodeCredentialsRejected, "Autotask refuses the credentials.", "Copy all three again.")
	p.Errors = []v1.FieldError{{Pointer: "#/username", Code: "x", Detail: mean}}
	w.answer("PUT "+at+"/credentials", p)
	a := w.post(at+"/settings/credentials", url.Values{
		"form": {"credentials"}, "username": {mean}, "secret": {"s3cret"}, "trackingIdentifier": {"TRACK"}, "zone": {"America East 3"},
	})
	a.clean(t)
	if a.StatusCode != 422 || !strings.Contains(a.text("#problem"), "Copy all three again.") {
		t.Errorf("%d: %s", a.StatusCode, a.text("#problem"))
	}
	if got, _ := a.doc.Find("#username").Attr("value"); got != mean {
		t.Errorf("the user name is %q", got)
	}
	if got := a.text("#zone option[selected]"); got != "America East 3" {
		t.Errorf("the region is %q", got)
	}
	if strings.Contains(a.html, "s3cret") || strings.Contains(a.html, "TRACK") {
		t.Error("a secret came back")
	}
	if got := a.doc.Find(`#problem a[href="#username"]`).Text(); got != "Username (key)" {
		t.Errorf("the field is called %q", got)
	}
	if !strings.HasPrefix(a.text("title"), "Error: ") {
		t.Errorf("the title is %q", a.text("title"))
	}
}

func TestOptionsPreview(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	w.answer("PATCH "+at, v1.Preview{Enter: 3, Leave: 1200, Sample: []v1.PreviewRecord{{
		Kind: v1.KindCompany, ID: "7", Name: mean, Effect: "leave", Differences: []v1.Difference{{Field: mean, From: mean, To: mean}},
	}}})
	a := w.post(at+"/settings/options/preview", url.Values{"overallCost": {"price"}, "timeZone": {"Asia/Tokyo"}, "include": {"7,8"}})
	a.clean(t)
	if a.StatusCode != 200 || !strings.Contains(a.text(".counts"), "1,200") {
		t.Fatalf("%d: %s", a.StatusCode, a.text("main"))
	}
	if got := w.wrote(); len(got) != 1 || !strings.Contains(got[0], "preview=true") {
		t.Errorf("asked %q", got)
	}
	for name, want := range map[string]string{"overallCost": "price", "timeZone": "Asia/Tokyo", "include": "7,8"} {
		if got, _ := a.doc.Find("input[name=" + name + "]").Attr("value"); got != want {
			t.Errorf("%s is carried on as %q, want %q", name, got, want)
		}
	}
	a = w.post(at+"/settings/options/preview", url.Values{"massChangePercent": {"101"}})
	choosesATimeZone(t, a)
	if a.StatusCode != 422 || a.doc.Find(`#problem a[href="#options-massChangePercent"]`).Length() != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.text("#problem"))
	}
	if got, _ := a.doc.Find("#options-massChangePercent").Attr("value"); got != "101" {
		t.Errorf("the form has %q, want what was entered", got)
	}
	if got := w.wrote(); len(got) != 1 {
		t.Errorf("asked %q for wrong options", got[1:])
	}
	w.answer("PATCH "+at, v1.Invalid("The body has fields that are not valid.",
		v1.FieldError{Pointer: "#/options/timeZone", Code: "timezone", Detail: `got "Berlin!", want an IANA time zone, perhaps Europe/Berlin`}))
	a = w.post(at+"/settings/options/preview", url.Values{"timeZone": {"Berlin!"}})
	if got := a.text("#problem li"); got != `Time zone: got "Berlin!", want an IANA time zone, perhaps Europe/Berlin` || a.doc.Find(`#problem a[href="#options-timeZone"]`).Length() != 1 {
		t.Errorf("a wrong time zone: %q", got)
	}
}

func TestTestAndBridge(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	w.answer("POST "+at+"/test", v1.Checks{Checks: []v1.Check{{Name: "credentials", OK: true, Detail: mean}, {Name: "companies", Detail: "may not", Fix: mean}}})
	a := w.post(at+"/settings/test", nil)
	a.clean(t)
	if a.StatusCode != 200 || a.doc.Find(".checks li.good").Length() != 1 || !strings.Contains(a.text(".checks li.bad"), "Does not work: Reading companies") {
		t.Errorf("%d: %s", a.StatusCode, a.text(".checks"))
	}
	w.answer("POST "+at+"/bridges", v1.Bridge{GUID: "guid-1", Secret: "once", URL: "https://x/callbacks/autotask/" + one})
	if a = w.post(at+"/settings/bridges", nil); a.StatusCode != 200 || a.text("#bridge-secret") != "once" {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	if a = w.get(at + "/settings"); strings.Contains(a.html, "once\"") || a.doc.Find("#bridge-secret").Length() != 0 {
		t.Error("the secret of the bridge is shown again")
	}
}

func TestOptionsAreChosenByName(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	in := anInstallation()
	in.Options.ContractTypes, in.Options.Exclude = []int64{7, 99}, []int64{12, 13}
	w.installed(in)
	w.answer("GET "+at+"/choices", v1.Choices{
		ContractTypes: []v1.Choice{{ID: 7, Name: "Recurring" + mean, Records: new(1200)}, {ID: 3, Name: "Fixed Price"}}, Companies: []v1.Choice{{ID: 12, Name: "Acme, Inc."}},
	})
	a := w.get(at + "/settings")
	a.clean(t)
	if n, text := a.doc.Find("input[name=contractTypes][checked]").Length(), a.text("#options-contractTypes"); n != 2 || !strings.Contains(text, "1,200 records") || !strings.Contains(text, "99") {
		t.Errorf("%d are ticked: %s", n, text)
	}
	if got := a.doc.Find("#options-exclude").Text(); got != "Acme, Inc. (12)\n13" {
		t.Errorf("excluded are %q", got)
	}
	w.answer("PATCH "+at, v1.Preview{Leave: 2, Records: []v1.PreviewRecord{
		{Kind: v1.KindCompany, ID: "12", Name: "=Café" + mean, Effect: "leave"}, {Kind: v1.KindCompany, ID: "14", Name: "Northwind", Effect: "change", Differences: []v1.Difference{{Field: "name", From: "-1", To: "b"}}},
	}})
	form := url.Values{"contractTypes": {"7", "Recurring Service"}, "exclude": {"Acme, Inc. (12)\r\nNorthwind, Ltd.\r\n5, 6"}, "q": {"cafe"}}
	a = w.post(at+"/settings/options/preview", form)
	a.clean(t)
	asked := w.wrote()[0]
	for _, want := range []string{`"contractTypes":[7]`, `"exclude":["12","5","6"]`, `"names":{"contractTypes":["Recurring Service"],"exclude":["Northwind, Ltd."]}`} {
		if !strings.Contains(asked, want) {
			t.Errorf("asked %s, want %s in it", asked, want)
		}
	}
	if rows := a.doc.Find("tbody tr"); rows.Length() != 1 || !strings.Contains(rows.Text(), "Café") {
		t.Errorf("searched: %s", a.text("tbody"))
	}
	form.Set("download", "csv-spreadsheet")
	a = w.post(at+"/settings/options/preview", form)
	if got := a.Header.Get("Content-Type"); got != "text/csv; charset=utf-8" || !strings.HasPrefix(a.html, "\ufeffeffect,kind,id,name,field,from,to,apostropheAddedIn\r\nleave,company,12,\"'=Caf") || !strings.Contains(a.html, "change,company,14,Northwind,name,'-1,b,from\r\n") {
		t.Errorf("%s: %s", got, a.html)
	}
	w.answer("PATCH "+at, v1.Invalid("Some names are not known in Autotask.", v1.FieldError{Pointer: "#/options/exclude", Code: "unknown_name", Detail: `no company is called "Nobody"; near: Nobel (7)`}))
	a = w.post(at+"/settings/options/preview", url.Values{"exclude": {"Nobody"}})
	if a.StatusCode != 422 || a.doc.Find(`#problem a[href="#options-exclude"]`).Length() != 1 || a.doc.Find("#options-exclude").Text() != "Nobody" || !strings.Contains(a.text("#problem"), "near: Nobel (7)") {
		t.Errorf("%d: %s", a.StatusCode, a.text("#problem"))
	}
	w.answer("GET "+at+"/choices", v1.Unavailable("Autotask does not answer", "Wait."))
	if a = w.get(at + "/settings"); a.doc.Find("textarea[name=contractTypes]").Length() != 1 || !strings.Contains(a.text("#options"), "Autotask does not answer") {
		t.Errorf("without Autotask: %s", a.text("#options"))
	}
}

// TestCompaniesAreFoundByAPartOfTheirName: what is ticked among them is added to the lists, without a script.
func TestCompaniesAreFoundByAPartOfTheirName(t *testing.T) {
	w := newEnv(t)
	at := "/installations/" + one
	w.installed(anInstallation())
	w.answer("GET "+at+"/choices", v1.Choices{})
	w.answer("GET "+at+"/records", v1.Page[v1.Record]{Items: []v1.Record{{Kind: v1.KindCompany, ID: "174", Name: "Acme, Inc." + mean}, {Kind: v1.KindCompany, ID: "175"}}})
	a := w.post(at+"/settings/options/find", url.Values{"company": {"acme"}, "exclude": {"Northwind (9)", "Zenith (12)"}, "currency": {"eur"}})
	a.clean(t)
	if !slices.Contains(w.asked, "GET "+at+"/records?kind=company&limit=20&q=acme") {
		t.Errorf("asked %q", w.asked)
	}
	if got, _ := a.doc.Find(".found input[name=exclude]").First().Attr("value"); got != "Acme, Inc."+mean+" (174)" {
		t.Errorf("to be excluded is %q", got)
	}
	if a.doc.Find(".found").Length() != 2 || a.doc.Find("#filters[open]").Length() != 1 {
		t.Errorf("found: %s", a.text("#options-find"))
	}
	if got := a.doc.Find("#options-exclude").Text(); got != "Northwind (9)\nZenith (12)" {
		t.Errorf("what was ticked before is %q", got)
	}
	if got, _ := a.doc.Find("#options-currency").Attr("value"); got != "EUR" {
		t.Errorf("the currency that was entered is %q", got)
	}
	w.answer("GET "+at+"/records", v1.Page[v1.Record]{})
	if a = w.post(at+"/settings/options/find", url.Values{"company": {"nobody" + mean}}); !strings.Contains(a.text("#options-find [role=status]"), "No company has “nobody") {
		t.Errorf("none: %s", a.text("#options-find"))
	}
}

func FuzzItems(f *testing.F) {
	for _, s := range []string{"", "1,2", "1;2 3\n4", "-1", "9223372036854775808", ",,", "Acme, Inc. (7)\r\nx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, names := v1.IDsAndNames(items(text))
		again, none := v1.IDsAndNames(items(lines(got, nil)))
		if len(none) > 0 || !slices.Equal(got, again) {
			t.Errorf("%q: %v and %q, again %v", text, got, names, again)
		}
	})
}

// TestSettingsSections wants the list of sections to lead to every section, and to nothing else.
func TestSettingsSections(t *testing.T) {
	w := newEnv(t)
	a := w.get("/installations/" + one + "/settings")
	links := a.doc.Find("nav.sections a")
	if sections := a.doc.Find("section.card").Length(); links.Length() != sections || sections == 0 {
		t.Errorf("%d links to %d sections", links.Length(), sections)
	}
	for _, link := range links.EachIter() {
		to, _ := link.Attr("href")
		if a.doc.Find("section"+to).Length() != 1 {
			t.Errorf("%q leads to %q, which is no section", link.Text(), to)
		}
	}
}
