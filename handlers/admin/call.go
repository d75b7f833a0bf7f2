package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
	"channelsync/internal/panics"
)

// Timeout is how long a request may take: one that tries credentials at Autotask
// can take a minute for a single call there.
const Timeout = 2 * time.Minute

// call is one request while it is being served.
type call struct {
	*API
	r       *http.Request
	control *http.ResponseController
	entry   *v1.AuditEntry // set once the request is about to change something
}

// reply is how a request that went well is answered.
type reply struct {
	status   int
	body     any
	location string
}

func ok(body any) reply { return reply{status: http.StatusOK, body: body} }

// accepted is a 202: it will happen, and the installation shows when it has.
func accepted() reply { return reply{status: http.StatusAccepted, body: struct{}{}} }

// noContent is a 204: it has happened, and there is nothing to show of it.
func noContent() reply { return reply{status: http.StatusNoContent} }

// serve makes an http handler of f, for a request without a body.
func (a *API) serve(f func(*call) (reply, error)) http.HandlerFunc {
	return a.serveBody(func(c *call) (reply, error) {
		if err := c.noBody(); err != nil {
			return reply{}, err
		}
		return f(c)
	})
}

// serveBody makes an http handler of f, which decodes a body. A write calls c.auditing right
// before it hands over to the sync side; what became of it is then kept.
func (a *API) serveBody(f func(*call) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeoutCause(r.Context(), Timeout,
			fmt.Errorf("%s %s: not done within %s", r.Method, r.URL.Path, Timeout))
		defer cancel()
		ctx = v1.WithAsker(ctx, identity.Of(ctx).Name)
		c := &call{API: a, r: r.WithContext(ctx), control: http.NewResponseController(w)}
		if r.Body == nil || r.Body == http.NoBody {
			c.received()
		}
		rep, err := c.try(f)
		c.audit(err)
		if err != nil {
			c.fail(w, err)
			return
		}
		if rep.location != "" {
			w.Header().Set("Location", rep.location)
		}
		if rep.status == http.StatusNoContent {
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(rep.status)
			return
		}
		web.JSON(w, rep.status, rep.body)
	}
}

// try runs f. A panic of it is a failure as any other, so that what it was about to
// change is in the audit all the same.
func (c *call) try(f func(*call) (reply, error)) (rep reply, err error) {
	defer func() {
		v := recover()
		if v == http.ErrAbortHandler {
			panic(v)
		}
		if v != nil {
			web.LogPanic(c.Log, c.operation(), v)
			err = web.Internal()
		}
	}()
	return f(c)
}

// operation is the method and the path's pattern: neither has an id in it.
func (c *call) operation() string {
	return c.r.Method + " " + chi.RouteContext(c.r.Context()).RoutePattern()
}

// received lifts the server's read timeout. It is for the request only: left
// standing, it would end the context of a handler that works longer.
func (c *call) received() {
	_ = c.control.SetReadDeadline(time.Time{}) // not every writer has one
}

func (c *call) fail(w http.ResponseWriter, err error) {
	var p *v1.Problem
	if errors.As(err, &p) && p.Status >= http.StatusBadRequest {
		web.Problem(w, c.shown(p))
		return
	}
	if large, ok := errors.AsType[*kv.TooLargeError](err); ok {
		p = v1.Invalid(fmt.Sprintf("What would be kept of this has %d bytes, at most %d fit.", large.Size, large.Max))
		p.Hint = "Shorten the lists in the request."
		web.Problem(w, p)
		return
	}
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(c.r.Context()) != nil {
		err = fmt.Errorf("%w (%w)", context.Cause(c.r.Context()), err)
	}
	c.Log.Error("admin request failed",
		zap.String(v1.LogOperation, c.operation()),
		zap.String(v1.LogInstallation, c.r.PathValue("id")),
		zap.NamedError(v1.LogCause, err), panics.Stack(err))
	web.Problem(w, web.Internal())
}

// shown is a problem without what it tells of an installation that the caller does not see.
func (c *call) shown(p *v1.Problem) *v1.Problem {
	if !c.hides(p.Installation) {
		return p
	}
	hidden := v1.NewProblem(p.Status, p.Code, takenBySomebody, useAnother)
	hidden.Errors = p.Errors
	return hidden
}

// What stands in place of another installation that the caller does not see.
const (
	takenBySomebody = "Somebody else uses this already."
	useAnother      = "Use another one."
)

// hides says whether something tells of an installation that the caller does not see.
func (c *call) hides(installation string) bool {
	return installation != "" && !identity.Of(c.r.Context()).Sees(installation)
}

// auditing notes that the request is about to do something, so that it is kept
// whether it succeeds or not. The detail never holds a secret.
func (c *call) auditing(action, installation, detail string) {
	e := access.Entry(identity.Of(c.r.Context()))
	e.At, e.Action, e.Installation, e.Detail = c.Now().UTC(), action, installation, detail
	c.entry = &e
}

func (c *call) audit(err error) {
	if c.entry == nil {
		return
	}
	c.entry.OK = err == nil
	if err != nil {
		code := v1.CodeInternal
		if p := (*v1.Problem)(nil); errors.As(err, &p) {
			code = p.Code
		}
		if c.entry.Detail != "" {
			c.entry.Detail += ": "
		}
		c.entry.Detail += code
	}
	// The client may be gone; what was done is kept all the same.
	c.Auditor.Audit(context.WithoutCancel(c.r.Context()), *c.entry)
}
