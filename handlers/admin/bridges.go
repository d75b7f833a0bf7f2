package admin

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Bridges hands out what a sender of the user's own signs its callbacks with.
type Bridges interface {
	// CreateBridge answers a secret that is shown this once and never again.
	CreateBridge(ctx context.Context, id string) (v1.Bridge, error)
}

func (a *API) bridgeRoutes(r chi.Router) {
	r.Post("/installations/{id}/bridges", a.serve((*call).createBridge))
}

func (c *call) createBridge() (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	if c.Bridges == nil {
		return reply{}, missing("make bridges")
	}
	c.auditing("bridge.create", id, "")
	made, err := c.Bridges.CreateBridge(c.r.Context(), id)
	return reply{status: http.StatusCreated, body: made}, err
}
