package console

import (
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

const (
	maxActivity = 200 // outcomes that are looked through: all that the API remembers
	perActivity = 25  // outcomes on the page, unless all are asked for
)

func (c *Console) activityRoutes(r chi.Router) {
	r.Get("/installations/{id}/activity", c.show("activity", (*visit).activity))
}

// activityData is the latest outcomes that the filters of the URL let through.
type activityData struct {
	Rows     []activityRow
	Filter   activityFilter
	Outcomes []filterChoice
	Kinds    []filterChoice
	Triggers []filterChoice
	Any      bool   // something happened, shown or not
	Paused   bool   // the page stands still, so that one can read
	Toggle   string // the same page, paused or going on
	Fit      int    // outcomes that the filters let through
	All      string // the same page with all of them; empty when all are on it
}

// activityRow is one outcome in words.
type activityRow struct {
	v1.FeedEvent
	What    string
	Trigger string
}

// activityFilter is what the URL asks for; an empty field lets everything through.
type activityFilter struct {
	Outcome v1.Outcome
	Kind    v1.Kind
	Trigger v1.Trigger
	Q       string
}

// triggers are why a record is looked at, the most telling first.
var triggers = []v1.Trigger{
	v1.TriggerCallback, v1.TriggerPoll, v1.TriggerDependent, v1.TriggerManual, v1.TriggerBackfill, v1.TriggerSweep, v1.TriggerReplay,
}

func (v *visit) activity() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	events, err := v.api.Activity(v.ctx, in.ID, maxActivity)
	if err != nil {
		return nil, err
	}
	query := v.r.URL.Query()
	d := activityData{Filter: activityFilterOf(query), Any: len(events) > 0, Paused: query.Get("paused") != ""}
	d.choices()
	all := query.Get("all") != ""
	d.Toggle = v.under("/activity") + d.Filter.query(!d.Paused, all)
	for _, e := range events {
		if !d.Filter.admits(e) {
			continue
		}
		d.Fit++
		if all || len(d.Rows) < perActivity {
			d.Rows = append(d.Rows, activityRow{e, present.Happened(e), present.Capital(present.TriggerWord(e.Trigger))})
		}
	}
	if d.Fit > len(d.Rows) {
		d.All = v.under("/activity") + d.Filter.query(d.Paused, true)
	}
	return &page{Title: "Activity", Nav: "activity", Installation: in, Data: d}, nil
}

// choices are what can be filtered by.
func (d *activityData) choices() {
	for _, o := range recordOutcomes {
		d.Outcomes = append(d.Outcomes, filterChoice{Value: string(o), Text: present.OutcomeWord(o).Text, Selected: o == d.Filter.Outcome})
	}
	for _, k := range recordKinds {
		d.Kinds = append(d.Kinds, filterChoice{Value: string(k), Text: present.KindWord(k) + "s", Selected: k == d.Filter.Kind})
	}
	for _, t := range triggers {
		d.Triggers = append(d.Triggers, filterChoice{Value: string(t), Text: present.Capital(present.TriggerWord(t)), Selected: t == d.Filter.Trigger})
	}
}

// activityFilterOf reads the filters of a URL; a value that there is none of does not filter.
func activityFilterOf(q url.Values) activityFilter {
	f := activityFilter{Q: v1.Trim(q.Get("q"))}
	if o := v1.Outcome(q.Get("outcome")); slices.Contains(recordOutcomes, o) {
		f.Outcome = o
	}
	if k := v1.Kind(q.Get("kind")); slices.Contains(recordKinds, k) {
		f.Kind = k
	}
	if t := v1.Trigger(q.Get("trigger")); slices.Contains(triggers, t) {
		f.Trigger = t
	}
	return f
}

// query is the filter as a URL has it, with its question mark.
func (f activityFilter) query(paused, all bool) string {
	q := url.Values{}
	for name, value := range map[string]string{
		"outcome": string(f.Outcome), "kind": string(f.Kind), "trigger": string(f.Trigger), "q": f.Q,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if paused {
		q.Set("paused", "1")
	}
	if all {
		q.Set("all", "1")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (f activityFilter) admits(e v1.FeedEvent) bool {
	return (f.Outcome == "" || e.Outcome == f.Outcome) && (f.Kind == "" || e.Kind == f.Kind) && (f.Trigger == "" || e.Trigger == f.Trigger) &&
		(f.Q == "" || e.ID == f.Q || strings.Contains(v1.Fold(e.Name), v1.Fold(f.Q)))
}
