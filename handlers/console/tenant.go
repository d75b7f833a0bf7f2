package console

import (
	"errors"
	"net/http"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/handlers/internal/identity"
)

// isTenant says whether somebody sees one installation and nothing else: the console is of just that one, in Channel
// Program's words. Whoever sees several runs a small fleet, and has the list of those.
func isTenant(who v1.Identity) bool { return len(who.Installations) == 1 }

// front is the first page, as whoever asks needs it.
func (c *Console) front() http.HandlerFunc {
	all, one := c.show("integrations", (*visit).integrations), c.show("tenant", (*visit).tenantFront)
	return func(w http.ResponseWriter, r *http.Request) {
		if isTenant(identity.Of(r.Context()).Identity) {
			one(w, r)
			return
		}
		all(w, r)
	}
}

// headline is what stands at the top of an installation.
func (v *visit) headline(in *v1.Installation) present.Headline {
	if v.tenant() {
		return present.TenantHeadline(in, v.now())
	}
	return present.HeadlineOf(in, v.now())
}

// tenantData is a tenant's front page: Channel Program's card of the one integration.
type tenantData struct {
	In       *v1.Installation // nil: it was erased
	Headline present.Headline
	Syncs    []present.SyncCard
}

func (v *visit) tenantFront() (*page, error) {
	p := &page{Title: "Integrations", Nav: "integrations"}
	in, err := v.api.Installation(v.ctx, identity.Of(v.ctx).Installations[0])
	if gone, ok := errors.AsType[*v1.Problem](err); ok && gone.Status == http.StatusNotFound {
		p.Data = tenantData{}
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	present.TenantInstallation(&in)
	p.Data = tenantData{In: &in, Headline: v.headline(&in), Syncs: present.SyncCards(&in)}
	return p, nil
}
