package client

import (
	"context"
	"net/http"

	v1 "channelsync/api/v1"
)

// ReconcileRecords brings several records in line: those named at once, all of a filter by a job.
func (c *Client) ReconcileRecords(ctx context.Context, id string, in v1.BulkRecords) (v1.BulkResult, error) {
	return c.bulk(ctx, "reconcile records", at(id, "records", "reconcile"), in)
}

// ExcludeRecords adds companies to what the options exclude.
func (c *Client) ExcludeRecords(ctx context.Context, id string, in v1.BulkRecords) (v1.BulkResult, error) {
	return c.bulk(ctx, "exclude records", at(id, "records", "exclude"), in)
}

// BulkDeadLetters requeues or dismisses dead letters: those named at once, all of a filter by a job.
func (c *Client) BulkDeadLetters(ctx context.Context, id string, in v1.BulkDeadLetters) (v1.BulkResult, error) {
	return c.bulk(ctx, in.Action+" dead letters", at(id, "dead-letters", "bulk"), in)
}

func (c *Client) bulk(ctx context.Context, operation, path string, in any) (v1.BulkResult, error) {
	return ask[v1.BulkResult](ctx, c, Call{Operation: operation, Method: http.MethodPost, Path: path, In: in})
}
