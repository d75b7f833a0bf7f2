package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// Activity shows what an installation does and did.
type Activity interface {
	// Feed returns a channel of outcomes that is closed once ctx ends. A reader that is too
	// slow loses events: the list of records has the state.
	Feed(ctx context.Context, id string) (<-chan v1.FeedEvent, error)
	// Recent returns up to limit of the latest outcomes, newest first.
	Recent(ctx context.Context, id string, limit int) ([]v1.FeedEvent, error)
	// Hours returns the running hour and the 24 before it, oldest first, without a gap.
	Hours(ctx context.Context, id string) ([]v1.HistoryHour, error)
}

func (a *API) activityRoutes(r chi.Router) {
	r.Get("/installations/{id}/feed", a.feed)
	r.Get("/installations/{id}/activity", a.serve(withInstallation((*call).getActivity)))
	r.Get("/installations/{id}/history", a.serve(withOnlyInstallation((*call).getHistory)))
}

func (c *call) getHistory(id string) (reply, error) {
	hours, err := c.Activity.Hours(c.r.Context(), id)
	return ok(v1.History{Items: nonNil(hours)}), err
}

func (c *call) getActivity(id string) (reply, error) {
	q := c.query("limit")
	limit := q.limit()
	if err := q.err(); err != nil {
		return reply{}, err
	}
	recent, err := c.Activity.Recent(c.r.Context(), id, limit)
	for i := range recent {
		recent[i].Reasons = nonNil(recent[i].Reasons)
	}
	return ok(v1.Activity{Items: nonNil(recent)}), err
}

// feed is a stream of server-sent events without an end, so it stands apart from
// serve, which gives an answer a time to be done by.
func (a *API) feed(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer a.closing.Then(r, cancel)()
	c := &call{API: a, r: r.WithContext(ctx), control: http.NewResponseController(w)}
	c.received()
	leave, refused := a.streams.Take(w, identity.Of(ctx).ID)
	if refused != nil {
		c.fail(w, refused)
		return
	}
	defer leave()
	events, err := c.openFeed()
	if err != nil {
		c.fail(w, err)
		return
	}
	s := web.NewStream(w)
	if r.Method == http.MethodHead {
		return
	}
	relay(ctx, s, events)
}

func (c *call) openFeed() (<-chan v1.FeedEvent, error) {
	id, err := c.installation()
	if err == nil {
		err = c.query().err()
	}
	if err != nil {
		return nil, err
	}
	return c.Activity.Feed(c.r.Context(), id)
}

func relay(ctx context.Context, s web.Stream, events <-chan v1.FeedEvent) {
	heartbeat := time.NewTicker(web.Heartbeat)
	defer heartbeat.Stop()
	check := time.NewTicker(identity.CheckEvery)
	defer check.Stop()
	caller := identity.Of(ctx)
	err := s.Comment("outcomes as they happen")
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-heartbeat.C:
			err = s.Comment("")
		case <-check.C:
			if !caller.Valid() {
				return // its token has ended
			}
		case e, open := <-events:
			if !open {
				return
			}
			err = writeEvent(s, e)
		}
	}
}

func writeEvent(s web.Stream, e v1.FeedEvent) error {
	e.Reasons = nonNil(e.Reasons)
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return s.Event(string(b))
}
