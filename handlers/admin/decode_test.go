package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// with is goodCreate with one text replaced by another.
func with(old, replacement string) string { return strings.Replace(goodCreate, old, replacement, 1) }

func TestWrongBodies(t *testing.T) {
	long := strings.Repeat("x", 401)
	for _, tc := range []struct {
		name, body string
		want       []v1.FieldError
	}{
		{"not JSON", "hush", []v1.FieldError{{
			Pointer: "#", Code: "json",
			Detail: "got text that is not JSON at byte 1, want a JSON object",
		}}},
		{"cut off", `{"name":`, []v1.FieldError{{
			Pointer: "#", Code: "json",
			Detail: "got JSON that ends too early, want a JSON object",
		}}},
		{"two objects", goodCreate + "{}", []v1.FieldError{{
			Pointer: "#", Code: "json",
			Detail: "got more after the JSON object, want it alone",
		}}},
		{"a list", "[]", []v1.FieldError{{Pointer: "#", Code: "wrong_type", Detail: "got a list, want an object"}}},
		{"null", "null", []v1.FieldError{{Pointer: "#", Code: "wrong_type", Detail: "got nothing, want an object"}}},
		{"unknown field", with(`"name"`, `"nmae":"hush","name"`), []v1.FieldError{{
			Pointer: "#/nmae", Code: "unknown_field",
			Detail: "got a field that is not known, want channelProgram, name, names, options, secret, syncs, trackingIdentifier, username, zone",
		}}},
		{"unknown field deeper down", with(`"token"`, `"to/k~n":"hush","token"`), []v1.FieldError{{
			Pointer: "#/channelProgram/to~1k~0n", Code: "unknown_field", Detail: "got a field that is not known, want connectionId, token",
		}}},
		{"a field twice", with(`"name"`, `"name":"hush","name"`), []v1.FieldError{{
			Pointer: "#/name", Code: "duplicate_field", Detail: "got a field several times, want it once",
		}}},
		{"written differently", with(`"name"`, `"n\u0061me":"hush","name":"hush","name"`), []v1.FieldError{{
			Pointer: "#/name", Code: "duplicate_field", Detail: "got a field several times, want it once",
		}}},
		{"fields twice deeper down", with(`"emails"`, `"include":[],"include":[],"emails":"none","emails"`), []v1.FieldError{
			{Pointer: "#/options/include", Code: "duplicate_field", Detail: "got a field several times, want it once"},
			{Pointer: "#/options/emails", Code: "duplicate_field", Detail: "got a field several times, want it once"},
		}},
		{"other case", with(`"name"`, `"Name"`), []v1.FieldError{{
			Pointer: "#/Name", Code: "unknown_field",
			Detail: "got a field that is not known, want channelProgram, name, names, options, secret, syncs, trackingIdentifier, username, zone",
		}}},
		{"wrong types, all of them", `{"name":1,"username":true,"secret":{"a":"hush"},"syncs":{},"channelProgram":[],"options":{"contractTypes":[1,"2",3.5,null],"include":[1,"2","x",3.5,-1,null,"0174"],"massChangePercent":"5"}}`, []v1.FieldError{
			{Pointer: "#/channelProgram", Code: "wrong_type", Detail: "got a list, want an object"},
			{Pointer: "#/name", Code: "wrong_type", Detail: "got a number, want text"},
			{Pointer: "#/options/contractTypes/1", Code: "wrong_type", Detail: "got text, want a whole number"},
			{Pointer: "#/options/contractTypes/2", Code: "wrong_type", Detail: "got a number that does not fit, want a whole number"},
			{Pointer: "#/options/contractTypes/3", Code: "wrong_type", Detail: "got nothing, want a whole number"},
			{Pointer: "#/options/include/2", Code: "number", Detail: "got what is no id, want a decimal number from 0 up"},
			{Pointer: "#/options/include/3", Code: "number", Detail: "got what is no id, want a decimal number from 0 up"},
			{Pointer: "#/options/include/4", Code: "number", Detail: "got what is no id, want a decimal number from 0 up"},
			{Pointer: "#/options/include/5", Code: "wrong_type", Detail: "got nothing, want the id of a record as decimal text"},
			{Pointer: "#/options/include/6", Code: "number", Detail: "got what is no id, want a decimal number from 0 up"},
			{Pointer: "#/options/massChangePercent", Code: "wrong_type", Detail: "got text, want a whole number"},
			{Pointer: "#/secret", Code: "wrong_type", Detail: "got an object, want text"},
			{Pointer: "#/syncs", Code: "wrong_type", Detail: "got an object, want a list"},
			{Pointer: "#/username", Code: "wrong_type", Detail: "got true or false, want text"},
		}},
		{"nothing given", `{}`, []v1.FieldError{
			{Pointer: "#/name", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/username", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/secret", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/trackingIdentifier", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/syncs", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/channelProgram/connectionId", Code: "required", Detail: "got nothing, want a value"},
			{Pointer: "#/channelProgram/token", Code: "required", Detail: "got nothing, want a value"},
		}},
		{"blank name", with("Acme MSP", ` \t `), []v1.FieldError{{
			Pointer: "#/name", Code: "blank",
			Detail: "got nothing but blanks, want text",
		}}},
		{"no syncs", with(`["active_customers"]`, `[]`), []v1.FieldError{{
			Pointer: "#/syncs", Code: "min",
			Detail: "got nothing, want a value",
		}}},
		{"unknown sync", with(`"active_customers"`, `"all"`), []v1.FieldError{{
			Pointer: "#/syncs/0", Code: "oneof",
			Detail: `got "all", want active_customers or active_customer_contracts`,
		}}},
		{"a sync twice", with(`"active_customers"`, `"active_customers","active_customers"`), []v1.FieldError{{
			Pointer: "#/syncs", Code: "unique",
			Detail: "got one value twice, want each once",
		}}},
		{"control characters, which Autotask seemed not to answer to", with("s3cr3t", `s3c\nr3t`), []v1.FieldError{{
			Pointer: "#/secret", Code: "printed",
			Detail: "got a line break or another control character, want text without",
		}}},
		{"a name that would write to a terminal", with("Acme MSP", `Acme\u001b[2J`), []v1.FieldError{{
			Pointer: "#/name", Code: "readable",
			Detail: "got a line break, or another character that does not show, want a name that is what it looks like",
		}}},
		{"a name that turns around", with("Acme MSP", `Acme\u202eMSP`), []v1.FieldError{{
			Pointer: "#/name", Code: "readable",
			Detail: "got a line break, or another character that does not show, want a name that is what it looks like",
		}}},
		{"a name that looks like another", with("Acme MSP", "\u0410cme MSP"), []v1.FieldError{{
			Pointer: "#/name", Code: "readable",
			Detail: "got a word with letters of several alphabets, which look alike, want a name that is what it looks like",
		}}},
		{"long secret", with("s3cr3t", long), []v1.FieldError{{
			Pointer: "#/secret", Code: "max",
			Detail: "got 401 characters, want at most 400",
		}}},
		{"long name", with("Acme MSP", strings.Repeat("ä", 101)), []v1.FieldError{{
			Pointer: "#/name", Code: "max",
			Detail: "got 101 characters, want at most 100",
		}}},
		{"unknown option value", with("primary", "some"), []v1.FieldError{{
			Pointer: "#/options/emails", Code: "oneof",
			Detail: `got "some", want contacts or primary or none`,
		}}},
		{"no currency", with(`"emails":"primary"`, `"currency":"XXQ"`), []v1.FieldError{{
			Pointer: "#/options/currency", Code: "iso4217",
			Detail: `got "XXQ", want an ISO 4217 currency code such as EUR`,
		}}},
		{"no time zone", with(`"emails":"primary"`, `"timeZone":"EST5PM"`), []v1.FieldError{{
			Pointer: "#/options/timeZone", Code: "timezone",
			Detail: `got "EST5PM", want an IANA time zone such as America/New_York`,
		}}},
		{"a city", with(`"emails":"primary"`, `"timeZone":"new york"`), []v1.FieldError{{
			Pointer: "#/options/timeZone", Code: "timezone",
			Detail: `got "new york", want an IANA time zone, perhaps America/New_York`,
		}}},
		{"the server's own time zone", with(`"emails":"primary"`, `"timeZone":"Local"`), []v1.FieldError{{
			Pointer: "#/options/timeZone", Code: "timezone",
			Detail: `got "Local", want an IANA time zone such as America/New_York`,
		}}},
		{"too much", with(`"emails":"primary"`, `"massChangePercent":101`), []v1.FieldError{{
			Pointer: "#/options/massChangePercent", Code: "max",
			Detail: "got 101, want at most 100",
		}}},
		{"too little", with(`"emails":"primary"`, `"massChangePercent":-1`), []v1.FieldError{{
			Pointer: "#/options/massChangePercent", Code: "min",
			Detail: "got -1, want at least 1",
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{}
			p := problem(t, send(t, served(f.config()), "POST", "/installations", tc.body))
			if p.Status != 422 || p.Code != v1.CodeInvalid {
				t.Errorf("got %d %s", p.Status, p.Code)
			}
			if diff := cmp.Diff(tc.want, p.Errors); diff != "" {
				t.Error(diff)
			}
			if shown := fmt.Sprint(p); strings.Contains(shown, "hush") || strings.Contains(shown, long[:100]) ||
				strings.Contains(shown, "s3cr3t") || strings.Contains(shown, "t0k3n") {
				t.Errorf("the problem repeats a secret: %s", shown)
			}
			if len(f.asked)+len(f.audited) > 0 {
				t.Errorf("asked %q, audited %v", f.asked, f.audited)
			}
		})
	}
}

// What people enter is trimmed before it is tried, compared or stored: every text that a
// request can have, by whatever is not seen at its ends.
// Whatever somebody gives a name to has one that is what it looks like: the audit and the lists name it by that.
func TestNamesThatLookLikeOthersAreRefused(t *testing.T) {
	for _, tc := range []struct{ method, path, body string }{
		{"POST", "/tokens", `{"name":%q,"role":"viewer"}`},
		{"PATCH", "/installations/" + one, `{"name":%q}`},
		{"POST", "/installations/" + one + "/bridges", `{"name":%q}`},
	} {
		for name, refused := range map[string]bool{
			"o\u200bps": true, "ops\u202e": false, "o\u202eps": true, "o\u0440s": true, "o\u03c1s": true, "ops": false, "B\u00fcro \u6771\u4eac": false,
		} { // what does not show at the end is trimmed
			f := &fake{}
			resp := send(t, served(f.config()), tc.method, tc.path, fmt.Sprintf(tc.body, name))
			body := text(t, resp)
			if (resp.StatusCode == 422) != refused || refused && (!strings.Contains(body, `"#/name"`) || len(f.asked) != 0) {
				t.Errorf("%s %s, %q: got %d %s", tc.method, tc.path, name, resp.StatusCode, body)
			}
		}
	}
}

func TestWhatPeopleEnterIsTrimmed(t *testing.T) {
	const blanks = ` \t\r\n\u00a0\u200b\ufeff`
	pad := strings.NewReplacer(
		`:"`, `:"`+blanks, `",`, blanks+`",`, `"}`, blanks+`"}`, `["`, `["`+blanks, `"]`, blanks+`"]`,
	)
	body := `{"name":"Acme MSP","username":"api@acme.example","secret":"s3 cr3t","trackingIdentifier":"TRACK","zone":"America East",` +
		`"syncs":["active_customers"],"channelProgram":{"connectionId":"c1","token":"t0k3n"},"options":{"emails":"primary","currency":"EUR","timeZone":"Europe/Berlin"}}`
	f := &fake{}
	if resp := send(t, served(f.config()), "POST", "/installations", pad.Replace(body)); resp.StatusCode != 201 {
		t.Fatalf("got %d: %s", resp.StatusCode, text(t, resp))
	}
	var want v1.CreateInstallation
	harness.OK(t, json.Unmarshal([]byte(body), &want))
	if diff := cmp.Diff(want, f.created); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if got := f.created.Secret.Reveal() + f.created.TrackingIdentifier.Reveal() + f.created.ChannelProgram.Token.Reveal(); got != "s3 cr3tTRACKt0k3n" {
		t.Errorf("the secrets are %q", got)
	}
}

func TestQueriesAreTrimmed(t *testing.T) {
	f := &fake{}
	padded := url.QueryEscape("\u00a0 acme \u200b")
	for path, want := range map[string]string{
		"/installations/" + one + "/records?q=" + padded: "Q:acme ",
		"/zones?username=" + padded:                      "find zone of acme",
	} {
		f.asked = nil
		if resp := send(t, served(f.config()), "GET", path, ""); resp.StatusCode != 200 {
			t.Fatalf("%s: %d", path, resp.StatusCode)
		}
		if asked := strings.Join(f.asked, "; "); !strings.Contains(asked, want) || strings.ContainsAny(asked, "\u00a0\u200b") {
			t.Errorf("%s: asked %q", path, asked)
		}
	}
}

// TestACodeThatThereIsNotIsRefused with those that there are: it would find nothing, and read as if all were well.
func TestACodeThatThereIsNotIsRefused(t *testing.T) {
	for path, of := range map[string]struct{ body, pointer, first string }{
		"/dead-letters/requeue": {`{"code":"nonsense"}`, "#/code", "rejected, "},
		"/dead-letters/dismiss": {`{"code":"nonsense"}`, "#/code", "rejected, "},
		"/dead-letters/bulk":    {`{"action":"dismiss","filter":{"code":"nonsense"},"expect":1}`, "#/filter/code", "rejected, "},
		"/records/reconcile":    {`{"filter":{"reason":"nonsense"},"expect":1}`, "#/filter/reason", "type_not_customer, "},
	} {
		f := &fake{}
		p := problem(t, send(t, served(f.config()), "POST", "/installations/"+one+path, of.body))
		if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != of.pointer || !strings.HasPrefix(p.Errors[0].Detail, `got "nonsense", want `+of.first) || len(f.asked) > 0 {
			t.Errorf("%s: %+v, asked %q", path, p, f.asked)
		}
	}
}

func TestWrongJobsAndRequeues(t *testing.T) {
	const in = "/installations/" + one
	for _, tc := range []struct{ path, body, pointer, code, detail string }{
		{"/resyncs", `{"kinds":["contact"]}`, "#/kinds/0", "oneof", `got "contact", want company or contract`},
		{"/resyncs", `{"kinds":["company","company"]}`, "#/kinds", "unique", "got one value twice, want each once"},
		{"/resyncs", `{"dryrun":true}`, "#/dryrun", "unknown_field", "got a field that is not known, want dryRun, kinds"},
		{"/replays", `{"from":"yesterday"}`, "#/from", "time", "got text that is no time, want a time such as 2026-11-23T09:30:00Z"},
		{"/replays", `{"from":7}`, "#/from", "wrong_type", "got a number, want a time such as 2026-11-23T09:30:00Z"},
		{"/replays", `{"from":"2026-11-23T09:00:00Z","to":"2026-11-23T10:00:00+01:00"}`, "#/to", "range", "got a time that is not after from, want a later one"},
		{"/replays", `{"fromSequence":-1}`, "#/fromSequence", "wrong_type", "got a number that does not fit, want a whole number from 0 up"},
		{"/replays", `{"kind":"thing"}`, "#/kind", "oneof", `got "thing", want company or contract or contact`},
		{"/replays", `{"id":"7"}`, "#/kind", "required", "got an id without a kind, want the kind of the record too"},
		{"/replays", `{"kind":"company","id":"x7"}`, "#/id", "number", `got "x7", want a decimal number`},
		{"/replays", `{"kind":"company","id":"007"}`, "#/id", "number", `got "007", want a decimal number`},
		{"/dead-letters/requeue", `{}`, "#", "one_of", "got 0 of ids, code and all, want exactly one"},
		{"/dead-letters/requeue", `{"ids":[]}`, "#", "one_of", "got 0 of ids, code and all, want exactly one"},
		{"/dead-letters/requeue", `{"ids":["a"],"all":true}`, "#", "one_of", "got 2 of ids, code and all, want exactly one"},
		{"/dead-letters/requeue", `{"ids":["a","b.c"]}`, "#/ids/1", "id", "got text that is no id, want the id of a dead letter"},
		{"/dead-letters/requeue", `{"ids":"a"}`, "#/ids", "wrong_type", "got text, want a list"},
	} {
		f := &fake{}
		p := problem(t, send(t, served(f.config()), "POST", in+tc.path, tc.body))
		want := []v1.FieldError{{Pointer: tc.pointer, Code: tc.code, Detail: tc.detail}}
		if diff := cmp.Diff(want, p.Errors); diff != "" || p.Status != 422 {
			t.Errorf("%s %s: %d %s", tc.path, tc.body, p.Status, diff)
		}
		if len(f.asked)+len(f.audited) > 0 {
			t.Errorf("%s: asked %q, audited %v", tc.body, f.asked, f.audited)
		}
	}
	if resp := send(t, served((&fake{}).config()), "POST", in+"/dead-letters/requeue", ""); resp.StatusCode != 415 {
		t.Errorf("requeue without a body: got %d, want 415", resp.StatusCode)
	}
}

func TestBodiesThatAreNotTaken(t *testing.T) {
	h := served((&fake{}).config())
	for _, tc := range []struct {
		name, contentType, body string
		status                  int
	}{
		{"no content type", "", goodCreate, 415},
		{"form", "application/x-www-form-urlencoded", goodCreate, 415},
		{"text", "text/plain", goodCreate, 415},
		{"charset is fine", "application/json; charset=utf-8", goodCreate, 201},
		{"too large", "application/json", goodCreate + strings.Repeat(" ", 1<<20), 413},
		{"1 MiB exactly", "application/json", goodCreate + strings.Repeat(" ", 1<<20-len(goodCreate)), 201},
		{"empty", "application/json", "", 422},
	} {
		r := httptest.NewRequest("POST", "/installations", strings.NewReader(tc.body))
		r.Header.Set("Content-Type", tc.contentType)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, w.Code, tc.status)
		}
		if tc.status != 201 {
			problem(t, w.Result())
		}
	}
}

