package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
)

// postTimeout bounds one post, from the look-up of the name to the end of the answer.
const postTimeout = 10 * time.Second

// What became of a post: the values of the metric's label.
const (
	resultDelivered = "delivered"
	resultRefused   = "refused" // answered with anything but 2xx
	resultBlocked   = "blocked" // the address is not allowed
	resultFailed    = "failed"  // no answer
)

// poster posts to the one receiver.
type poster struct {
	url     v1.Secret // its query may hold a key
	secret  v1.Secret
	version string
	client  *http.Client
}

func newPoster(cfg Config) *poster {
	carrier := cfg.Transport
	if carrier == nil {
		carrier = newTransport(isPlain(cfg.URL.Reveal()))
	}
	return &poster{url: cfg.URL, secret: cfg.Secret, version: cfg.Version, client: &http.Client{
		Transport:     carrier,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// refusal is an answer other than 2xx.
type refusal int

func (r refusal) Error() string {
	if r >= 300 && r < 400 {
		return fmt.Sprintf("the receiver answered HTTP %d; redirects are not followed", int(r))
	}
	return fmt.Sprintf("the receiver answered HTTP %d", int(r))
}

// away says that the receiver itself is in trouble, so that other posts need not be tried now.
func away(err error) bool {
	var r refusal
	if !errors.As(err, &r) {
		return true
	}
	return r >= 500 || r == http.StatusTooManyRequests || r == http.StatusRequestTimeout
}

// post sends one event and returns what became of it; the error never names the URL.
func (p *poster) post(ctx context.Context, e Event, now time.Time) (result string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, postTimeout, fmt.Errorf("post notification: not within %s", postTimeout))
	defer cancel()
	body, err := json.Marshal(e)
	if err != nil {
		return resultFailed, fmt.Errorf("encode notification: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.Reveal(), bytes.NewReader(body))
	if err != nil {
		return resultFailed, errors.New("post notification: the URL cannot be read")
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "channelsync/"+p.version)
	req.Header.Set(HeaderTimestamp, timestamp)
	req.Header.Set(HeaderSignature, Sign(p.secret, timestamp, body))
	resp, err := p.client.Do(req)
	progress.Move(ctx)
	if err != nil {
		return p.failure(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10)) // read to use the connection again; what it says does not matter
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resultRefused, fmt.Errorf("post notification: %w", refusal(resp.StatusCode))
	}
	return resultDelivered, nil
}

func (p *poster) failure(ctx context.Context, err error) (string, error) {
	if named, ok := errors.AsType[*url.Error](err); ok {
		err = named.Err // without the URL
	}
	switch {
	case errors.Is(err, errBlocked):
		return resultBlocked, fmt.Errorf("post notification: %w", err)
	case ctx.Err() != nil:
		return resultFailed, context.Cause(ctx)
	}
	return resultFailed, fmt.Errorf("post notification: %w", err)
}
