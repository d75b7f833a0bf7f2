package client

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	v1 "channelsync/api/v1"
)

// Records lists records of an installation, a page at a time.
func (c *Client) Records(ctx context.Context, id string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	query := filtered(pageQuery(q.Cursor, q.Limit), recordFilters(q))
	return ask[v1.Page[v1.Record]](ctx, c, Call{Operation: "list records", Method: http.MethodGet, Path: at(id, "records"), Query: query})
}

// RecordCounts counts the records that q, without its cursor and limit, is about.
func (c *Client) RecordCounts(ctx context.Context, id string, q v1.RecordQuery) (v1.RecordCounts, error) {
	query := filtered(url.Values{}, recordFilters(q))
	return ask[v1.RecordCounts](ctx, c, Call{Operation: "count records", Method: http.MethodGet, Path: at(id, "records", "counts"), Query: query})
}

func recordFilters(q v1.RecordQuery) map[string]string {
	return map[string]string{"kind": string(q.Kind), "outcome": string(q.Outcome), "reason": q.Reason, "q": q.Q}
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
	return ask[v1.RecordDetail](ctx, c, Call{Operation: "show record", Method: http.MethodGet, Path: at(id, "records", string(kind), record)})
}

// Versions lists what was sent of a record, newest first, or says what Channel Program held of it at a time.
func (c *Client) Versions(ctx context.Context, id string, kind v1.Kind, record string, q v1.VersionQuery) (v1.VersionPage, error) {
	var out v1.VersionPage
	query := pageQuery(q.Cursor, q.Limit)
	if q.At != "" {
		query.Set("at", q.At)
	}
	err := c.Do(ctx, Call{
		Operation: "list versions", Method: http.MethodGet, Path: ExportVersions(id, kind, record), Query: query, Out: &out,
	})
	return out, err
}

// ErrNoVersion says that a record has no such version, or that it is kept no longer.
var ErrNoVersion = errors.New("there is no such version of this record, or it is no longer kept")

// Version is one of a record's versions.
func (c *Client) Version(ctx context.Context, id string, kind v1.Kind, record string, number int) (v1.Version, error) {
	page, err := c.Versions(ctx, id, kind, record, v1.VersionQuery{Cursor: strconv.Itoa(number + 1), Limit: 1})
	if err != nil {
		return v1.Version{}, err
	}
	if len(page.Items) == 0 || page.Items[0].Number != number {
		return v1.Version{}, ErrNoVersion
	}
	return page.Items[0], nil
}

// ReconcileRecord brings one record in line now.
func (c *Client) ReconcileRecord(ctx context.Context, id string, kind v1.Kind, record string) error {
	return c.Do(ctx, Call{Operation: "reconcile record", Method: http.MethodPost, Path: at(id, "records", string(kind), record, "reconcile")})
}

// Drift lists what was edited in Channel Program, a page at a time.
func (c *Client) Drift(ctx context.Context, id string, q v1.DriftQuery) (v1.Page[v1.Drift], error) {
	query := filtered(pageQuery(q.Cursor, q.Limit), map[string]string{"state": string(q.State), "kind": string(q.Kind)})
	return ask[v1.Page[v1.Drift]](ctx, c, Call{Operation: "list drift", Method: http.MethodGet, Path: at(id, "drift"), Query: query})
}

// AllDrift goes through every page. It ends after the first error.
func (c *Client) AllDrift(ctx context.Context, id string, q v1.DriftQuery) iter.Seq2[v1.Drift, error] {
	return all(q.Cursor, func(cursor string) (v1.Page[v1.Drift], error) {
		q.Cursor = cursor
		return c.Drift(ctx, id, q)
	})
}

// PushOurs pushes a record over what somebody edited in Channel Program.
func (c *Client) PushOurs(ctx context.Context, id string, kind v1.Kind, record string) error {
	return c.Do(ctx, Call{
		Operation: "push a record over an edit", Method: http.MethodPost, Path: at(id, "records", string(kind), record, "push-ours"),
	})
}

// Explain asks Autotask and Channel Program why a record is or is not synced.
func (c *Client) Explain(ctx context.Context, id string, kind v1.Kind, record string) (v1.Explanation, error) {
	return ask[v1.Explanation](ctx, c, Call{
		Operation: "explain record", Method: http.MethodGet,
		Path: at(id, "records", string(kind), record, "explain"), Timeout: writeTimeout,
	})
}

// Status is everything at a glance.
func (c *Client) Status(ctx context.Context) (v1.Status, error) {
	return c.StatusOf(ctx, v1.InstallationQuery{})
}

// StatusOf is the same of the installations that q is about.
func (c *Client) StatusOf(ctx context.Context, q v1.InstallationQuery) (v1.Status, error) {
	return ask[v1.Status](ctx, c, Call{Operation: "show status", Method: http.MethodGet, Path: "/status", Query: installationQuery(q)})
}

// Audit lists what operators did. An empty cursor is the first page, a limit of
// 0 the API's default.
func (c *Client) Audit(ctx context.Context, q v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	query := filtered(pageQuery(q.Cursor, q.Limit), map[string]string{"installation": q.Installation})
	return ask[v1.Page[v1.AuditEntry]](ctx, c, Call{Operation: "list audit", Method: http.MethodGet, Path: "/audit", Query: query})
}

// filtered adds to a query what it is filtered by.
func filtered(query url.Values, by map[string]string) url.Values {
	for name, value := range by {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
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
