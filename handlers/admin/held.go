package admin

import (
	"context"

	"github.com/go-chi/chi/v5"
)

// Held decides on a mass change that waits for a yes.
type Held interface {
	// Held pushes what is held back when approve is true, and drops it when not.
	Held(ctx context.Context, id string, approve bool) error
}

func (a *API) heldRoutes(r chi.Router) {
	for action, approve := range map[string]bool{"approve": true, "discard": false} {
		r.Post("/installations/{id}/held/"+action, a.serve(func(c *call) (reply, error) {
			return c.decideHeld("held."+action, approve)
		}))
	}
}

func (c *call) decideHeld(action string, approve bool) (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	if c.Held == nil {
		return reply{}, missing("hold changes back")
	}
	c.auditing(action, id, "")
	return accepted(), c.Held.Held(c.r.Context(), id, approve)
}
