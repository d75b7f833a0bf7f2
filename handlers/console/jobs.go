package console

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

func (c *Console) jobRoutes(r chi.Router) {
	const at = "/installations/{id}/jobs/{job}"
	r.Get(at, c.show("job", (*visit).job))
	r.Post(at+"/cancel", c.do((*visit).cancelJob))
	r.Post(at+"/run", c.do((*visit).runJob))
}

// jobData is one job, and what it was asked for in words.
type jobData struct {
	Job     v1.Job
	Asked   []string
	Running bool
	Offer   bool // a dry run is done: now it can be pushed
	Resync  bool // it goes through everything, and finds what was edited at the target
}

func (v *visit) job() (*page, error) {
	in, err := v.installation()
	if err != nil {
		return nil, err
	}
	j, err := v.api.Job(v.ctx, in.ID, v.r.PathValue("job"))
	if err != nil {
		return nil, err
	}
	d := jobData{
		Job: j, Asked: present.AskedWords(j), Running: j.State == v1.JobRunning,
		Offer: j.DryRun && j.State == v1.JobDone, Resync: j.Type == "resync" || j.Type == "sweep",
	}
	title := present.JobName(j)
	if v.tenant() {
		title = present.TenantJobName(j)
	}
	return &page{Title: title, Nav: "replay", Installation: in, Data: d}, nil
}

func (v *visit) cancelJob() (done, error) {
	if err := v.api.CancelJob(v.ctx, v.r.PathValue("id"), v.r.PathValue("job")); err != nil {
		return done{}, err
	}
	return done{v.backOr("/jobs/" + v.r.PathValue("job")), "It is cancelled. Finished records stay finished."}, nil
}

// runJob starts the job that a dry run was of.
func (v *visit) runJob() (done, error) {
	id := v.r.PathValue("id")
	j, err := v.api.Job(v.ctx, id, v.r.PathValue("job"))
	if err != nil {
		return done{}, err
	}
	if !j.DryRun || j.State != v1.JobDone {
		return done{}, v1.NewProblem(http.StatusConflict, v1.CodeConflict, "This is not a finished dry run.", "Start a new dry run.")
	}
	var ref v1.JobRef
	if j.Replay != nil {
		in := *j.Replay
		in.DryRun = false
		ref, err = v.api.Replay(v.ctx, id, in)
	} else {
		ref, err = v.api.Resync(v.ctx, id, v1.ResyncRequest{Kinds: j.Kinds})
	}
	if err != nil {
		return done{}, err
	}
	return done{v.under("/jobs/" + ref.Job), "It has started."}, nil
}