func TestPatchLeavesWhatIsAbsentOrNull(t *testing.T) {
	a := &API{validate: newValidator()}
	for body, want := range map[string]string{
		`{}`: "nothing", `{"name":null}`: "nothing", `{"options":null}`: "nothing", `{"name":"x","options":null}`: "name",
	} {
		in, err := parse[v1.UpdateInstallation](a, []byte(body))
		if err != nil || updated(in) != want {
			t.Errorf("%s: changes %s, %v; want %s", body, updated(in), err, want)
		}
	}
	if _, err := parse[v1.UpdateInstallation](a, []byte(`{"name":""}`)); err == nil {
		t.Error("an empty name is taken")
	}
}

// FuzzParse: what the API takes is what encoding/json reads from it, and what it
// refuses it refuses with a problem that names a place.
func FuzzParse(f *testing.F) {
	f.Add([]byte(goodCreate))
	f.Add([]byte(`{"name":1,"NAME":"x","options":{"include":[9223372036854775808]}}`))
	f.Add([]byte(`{"syncs":[null,[],{}],"channelProgram":null}`))
	f.Add([]byte(`{"name":"a","name":{}}`))
	f.Add([]byte("\xff\x00[[[["))
	a := &API{validate: newValidator()}
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := parse[v1.CreateInstallation](a, body)
		if err != nil {
			p, ok := err.(*v1.Problem) //nolint:errorlint // parse returns nothing else
			if !ok || p.Status != 422 || len(p.Errors) == 0 || !strings.HasPrefix(p.Errors[0].Pointer, "#") {
				t.Errorf("refused with %v", err)
			}
			return
		}
		var again v1.CreateInstallation
		if err := json.Unmarshal(body, &again); err != nil || !cmp.Equal(in, again) {
			t.Errorf("took %v from what reads %v, %v", in, again, err)
		}
	})
}

