package admin

import (
	"context"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// Installations shows installations, and starts and stops them and their syncs.
type Installations interface {
	List(ctx context.Context) ([]v1.Installation, error)
	Get(ctx context.Context, id string) (v1.Installation, error)
	Status(ctx context.Context) (v1.Status, error)
	// Do does one of stop, start, uninstall, reinstall, erase and (a sync only)
	// install. An empty sync means the installation as a whole.
	Do(ctx context.Context, id string, sync v1.Sync, action string) error
	// DecideMassChange pushes the records that are pending approval when approve is true,
	// and leaves them as they are when not.
	DecideMassChange(ctx context.Context, id string, approve bool) error
}

func (a *API) installationRoutes(r chi.Router) {
	r.Get("/status", a.serve((*call).getStatus))
	r.Get("/installations", a.serve((*call).listInstallations))
	r.Get("/installations/{id}", a.serve((*call).getInstallation))
	r.Get("/installations/{id}/issues", a.serve((*call).listIssues))
	actions := []string{"stop", "start", "uninstall", "reinstall", "erase"}
	for _, action := range actions {
		r.Post("/installations/{id}/"+action, a.serve(func(c *call) (reply, error) {
			return c.actOnInstallation(action)
		}))
	}
	for _, action := range append(actions, "install") {
		r.Post("/installations/{id}/syncs/{sync}/"+action, a.serve(func(c *call) (reply, error) {
			return c.actOnSync(action)
		}))
	}
	for action, approve := range map[string]bool{"approve": true, "discard": false} {
		r.Post("/installations/{id}/held/"+action, a.serve(func(c *call) (reply, error) {
			return c.decideMassChange("held."+action, approve)
		}))
	}
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
			items = append(items, shown(in))
		}
	}
	return ok(v1.Page[v1.Installation]{Items: items}), nil
}

func (c *call) getInstallation() (reply, error) {
	id, err := c.onlyInstallation()
	if err != nil {
		return reply{}, err
	}
	in, err := c.Installations.Get(c.r.Context(), id)
	return ok(shown(in)), err
}

func (c *call) listIssues() (reply, error) {
	id, err := c.onlyInstallation()
	if err != nil {
		return reply{}, err
	}
	in, err := c.Installations.Get(c.r.Context(), id)
	return ok(v1.IssueList{Items: nonNil(in.Issues)}), err
}

func (c *call) getStatus() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	status, err := c.Installations.Status(c.r.Context())
	caller := identity.Of(c.r.Context())
	status.Installations = slices.DeleteFunc(nonNil(status.Installations), func(in v1.InstallationStatus) bool { return !caller.Sees(in.ID) })
	for i := range status.Installations {
		status.Installations[i].Issues = nonNil(status.Installations[i].Issues)
	}
	return ok(status), err
}

func (c *call) actOnInstallation(action string) (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	return c.act("installation."+action, id, "", action)
}

func (c *call) actOnSync(action string) (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	sync, err := c.sync()
	if err != nil {
		return reply{}, err
	}
	return c.act("sync."+action, id, sync, action)
}

func (c *call) act(audited, id string, sync v1.Sync, action string) (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing(audited, id, string(sync))
	return accepted(), c.Installations.Do(c.r.Context(), id, sync, action)
}

func (c *call) decideMassChange(action string, approve bool) (reply, error) {
	id, err := c.onlyInstallation()
	if err != nil {
		return reply{}, err
	}
	c.auditing(action, id, "")
	return accepted(), c.Installations.DecideMassChange(c.r.Context(), id, approve)
}

// shown is an installation as it is answered: what is empty is [] or {}, never null, since
// readers loop over it, and a renamed key has its former name too.
func shown(in v1.Installation) v1.Installation {
	in.FormerResumesAt = in.ResumesAt
	if in.Syncs == nil {
		in.Syncs = map[v1.Sync]v1.SyncStatus{}
	}
	in.Webhooks = nonNil(in.Webhooks)
	in.Issues = nonNil(in.Issues)
	return in
}

func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}
