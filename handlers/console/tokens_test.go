package console

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
)

func someTokens(w *env) v1.Token {
	ended, used := clockNow().Add(-time.Hour), clockNow().Add(-3*time.Minute)
	ops := v1.Token{ID: "t-1", Name: "ops", Role: v1.RoleOperator, Installations: []string{one, "gone"}, CreatedAt: clockNow().Add(-48 * time.Hour), LastUsedAt: &used}
	w.answer("GET /tokens", v1.TokenList{Items: []v1.Token{
		ops, {ID: "t-2", Name: "was " + mean, Role: v1.RoleAdmin, CreatedAt: ended, ExpiresAt: &ended},
	}})
	return ops
}

func TestTokensPage(t *testing.T) {
	w := newEnv(t)
	someTokens(w)
	a := w.get("/tokens")
	a.clean(t)
	for selector, want := range map[string]string{
		"tbody tr:nth-child(1)":         "ops operator Acme MSPgone 2 days ago 3 minutes ago never New secret for ops Delete… ops",
		"tbody tr:nth-child(2) .badge":  "Expired",
		"nav [aria-current=page]":       "Tokens",
		"input[name=role][checked]~*":   "Viewer: reads",
		"input[name=installations] ~ *": "Acme MSP",
	} {
		if got := a.text(selector); got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if n := a.doc.Find(`tbody tr:nth-child(2) form`).Length(); n != 0 {
		t.Error("a token that has expired can be given a new secret")
	}
	w.answer("GET /tokens", v1.TokenList{Items: []v1.Token{}})
	if a := w.get("/tokens"); !strings.Contains(a.text("main"), "There is no token except --admin-token") {
		t.Errorf("none: %s", a.text("main"))
	}
}

func TestATokenIsShownOnce(t *testing.T) {
	w := newEnv(t)
	someTokens(w)
	w.answer("POST /tokens", v1.NewToken{ID: "t-3", Token: "cst_made"})
	form := url.Values{"name": {" nightly "}, "role": {"operator"}, "installations": {one}, "expiresAt": {"2027-01-01T00:00"}}
	a := w.post("/tokens", form)
	if a.StatusCode != 200 || a.text("#token-text") != "cst_made" || a.Header.Get("Cache-Control") != "no-store" || a.doc.Find("#name").AttrOr("value", "") != "" {
		t.Errorf("made: %d %s", a.StatusCode, a.text("main"))
	}
	want := `POST /tokens {"name":"nightly","role":"operator","installations":["` + one + `"],"expiresAt":"2027-01-01T00:00:00Z"}`
	if got := w.wrote(); !slices.Equal(got, []string{want}) {
		t.Errorf("asked %q, want %q", got, want)
	}
	w.answer("POST /tokens/t-1/rotate", v1.NewToken{ID: "t-1", Token: "cst_renewed"})
	a = w.post("/tokens/t-1/rotate", nil)
	if a.StatusCode != 200 || a.text("#token-text") != "cst_renewed" || a.text("#token-new") != "The new secret of ops" {
		t.Errorf("rotated: %d %s", a.StatusCode, a.text("main"))
	}
	if a := w.get("/tokens"); strings.Contains(a.html, "cst_") {
		t.Error("it is shown again")
	}
	if a := w.post("/tokens/t-9/rotate", nil); a.StatusCode != 404 {
		t.Errorf("one that is not there: %d", a.StatusCode)
	}
}

func TestARefusedTokenKeepsTheForm(t *testing.T) {
	w := newEnv(t)
	someTokens(w)
	w.answer("POST /tokens", v1.NewProblem(409, v1.CodeConflict, "There is a token of this name already.", "Use another name."))
	a := w.post("/tokens", url.Values{"name": {"ops"}, "role": {"admin"}, "installations": {one}})
	if a.StatusCode != 409 || a.doc.Find("#name").AttrOr("value", "") != "ops" || a.text("input[name=role][checked]~*") == "Viewer: reads" ||
		a.doc.Find("input[name=installations][checked]").Length() != 1 || !strings.Contains(a.text("[role=alert]"), "of this name already") {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	a = w.post("/tokens", url.Values{"name": {"ops"}, "role": {"admin"}, "expiresAt": {"tomorrow"}})
	if a.StatusCode != 422 || !strings.Contains(a.text("#expiresAt-error"), `Got "tomorrow"`) || a.doc.Find("#expiresAt").AttrOr("value", "") != "tomorrow" {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
}

func TestDeletingATokenAsksFirst(t *testing.T) {
	w := newEnv(t)
	someTokens(w)
	w.answer("DELETE /tokens/t-1", nil)
	if a := w.get("/tokens/t-1/delete"); a.StatusCode != 200 || a.text("h1") != "Delete the token ops?" || len(w.wrote()) != 0 {
		t.Errorf("%d %s", a.StatusCode, a.text("h1"))
	}
	a := w.post("/tokens/t-1/delete", nil)
	if a.StatusCode != 303 || a.Header.Get("Location") != "/tokens" || a.flash(t).Problem || !slices.Equal(w.wrote(), []string{"DELETE /tokens/t-1"}) {
		t.Errorf("%d %+v, asked %q", a.StatusCode, a.flash(t), w.wrote())
	}
	if a := w.get("/tokens/t-9/delete"); a.StatusCode != 404 {
		t.Errorf("one that is not there: %d", a.StatusCode)
	}
}
