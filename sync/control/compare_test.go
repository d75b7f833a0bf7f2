package control

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func (d *desk) claim() v1.Claim {
	return v1.Claim{
		Name: "MSP", Username: username, Secret: secret, TrackingIdentifier: tracking,
		ChannelProgram: v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken},
	}
}

func TestCompareSaysWhatDiffersAndNothingElse(t *testing.T) {
	d := newDesk(t, setup{})
	in := d.create()
	for name, tc := range map[string]struct {
		change func(*v1.Claim)
		want   v1.Comparison
	}{
		"nothing":              {func(*v1.Claim) {}, v1.Comparison{Installation: in.ID}},
		"as people read it":    {func(c *v1.Claim) { c.Username, c.TrackingIdentifier = "API@msp.example", "track" }, v1.Comparison{Installation: in.ID}},
		"the name":             {func(c *v1.Claim) { c.Name = "Renamed" }, v1.Comparison{Installation: in.ID}},
		"its own zone":         {func(c *v1.Claim) { c.Zone = in.Zone.Name }, v1.Comparison{Installation: in.ID}},
		"its own zone's URL":   {func(c *v1.Claim) { c.Zone = in.Zone.URL + "/" }, v1.Comparison{Installation: in.ID}},
		"another zone":         {func(c *v1.Claim) { c.Zone = "webservices5.autotask.net" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersZone}}},
		"no zone at all":       {func(c *v1.Claim) { c.Zone = "nowhere" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersZone}}},
		"the secret":           {func(c *v1.Claim) { c.Secret += "x" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersSecret}}},
		"the token":            {func(c *v1.Claim) { c.ChannelProgram.Token = "t" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersToken}}},
		"the connection":       {func(c *v1.Claim) { c.ChannelProgram.ConnectionID = "x" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersConnection}}},
		"the user":             {func(c *v1.Claim) { c.Username, c.Secret = "b@msp.example", "x" }, v1.Comparison{Installation: in.ID, Differs: []v1.Different{v1.DiffersAccount}}},
		"the user and name":    {func(c *v1.Claim) { c.Username, c.Name = "b@msp.example", "Other" }, v1.Comparison{}},
		"a name of a namesake": {func(c *v1.Claim) { c.Username, c.ChannelProgram.ConnectionID = "b@msp.example", "other" }, v1.Comparison{}},
	} {
		c := d.claim()
		c.Name = in.Name
		tc.change(&c)
		if tc.want.Differs == nil {
			tc.want.Differs = []v1.Different{}
		}
		got, err := d.Compare(t.Context(), []v1.Claim{c})
		harness.OK(t, err)
		if diff := cmp.Diff([]v1.Comparison{tc.want}, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestGuessesOfASecretAreFew: after ten wrong ones a right one is not told from a wrong
// one either, until a minute has passed.
func TestGuessesOfASecretAreFew(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var g guesses
	right := func() bool { return true }
	wrong := func() bool { return false }
	for range 1000 {
		if !g.try("a", now, right) {
			t.Fatal("a right secret counts as a guess")
		}
	}
	for i := range guessBurst {
		if !g.try("a", now, wrong) {
			t.Fatalf("guess %d is refused", i+1)
		}
	}
	if g.try("a", now, wrong) || g.try("a", now, right) {
		t.Error("an eleventh guess is answered")
	}
	if !g.try("b", now, wrong) {
		t.Error("guesses of one installation count for another")
	}
	if later := now.Add(guessEvery); !g.try("a", later, wrong) || g.try("a", later, wrong) {
		t.Error("want one more guess a minute later")
	}
	g.forget("a")
	if !g.try("a", now, wrong) || len(g.of) != 2 {
		t.Errorf("an erased installation is remembered: %v", g.of)
	}
}
