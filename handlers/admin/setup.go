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

// ZoneFinder asks Autotask which zone a user name belongs to.
type ZoneFinder interface {
	// FindZone sends the user name and no secret; known is false when Autotask has no zone for it.
	FindZone(ctx context.Context, username string) (zone v1.Zone, known bool, err error)
}

// SetupPreviews says what an installation would sync before it is made. It tries
// what Create tries, and keeps and pushes nothing.
type SetupPreviews interface {
	PreviewCreate(ctx context.Context, in v1.CreateInstallation) (v1.SetupPreview, error)
}

func (a *API) setupRoutes(r chi.Router) {
	r.Get("/zones", a.serve((*call).listZones))
	r.Post("/installations/{id}/test", a.serve((*call).testInstallation))
}

func (c *call) listZones() (reply, error) {
	q := c.query("username")
	username := q.text("username", maxUsername)
	if err := q.err(); err != nil {
		return reply{}, err
	}
	out := v1.Zones{Items: some(c.Setup.Zones())}
	if username == "" {
		return ok(out), nil
	}
	if c.ZoneFinder == nil {
		return reply{}, missing("find a zone")
	}
	zone, known, err := c.ZoneFinder.FindZone(c.r.Context(), username)
	if known {
		out.Found = &zone
	}
	return ok(out), err
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

func (c *call) previewCreate(in v1.CreateInstallation) (reply, error) {
	if c.SetupPreviews == nil {
		return reply{}, missing("preview an installation")
	}
	c.auditing("installation.preview", "", "")
	out, err := c.SetupPreviews.PreviewCreate(c.r.Context(), in)
	out.Checks = some(out.Checks)
	out.Companies.Reasons, out.Contracts.Reasons = some(out.Companies.Reasons), some(out.Contracts.Reasons)
	return ok(out), err
}

func someChecks(c v1.Checks) v1.Checks {
	c.Checks = some(c.Checks)
	return c
}
