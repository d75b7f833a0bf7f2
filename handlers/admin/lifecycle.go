package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Lifecycle starts and stops installations and their syncs.
type Lifecycle interface {
	// Do does one of stop, start, uninstall, reinstall, erase and (a sync only)
	// install. An empty sync means the installation as a whole.
	Do(ctx context.Context, id string, sync v1.Sync, action string) error
}

func (a *API) lifecycleRoutes(r chi.Router) {
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
	return accepted(), c.Lifecycle.Do(c.r.Context(), id, sync, action)
}
