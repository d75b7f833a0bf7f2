package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Setup tries what an installation needs, and knows the zones.
type Setup interface {
	// TryCreate does all of Create but keep anything.
	TryCreate(ctx context.Context, in v1.CreateInstallation) (v1.Checks, error)
	Test(ctx context.Context, id string) (v1.Checks, error)
	Zones() []v1.Zone
}

func (a *API) setupRoutes(r chi.Router) {
	r.Get("/zones", a.serve((*call).listZones))
	r.Post("/installations/{id}/test", a.serve((*call).testInstallation))
}

func (c *call) listZones() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	return ok(map[string][]v1.Zone{"items": some(c.Setup.Zones())}), nil
}

func (c *call) testInstallation() (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing("installation.test", id, "")
	checks, err := c.Setup.Test(c.r.Context(), id)
	return ok(someChecks(checks)), err
}

func someChecks(c v1.Checks) v1.Checks {
	c.Checks = some(c.Checks)
	return c
}
