package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) replayRoutes(r chi.Router) {
	const at = "/installations/{id}/replay"
	r.Get(at, c.show("replay", (*visit).replay))
	r.Post(at, c.form("replay", (*visit).dryRun, (*visit).replay))
}

// replayData is the two forms, as they were filled in, and the jobs.
type replayData struct {
	Kinds    []filterChoice    // that a resync can go through
	Values   map[string]string // what was entered for a replay
	Kind     []filterChoice    // what a replay can be limited to
	Force    bool
	Limits   bool // the further limits of a replay are unfolded
	CanStart bool // jobs run only of installations at work
	Jobs     []v1.Job
}

// replayFields are the fields of a replay that are text.
var replayFields = []string{"from", "to", "fromSequence", "kind", "id"}

func (v *visit) replay() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	jobs, err := v.api.Jobs(v.ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := replayData{
		Jobs: jobs, Values: map[string]string{}, Force: v.field("force") != "",
		CanStart: in.State != v1.StateStopped && in.State != v1.StateUninstalled,
	}
	for _, name := range replayFields {
		d.Values[name] = v.field(name)
	}
	d.Limits = d.Values["fromSequence"]+d.Values["kind"]+d.Values["id"] != "" || d.Force
	asked := v.r.PostForm["kinds"]
	for _, s := range v1.Syncs {
		if status, known := in.Syncs[s]; known && status.State != v1.SyncUninstalled {
			kind := kindOf(s)
			selected := len(asked) == 0 || strings.Contains(strings.Join(asked, " "), string(kind))
			d.Kinds = append(d.Kinds, filterChoice{Value: string(kind), Text: present.KindWord(kind) + "s", Selected: selected})
		}
	}
	for _, k := range []v1.Kind{v1.KindCompany, v1.KindContract, v1.KindContact} {
		d.Kind = append(d.Kind, filterChoice{Value: string(k), Text: present.KindWord(k), Selected: string(k) == d.Values["kind"]})
	}
	return &page{Title: "Replay", Nav: "replay", Installation: in, Data: d}, nil
}

// kindOf is the kind of the records that a sync is about.
func kindOf(s v1.Sync) v1.Kind {
	if s == v1.SyncActiveCustomerContracts {
		return v1.KindContract
	}
	return v1.KindCompany
}

// dryRun starts what one of the two forms asks for, without pushing anything. The
// job's page then offers to push.
func (v *visit) dryRun() (done, error) {
	if v.field("form") == "resync" {
		in := v1.ResyncRequest{DryRun: true}
		for _, k := range v.r.PostForm["kinds"] {
			in.Kinds = append(in.Kinds, v1.Kind(k))
		}
		if len(in.Kinds) == 0 {
			return done{}, v1.Invalid("The resync is not started.", v1.FieldError{
				Pointer: "#/kinds", Code: "required", Detail: "choose at least one",
			})
		}
		ref, err := v.api.Resync(v.ctx, v.r.PathValue("id"), in)
		return done{v.under("/jobs/" + ref.Job), ""}, err
	}
	in, err := v.replayForm()
	if err != nil {
		return done{}, err
	}
	ref, err := v.api.Replay(v.ctx, v.r.PathValue("id"), in)
	return done{v.under("/jobs/" + ref.Job), ""}, err
}

// replayForm reads the form of a replay; what cannot be read is named by its field.
func (v *visit) replayForm() (v1.ReplayRequest, error) {
	in := v1.ReplayRequest{Kind: v1.Kind(v.field("kind")), ID: v.field("id"), Force: v.field("force") != "", DryRun: true}
	var wrong []v1.FieldError
	for name, into := range map[string]**time.Time{"from": &in.From, "to": &in.To} {
		at, err := moment(v.field(name))
		if err != nil {
			wrong = append(wrong, v1.FieldError{Pointer: "#/" + name, Code: "time", Detail: err.Error()})
		}
		*into = at
	}
	if in.From != nil && in.From.After(v.now()) {
		wrong = append(wrong, v1.FieldError{Pointer: "#/from", Code: "future", Detail: "got a time to come, want one that has passed: no change is stored since"})
	}
	if text := v.field("fromSequence"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			wrong = append(wrong, v1.FieldError{
				Pointer: "#/fromSequence", Code: "number", Detail: fmt.Sprintf("got %q, want a whole number", present.Cut(text, 40)),
			})
		}
		in.FromSequence = n
	}
	if len(wrong) > 0 {
		return in, v1.Invalid("The replay is not started.", wrong...)
	}
	return in, nil
}

// moment reads a time as a browser's field for one has it, in UTC; nothing is nil.
func moment(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02 15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 2000 {
			return &at, nil
		}
	}
	return nil, fmt.Errorf("got %q, want a date and a time in UTC, such as 2026-11-23 15:04", present.Cut(text, 40))
}
