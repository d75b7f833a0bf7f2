package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// History shows what an installation did of late.
type History interface {
	// Hours returns the running hour and the 24 before it, oldest first, without a gap.
	Hours(ctx context.Context, id string) ([]v1.HistoryHour, error)
}

func (a *API) historyRoutes(r chi.Router) {
	r.Get("/installations/{id}/history", a.serve((*call).getHistory))
}

func (c *call) getHistory() (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	if c.History == nil {
		return reply{}, missing("show the history")
	}
	hours, err := c.History.Hours(c.r.Context(), id)
	return ok(v1.History{Items: some(hours)}), err
}
