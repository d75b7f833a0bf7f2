package console

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/bundle"
	"channelsync/handlers/console/present"
)

// recordData is a record's page.
type recordData struct {
	Kind   v1.Kind
	ID     string
	Name   string
	Path   string // of this page, without its query
	Edited bool   // somebody edited it in Channel Program, and nothing is pushed over that
	Seen   bool   // it has been reconciled at least once

	Record    v1.RecordDetail
	Verdict   present.Verdict
	Fields    []present.Field
	Compared  bool              // there is something that was sent before
	Computed  *present.Computed // how a contract's vendor and cost were found; nil for a client
	Runs      []present.Run
	Explained *explained
	Client    string // a contract's client by name; empty where it is not known
	Bundle    string
}

// explained is what Autotask and Channel Program said when asked just now.
type explained struct {
	v1.Explanation
	Problem *v1.Problem     // why they could not be asked; the rest is empty then
	Fields  []present.Field // what would be sent, where that is not what was sent last
	// Computed is how a contract's vendor and cost would be found, where that is not how it was last.
	Computed *present.Computed
}

// record shows what is known of a record. Autotask is asked only by ?explain=1,
// and never for the polls of a page that is open.
func (v *visit) record() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	d := recordData{Kind: v1.Kind(v.r.PathValue("kind")), ID: v.r.PathValue("record")}
	d.Path = v.under("/records/" + string(d.Kind) + "/" + d.ID)
	d.Record, err = v.api.Record(v.ctx, in.ID, d.Kind, d.ID)
	switch {
	case err == nil:
		d.Seen, d.Name = true, d.Record.Name
		d.Client = v.clientName(in.ID, d.Record)
	case isNotFound(err) && v.plausible():
		d.Record = v1.RecordDetail{Record: v1.Record{Kind: d.Kind, ID: d.ID}}
	default:
		return nil, err
	}
	if v.asks() && !follows(v.r) {
		d.Explained = v.explain(in.ID, &d)
	}
	d.fill(v, in)
	title := d.Name
	if title == "" {
		title = present.KindWord(d.Kind) + " " + d.ID
	}
	return &page{Title: title, Nav: "records", Installation: in, Data: d}, nil
}

// clientName is the name of a contract's present client, as the company's own record has it: what
// was sent may name the one before.
func (v *visit) clientName(installation string, r v1.RecordDetail) string {
	if r.CompanyID == "" {
		return ""
	}
	company, err := v.api.Record(v.ctx, installation, v1.KindCompany, r.CompanyID)
	if id, sent := r.SentClient(); err != nil && id == r.CompanyID {
		return sent
	}
	return company.Name // without one its id says which it is
}

// plausible says whether Autotask could have a record of the path's kind and id.
func (v *visit) plausible() bool {
	k := v1.Kind(v.r.PathValue("kind"))
	return (k == v1.KindCompany || k == v1.KindContract) && isRecordID(v.r.PathValue("record"))
}

// asks says whether Autotask is to be asked. A page that asked and is open says
// so too, and shows the same words, but asks nobody again.
func (v *visit) asks() bool { return v.r.URL.Query().Get("explain") != "" }

// explain asks; that it cannot be asked is something the page says, not the end of it.
func (v *visit) explain(installation string, d *recordData) *explained {
	e, err := v.api.Explain(v.ctx, installation, d.Kind, d.ID)
	if err != nil {
		return &explained{Problem: v.problem(err)}
	}
	if d.Name == "" {
		d.Name = e.Name
	}
	if d.Record.SourceURL == "" {
		d.Record.SourceURL = e.SourceURL
	}
	if v.tenant() {
		e.Next = present.TenantDetail(e.Next)
	}
	out := &explained{Explanation: e}
	if !present.SameJSON(e.Projection, d.Record.Projection) {
		out.Fields = present.SentFields(e.Projection, nil, e.Sources)
	}
	if d.Kind == v1.KindContract && !present.SameJSON(e.Sources, d.Record.Sources) {
		out.Computed = present.ComputedOf(e.Sources)
	}
	return out
}

// fill works out what is shown of the record.
func (d *recordData) fill(v *visit, in *v1.Installation) {
	d.Record.SourceURL, d.Record.TargetURL = webLink(d.Record.SourceURL), webLink(d.Record.TargetURL)
	d.Verdict = present.Unseen(d.Kind, v.asks())
	if d.Seen {
		d.Edited = slices.Contains(d.Record.Reasons, v1.ReasonEditedAtTarget)
		d.Verdict = present.VerdictOf(&d.Record, v.now())
		if v.tenant() {
			d.Verdict.Sentence, d.Verdict.Fix = present.TenantDetail(d.Verdict.Sentence), present.TenantFix(d.Verdict.Fix)
		}
		d.Fields = present.SentFields(d.Record.Projection, d.Record.Previous, d.Record.Sources)
		d.Compared = !present.IsNull(d.Record.Previous)
		d.Runs = present.RunsOf(d.Record.Timeline)
		if v.tenant() {
			present.TenantRuns(d.Runs)
		}
	}
	if d.Kind == v1.KindContract {
		d.Computed = present.ComputedOf(d.Record.Sources)
	}
	src := bundle.Source{Installation: in, Record: &d.Record, Version: v.version, At: v.now()}
	if d.Explained != nil {
		src.Explanation, src.Problem = &d.Explained.Explanation, d.Explained.Problem
	}
	d.Bundle = string(bundle.Of(src))
}

// recordBundle serves the support bundle of a record as a file.
func (c *Console) recordBundle(w http.ResponseWriter, r *http.Request) {
	v := &visit{c, w, r, r.Context()}
	p, err := v.record()
	if err != nil {
		v.fail(err)
		return
	}
	d, _ := p.Data.(recordData)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, bundle.FileName(d.Kind, d.ID)))
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, d.Bundle+"\n") // the browser is gone if this fails
}

func (v *visit) reconcileRecord() (done, error) {
	kind, id := v1.Kind(v.r.PathValue("kind")), v.r.PathValue("record")
	if err := v.api.ReconcileRecord(v.ctx, v.r.PathValue("id"), kind, id); err != nil {
		return done{}, err
	}
	if wait := v.waits(); wait != "" {
		return done{v.under("/records/" + string(kind) + "/" + id), "It is queued." + wait}, nil
	}
	return done{
		to:  v.under("/records/" + string(kind) + "/" + id),
		say: "It is being synced now: read from Autotask, checked, and sent if anything differs. This page shows the result.",
	}, nil
}

// webLink is a link that may be shown: whatever is not a web address is none.
func webLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}
