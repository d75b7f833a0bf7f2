package console

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

// TestAFilterValueThatThereIsNotIsNamedOnEveryList: a list without it would read as if all were well.
func TestAFilterValueThatThereIsNotIsNamedOnEveryList(t *testing.T) {
	at := "/installations/" + one
	for path, wants := range map[string]string{
		at + "/dead-letters?code=unknown":                   `code: there is no "unknown", want one of rejected, `,
		at + "/records?kind=contact":                        `kind: there is no "contact", want one of company, contract`,
		at + "/records?outcome=happy":                       `outcome: there is no "happy", want one of pushed, `,
		at + "/records?reason=nonsense":                     `reason: there is no "nonsense", want one of type_not_customer, `,
		at + "/activity?outcome=happy":                      `outcome: there is no "happy"`,
		at + "/activity?kind=contact":                       `kind: there is no "contact"`,
		at + "/activity?trigger=magic":                      `trigger: there is no "magic", want one of callback, `,
		at + "/drift?state=odd":                             `state: there is no "odd", want one of open, `,
		"/?issue=nonsense":                                  `issue: there is no "nonsense", want one of any, none, act, retrying, `,
		"/?standing=odd":                                    `standing: there is no "odd", want one of action_required, `,
		"/?sort=size":                                       `sort: there is no "size", want one of standing, `,
		at + "/records/reconcile?of=filter&reason=nonsense": `reason: there is no "nonsense"`,
	} {
		w := full(t, v1.StateLive)
		a := w.get(path)
		if a.StatusCode != 422 || !strings.Contains(a.text("main"), wants) {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text("main"))
		}
	}
}

// TestAFilterOfAnotherVersionIsShown: what a list really has is never refused.
func TestAFilterOfAnotherVersionIsShown(t *testing.T) {
	w := newEnv(t)
	w.given(deadLetter("company-7", "of_a_version_to_come", 0))
	if a := w.get(deadLettersAt + "?code=of_a_version_to_come"); a.StatusCode != 200 || a.doc.Find("section.issue").Length() != 1 {
		t.Errorf("%d %s", a.StatusCode, a.text("main"))
	}
}
