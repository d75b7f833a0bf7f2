package admin

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
)

// Setup tries and makes installations.
type Setup interface {
	// Zones are those that may be chosen by name.
	Zones() []v1.Zone
	// FindZone asks Autotask which zone a user name belongs to; it sends no secret. known is
	// false when Autotask has no zone for it.
	FindZone(ctx context.Context, username string) (zone v1.Zone, known bool, err error)
	// TryCreate tries what Create tries and keeps nothing.
	TryCreate(ctx context.Context, in v1.CreateInstallation) (v1.Checks, error)
	// PreviewCreate says what an installation would sync. It keeps and pushes nothing.
	PreviewCreate(ctx context.Context, in v1.CreateInstallation) (v1.SetupPreview, error)
	// ChoicesOf is what an installation can choose from, and what it names. It keeps nothing.
	ChoicesOf(ctx context.Context, in v1.CreateInstallation, q v1.ChoiceQuery) (v1.SetupChoices, error)
	// Create tries the credentials first and keeps nothing when it returns an error.
	Create(ctx context.Context, in v1.CreateInstallation) (v1.Installation, error)
	// Compare says what claims differ in from what is installed, one answer for each.
	Compare(ctx context.Context, claims []v1.Claim) ([]v1.Comparison, error)
}

func (a *API) setupRoutes(r chi.Router) {
	r.Get("/zones", a.serve((*call).listZones))
	r.Post("/installations", a.serveBody((*call).createInstallation))
	r.Post("/installations/compare", a.serveBody((*call).compareInstallations))
}

func (c *call) listZones() (reply, error) {
	q := c.query("username")
	username := q.text("username", maxUsername)
	if err := q.err(); err != nil {
		return reply{}, err
	}
	if who := identity.Of(c.r.Context()).Identity; username != "" && !access.FindZone.Allows(who) {
		refusal := access.Refusal{Row: access.FindZone, Problem: access.Forbidden(access.FindZone, who)}
		access.Refused(c.r, c.Auditor, refusal)
		return reply{}, refusal.Problem
	}
	zones, err := c.zones()
	out := v1.Zones{Items: nonNil(zones)}
	if err != nil || username == "" {
		return ok(out), err
	}
	zone, known, err := c.Setup.FindZone(c.r.Context(), username)
	if known {
		out.Found = &zone
	}
	return ok(out), err
}

// zones are those that the caller may choose by name. A host that --autotask-allow-hosts names may be a gateway of somebody
// else: whoever sees some installations only is shown those that these are at.
func (c *call) zones() ([]v1.Zone, error) {
	all := c.Setup.Zones()
	if !identity.Of(c.r.Context()).Scoped() {
		return all, nil
	}
	seen, _, err := c.seen()
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(z v1.Zone) bool {
		allowed := strings.Contains(z.URL, "//"+z.Name+"/") // these have no name but their host
		return allowed && !slices.ContainsFunc(seen, func(in v1.Installation) bool { return in.Zone.URL == z.URL })
	}), nil
}

func (c *call) createInstallation() (reply, error) {
	q := c.query("test", "preview", "choices", "company")
	test, preview, choices := q.oneOf("test", "only"), q.oneOf("preview", "only"), q.oneOf("choices", "only", "counted")
	company := q.text("company", maxCompany)
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
	if choices != "" {
		c.auditing("installation.try", "", "")
		out, err := c.Setup.ChoicesOf(c.r.Context(), in, v1.ChoiceQuery{Counted: choices == "counted", Company: company})
		filled(&out.Choices)
		return ok(out), err
	}
	if test != "" {
		c.auditing("installation.try", "", "")
		checks, err := c.Setup.TryCreate(c.r.Context(), in)
		return ok(someChecks(checks)), err
	}
	c.auditing("installation.create", "", "") // by its id only: an erasure leaves the audit as it is, and no name in it
	made, err := c.Setup.Create(c.r.Context(), in)
	if err != nil {
		return reply{}, err
	}
	c.entry.Installation = made.ID
	location := strings.TrimSuffix(c.r.URL.Path, "/") + "/" + made.ID
	return reply{status: http.StatusCreated, body: shown(made), location: location}, nil
}

func (c *call) previewCreate(in v1.CreateInstallation) (reply, error) {
	c.auditing("installation.preview", "", "")
	out, err := c.Setup.PreviewCreate(c.r.Context(), in)
	out.Checks = nonNil(out.Checks)
	out.Companies.Reasons, out.Contracts.Reasons = nonNil(out.Companies.Reasons), nonNil(out.Contracts.Reasons)
	return ok(out), err
}

// compareInstallations is in the audit, since it tells whether a secret is right.
func (c *call) compareInstallations() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	in, err := decode[v1.CompareInstallations](c)
	if err != nil {
		return reply{}, err
	}
	c.auditing("installation.compare", "", strconv.Itoa(len(in.Items)))
	items, err := c.Setup.Compare(c.r.Context(), in.Items)
	if err != nil {
		return reply{}, err
	}
	differ := 0
	for _, item := range items {
		if item.Installation == "" || len(item.Differs) > 0 || item.Limited {
			differ++
		}
	}
	c.entry.Detail += ", " + strconv.Itoa(differ) + " differ"
	return ok(v1.Comparisons{Items: items}), nil
}

func someChecks(c v1.Checks) v1.Checks {
	c.Checks = nonNil(c.Checks)
	return c
}
