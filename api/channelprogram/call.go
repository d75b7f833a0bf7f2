package channelprogram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/internal/tracing"
)

// maxAnswer caps what is read of one answer, in bytes; a full batch of results with long problems is far below.
const maxAnswer = 8 << 20

type request struct {
	operation string
	method    string
	path      []string // under the connection
	body      []byte   // JSON; nil: none
	key       string   // Idempotency-Key; empty: none
}

// call sends one request and decodes a success into out. breach looks at what
// was decoded and says what is wrong with it, "" when nothing is.
func (c *Client) call(ctx context.Context, r request, out any, breach func() string) error {
	ctx, span := tracing.Call(ctx, "Channel Program: "+r.operation, r.method, c.base.Host)
	defer span.End()
	began := c.now()
	status, err := c.exchange(ctx, r, out)
	if err == nil {
		if what := breach(); what != "" {
			err = breached(r.operation, what, nil)
		}
	}
	took := c.now().Sub(began)
	result := "ok"
	if err != nil {
		if result = string(KindOf(err)); result == "" {
			result = "cancelled"
		}
	}
	tracing.Answered(span, status, result, err != nil)
	c.observe(r.operation, result, took)
	c.log.Debug("called Channel Program",
		zap.String(v1.LogOperation, r.operation), zap.String(v1.LogOutcome, result), zap.Duration(v1.LogDuration, took), tracing.IDs(span))
	return err
}

// exchange also returns the status of the answer; 0 when there is none.
func (c *Client) exchange(ctx context.Context, r request, out any) (status int, err error) {
	if c.hold != nil && r.method != http.MethodGet {
		held, release, err := c.hold(ctx)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", r.operation, err)
		}
		defer release()
		ctx = held
	}
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := c.newRequest(within, r)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", r.operation, err)
	}
	res, err := c.http.Do(req)
	progress.Move(ctx)
	if err != nil {
		return 0, c.unanswered(ctx, within, r, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return res.StatusCode, c.unanswered(ctx, within, r, err)
	}
	switch {
	case len(body) > maxAnswer:
		return res.StatusCode, breached(r.operation, fmt.Sprintf("the body is over %d bytes", maxAnswer), nil)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return res.StatusCode, classify(answer{
			operation: r.operation, status: res.StatusCode, header: res.Header, body: c.withoutToken(body), now: c.now(),
		})
	}
	if err := json.Unmarshal(body, out); err != nil {
		e := breached(r.operation, "it is "+foreign(res.Header, c.withoutToken(body)), err)
		e.Status = res.StatusCode
		return res.StatusCode, e
	}
	return res.StatusCode, nil
}

// withoutToken masks the token where an answer repeats what it was asked.
func (c *Client) withoutToken(body []byte) []byte {
	return bytes.ReplaceAll(body, []byte(c.token.Reveal()), []byte("<secret>"))
}

func (c *Client) newRequest(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		body = bytes.NewReader(r.body)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base.JoinPath(r.path...).String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	req.Header.Set("Accept", "application/json, application/problem+json")
	req.Header.Set("User-Agent", "channelsync")
	if parent := tracing.Traceparent(trace.SpanFromContext(ctx)); parent != "" {
		req.Header.Set(tracing.Header, parent)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	return req, nil
}

// unanswered explains a request without an answer. A cancelled context is the
// caller's own doing and no error of the target; a deadline, whoever set it, is
// the target's slowness. What net/http returns then is the deadline's cause, which may
// be any error, so the context of the request decides.
func (c *Client) unanswered(parent, within context.Context, r request, err error) error {
	if errors.Is(parent.Err(), context.Canceled) {
		return fmt.Errorf("%s: %w", r.operation, context.Cause(parent))
	}
	e := &Error{Kind: KindUnavailable, Operation: r.operation, Code: CodeNetwork, Cause: err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(within.Err(), context.DeadlineExceeded) {
		e.Code, e.Detail = CodeTimeout, "no answer before the caller's deadline"
		if parent.Err() == nil {
			e.Detail = fmt.Sprintf("no answer within %s", c.timeout)
		} else if cause := context.Cause(parent); !errors.Is(cause, parent.Err()) {
			e.Detail = clean(cause.Error(), maxDetail)
		}
		return e
	}
	// The outer error repeats the address, which an issue need not show.
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	e.Detail = clean(err.Error(), maxDetail)
	return e
}

func breached(operation, what string, cause error) *Error {
	return &Error{
		Kind: KindBreach, Operation: operation, Code: CodeContractBreach,
		Detail: "the answer is not what the API promises: " + what, Cause: cause,
	}
}

func sameID(asked, answered string) string {
	if asked != answered {
		return fmt.Sprintf("it is about %q", clean(answered, maxCode))
	}
	return ""
}

func invalidID(operation, id string) *Error {
	return &Error{
		Kind: KindInvalid, Operation: operation, Code: CodeInvalidRequest,
		Detail: fmt.Sprintf("external id %q is not 1 to 128 of A-Z a-z 0-9 . _ ~ -", clean(id, maxCode)),
	}
}
