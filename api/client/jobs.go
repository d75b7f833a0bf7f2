package client

import (
	"context"
	"net/http"

	v1 "channelsync/api/v1"
)

// Resync pushes everything in scope, whatever was pushed last.
func (c *Client) Resync(ctx context.Context, id string, in v1.ResyncRequest) (v1.JobRef, error) {
	return ask[v1.JobRef](ctx, c, Call{Operation: "resync", Method: http.MethodPost, Path: at(id, "resyncs"), In: in})
}

// Replay reads stored changes again.
func (c *Client) Replay(ctx context.Context, id string, in v1.ReplayRequest) (v1.JobRef, error) {
	return ask[v1.JobRef](ctx, c, Call{Operation: "replay", Method: http.MethodPost, Path: at(id, "replays"), In: in})
}

// Job shows a backfill, resync or replay.
func (c *Client) Job(ctx context.Context, id, job string) (v1.Job, error) {
	return ask[v1.Job](ctx, c, Call{Operation: "show job", Method: http.MethodGet, Path: at(id, "jobs", job)})
}

// Jobs lists the running jobs of an installation and the last that ended, newest first.
func (c *Client) Jobs(ctx context.Context, id string) ([]v1.Job, error) {
	out, err := ask[v1.JobList](ctx, c, Call{Operation: "list jobs", Method: http.MethodGet, Path: at(id, "jobs")})
	return out.Items, err
}

// CancelJob stops a job; what it has done stays done.
func (c *Client) CancelJob(ctx context.Context, id, job string) error {
	return c.Do(ctx, Call{Operation: "cancel job", Method: http.MethodPost, Path: at(id, "jobs", job, "cancel")})
}
