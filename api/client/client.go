package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

const (
	readTimeout  = 30 * time.Second
	writeTimeout = 150 * time.Second // longer than the API itself takes at most
	maxAnswer    = 32 << 20
	actorHeader  = "X-Channelsync-Actor"
	apiPath      = "/api/v1"
)

// Config says which API is spoken to.
type Config struct {
	URL       string            // of the admin listener, without /api/v1
	Token     v1.Secret         // bearer token
	Actor     string            // api, cli or console, for the audit; empty is api
	Transport http.RoundTripper // nil is http.DefaultTransport
}

// Client calls the admin API; it is safe for use by several goroutines.
type Client struct {
	base  string
	token v1.Secret
	actor string
	http  *http.Client
}

// New checks the URL and returns a client; it calls nobody.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("read API URL: got %q, want something like http://127.0.0.1:8081", withoutUser(cfg.URL))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("read API URL: got %q, want it without user, query and fragment", withoutUser(cfg.URL))
	}
	return &Client{
		base:  strings.TrimRight(u.String(), "/") + apiPath,
		token: cfg.Token,
		actor: cfg.Actor,
		http: &http.Client{
			Transport: cfg.Transport,
			// A redirect would carry the token to wherever it points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// root is the URL of the admin listener.
func (c *Client) root() string { return strings.TrimSuffix(c.base, apiPath) }

// withoutUser hides a user name and password, with the host, from an error text.
func withoutUser(s string) string {
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		return "<secret>" + s[i:]
	}
	return s
}

// Call is one request to the API.
type Call struct {
	Operation string // what an error says could not be done, such as "list installations"
	Method    string
	Path      string // below /api/v1, escaped
	Query     url.Values
	In        any // sent as JSON; nil sends no body. A v1.Secret in it is masked: see wire.go
	Out       any // the answer is decoded into it; nil ignores it

	Timeout time.Duration // 0: 30 seconds for a read, 150 for a write, since some try credentials elsewhere first
}

// Do makes a call. The error is a *v1.Problem where the API refused.
func (c *Client) Do(ctx context.Context, call Call) error {
	timeout := call.Timeout
	switch {
	case timeout > 0:
	case call.Method == http.MethodGet:
		timeout = readTimeout
	default:
		timeout = writeTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	if err := c.do(ctx, call); err != nil {
		return fmt.Errorf("%s: %w", call.Operation, err)
	}
	return nil
}

// ask makes a call whose answer is a T.
func ask[T any](ctx context.Context, c *Client, call Call) (out T, err error) {
	call.Out = &out
	err = c.Do(ctx, call)
	return out, err
}

func (c *Client) do(ctx context.Context, call Call) error {
	req, err := c.request(ctx, call)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreached(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.unreached(ctx, err)
	case len(body) > maxAnswer:
		return fmt.Errorf("got an answer of more than %d MiB", maxAnswer>>20)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return refusal(resp, body)
	case call.Out == nil:
		return nil
	}
	if err := json.Unmarshal(body, call.Out); err != nil {
		return fmt.Errorf("got an answer that is not the JSON expected: %w", err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, call Call) (*http.Request, error) {
	var body io.Reader
	if call.In != nil {
		b, err := json.Marshal(call.In)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	target := c.base + call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, call.Method, target, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if call.In != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json, application/problem+json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	if c.actor != "" {
		req.Header.Set(actorHeader, c.actor)
	}
	return req, nil
}

// unreached says why there was no answer, once and in few words.
func (c *Client) unreached(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, cause)) { // net/http gives either
		return cause
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	return fmt.Errorf("reach the admin API at %s: %w", c.root(), err)
}

// refusal reads a problem, or says what else came.
func refusal(resp *http.Response, body []byte) error {
	var p v1.Problem
	contentType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if contentType == "application/problem+json" && json.Unmarshal(body, &p) == nil && p.Code != "" {
		p.Status = resp.StatusCode
		return &p
	}
	if contentType == "" {
		contentType = "no content type"
	}
	return fmt.Errorf("got %s with %s, want the admin API of channelsync", resp.Status, contentType)
}
