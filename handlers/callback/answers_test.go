package callback

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events"
)

// TestAnswers has every row of interfaces §3: what is answered, and what is all
// that may have happened.
func TestAnswers(t *testing.T) {
	const (
		nothing  = "stored 0, rejected 0, checked 0"
		one      = "stored 1, rejected 0, checked 0"
		rejected = "stored 0, rejected 1, checked 0"
		checked  = "stored 0, rejected 0, checked 1"
	)
	gone := `{"Action":"Deactivated","Guid":"` + companyGUID + `"}`
	for _, tc := range []struct {
		name    string
		request *http.Request
		status  int
		effects string
		result  string
	}{
		{"stored", request(main(live), companySecret, envelope()), 202, one, ResultStored},
		{"stored with the older secret of a rotation", request(main(live), companyOld, envelope()), 202, one, ResultStored},
		{"stored without guid", request(main(live), companySecret, envelope("Guid=")), 202, one, ResultStored},
		{"stored, guid null", request(main(live), companySecret, envelope("Guid=null")), 202, one, ResultStored},
		{"stored, guid in upper case", request(main(live), companySecret, envelope(`Guid="`+strings.ToUpper(companyGUID)+`"`)), 202, one, ResultStored},
		{"stored while registering", request(main(live), pendingSecret, envelope(`Guid="c0ffee"`)), 202, one, ResultStored},
		{"create", request(main(live), companySecret, envelope(`Action="Create"`)), 202, one, ResultStored},
		{"delete, any case", request(main(live), companySecret, envelope(`Action="DELETE"`)), 202, one, ResultStored},
		{"companies, any case", request(main(live), companySecret, envelope(`EntityType="companies"`)), 202, one, ResultStored},
		{"id is decimal text", request(main(live), companySecret, envelope(`Id="1301"`)), 202, one, ResultStored},
		{"contact", request(main(live), contactSecret, envelope(`EntityType="Contact"`, `Guid="`+contactGUID+`"`)), 202, one, ResultStored},
		{"stopped keeps changes", request(main(stopped), companySecret, envelope()), 202, one, ResultStored},
		{"signed change on /deactivated", request(deactivated(live), companySecret, envelope()), 202, one, ResultStored},

		{"entity of no sync", request(main(live), companySecret, envelope(`EntityType="Ticket"`)), 204, nothing, ResultIgnored},
		{"kind that no installed sync uses", request(main(live), companySecret, envelope(`EntityType="Contract"`)), 204, nothing, ResultIgnored},
		{"action of no sync", request(main(live), companySecret, envelope(`Action="Viewed"`)), 204, nothing, ResultIgnored},
		{"uninstalled", request(main(uninstalled), companySecret, envelope()), 204, nothing, ResultIgnored},
		{"uninstalled, not the envelope", request(main(uninstalled), companySecret, "x"), 204, nothing, ResultIgnored},

		{"Deactivated, unsigned", request(main(live), "", gone), 204, checked, ResultHint},
		{"Deactivated, signed", request(main(live), companySecret, gone), 204, checked, ResultHint},
		{"Deactivated, forged", request(main(live), "forged", gone), 204, checked, ResultHint},
		{"Deactivated, any case", request(main(live), "", `{"action":"deactivated"}`), 204, checked, ResultHint},
		{"Deactivated on its path", request(deactivated(live), "", gone), 204, checked, ResultHint},
		{"Deactivated on its path, signed", request(deactivated(live), companySecret, gone), 204, checked, ResultHint},
		{"Deactivated of an uninstalled one", request(main(uninstalled), "", gone), 204, nothing, ResultHint},
		{"unsigned change on /deactivated", request(deactivated(live), "", envelope()), 204, checked, ResultHint},
		{"nothing at all on /deactivated", request(deactivated(live), "", ""), 204, checked, ResultHint},

		{"unsigned", request(main(live), "", envelope()), 401, nothing, ResultUnauthentic},
		{"unsigned and not JSON", request(main(live), "", "x"), 401, nothing, ResultUnauthentic},
		{"forged", request(main(live), "forged", envelope()), 401, nothing, ResultUnauthentic},
		{"forged on /deactivated", request(deactivated(live), "forged", envelope()), 401, nothing, ResultUnauthentic},
		{"malformed header", withHeader(request(main(live), "", envelope()), "X-Hook-Signature", "sha256=abc"), 401, nothing, ResultUnauthentic},
		{"malformed header on /deactivated", withHeader(request(deactivated(live), "", "x"), "X-Hook-Signature", "abc"), 401, nothing, ResultUnauthentic},
		{"unknown guid", request(main(live), companySecret, envelope(`Guid="c0ffee"`)), 401, nothing, ResultUnauthentic},
		{"guid of another registration", request(main(live), companySecret, envelope(`Guid="`+contactGUID+`"`)), 401, nothing, ResultUnauthentic},
		{"guid that is not text", request(main(live), companySecret, envelope(`Guid=7`)), 401, nothing, ResultUnauthentic},
		{"two guids", request(main(live), companySecret, `{"Id":1,"guid":"x",`+envelope()[1:]), 401, nothing, ResultUnauthentic},
		{"unknown guid, not the envelope", request(main(live), companySecret, `{"Guid":"c0ffee"}`), 401, nothing, ResultUnauthentic},

		{"unknown installation", request(main(nowhere), companySecret, envelope()), 404, nothing, ResultUnknown},
		{"installation of a wrong form", request(main("Live"), companySecret, envelope()), 404, nothing, ResultUnknown},
		{"unknown installation, Deactivated", request(main(nowhere), "", gone), 404, nothing, ResultUnknown},

		{"not JSON", request(main(live), companySecret, "not json"), 400, rejected, ResultMalformed},
		{"empty", request(main(live), companySecret, ""), 400, rejected, ResultMalformed},
		{"no id", request(main(live), companySecret, envelope("Id=")), 400, rejected, ResultMalformed},
		{"id is a word", request(main(live), companySecret, envelope(`Id="Acme"`)), 400, rejected, ResultMalformed},
		{"id is a fraction", request(main(live), companySecret, envelope(`Id=13.5`)), 400, rejected, ResultMalformed},
		{"more after it", request(main(live), companySecret, envelope()+"{}"), 400, rejected, ResultMalformed},
		{"not the envelope on /deactivated", request(deactivated(live), companySecret, "[]"), 400, rejected, ResultMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newEnv()
			resp := serve(w.handler(w.config()), tc.request)
			if resp.StatusCode != tc.status || w.effects() != tc.effects {
				t.Errorf("got %d, %s; want %d, %s", resp.StatusCode, w.effects(), tc.status, tc.effects)
			}
			if len(w.delivered) != 1 || !strings.HasSuffix(w.delivered[0], " "+tc.result) {
				t.Errorf("observer saw %q, want one %s", w.delivered, tc.result)
			}
			if b := bodyOf(t, resp); len(b) > 400 || strings.Contains(b, "Acme") || (tc.status < 300 && b != "") {
				t.Errorf("answer says %q", b)
			}
			if resp.Header.Get("Retry-After") != "" {
				t.Error("Retry-After on an answer that asks for no retry")
			}
		})
	}
}

