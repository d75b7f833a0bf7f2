package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Explainer asks Autotask and Channel Program how a record stands now. It pushes
// nothing and remembers nothing.
type Explainer interface {
	Explain(ctx context.Context, id string, kind v1.Kind, rec int64) (v1.Explanation, error)
}

func (a *API) explainRoutes(r chi.Router) {
	r.Get("/installations/{id}/records/{kind}/{record}/explain", a.serve((*call).explainRecord))
}

func (c *call) explainRecord() (reply, error) {
	id, kind, record, err := c.recordPath()
	if err != nil {
		return reply{}, err
	}
	if c.Explainer == nil {
		return reply{}, missing("explain records")
	}
	out, err := c.Explainer.Explain(c.r.Context(), id, kind, record)
	out.Conditions, out.Differences = some(out.Conditions), some(out.Differences)
	if out.Record != nil {
		out.Record.Reasons = some(out.Record.Reasons)
	}
	return ok(out), err
}
