package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	v1 "channelsync/api/v1"
)

const (
	heartbeat   = 15 * time.Second // proxies cut streams that are silent for longer
	feedWriting = 10 * time.Second // how long one event may take to be taken
)

// Feed tells of outcomes as they happen.
type Feed interface {
	// Feed returns a channel that is closed once ctx ends. A reader that is too
	// slow loses events: the list of records has the state.
	Feed(ctx context.Context, id string) (<-chan v1.FeedEvent, error)
}

func (a *API) feedRoutes(r chi.Router) {
	r.Get("/installations/{id}/feed", a.feed)
}

// feed is a stream of server-sent events without an end, so it stands apart from
// serve, which gives an answer a time to be done by.
func (a *API) feed(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer a.closing.then(r, cancel)()
	c := &call{API: a, r: r.WithContext(ctx), control: http.NewResponseController(w)}
	c.received()
	events, err := c.openFeed()
	if err != nil {
		c.fail(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	if r.Method == http.MethodHead {
		return
	}
	stream{w, c.control}.run(ctx, events)
}

func (c *call) openFeed() (<-chan v1.FeedEvent, error) {
	id, err := c.installation()
	if err != nil {
		return nil, err
	}
	if err := c.query().err(); err != nil {
		return nil, err
	}
	if c.Feed == nil {
		return nil, missing("stream outcomes")
	}
	return c.Feed.Feed(c.r.Context(), id)
}

// stream writes server-sent events.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (s stream) run(ctx context.Context, events <-chan v1.FeedEvent) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	err := s.send(": outcomes as they happen\n\n")
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = s.send(":\n\n")
		case e, open := <-events:
			if !open {
				return
			}
			err = s.event(e)
		}
	}
}

func (s stream) event(e v1.FeedEvent) error {
	e.Reasons = some(e.Reasons)
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return s.send("data: " + string(b) + "\n\n")
}

// send writes and flushes within feedWriting, in the place of the deadline that
// answers with an end have.
func (s stream) send(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(feedWriting)) // not every writer has one
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}

// closing ends the streams when the server that serves them is shut down:
// Shutdown waits for requests under way, and a stream has no end of its own.
type closing struct {
	known sync.Once
	ctx   context.Context // ends at the shutdown
	end   context.CancelFunc
}

func newClosing() *closing {
	c := &closing{}
	c.ctx, c.end = context.WithCancel(context.Background())
	return c
}

// then calls cancel at the shutdown of the server of r, unless stop is called before.
func (c *closing) then(r *http.Request, cancel context.CancelFunc) (stop func() bool) {
	if srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		c.known.Do(func() { srv.RegisterOnShutdown(c.end) })
	}
	return context.AfterFunc(c.ctx, cancel)
}
