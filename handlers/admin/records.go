package admin

import (
	"context"
	"strconv"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
)

// Records shows how records stand, and brings one in line now.
type Records interface {
	Records(ctx context.Context, id string, query v1.RecordQuery) (v1.Page[v1.Record], error)
	// RecordCounts counts records by what they can be filtered by.
	RecordCounts(ctx context.Context, id string, query v1.RecordQuery) (v1.RecordCounts, error)
	Record(ctx context.Context, id string, kind v1.Kind, record int64) (v1.RecordDetail, error)
	// Explain asks Autotask and Channel Program how a record stands now. It pushes and
	// remembers nothing.
	Explain(ctx context.Context, id string, kind v1.Kind, record int64) (v1.Explanation, error)
	Reconcile(ctx context.Context, id string, kind v1.Kind, record int64) error
	// Versions lists what was sent of a record over time, and answers what Channel Program held at one.
	Versions(ctx context.Context, id string, kind v1.Kind, record int64, query v1.VersionQuery) (v1.VersionPage, error)
	// ReconcileRecords and ExcludeRecords are for several records: those named, or all of a filter.
	ReconcileRecords(ctx context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error)
	ExcludeRecords(ctx context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error)
	// DriftList lists what was edited in Channel Program; PushOurs pushes over it.
	DriftList(ctx context.Context, id string, query v1.DriftQuery) (v1.Page[v1.Drift], error)
	PushOurs(ctx context.Context, id string, kind v1.Kind, record int64) error
}

func (a *API) recordRoutes(r chi.Router) {
	r.Get("/installations/{id}/records", a.serve(withInstallation((*call).listRecords)))
	r.Get("/installations/{id}/records/counts", a.serve(withInstallation((*call).countRecords)))
	r.Get("/installations/{id}/records/{kind}/{record}", a.serve(withRecord((*call).getRecord)))
	r.Get("/installations/{id}/records/{kind}/{record}/explain", a.serve(withRecord((*call).explainRecord)))
	r.Get("/installations/{id}/records/{kind}/{record}/versions", a.serve((*call).listVersions))
	r.Post("/installations/{id}/records/{kind}/{record}/reconcile", a.serve(withRecord((*call).reconcileRecord)))
	r.Post("/installations/{id}/records/reconcile", a.serveBody(withBody(decode, (*call).reconcileRecords)))
	r.Post("/installations/{id}/records/exclude", a.serveBody(withBody(decode, (*call).excludeRecords)))
	r.Get("/installations/{id}/drift", a.serve(withInstallation((*call).listDrift)))
	r.Post("/installations/{id}/records/{kind}/{record}/push-ours", a.serve(withRecord((*call).pushOurs)))
}

func (c *call) listRecords(id string) (reply, error) {
	q := c.query("kind", "outcome", "reason", "q", "values", "cursor", "limit")
	query := q.records()
	query.Values = q.oneOf("values", "true", "false") == "true"
	query.Cursor, query.Limit = q.cursor(), q.limit()
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.Records.Records(c.r.Context(), id, query)
	page.Items = nonNil(page.Items)
	for i := range page.Items {
		page.Items[i].Reasons = nonNil(page.Items[i].Reasons)
	}
	return ok(page), err
}

// records is which records are meant.
func (q *query) records() v1.RecordQuery {
	return v1.RecordQuery{
		Kind: v1.Kind(q.oneOf("kind", texts(v1.RecordKinds)...)), Outcome: v1.Outcome(q.oneOf("outcome", texts(v1.Outcomes)...)),
		Reason: q.code("reason", v1.ReasonCodes()), Q: q.text("q", maxSearch),
	}
}

func (c *call) countRecords(id string) (reply, error) {
	q := c.query("kind", "outcome", "reason", "q")
	query := q.records()
	if err := q.err(); err != nil {
		return reply{}, err
	}
	counts, err := c.Records.RecordCounts(c.r.Context(), id, query)
	return ok(counts), err
}

func (c *call) getRecord(id string, kind v1.Kind, record int64) (reply, error) {
	detail, err := c.Records.Record(c.r.Context(), id, kind, record)
	detail.Reasons, detail.Timeline = nonNil(detail.Reasons), nonNil(detail.Timeline)
	return ok(detail), err
}

func (c *call) explainRecord(id string, kind v1.Kind, record int64) (reply, error) {
	out, err := c.Records.Explain(c.r.Context(), id, kind, record)
	out.Conditions, out.Differences = nonNil(out.Conditions), nonNil(out.Differences)
	if out.Record != nil {
		out.Record.Reasons = nonNil(out.Record.Reasons)
	}
	return ok(out), err
}

func (c *call) reconcileRecord(id string, kind v1.Kind, record int64) (reply, error) {
	c.auditing("record.reconcile", id, string(kind)+"/"+strconv.FormatInt(record, 10))
	return accepted(), c.Records.Reconcile(c.r.Context(), id, kind, record)
}

func (c *call) listVersions() (reply, error) {
	id, kind, record, err := c.recordOfPath()
	if err != nil {
		return reply{}, err
	}
	q := c.query("at", "cursor", "limit")
	query := v1.VersionQuery{At: q.timeOrDay("at"), Cursor: q.cursor(), Limit: q.limit()}
	if query.At != "" && query.Cursor != "" {
		q.wrong("cursor", "excluded", "got it beside at, which has one version to show, want one of them")
	}
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.Records.Versions(c.r.Context(), id, kind, record, query)
	page.Items = nonNil(page.Items)
	caller := identity.Of(c.r.Context())
	for i := range page.Items {
		page.Items[i].Changes = nonNil(page.Items[i].Changes)
		if by := page.Items[i].By; by != "" {
			page.Items[i].By = caller.NameFor(by)
		}
	}
	return ok(page), err
}

// withRecord gives f the record of the path of a request that takes no parameters.
func withRecord(f func(c *call, id string, kind v1.Kind, record int64) (reply, error)) func(*call) (reply, error) {
	return func(c *call) (reply, error) {
		id, kind, record, err := c.recordOfPath()
		if err == nil {
			err = c.query().err()
		}
		if err != nil {
			return reply{}, err
		}
		return f(c, id, kind, record)
	}
}

func (c *call) recordOfPath() (id string, kind v1.Kind, record int64, err error) {
	if id, err = c.installation(); err != nil {
		return "", "", 0, err
	}
	if kind, record, err = c.record(); err != nil {
		return "", "", 0, err
	}
	return id, kind, record, nil
}

func (c *call) listDrift(id string) (reply, error) {
	q := c.query("state", "kind", "cursor", "limit")
	query := v1.DriftQuery{
		State: v1.DriftState(q.oneOf("state", texts(v1.DriftStates)...)), Kind: v1.Kind(q.oneOf("kind", texts(v1.RecordKinds)...)),
		Cursor: q.cursor(), Limit: q.limit(),
	}
	if err := q.err(); err != nil {
		return reply{}, err
	}
	page, err := c.Records.DriftList(c.r.Context(), id, query)
	page.Items = nonNil(page.Items)
	for i := range page.Items {
		page.Items[i].Fields = nonNil(page.Items[i].Fields)
	}
	return ok(page), err
}

func (c *call) pushOurs(id string, kind v1.Kind, record int64) (reply, error) {
	c.auditing("record.push-ours", id, string(kind)+"/"+strconv.FormatInt(record, 10))
	return accepted(), c.Records.PushOurs(c.r.Context(), id, kind, record)
}
