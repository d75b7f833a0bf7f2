package cli

import (
	"context"
	"strings"

	v1 "channelsync/api/v1"
)

// acmeClaim is what the installation that is there from the start was made with.
var acmeClaim = v1.Claim{
	Username: "api@acme.example", Secret: "acme-secret", TrackingIdentifier: "TRACK",
	ChannelProgram: v1.ChannelProgramTarget{ConnectionID: "c-acme", Token: "acme-token"},
}

// madeID is the id of an installation that is made, whose claim is remembered.
func (w *fakeAPI) madeID(in v1.CreateInstallation) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := zenith
	if _, taken := w.claims[id]; taken {
		id = strings.Replace(zenith, "zenith", "zenitt", 1)
	}
	w.claims[id] = v1.Claim{Username: in.Username, Secret: in.Secret, TrackingIdentifier: in.TrackingIdentifier, ChannelProgram: in.ChannelProgram}
	return id
}

func (w *fakeAPI) updated(id string, in v1.UpdateInstallation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.installations {
		if w.installations[i].ID != id {
			continue
		}
		if in.Name != nil {
			w.installations[i].Name = *in.Name
		}
		if in.Options != nil {
			w.installations[i].Options = *in.Options
		}
	}
}

// Compare has the rules of the sync side, as far as the commands can see them.
func (w *fakeAPI) Compare(_ context.Context, claims []v1.Claim) ([]v1.Comparison, error) {
	out := make([]v1.Comparison, len(claims))
	for i, c := range claims {
		out[i] = w.compare(c)
	}
	return out, w.note("compare %d", len(claims))
}

func (w *fakeAPI) compare(c v1.Claim) v1.Comparison {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := v1.Comparison{Differs: []v1.Different{}, Limited: w.limited}
	if w.blind {
		w.blind = false
		return out
	}
	for _, in := range w.installations {
		has, made := w.claims[in.ID]
		if !made && in.ID == acme {
			has = acmeClaim
		}
		account := v1.Same(has.Username, c.Username) && v1.Same(has.TrackingIdentifier.Reveal(), c.TrackingIdentifier.Reveal())
		if !account && !(v1.Same(in.Name, c.Name) && has.ChannelProgram.ConnectionID == c.ChannelProgram.ConnectionID) {
			continue
		}
		out.Installation = in.ID
		for what, differs := range map[v1.Different]bool{
			v1.DiffersAccount: !account, v1.DiffersSecret: account && has.Secret != c.Secret,
			v1.DiffersConnection: has.ChannelProgram.ConnectionID != c.ChannelProgram.ConnectionID,
			v1.DiffersToken:      has.ChannelProgram.Token != c.ChannelProgram.Token,
			v1.DiffersZone:       c.Zone != "" && !v1.Same(c.Zone, in.Zone.Name),
		} {
			if differs {
				out.Differs = append(out.Differs, what)
			}
		}
	}
	return out
}
