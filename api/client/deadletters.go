package client

import (
	"context"
	"iter"
	"net/http"

	v1 "channelsync/api/v1"
)

// DeadLetters lists what is no longer retried. An empty cursor is the first page,
// a limit of 0 the API's default.
func (c *Client) DeadLetters(ctx context.Context, id, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	return ask[v1.Page[v1.DeadLetter]](ctx, c, Call{
		Operation: "list dead letters", Method: http.MethodGet, Path: at(id, "dead-letters"),
		Query: pageQuery(cursor, limit),
	})
}

// AllDeadLetters goes through every page. It ends after the first error.
func (c *Client) AllDeadLetters(ctx context.Context, id string) iter.Seq2[v1.DeadLetter, error] {
	return all("", func(cursor string) (v1.Page[v1.DeadLetter], error) {
		return c.DeadLetters(ctx, id, cursor, maxLimit)
	})
}

// Requeue tries dead letters again.
func (c *Client) Requeue(ctx context.Context, id string, in v1.RequeueRequest) error {
	return c.Do(ctx, Call{Operation: "requeue dead letters", Method: http.MethodPost, Path: at(id, "dead-letters", "requeue"), In: in})
}

// DismissAll takes several dead letters off the list.
func (c *Client) DismissAll(ctx context.Context, id string, in v1.DismissRequest) error {
	return c.Do(ctx, Call{Operation: "dismiss dead letters", Method: http.MethodPost, Path: at(id, "dead-letters", "dismiss"), In: in})
}

// Dismiss takes a dead letter off the list.
func (c *Client) Dismiss(ctx context.Context, id, deadLetter string) error {
	return c.Do(ctx, Call{Operation: "dismiss dead letter", Method: http.MethodPost, Path: at(id, "dead-letters", deadLetter, "dismiss")})
}
