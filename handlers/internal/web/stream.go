package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Heartbeat is how long a stream may be silent: proxies cut those that are for longer.
const Heartbeat = 15 * time.Second

const streamWriting = 10 * time.Second // how long one event may take to be taken

// Stream writes server-sent events.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// NewStream sets the headers of an event stream on w; the first event sends them.
// The request's own read and write deadlines no longer hold.
func NewStream(w http.ResponseWriter) Stream {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back
	s := Stream{w, http.NewResponseController(w)}
	_ = s.control.SetReadDeadline(time.Time{}) // not every writer has one
	return s
}

// Comment keeps the connection alive and tells the reader nothing.
func (s Stream) Comment(text string) error {
	return s.send(strings.TrimSpace(": "+strings.NewReplacer("\r", " ", "\n", " ").Replace(text)) + "\n\n")
}

// Event sends one event of data, which may have several lines. A carriage return ends a
// line for the reader too, alone or with a line feed, so none is passed on.
func (s Stream) Event(data string) error {
	lines := strings.NewReplacer("\r\n", "\ndata: ", "\r", "\ndata: ", "\n", "\ndata: ").Replace(data)
	return s.send("data: " + lines + "\n\n")
}

// send writes and flushes within streamWriting, in the place of the deadline that
// answers with an end have.
func (s Stream) send(text string) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamWriting)) // not every writer has one
	if _, err := s.w.Write([]byte(text)); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	if err := s.control.Flush(); err != nil {
		return fmt.Errorf("flush event: %w", err)
	}
	return nil
}

// Closing ends streams when the server that serves them is shut down: Shutdown
// waits for requests under way, and a stream has no end of its own.
type Closing struct {
	known sync.Once
	ctx   context.Context // ends at the shutdown
	end   context.CancelFunc
}

// NewClosing returns one that has not heard of any server yet.
func NewClosing() *Closing {
	c := &Closing{}
	c.ctx, c.end = context.WithCancel(context.Background())
	return c
}

// Then calls cancel at the shutdown of the server of r, unless stop is called before.
func (c *Closing) Then(r *http.Request, cancel context.CancelFunc) (stop func() bool) {
	if srv, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		c.known.Do(func() { srv.RegisterOnShutdown(c.end) })
	}
	return context.AfterFunc(c.ctx, cancel)
}
