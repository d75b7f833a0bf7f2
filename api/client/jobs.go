package client

import (
	"context"
	"net/http"

	v1 "channelsync/api/v1"
)

// Resync pushes everything in scope, whatever was pushed last.
func (c *Client) Resync(ctx context.Context, id string, in v1.ResyncRequest) (v1.JobRef, error) {
	var out v1.JobRef
	err := c.Do(ctx, Call{Operation: "resync", Method: http.MethodPost, Path: at(id, "resyncs"), In: in, Out: &out})
	return out, err
}

// Replay reads stored changes again.
func (c *Client) Replay(ctx context.Context, id string, in v1.ReplayRequest) (v1.JobRef, error) {
	var out v1.JobRef
	err := c.Do(ctx, Call{Operation: "replay", Method: http.MethodPost, Path: at(id, "replays"), In: in, Out: &out})
	return out, err
}

// Job shows a backfill, resync or replay.
func (c *Client) Job(ctx context.Context, id, job string) (v1.Job, error) {
	var out v1.Job
	err := c.Do(ctx, Call{Operation: "show job", Method: http.MethodGet, Path: at(id, "jobs", job), Out: &out})
	return out, err
}

// Jobs lists the running jobs of an installation and the last that ended, newest first.
func (c *Client) Jobs(ctx context.Context, id string) ([]v1.Job, error) {
	var out v1.JobList
	err := c.Do(ctx, Call{Operation: "list jobs", Method: http.MethodGet, Path: at(id, "jobs"), Out: &out})
	return out.Items, err
}

// CancelJob stops a job; what it has done stays done.
func (c *Client) CancelJob(ctx context.Context, id, job string) error {
	return c.Do(ctx, Call{Operation: "cancel job", Method: http.MethodPost, Path: at(id, "jobs", job, "cancel")})
}
