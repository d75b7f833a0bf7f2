package admin

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Jobs starts, shows and cancels backfills, resyncs and replays.
type Jobs interface {
	Job(ctx context.Context, id, job string) (v1.Job, error)
	// JobList returns the running ones and the last that ended, newest first.
	JobList(ctx context.Context, id string) ([]v1.Job, error)
	CancelJob(ctx context.Context, id, job string) error
	Resync(ctx context.Context, id string, req v1.ResyncRequest) (v1.JobRef, error)
	Replay(ctx context.Context, id string, req v1.ReplayRequest) (v1.JobRef, error)
}

func (a *API) jobRoutes(r chi.Router) {
	r.Get("/installations/{id}/jobs", a.serve(withOnlyInstallation((*call).listJobs)))
	r.Get("/installations/{id}/jobs/{job}", a.serve((*call).getJob))
	r.Post("/installations/{id}/jobs/{job}/cancel", a.serve((*call).cancelJob))
	r.Post("/installations/{id}/resyncs", a.serveBody(withBody(decodeOptional, (*call).resync)))
	r.Post("/installations/{id}/replays", a.serveBody(withBody(decodeOptional, (*call).replay)))
}

func (c *call) listJobs(id string) (reply, error) {
	jobs, err := c.Jobs.JobList(c.r.Context(), id)
	return ok(v1.JobList{Items: nonNil(jobs)}), err
}

func (c *call) getJob() (reply, error) {
	id, job, err := c.jobPath()
	if err != nil {
		return reply{}, err
	}
	out, err := c.Jobs.Job(c.r.Context(), id, job)
	return ok(out), err
}

func (c *call) cancelJob() (reply, error) {
	id, job, err := c.jobPath()
	if err != nil {
		return reply{}, err
	}
	c.auditing("job.cancel", id, job)
	return accepted(), c.Jobs.CancelJob(c.r.Context(), id, job)
}

func (c *call) jobPath() (id, job string, err error) {
	if id, err = c.installation(); err != nil {
		return "", "", err
	}
	if job, err = c.job(); err != nil {
		return "", "", err
	}
	return id, job, c.query().err()
}

func (c *call) resync(id string, in v1.ResyncRequest) (reply, error) {
	c.auditing("resync", id, describeResync(in))
	job, err := c.Jobs.Resync(c.r.Context(), id, in)
	return reply{status: http.StatusAccepted, body: job}, err
}

func (c *call) replay(id string, in v1.ReplayRequest) (reply, error) {
	if errs := wrongReplay(in); len(errs) > 0 {
		return reply{}, v1.Invalid("The body has fields that do not go together.", errs...)
	}
	c.auditing("replay", id, describeReplay(in))
	job, err := c.Jobs.Replay(c.r.Context(), id, in)
	return reply{status: http.StatusAccepted, body: job}, err
}

// wrongReplay is what the tags of v1.ReplayRequest cannot say.
func wrongReplay(in v1.ReplayRequest) []v1.FieldError {
	var errs []v1.FieldError
	if in.ID != "" && in.Kind == "" {
		errs = append(errs, v1.FieldError{
			Pointer: "#/kind", Code: "required", Detail: "got an id without a kind, want the kind of the record too",
		})
	}
	if _, ok := v1.ParseRecordID(in.ID); in.ID != "" && !ok {
		errs = append(errs, v1.FieldError{
			Pointer: "#/id", Code: "number", Detail: "got " + fmt.Sprintf("%q", shorten(in.ID)) + ", want a decimal number",
		})
	}
	if in.From != nil && in.To != nil && !in.From.Before(*in.To) {
		errs = append(errs, v1.FieldError{
			Pointer: "#/to", Code: "range", Detail: "got a time that is not after from, want a later one",
		})
	}
	return errs
}

func describeResync(in v1.ResyncRequest) string {
	words := make([]string, 0, len(in.Kinds)+1)
	for _, k := range in.Kinds {
		words = append(words, string(k))
	}
	return joinWords(words, in.DryRun)
}

func describeReplay(in v1.ReplayRequest) string {
	var words []string
	if in.From != nil {
		words = append(words, "from "+in.From.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if in.To != nil {
		words = append(words, "to "+in.To.UTC().Format("2006-01-02T15:04:05Z"))
	}
	if in.FromSequence > 0 {
		words = append(words, fmt.Sprintf("from sequence %d", in.FromSequence))
	}
	if in.Kind != "" {
		words = append(words, strings.TrimSuffix(string(in.Kind)+"/"+in.ID, "/"))
	}
	if in.Force {
		words = append(words, "force")
	}
	return joinWords(words, in.DryRun)
}

func joinWords(words []string, dryRun bool) string {
	if dryRun {
		words = append(words, "dry run")
	}
	return strings.Join(words, ", ")
}
