package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Settings tries and changes what an installation was set up with. Credentials and tokens
// are tried first; nothing changes when an error is returned.
type Settings interface {
	Test(ctx context.Context, id string) (v1.Checks, error)
	Update(ctx context.Context, id string, in v1.UpdateInstallation) (v1.Installation, error)
	// Choices is what the tenant has that the options choose from.
	Choices(ctx context.Context, id string) (v1.Choices, error)
	// Preview says which records a change of options would move; it changes nothing.
	Preview(ctx context.Context, id string, in v1.UpdateInstallation) (v1.Preview, error)
	SetCredentials(ctx context.Context, id string, in v1.Credentials) (v1.Installation, error)
	SetChannelProgram(ctx context.Context, id string, in v1.ChannelProgramTarget) (v1.Installation, error)
}

func (a *API) settingsRoutes(r chi.Router) {
	r.Post("/installations/{id}/test", a.serve(withOnlyInstallation((*call).testInstallation)))
	r.Get("/installations/{id}/choices", a.serve(withOnlyInstallation((*call).listChoices)))
	r.Patch("/installations/{id}", a.serveBody(withInstallation((*call).updateInstallation)))
	r.Put("/installations/{id}/credentials", a.serveBody(withBody(decode, (*call).setCredentials)))
	r.Put("/installations/{id}/channel-program", a.serveBody(withBody(decode, (*call).setChannelProgram)))
}

func (c *call) testInstallation(id string) (reply, error) {
	c.auditing("installation.test", id, "")
	checks, err := c.Settings.Test(c.r.Context(), id)
	for i, check := range checks.Checks {
		if c.hides(check.Of) {
			checks.Checks[i].Detail, checks.Checks[i].Fix = takenBySomebody, useAnother
		}
	}
	return ok(someChecks(checks)), err
}

func (c *call) updateInstallation(id string) (reply, error) {
	q := c.query("preview", "list")
	preview, list := q.oneOf("preview", "true", "false"), q.oneOf("list", "true", "false")
	if err := q.err(); err != nil {
		return reply{}, err
	}
	in, err := decode[v1.UpdateInstallation](c)
	if err != nil {
		return reply{}, err
	}
	if preview == "true" {
		return c.previewUpdate(id, in, list == "true")
	}
	c.auditing("installation.update", id, updated(in))
	out, err := c.Settings.Update(c.r.Context(), id, in)
	return ok(shown(out)), err
}

func (c *call) previewUpdate(id string, in v1.UpdateInstallation, list bool) (reply, error) {
	out, err := c.Settings.Preview(c.r.Context(), id, in)
	out.Sample = nonNil(out.Sample)
	if !list {
		out.Records = nil
	}
	return ok(out), err
}

// updated names what a PATCH changes, for the audit.
func updated(in v1.UpdateInstallation) string {
	switch {
	case in.Name != nil && in.Options != nil:
		return "name, options"
	case in.Name != nil:
		return "name"
	case in.Options != nil:
		return "options"
	}
	return "nothing"
}

func (c *call) setCredentials(id string, in v1.Credentials) (reply, error) {
	return change(c, "installation.set-credentials", id, in, c.Settings.SetCredentials)
}

func (c *call) setChannelProgram(id string, in v1.ChannelProgramTarget) (reply, error) {
	return change(c, "installation.set-channel-program", id, in, c.Settings.SetChannelProgram)
}

// change is the way of everything that replaces a part of an installation by the body.
func change[T any](
	c *call, action, id string, in T, do func(context.Context, string, T) (v1.Installation, error),
) (reply, error) {
	c.auditing(action, id, "")
	out, err := do(c.r.Context(), id, in)
	return ok(shown(out)), err
}

func (c *call) listChoices(id string) (reply, error) {
	out, err := c.Settings.Choices(c.r.Context(), id)
	filled(&out)
	return ok(out), err
}

// maxCompany is how long a part of a company's name may be.
const maxCompany = 200

// filled gives each list an array, empty where there is nothing to choose.
func filled(out *v1.Choices) {
	for _, list := range []*[]v1.Choice{&out.ContractTypes, &out.ContractCategories, &out.CompanyClassifications, &out.Companies} {
		*list = nonNil(*list)
	}
}
