package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
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

		resp, err := c.open(ctx, Call{Path: at(id, "feed")}, "text/event-stream, application/problem+json")
		if err != nil {
			fail(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		for event, err := range readEvents(&arriving{resp.Body, silence, feedSilence}) {
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