func withHeader(r *http.Request, name, value string) *http.Request {
	r.Header.Set(name, value)
	return r
}

func TestOtherMethods(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		for _, path := range []string{main(live), deactivated(live), main(nowhere)} {
			r := request(path, companySecret, envelope())
			r.Method = method
			if resp := serve(h, r); resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" {
				t.Errorf("%s %s: got %d, Allow %q", method, path, resp.StatusCode, resp.Header.Get("Allow"))
			}
		}
	}
	if got := w.effects(); got != "stored 0, rejected 0, checked 0" {
		t.Error(got)
	}
}

func TestVendorVectors(t *testing.T) {
	// Bodies and signatures of the reference page; the third is the second re-serialised.
	first := `{"Action":"Update","Guid":"` + companyGUID + `","EntityType":"Account","Id":1301,` +
		`"Fields":{"CompanyName":"Acme Ltd"},"EventTime":"2025-09-15T14:57:50Z","SequenceNumber":32,"PersonId":29682945}`
	second := strings.Replace(first, `"Acme Ltd"`, `"Caf\u00E9 \u0026 Fils \u002B Co \u0027X\u0027"`, 1)
	second = strings.Replace(second, ":32,", ":33,", 1)
	for _, tc := range []struct {
		body, signature string
		status          int
	}{
		{first, "sha1=cwGUUthIoAgGAkxibQF/9W0Bs4I=", 202},
		{second, "sha1=l4m2NQqXbmVJfZf26oqQ+MtxX3c=", 202},
		{second, "sha1=uSXheGXR0lZ672XqHQA6B0YWlww=", 401},
	} {
		w := newEnv()
		r := withHeader(request(main(live), "", tc.body), "x-hook-signature", tc.signature)
		if resp := serve(w.handler(w.config()), r); resp.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.signature, resp.StatusCode, tc.status)
		}
	}
}

