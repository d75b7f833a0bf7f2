package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"channelsync/handlers/internal/web"
)

// errGone is what a handler reads and writes once nobody waits for its answer.
var errGone = errors.New("nobody waits for the answer any more")

// api puts the admin API where its client looks for it. A panic becomes an
// answer, as on the listener.
func api(handler http.Handler, log *zap.Logger) http.Handler {
	r := chi.NewRouter()
	r.Use(web.Recover(log))
	r.Mount("/api/v1", handler)
	return r
}

// inProcess is a transport that calls a handler, without a network between.
type inProcess struct {
	handler http.Handler
	wrote   func() // is called before a caller hears of the answer to a call that may change something
}

// RoundTrip returns as soon as the handler has written its header; the body is
// read while the handler writes it, so that streams stream. The handler has ended
// once the body is read or closed, or the request's context is over.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, writes := io.Pipe()
	answer := &answer{header: http.Header{}, body: writes, started: make(chan struct{})}
	// The browser's request has been routed already; this one has not.
	in := r.Clone(context.WithValue(r.Context(), chi.RouteCtxKey, nil))
	in.RequestURI = in.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:0"
	web.AskMaxAge(in)
	if in.Body == nil {
		in.Body = http.NoBody
	}
	go func() {
		var err error
		defer func() {
			if v := recover(); v != nil { // http.ErrAbortHandler is let through by Recover
				err = fmt.Errorf("the handler gave up: %v", v)
			}
			answer.WriteHeader(http.StatusOK)
			_ = writes.CloseWithError(err) // a nil error is io.EOF
		}()
		t.handler.ServeHTTP(answer, in)
	}()
	if r.Method != http.MethodGet {
		defer t.wrote()
	}
	select {
	case <-answer.started:
	case <-r.Context().Done():
		_ = body.CloseWithError(errGone)
		return nil, fmt.Errorf("wait for the answer: %w", r.Context().Err())
	}
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.sent, Body: body, ContentLength: -1, Request: r,
	}, nil
}

// answer is the ResponseWriter of one call.
type answer struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	started      chan struct{} // closed with the header
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status != 0 {
		return
	}
	a.status, a.sent = status, a.header.Clone()
	close(a.started)
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(b)
}

// Flush sends the header; the body is never buffered.
func (a *answer) Flush() { a.WriteHeader(http.StatusOK) }
