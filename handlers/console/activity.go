package console

import (
	"net/url"
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

func (v *visit) activity() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	query := v.r.URL.Query()
	known := filterValues{"outcome": texts(v1.Outcomes), "kind": texts(v1.RecordKinds), "trigger": texts(v1.Triggers)}
	if err := wrongFilters(query, known); err != nil {
		return nil, err
	}
	events, err := v.api.Activity(v.ctx, in.ID, maxActivity)
	if err != nil {
		return nil, err
	}
	d := activityData{Filter: activityFilterOf(query), Any: len(events) > 0, Paused: query.Get("paused") != ""}
	v.choices(&d)
	all := query.Get("all") != ""
	d.Toggle = v.under("/activity") + d.Filter.query(!d.Paused, all)
	for _, e := range events {
		if !d.Filter.admits(e) {
			continue
		}
		d.Fit++
		if all || len(d.Rows) < perActivity {
			d.Rows = append(d.Rows, activityRow{e, present.Happened(e), v.triggerWord(e.Trigger)})
		}
	}
	if d.Fit > len(d.Rows) {
		d.All = v.under("/activity") + d.Filter.query(d.Paused, true)
	}
	return &page{Title: "Activity", Nav: "activity", Installation: in, Data: d}, nil
}

// triggerWord is why a record was looked at, in the words of whoever asks.
func (v *visit) triggerWord(t v1.Trigger) string {
	word := present.TriggerWord(t)
	if v.tenant() {
		word = present.TenantTrigger(word)
	}
	return present.Capital(word)
}

// choices are what can be filtered by.
func (v *visit) choices(d *activityData) {
	for _, o := range v1.Outcomes {
		d.Outcomes = append(d.Outcomes, filterChoice{Value: string(o), Text: present.OutcomeWord(o).Text, Selected: o == d.Filter.Outcome})
	}
	for _, k := range v1.RecordKinds {
		d.Kinds = append(d.Kinds, filterChoice{Value: string(k), Text: present.KindWord(k) + "s", Selected: k == d.Filter.Kind})
	}
	for _, t := range v1.Triggers {
		d.Triggers = append(d.Triggers, filterChoice{Value: string(t), Text: v.triggerWord(t), Selected: t == d.Filter.Trigger})
	}
}

// activityFilterOf reads the filters of a URL, which wrongFilters has looked at.
func activityFilterOf(q url.Values) activityFilter {
	text := func(name string) string { return v1.Trim(q.Get(name)) }
	return activityFilter{Q: text("q"), Outcome: v1.Outcome(text("outcome")), Kind: v1.Kind(text("kind")), Trigger: v1.Trigger(text("trigger"))}
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
