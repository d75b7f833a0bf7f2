package admin

import (
	"context"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

// Jobs shows and cancels backfills, resyncs and replays.
type Jobs interface {
	Job(ctx context.Context, id, job string) (v1.Job, error)
	// JobList returns the running ones and the last that ended, newest first.
	JobList(ctx context.Context, id string) ([]v1.Job, error)
	Cancel(ctx context.Context, id, job string) error
}

func (a *API) jobRoutes(r chi.Router) {
	r.Get("/installations/{id}/jobs", a.serve((*call).listJobs))
	r.Get("/installations/{id}/jobs/{job}", a.serve((*call).getJob))
	r.Post("/installations/{id}/jobs/{job}/cancel", a.serve((*call).cancelJob))
}

func (c *call) listJobs() (reply, error) {
	id, err := c.installation()
	if err != nil {
		return reply{}, err
	}
	if err := c.query().err(); err != nil {
		return reply{}, err
	}
	jobs, err := c.Jobs.JobList(c.r.Context(), id)
	return ok(v1.JobList{Items: some(jobs)}), err
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
	return accepted(), c.Jobs.Cancel(c.r.Context(), id, job)
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
