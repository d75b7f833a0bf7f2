package admin

import (
	"context"

	"github.com/go-chi/chi/v5"
)

// Webhooks mends the registrations at Autotask.
type Webhooks interface {
	Repair(ctx context.Context, id string) error
	RotateSecret(ctx context.Context, id string) error
}

func (a *API) webhookRoutes(r chi.Router) {
	r.Post("/installations/{id}/webhooks/repair", a.serve(func(c *call) (reply, error) {
		return c.onWebhooks("webhook.repair", c.Webhooks.Repair)
	}))
	r.Post("/installations/{id}/webhooks/rotate-secret", a.serve(func(c *call) (reply, error) {
		return c.onWebhooks("webhook.rotate-secret", c.Webhooks.RotateSecret)
	}))
}

func (c *call) onWebhooks(action string, do func(context.Context, string) error) (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing(action, id, "")
	return accepted(), do(c.r.Context(), id)
}
