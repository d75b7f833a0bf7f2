package autotask

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/internal/tracing"
)

const (
	maxTries      = 3
	firstPause    = 500 * time.Millisecond
	longestPause  = 5 * time.Second // a limit that asks for more is the caller's to wait for
	apiVersion    = "v1.0"
	jsonMediaType = "application/json"
)

// request is one call as the vendor's pages describe it.
type request struct {
	operation string // the verb that errors show
	method    string
	entity    string // the first segment of the path: its lane and its name in errors
	path      string // what follows the entity
	body      any    // nil = none
	read      bool   // changes nothing, so it may be sent again
}

// do makes a call and hands the body of a successful answer to into; an error of
// into means that the answer is not what was expected. Reads are tried up to three
// times, and twice when nothing is answered. A write is sent again only when the vendor said that it did not take it.
func (c *Client) do(ctx context.Context, r request, into func(body []byte) error) error {
	var payload []byte
	if r.body != nil {
		var err error
		if payload, err = json.Marshal(r.body); err != nil {
			return r.fail(KindInvalid, fmt.Errorf("write request: %w", err))
		}
	}
	for try := 1; ; try++ {
		err := c.attempt(ctx, r, payload, into)
		if err == nil {
			return nil
		}
		pause, again := r.again(err, try)
		if err.Kind != KindThrottled && once(ctx, err) {
			return err
		}
		if !again || ctx.Err() != nil || c.cfg.Wait(ctx, pause) != nil {
			return err
		}
	}
}

// again decides whether a failed try is repeated, and after what pause.
func (r request) again(err *Error, try int) (time.Duration, bool) {
	pause := jitter(firstPause << try)
	switch {
	case try >= maxTries, try > 1 && errors.Is(err, context.DeadlineExceeded): // a silence takes half a minute
		return 0, false
	case err.Kind == KindThrottled && err.RetryAfter <= longestPause:
		return max(pause, err.RetryAfter), true
	case r.read && (err.Kind == KindUnavailable || err.Kind == KindUndecodable):
		return pause, true
	}
	return 0, false
}

// attempt is one try: it waits for a slot, sends, and resolves a refused log-in.
func (c *Client) attempt(ctx context.Context, r request, payload []byte, into func([]byte) error) *Error {
	if acquire, limited := ctx.Value(admissionKey{}).(func(context.Context) error); limited && r.entity != thresholdEntity {
		if err := acquire(ctx); err != nil {
			return r.fail(KindBudget, fmt.Errorf("wait for admission: %w", err))
		}
	}
	leave, err := c.lanes.enter(ctx, r.entity)
	if err != nil {
		return r.fail(KindUnavailable, fmt.Errorf("wait for a slot: %w", err))
	}
	defer leave()
	if r.entity != thresholdEntity {
		c.refreshThreshold(ctx)
	}
	s := c.current()
	t, err := s.enter(ctx)
	if err != nil {
		return r.refusal(err)
	}
	defer func() { s.leave(t) }()
	for sent := 1; ; sent++ {
		failed := c.send(ctx, s, t, r, payload, into)
		if failed == nil {
			s.succeeded(t)
			return nil
		}
		if failed.Kind != KindRefused || sent == maxTries || !c.resolve(ctx, s, &t, failed) {
			return failed
		}
	}
}

// send is one HTTP exchange.
func (c *Client) send(
	ctx context.Context, s *session, t ticket, r request, payload []byte, into func([]byte) error,
) (failed *Error) {
	start := c.cfg.Now()
	if wait := c.budget.take(start, isBulk(ctx), r.entity == thresholdEntity); wait > 0 {
		e := r.fail(KindBudget, errors.New("our share of the database's hourly requests is used up"))
		e.RetryAfter = wait
		return e
	}
	limit := callTimeout
	if patience, limited := ctx.Value(patienceKey{}).(time.Duration); limited {
		limit = min(limit, patience)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, timeout{limit})
	defer cancel()
	ctx, span := tracing.Call(ctx, "Autotask: "+r.operation+" "+r.entity, r.method, t.base.Host)
	defer span.End()
	status := 0
	defer func() { c.observe(r, status, failed, c.cfg.Now().Sub(start), span) }()

	target := t.base.JoinPath(apiVersion, r.entity, r.path).String()
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(payload))
	if err != nil {
		return r.fail(KindInvalid, errors.New("the path is not a URL"))
	}
	s.creds.sign(req)
	res, err := c.http.Do(req)
	progress.Move(ctx)
	if err != nil {
		return r.fail(KindUnavailable, networkCause(ctx, err))
	}
	defer func() { _ = res.Body.Close() }()
	status = res.StatusCode
	c.clock.observe(res.Header, c.cfg.Now())
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil && status/100 == 2:
		return r.fail(KindUnavailable, networkCause(ctx, err))
	case len(body) > maxAnswer:
		return r.fail(KindUndecodable, fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20))
	}
	if e := classify(status, res.Header, body, c.cfg.Now()); e != nil {
		e.Operation, e.Entity = r.operation, r.entity
		s.creds.redact(e.Texts)
		return e
	}
	if err := into(body); err != nil {
		e := r.fail(KindUndecodable, err)
		e.Status = status
		return e
	}
	return nil
}

func (c *Client) observe(r request, status int, failed *Error, took time.Duration, span trace.Span) {
	result := "ok"
	if failed != nil {
		result = string(failed.Kind)
	}
	tracing.Answered(span, status, result, failed != nil)
	if c.cfg.Observe != nil {
		c.cfg.Observe(r.entity, result, took)
	}
	c.cfg.Log.Debug("autotask call", zap.String(v1.LogOperation, r.operation), zap.String(v1.LogEntity, r.entity),
		zap.Int(v1.LogStatus, status), zap.String(v1.LogOutcome, result), zap.Duration(v1.LogDuration, took), tracing.IDs(span))
}

func (r request) fail(kind Kind, cause error) *Error {
	return &Error{Kind: kind, Operation: r.operation, Entity: r.entity, Cause: cause}
}

// refusal is what a call gets that was not sent: the kind of what stopped the
// session, or unavailable when the caller stopped waiting.
func (r request) refusal(err error) *Error {
	if stopped, ok := errors.AsType[*Error](err); ok {
		e := *stopped
		e.Operation, e.Entity = r.operation, r.entity
		return &e
	}
	return r.fail(KindUnavailable, fmt.Errorf("wait for the first log-in: %w", err))
}

// sign adds the vendor's headers. There is no impersonation header: it would
// judge every query by another person's rights.
func (creds Credentials) sign(req *http.Request) {
	req.Header["ApiIntegrationCode"] = []string{creds.TrackingIdentifier.Reveal()}
	req.Header["UserName"] = []string{creds.Username}
	req.Header["Secret"] = []string{creds.Secret.Reveal()}
	req.Header.Set("Content-Type", jsonMediaType)
	req.Header.Set("Accept", jsonMediaType)
}

// redact masks credentials that an error text repeats.
func (creds Credentials) redact(texts []string) {
	for _, secret := range []v1.Secret{creds.Secret, creds.TrackingIdentifier} {
		if secret == "" {
			continue
		}
		for i := range texts {
			texts[i] = strings.ReplaceAll(texts[i], secret.Reveal(), secret.String())
		}
	}
}
