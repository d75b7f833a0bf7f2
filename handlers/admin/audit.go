package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// Audit shows what operators did.
type Audit interface {
	List(q v1.AuditQuery) (v1.Page[v1.AuditEntry], error)
	Verify(ctx context.Context) (v1.AuditVerification, error)
}

func (a *API) auditRoutes(r chi.Router) {
	r.Get("/audit", a.serve((*call).listAudit))
	r.Get("/audit/verify", a.serve((*call).verifyAudit))
}

func (c *call) listAudit() (reply, error) {
	q := c.query("installation", "cursor", "limit")
	in := v1.AuditQuery{
		Installation: q.installation(), Only: identity.Of(c.r.Context()).Installations, Cursor: q.cursor(), Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.Audit.List(in)
	page.Items = nonNil(page.Items)
	caller := identity.Of(c.r.Context())
	for i := range page.Items {
		page.Items[i] = auditFor(caller, page.Items[i])
	}
	return ok(page), err
}

// auditFor is an entry as its reader may see it: whoever sees some installations only is not told who
// somebody else is, nor from where they came.
func auditFor(caller identity.Caller, e v1.AuditEntry) v1.AuditEntry {
	if who := caller.NameFor(e.Who); who != e.Who {
		e.Who, e.Address, e.Request = who, "", ""
	}
	return e
}

func (c *call) verifyAudit() (reply, error) {
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	verified, err := c.Audit.Verify(c.r.Context())
	verified.Findings = nonNil(verified.Findings)
	return ok(verified), err
}
