package client

import (
	"context"
	"net/http"

	v1 "channelsync/api/v1"
)

// History shows what an installation did in each of the last 24 hours and the
// running one, oldest first.
func (c *Client) History(ctx context.Context, id string) ([]v1.HistoryHour, error) {
	out, err := ask[v1.History](ctx, c, Call{Operation: "show history", Method: http.MethodGet, Path: at(id, "history")})
	return out.Items, err
}

// Activity lists the latest outcomes of an installation, newest first; a limit of 0
// is the API's default.
func (c *Client) Activity(ctx context.Context, id string, limit int) ([]v1.FeedEvent, error) {
	out, err := ask[v1.Activity](ctx, c, Call{
		Operation: "list activity", Method: http.MethodGet, Path: at(id, "activity"), Query: pageQuery("", limit),
	})
	return out.Items, err
}
