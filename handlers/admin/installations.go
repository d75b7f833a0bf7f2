package admin

import (
	"context"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// Installations makes and shows installations.
type Installations interface {
	// Create tries the credentials first and keeps nothing when it returns an error.
	Create(ctx context.Context, in v1.CreateInstallation) (v1.Installation, error)
	List(ctx context.Context) ([]v1.Installation, error)
	Get(ctx context.Context, id string) (v1.Installation, error)
}

func (a *API) installationRoutes(r chi.Router) {
	r.Post("/installations", a.serve((*call).createInstallation))
	r.Get("/installations", a.serve((*call).listInstallations))
	r.Get("/installations/{id}", a.serve((*call).getInstallation))
}

func (c *call) createInstallation() (reply, error) {
	q := c.query("test", "preview")
	test, preview := q.oneOf("test", "only"), q.oneOf("preview", "only")
	if err := q.err(); err != nil {
		return reply{}, err
	}
	in, err := decode[v1.CreateInstallation](c)
	if err != nil {
		return reply{}, err
	}
	if preview != "" { // which tries all that a test does
		return c.previewCreate(in)
	}
	if test != "" {
		c.auditing("installation.try", "", "")
		checks, err := c.Setup.TryCreate(c.r.Context(), in)
		return ok(someChecks(checks)), err
	}
	c.auditing("installation.create", "", "") // by its id only: an erasure leaves the audit as it is, and no name in it
	made, err := c.Installations.Create(c.r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	c.entry.Installation = made.ID
	location := strings.TrimSuffix(c.r.URL.Path, "/") + "/" + made.ID
	return reply{status: http.StatusCreated, body: whole(made), location: location}, nil
}

func (c *call) listInstallations() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	all, err := c.Installations.List(c.r.Context())
	if err != nil {
		return reply{}, err
	}
	caller := identity.Of(c.r.Context())
	items := make([]v1.Installation, 0, len(all))
	for _, in := range all {
		if caller.Sees(in.ID) {
			items = append(items, whole(in))
		}
	}
	return ok(v1.Page[v1.Installation]{Items: items}), nil
}

func (c *call) getInstallation() (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	in, err := c.Installations.Get(c.r.Context(), id)
	return ok(whole(in)), err
}

// whole writes what is empty as [] and {}, never as null: readers loop over it.
func whole(in v1.Installation) v1.Installation {
	if in.Syncs == nil {
		in.Syncs = map[v1.Sync]v1.SyncStatus{}
	}
	in.Webhooks = some(in.Webhooks)
	in.Issues = some(in.Issues)
	return in
}

func some[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
