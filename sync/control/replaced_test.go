package control

import (
	"errors"
	"testing"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/test/harness"
)

// TestAnAnswerToReplacedCredentialsSaysNothingOfTheNewOnes: a call that was under way while the credentials were
// replaced is answered after them.
func TestAnAnswerToReplacedCredentialsSaysNothingOfTheNewOnes(t *testing.T) {
	d := newDesk(t, setup{})
	in := &installation.Installation{
		ID: "01hzx3q8r9k2m4n6p8s0t2v4w6", ConnectionID: connection, Zone: v1.Zone{Name: "new", URL: d.atURL},
		Secrets: installation.Secrets{Username: "api@msp.example", Secret: "the-new-one", Token: cpToken},
	}
	harness.OK(t, d.Store.Create(t.Context(), in))
	rt := d.newRuntime(in)
	before := autotask.Credentials{Username: "api@msp.example", Secret: "the-old-one"}
	rt.refused(before, errors.New("401"))
	rt.zoneMoved(before, v1.Zone{Name: "old", URL: "http://old.example"})
	now, err := d.Store.Get(in.ID)
	harness.OK(t, err)
	if now.Refused || now.Zone.Name != "new" || len(rt.issues.List()) != 0 {
		t.Errorf("refused %v, zone %+v, issues %+v", now.Refused, now.Zone, rt.issues.List())
	}
	rt.refused(credentialsOf(in), errors.New("401"))
	if now, err = d.Store.Get(in.ID); err != nil || !now.Refused || now.RefusedFor != "401" || !rt.issues.Has("credentials_refused") {
		t.Errorf("the new ones refused: %v, %q, %v", now.Refused, now.RefusedFor, err)
	}
}
