package console

import (
	"cmp"
	"net/url"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
	"channelsync/handlers/internal/identity"
)

// perAudit is how many entries a page has.
const perAudit = 50

func (c *Console) auditRoutes(r chi.Router) {
	r.Get("/audit", c.show("audit", (*visit).audit))
}

// auditData is a page of what operators did.
type auditData struct {
	Rows          []present.AuditRow
	Installations []filterChoice
	Filter        string // the id of the one installation that is shown
	Later         bool   // this is not the first page
	First, Older  string // paths; Older is empty on the last page
}

func (v *visit) audit() (*page, error) {
	query := v.r.URL.Query()
	q := v1.AuditQuery{Installation: v1.Trim(query.Get("installation")), Cursor: query.Get("cursor"), Limit: perAudit}
	entries, err := v.api.Audit(v.ctx, q)
	if err != nil {
		return nil, err
	}
	installations, err := v.api.Installations(v.ctx)
	if err != nil {
		return nil, err
	}
	d := auditData{Filter: q.Installation, Later: q.Cursor != "", First: auditPath(q.Installation, "")}
	names := map[string]string{}
	for _, in := range installations {
		names[in.ID] = in.Name
		d.Installations = append(d.Installations, filterChoice{Value: in.ID, Text: in.Name, Selected: in.ID == q.Installation})
	}
	if _, known := names[q.Installation]; q.Installation != "" && !known && !identity.Of(v.ctx).Scoped() { // to whom another's looks erased
		d.Installations = append(d.Installations, filterChoice{Value: q.Installation, Text: "Erased: " + q.Installation, Selected: true})
	}
	for _, e := range entries.Items {
		row := present.AuditWords(e)
		if v.tenant() {
			row.What = present.Tenant(row.What)
		}
		row.Name, row.Known = names[e.Installation]
		row.Name = cmp.Or(row.Name, e.Installation)
		d.Rows = append(d.Rows, row)
	}
	if entries.NextCursor != nil {
		d.Older = auditPath(q.Installation, *entries.NextCursor)
	}
	return &page{Title: "Audit", Nav: "audit", Data: d}, nil
}

func auditPath(installation, cursor string) string {
	q := url.Values{}
	if installation != "" {
		q.Set("installation", installation)
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return "/audit"
	}
	return "/audit?" + q.Encode()
}
