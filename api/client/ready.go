package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	v1 "channelsync/api/v1"
)

const readyTimeout = 10 * time.Second

// Readiness is what /readyz of the admin listener says.
type Readiness struct {
	Status string     `json:"status"` // ready or not_ready
	Checks []v1.Check `json:"checks"`
}

// Ready asks whether the service can do its work. It needs no token and sends
// none. A service that is not ready is an answer, not an error.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("no answer within %s", readyTimeout))
	defer cancel()
	out, err := c.ready(ctx)
	if err != nil {
		return out, fmt.Errorf("ask readiness: %w", err)
	}
	return out, nil
}

func (c *Client) ready(ctx context.Context) (Readiness, error) {
	var out Readiness
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.root()+"/readyz", nil)
	if err != nil {
		return out, fmt.Errorf("make request: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return out, c.unreached(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return out, c.unreached(ctx, err)
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable:
		return out, refusal(resp, body)
	}
	if err := json.Unmarshal(body, &out); err != nil || out.Status == "" {
		return out, errors.New("got an answer that is not the readiness of channelsync")
	}
	return out, nil
}
