package console

import (
	"errors"
	"strings"
	"testing"
	"time"
)

type draftForm struct{ Secret string }

func TestSealer(t *testing.T) {
	now := clockNow()
	s := newSealer(token, func() time.Time { return now })
	text, err := s.seal(draftForm{"hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the secret can be read")
	}
	for name, tc := range map[string]struct {
		text string
		with sealer
		ok   bool
	}{
		"its own":             {text, s, true},
		"of another instance": {text, newSealer(token, func() time.Time { return now }), true},
		"of another token":    {text, newSealer("another", func() time.Time { return now }), false},
		"too old":             {text, newSealer(token, func() time.Time { return now.Add(draftFor + time.Second) }), false},
		"changed":             {text[:20] + "x" + text[21:], s, text[20] == 'x'},
		"cut":                 {text[:10], s, false},
		"empty":               {"", s, false},
	} {
		var got draftForm
		err := tc.with.open(tc.text, &got)
		if tc.ok && (err != nil || got.Secret != "hunter2") {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
		if !tc.ok && !errors.Is(err, errDraft) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
