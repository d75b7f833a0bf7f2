package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	v1 "channelsync/api/v1"
)

// Records lists records of an installation, a page at a time.
func (c *Client) Records(ctx context.Context, id string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	var out v1.Page[v1.Record]
	query := pageQuery(q.Cursor, q.Limit)
	for name, value := range map[string]string{"kind": string(q.Kind), "outcome": string(q.Outcome), "q": q.Q} {
		if value != "" {
			query.Set(name, value)
		}
	}
	err := c.Do(ctx, Call{
		Operation: "list records", Method: http.MethodGet, Path: at(id, "records"), Query: query, Out: &out,
	})
	return out, err
}

// AllRecords goes through every page. It ends after the first error.
func (c *Client) AllRecords(ctx context.Context, id string, q v1.RecordQuery) iter.Seq2[v1.Record, error] {
	return all(q.Cursor, func(cursor string) (v1.Page[v1.Record], error) {
		q.Cursor = cursor
		return c.Records(ctx, id, q)
	})
}

// Record shows one record with its timeline.
func (c *Client) Record(ctx context.Context, id string, kind v1.Kind, record string) (v1.RecordDetail, error) {
	var out v1.RecordDetail
	err := c.Do(ctx, Call{
		Operation: "show record", Method: http.MethodGet, Path: at(id, "records", string(kind), record), Out: &out,
	})
	return out, err
}

// ReconcileRecord brings one record in line now.
func (c *Client) ReconcileRecord(ctx context.Context, id string, kind v1.Kind, record string) error {
	return c.Do(ctx, Call{
		Operation: "reconcile record", Method: http.MethodPost,
		Path: at(id, "records", string(kind), record, "reconcile"),
	})
}

// Explain asks Autotask and Channel Program why a record is or is not synced.
func (c *Client) Explain(ctx context.Context, id string, kind v1.Kind, record string) (v1.Explanation, error) {
	var out v1.Explanation
	err := c.Do(ctx, Call{
		Operation: "explain record", Method: http.MethodGet,
		Path: at(id, "records", string(kind), record, "explain"), Out: &out, Timeout: writeTimeout,
	})
	return out, err
}

// Status is everything at a glance.
func (c *Client) Status(ctx context.Context) (v1.Status, error) {
	var out v1.Status
	err := c.Do(ctx, Call{Operation: "show status", Method: http.MethodGet, Path: "/status", Out: &out})
	return out, err
}

// Audit lists what operators did. An empty cursor is the first page, a limit of
// 0 the API's default.
func (c *Client) Audit(ctx context.Context, cursor string, limit int) (v1.Page[v1.AuditEntry], error) {
	var out v1.Page[v1.AuditEntry]
	err := c.Do(ctx, Call{
		Operation: "list audit", Method: http.MethodGet, Path: "/audit", Query: pageQuery(cursor, limit), Out: &out,
	})
	return out, err
}

func pageQuery(cursor string, limit int) url.Values {
	q := url.Values{}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if limit != 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	return q
}
