package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

const (
	feedSilence  = 45 * time.Second // three of the API's heartbeats
	maxEventLine = 1 << 20
)

// Feed passes outcomes on as they happen, until ctx ends, the range is left, the
// service ends the stream (then without an error), or nothing arrived
// for 45 seconds.
func (c *Client) Feed(ctx context.Context, id string) iter.Seq2[v1.FeedEvent, error] {
	return func(yield func(v1.FeedEvent, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		silence := time.AfterFunc(feedSilence, func() { cancel(fmt.Errorf("nothing received for %s", feedSilence)) })
		defer silence.Stop()
		fail := func(err error) { yield(v1.FeedEvent{}, fmt.Errorf("follow feed: %w", err)) }

		body, err := c.openFeed(ctx, id)
		if err != nil {
			fail(err)
			return
		}
		defer func() { _ = body.Close() }()
		for event, err := range readEvents(&watched{body, silence}) {
			if err != nil {
				fail(c.unreached(ctx, err))
				return
			}
			if !yield(event, nil) {
				return
			}
		}
	}
}

func (c *Client) openFeed(ctx context.Context, id string) (io.ReadCloser, error) {
	req, err := c.request(ctx, Call{Method: http.MethodGet, Path: at(id, "feed")})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream, application/problem+json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, c.unreached(ctx, err)
	}
	return nil, refusal(resp, text)
}

// watched restarts the timer of silence whenever something arrives.
type watched struct {
	io.Reader
	silence *time.Timer
}

func (h *watched) Read(b []byte) (int, error) {
	n, err := h.Reader.Read(b)
	if n > 0 {
		h.silence.Reset(feedSilence)
	}
	return n, err //nolint:wrapcheck // a reader passes errors through
}

// readEvents reads server-sent events with one line of JSON each, and passes over
// comments and fields of other names (WHATWG HTML, 9.2). An event that the stream
// ends in the middle of is dropped.
func readEvents(r io.Reader) iter.Seq2[v1.FeedEvent, error] {
	return func(yield func(v1.FeedEvent, error) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, maxEventLine)
		data := ""
		for lines.Scan() {
			line := lines.Text()
			if value, ok := strings.CutPrefix(line, "data:"); ok {
				data += strings.TrimPrefix(value, " ")
			}
			if line != "" || data == "" {
				continue
			}
			var e v1.FeedEvent
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				yield(e, errors.New("got an event that is not the JSON expected"))
				return
			}
			if !yield(e, nil) {
				return
			}
			data = ""
		}
		if err := lines.Err(); err != nil {
			yield(v1.FeedEvent{}, err)
		}
	}
}
