package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// RoundTrip sends a request. It is given up when nothing of its answer arrives for
// Silence: the error, also of reading the body, is a context.DeadlineExceeded then.
// The connection of a request that was given up, by this or by the deadline of its
// context, is closed together with all idle ones: whatever took it took them too.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	e := &exchange{transport: t, caller: r.Context(), ctx: ctx, cancel: cancel}
	e.timer = time.AfterFunc(t.silence, e.giveUp)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: e.got})
	res, err := t.http.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, e.failed(err)
	}
	e.received()
	res.Body = &body{res.Body, e}
	return res, nil
}

// exchange is a request and its answer under way.
type exchange struct {
	transport *Transport
	caller    context.Context
	ctx       context.Context
	cancel    context.CancelCauseFunc
	timer     *time.Timer

	mu   sync.Mutex
	conn net.Conn // the one it was sent on; nil before
}

func (e *exchange) got(info httptrace.GotConnInfo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.conn = info.Conn
}

// received restarts the timer of silence.
func (e *exchange) received() { e.timer.Reset(e.transport.silence) }

// giveUp ends the exchange.
func (e *exchange) giveUp() { e.cancel(silent{e.transport.silence}) }

// failed ends the exchange after an error, and returns why.
func (e *exchange) failed(err error) error {
	cause := context.Cause(e.ctx)
	e.end()
	gaveUp := isSilent(cause)
	if !gaveUp && !errors.Is(e.caller.Err(), context.DeadlineExceeded) {
		return err
	}
	e.mu.Lock()
	conn := e.conn
	e.mu.Unlock()
	if conn != nil {
		_ = conn.Close() // what else is under way on it would not end either
	}
	e.transport.CloseIdleConnections()
	if gaveUp {
		return cause
	}
	return err
}

func isSilent(err error) bool {
	_, ok := errors.AsType[silent](err)
	return ok
}

// end lets go of what the exchange holds.
func (e *exchange) end() {
	e.timer.Stop()
	e.cancel(context.Canceled)
}

// body is the rest of an answer.
type body struct {
	io.ReadCloser
	of *exchange
}

// Read reads on. The silence is put off by what arrives, not by being asked.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	switch {
	case err == nil:
		b.of.received()
	case errors.Is(err, io.EOF) && !isSilent(context.Cause(b.of.ctx)): // a server may end in haste what was given up
		b.of.end()
	default:
		err = b.of.failed(err)
	}
	return n, err //nolint:wrapcheck // io.EOF must be itself
}

// Close ends the exchange, read to its end or not.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.of.end()
	return err //nolint:wrapcheck // nothing to add
}
