package admin

import (
	"context"
	"slices"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// Overview shows everything at a glance, and what operators did.
type Overview interface {
	Status(ctx context.Context) (v1.Status, error)
	Audit(ctx context.Context, q v1.AuditQuery) (v1.Page[v1.AuditEntry], error)
	VerifyAudit(ctx context.Context) (v1.AuditVerification, error)
}

func (a *API) overviewRoutes(r chi.Router) {
	r.Get("/status", a.serve((*call).getStatus))
	r.Get("/audit", a.serve((*call).listAudit))
	r.Get("/audit/verify", a.serve((*call).verifyAudit))
}

func (c *call) getStatus() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	status, err := c.Overview.Status(c.r.Context())
	caller := identity.Of(c.r.Context())
	status.Installations = slices.DeleteFunc(some(status.Installations), func(in v1.InstallationStatus) bool { return !caller.Sees(in.ID) })
	for i := range status.Installations {
		status.Installations[i].Issues = some(status.Installations[i].Issues)
	}
	return ok(status), err
}

func (c *call) listAudit() (reply, error) {
	q := c.query("installation", "cursor", "limit")
	in := v1.AuditQuery{
		Installation: q.installation(), Only: identity.Of(c.r.Context()).Installations, Cursor: q.cursor(), Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.Overview.Audit(c.r.Context(), in)
	page.Items = some(page.Items)
	return ok(page), err
}

func (c *call) verifyAudit() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	verified, err := c.Overview.VerifyAudit(c.r.Context())
	verified.Findings = some(verified.Findings)
	return ok(verified), err
}
