package admin

import (
	"context"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
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
	r.Get("/installations/{id}", a.serve(withOnlyInstallation((*call).getInstallation)))
	r.Get("/installations/{id}/issues", a.serve(withOnlyInstallation((*call).listIssues)))
	actions := []string{"stop", "start", "uninstall", "reinstall", "erase"}
	for _, action := range actions {
		r.Post("/installations/{id}/"+action, a.serve(withInstallation(func(c *call, id string) (reply, error) {
			return c.act("installation."+action, id, "", action)
		})))
	}
	for _, action := range append(actions, "install") {
		r.Post("/installations/{id}/syncs/{sync}/"+action, a.serve(withInstallation(func(c *call, id string) (reply, error) {
			return c.actOnSync(id, action)
		})))
	}
	for action, approve := range map[string]bool{"approve": true, "discard": false} {
		r.Post("/installations/{id}/held/"+action, a.serve(withOnlyInstallation(func(c *call, id string) (reply, error) {
			return c.decideMassChange("held."+action, id, approve)
		})))
	}
}

func (c *call) listInstallations() (reply, error) {
	q := c.query("q", "state", "standing", "issue", "sort", "cursor", "limit", "counts")
	want := q.installations()
	want.Counts = q.oneOf("counts", "true", "false") == "true"
	if err := q.err(); err != nil {
		return reply{}, err
	}
	seen, lines, err := c.seen()
	if err != nil {
		return reply{}, err
	}
	page, next, found, err := choose(want, lines)
	if err != nil {
		return reply{}, err
	}
	list := v1.InstallationList{Items: make([]v1.Installation, 0, len(page)), NextCursor: next}
	for _, i := range page {
		list.Items = append(list.Items, shown(seen[i]))
	}
	if want.Counts {
		list.Counts = counted(lines, found)
	}
	return ok(list), nil
}

// seen is every installation that the caller sees, by name, with a line of each. All who take
// an answer of a second ago share one look; what each of them sees is picked out of it.
func (c *call) seen() ([]v1.Installation, []v1.InstallationStatus, error) {
	after := c.Now().Add(-web.MaxAgeOf(c.r))
	all, err := c.lists.Get(c.r.Context(), struct{}{}, after, c.Installations.List)
	if err != nil {
		return nil, nil, err
	}
	caller := identity.Of(c.r.Context())
	var seen []v1.Installation
	var lines []v1.InstallationStatus
	for _, in := range all {
		if caller.Sees(in.ID) {
			seen = append(seen, in)
			lines = append(lines, v1.InstallationStatus{ID: in.ID, Name: in.Name, State: in.State, Backlog: in.Backlog, Freshness: in.Freshness, Issues: in.Issues})
		}
	}
	return seen, lines, nil
}

func (c *call) getInstallation(id string) (reply, error) {
	in, err := c.Installations.Get(c.r.Context(), id)
	return ok(shown(in)), err
}

func (c *call) listIssues(id string) (reply, error) {
	in, err := c.Installations.Get(c.r.Context(), id)
	return ok(v1.IssueList{Items: nonNil(in.Issues)}), err
}

func (c *call) getStatus() (reply, error) {
	q := c.query("q", "state", "standing", "issue", "sort", "cursor", "limit")
	want := q.installations()
	if err := q.err(); err != nil {
		return reply{}, err
	}
	status, err := c.Installations.Status(c.r.Context())
	if err != nil {
		return reply{}, err
	}
	caller := identity.Of(c.r.Context())
	seen := slices.DeleteFunc(status.Installations, func(in v1.InstallationStatus) bool { return !caller.Sees(in.ID) })
	page, next, _, err := choose(want, seen)
	status.Installations, status.NextCursor = make([]v1.InstallationStatus, 0, len(page)), next
	for _, i := range page {
		seen[i].Issues = nonNil(seen[i].Issues)
		status.Installations = append(status.Installations, seen[i])
	}
	return ok(status), err
}

func (c *call) actOnSync(id, action string) (reply, error) {
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

func (c *call) decideMassChange(action, id string, approve bool) (reply, error) {
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
