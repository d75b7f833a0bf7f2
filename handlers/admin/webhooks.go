package admin

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Webhooks looks after whatever calls this service: the registrations at Autotask, and the
// bridges that senders of the user's own sign their callbacks with.
type Webhooks interface {
	RepairWebhooks(ctx context.Context, id string) error
	RotateSecrets(ctx context.Context, id string) error

	Bridges(ctx context.Context, id string) ([]v1.BridgeStatus, error)
	// CreateBridge and RotateBridge answer a secret that is shown this once and never again.
	CreateBridge(ctx context.Context, id, name string) (v1.Bridge, error)
	// RotateBridge leaves the former secret valid for an hour, unless now is set.
	RotateBridge(ctx context.Context, id, guid string, now bool) (v1.Bridge, error)
	EndBridge(ctx context.Context, id, guid string) error
}

func (a *API) webhookRoutes(r chi.Router) {
	r.Post("/installations/{id}/webhooks/repair", a.serve(withOnlyInstallation(func(c *call, id string) (reply, error) {
		return c.onWebhooks("webhook.repair", id, c.Webhooks.RepairWebhooks)
	})))
	r.Post("/installations/{id}/webhooks/rotate-secret", a.serve(withOnlyInstallation(func(c *call, id string) (reply, error) {
		return c.onWebhooks("webhook.rotate-secret", id, c.Webhooks.RotateSecrets)
	})))
	r.Get("/installations/{id}/bridges", a.serve(withOnlyInstallation((*call).listBridges)))
	r.Post("/installations/{id}/bridges", a.serveBody(withBody(decodeOptional, (*call).createBridge)))
	r.Post("/installations/{id}/bridges/{bridge}/rotate", a.serve((*call).rotateBridge))
	r.Delete("/installations/{id}/bridges/{bridge}", a.serve((*call).endBridge))
}

func (c *call) onWebhooks(action, id string, do func(context.Context, string) error) (reply, error) {
	c.auditing(action, id, "")
	return accepted(), do(c.r.Context(), id)
}

func (c *call) listBridges(id string) (reply, error) {
	all, err := c.Webhooks.Bridges(c.r.Context(), id)
	return ok(v1.BridgeList{Items: nonNil(all)}), err
}

func (c *call) createBridge(id string, in v1.CreateBridge) (reply, error) {
	c.auditing("bridge.create", id, in.Name)
	made, err := c.Webhooks.CreateBridge(c.r.Context(), id, in.Name)
	return reply{status: http.StatusCreated, body: made}, err
}

func (c *call) rotateBridge() (reply, error) {
	id, guid, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	q := c.query("now")
	now := q.oneOf("now", "true", "false") == "true"
	if err := q.err(); err != nil {
		return reply{}, err
	}
	c.auditing("bridge.rotate", id, guid)
	made, err := c.Webhooks.RotateBridge(c.r.Context(), id, guid, now)
	return ok(made), err
}

func (c *call) endBridge() (reply, error) {
	id, guid, err := c.bridge()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	c.auditing("bridge.delete", id, guid)
	return noContent(), c.Webhooks.EndBridge(c.r.Context(), id, guid)
}

// bridge is the {id} and the {bridge} of the path.
func (c *call) bridge() (id, guid string, err error) {
	if id, err = c.installation(); err != nil {
		return "", "", err
	}
	guid = c.r.PathValue("bridge")
	if !isToken(guid) {
		return "", "", v1.NotFound("There is no such bridge.")
	}
	return id, guid, nil
}