func TestChangeSaysWhatIsKnown(t *testing.T) {
	w := newEnv()
	r := request(main(live), companySecret, envelope(`Fields={"b":1,"a":"secret value"}`))
	if resp := serve(w.handler(w.config()), r); resp.StatusCode != 202 {
		t.Fatalf("got %d", resp.StatusCode)
	}
	got := w.published[0]
	seq := int64(32)
	want := events.Change{
		Installation: live, Kind: v1.KindCompany, ID: 1301, Trigger: v1.TriggerCallback, EventTime: got.EventTime,
		Fields: []string{"a", "b"}, WebhookGUID: companyGUID, SequenceNumber: &seq,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got.EventTime.UTC().Format("2006-01-02T15:04:05Z") != "2025-09-15T14:57:50Z" {
		t.Errorf("event time %s", got.EventTime)
	}
	if want := []string{live + " " + companyGUID + " 32 stored"}; !cmp.Equal(want, w.delivered) {
		t.Errorf("observer saw %q", w.delivered)
	}
}

func TestDuplicates(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	for _, tc := range []struct {
		name   string
		body   string
		status int
	}{
		{"first", envelope(), 202},
		{"the same again", envelope(), 204},
		{"the same, other fields, guid in upper case", envelope(`Fields={}`, `Guid="`+strings.ToUpper(companyGUID)+`"`), 204},
		{"the same, without guid", envelope("Guid="), 204},
		{"next number", envelope("SequenceNumber=33"), 202},
		{"other action", envelope(`Action="Create"`), 202},
		{"other action, other case", envelope(`Action="create"`), 204},
		{"other id", envelope("Id=1302"), 202},
		{"no number", envelope("SequenceNumber="), 202},
		{"no number again", envelope("SequenceNumber="), 204},
		{"no number, other body", envelope("SequenceNumber=", "PersonId=1"), 202},
	} {
		if resp := serve(h, request(main(live), companySecret, tc.body)); resp.StatusCode != tc.status {
			t.Errorf("%s: got %d, want %d", tc.name, resp.StatusCode, tc.status)
		}
	}
	if resp := serve(h, request(main(stopped), companySecret, envelope())); resp.StatusCode != 202 {
		t.Errorf("other installation: got %d, want 202", resp.StatusCode)
	}
	if want := live + "|" + companyGUID + "|32|update|1301"; w.messages[0] != want {
		t.Errorf("message id %q, want %q", w.messages[0], want)
	}
}

func TestForgedDeactivatedOpensNothing(t *testing.T) {
	w := newEnv()
	h := w.handler(w.config())
	if resp := serve(h, request(main(live), "", `{"Action":"Deactivated"}`)); resp.StatusCode != 204 {
		t.Fatalf("got %d", resp.StatusCode)
	}
	for _, secret := range []v1.Secret{"", "forged"} {
		if resp := serve(h, request(main(live), secret, envelope())); resp.StatusCode != 401 {
			t.Errorf("second post with secret %q: got %d, want 401", secret.Reveal(), resp.StatusCode)
		}
	}
	// An empty secret is a key that anybody can sign with.
	wiped := w.receivers[live]
	wiped.Registrations = []Registration{{GUID: companyGUID, Secrets: []v1.Secret{""}}}
	w.receivers[live] = wiped
	r := withHeader(request(main(live), "", envelope()), "X-Hook-Signature", signature("", []byte(envelope())))
	if resp := serve(h, r); resp.StatusCode != 401 {
		t.Errorf("signed with the empty secret: got %d, want 401", resp.StatusCode)
	}
	if len(w.published) != 0 {
		t.Error("a forged change was stored")
	}
}

func TestFailuresAskForARetry(t *testing.T) {
	broken := errors.New("disk is gone")
	for _, tc := range []struct {
		name   string
		body   string
		break_ func(*env)
	}{
		{"publish fails", envelope(), func(w *env) { w.publish = func(context.Context) error { return broken } }},
		{"journal is full", envelope(), func(w *env) {
			w.publish = func(context.Context) error { return events.ErrJournalFull }
		}},
		{"dead letter cannot be kept", "not json", func(w *env) { w.rejectErr = broken }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newEnv()
			tc.break_(w)
			resp := serve(w.handler(w.config()), request(main(live), companySecret, tc.body))
			if resp.StatusCode != 503 || len(w.published) != 0 {
				t.Errorf("got %d, stored %d", resp.StatusCode, len(w.published))
			}
			expectRetryAfter(t, resp)
			if b := bodyOf(t, resp); strings.Contains(b, "disk") {
				t.Errorf("answer shows the cause: %s", b)
			}
		})
	}
}