// FuzzQuery: whatever stands in the query of a list, the answer is one of those the
// API documents, and what reaches the sync side is within its limits.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "kind=company&limit=500", "limit=0", "cursor=company:174&cursor=x", "q=%ff&outcome=dead", "preview=true", "%", "limit=1e3", "cursor=" + strings.Repeat("a", 2000)} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, list := range []string{"records", "dead-letters"} {
			r := httptest.NewRequest(http.MethodGet, "/installations/"+one+"/"+list, nil)
			r.URL.RawQuery = query
			w := httptest.NewRecorder()
			served((&fake{}).config()).ServeHTTP(w, r)
			if w.Code != http.StatusOK && w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s?%q: answered %d: %s", list, query, w.Code, w.Body)
			}
		}
	})
}

// An empty list would mean all installations to whoever reads it as a limit that was left out.
func TestScopesOfTokensThatMeanNothing(t *testing.T) {
	for _, tc := range []struct{ body, pointer string }{
		{`{"name":"x","role":"viewer","installations":[]}`, "#/installations"},
		{`{"name":"x","role":"viewer","installations":["nonsense"]}`, "#/installations/0"},
		{`{"name":"x","role":"viewer","installations":["` + one + `","` + nowhere + `"]}`, "#/installations/1"},
		{`{"name":"x","role":"viewer","installations":["` + one + `","` + one + `"]}`, "#/installations"},
		{`{"name":"x","role":"root"}`, "#/role"},
		{`{"name":" ","role":"viewer"}`, "#/name"},
		{`{"name":"a\u0007b","role":"viewer"}`, "#/name"},
		{`{"name":"x","role":"viewer","token":"chosen"}`, "#/token"},
		{`{"name":"x","role":"viewer","expiresAt":"tomorrow"}`, "#/expiresAt"},
	} {
		f := &fake{}
		p := problem(t, send(t, served(f.config()), "POST", "/tokens", tc.body))
		if p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Pointer != tc.pointer || strings.Contains(strings.Join(f.asked, ";"), "create token") {
			t.Errorf("%s: got %+v, asked %v; want a 422 at %s", tc.body, p, f.asked, tc.pointer)
		}
	}
}
