package installation

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestHandOver: what an API user made stays authentic after another one came, until it is removed and for a while then.
func TestHandOver(t *testing.T) {
	in := &Installation{
		Registrations: []Registration{
			{Entity: "Companies", ID: 5, GUID: "c", Owner: 1, AskedAt: time.Now(), Moved: Contest{Changes: 2, Left: true}},
			{Entity: "bridge x", GUID: "x", Bridge: true},
		},
		Secrets: Secrets{Webhooks: map[string]Signer{
			"Companies": {Current: "companies"}, "Contacts": {Current: "contacts, made and never noted"}, "bridge x": {Current: "bridge"},
		}},
	}
	in.HandOver()
	wantSigners := map[string]Signer{
		"former Companies 1": {Current: "companies"}, "former Contacts 1": {Current: "contacts, made and never noted"}, "bridge x": {Current: "bridge"},
	}
	if diff := cmp.Diff(wantSigners, in.Secrets.Webhooks); diff != "" {
		t.Error(diff)
	}
	if in.Registration("Companies") != nil || in.Registration("bridge x") == nil {
		t.Errorf("registrations %+v", in.Registrations)
	}
	if diff := cmp.Diff([]Registration{{Entity: "former Companies 1", ID: 5, GUID: "c", Owner: 1, Former: true}}, in.Formers("Companies")); diff != "" {
		t.Error(diff)
	}
	if n := len(in.Formers("Contacts")); n != 1 {
		t.Errorf("%d former registrations of contacts", n)
	}

	in.Registrations = append(in.Registrations, Registration{Entity: "Companies", ID: 6, Owner: 2})
	in.Secrets.Webhooks["Companies"] = Signer{Current: "second"}
	in.HandOver() // a third user
	if got := in.Formers("Companies"); len(got) != 2 || got[0].Entity == got[1].Entity {
		t.Errorf("former ones %+v", got)
	}

	until := time.Now()
	in.RemoveFormers("Companies", until)
	if n := len(in.Formers("Companies")); n != 0 || len(in.Formers("Contacts")) != 1 {
		t.Errorf("%d are left, and %d of contacts", n, len(in.Formers("Contacts")))
	}
	for _, name := range []string{"former Companies 1", "former Companies 2"} {
		s := in.Secrets.Webhooks[name]
		if got := s.Valid(until.Add(-time.Second)); len(got) != 1 || len(s.Valid(until)) != 0 {
			t.Errorf("%s: valid %d before its time and %d after", name, len(got), len(s.Valid(until)))
		}
	}
	if in.DropExpired(until.Add(-time.Second)) || !in.DropExpired(until) || in.DropExpired(until) {
		t.Error("dropped too early, or not at all, or twice")
	}
	if names := slices.Sorted(maps.Keys(in.Secrets.Webhooks)); !slices.Equal(names, []string{"bridge x", "former Contacts 1"}) {
		t.Errorf("secrets %v", names)
	}
}
