// Package receipts remembers which of Autotask's callbacks were answered, for tests that
// end the service in the middle of them and look afterwards for what was lost.
package receipts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"channelsync/events"
	"channelsync/test/harness"
)

// Carrier carries Autotask's callouts and remembers which of them were answered 2xx.
type Carrier struct {
	http.Transport

	mu    sync.Mutex
	taken map[receipt]bool
}

type receipt struct {
	GUID     string `json:"Guid"`
	Sequence int64  `json:"SequenceNumber"`
}

// RoundTrip carries one.
func (c *Carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	resp, err := c.Transport.RoundTrip(req)
	if err != nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp, err
	}
	var sent receipt
	if err := json.Unmarshal(raw, &sent); err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.taken == nil {
		c.taken = map[receipt]bool{}
	}
	c.taken[sent] = true
	return resp, nil
}

// Count is how many were answered.
func (c *Carrier) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.taken)
}

// AllIn fails the test for answered callbacks that the journal does not hold.
func (c *Carrier) AllIn(t testing.TB, bus *events.Bus, installation string) {
	t.Helper()
	held := map[receipt]bool{}
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: installation}, func(c events.StoredChange) error {
		if c.SequenceNumber != nil {
			held[receipt{c.WebhookGUID, *c.SequenceNumber}] = true
		}
		return nil
	})
	harness.OK(t, err)
	lost := 0
	for r := range c.taken {
		if !held[r] {
			lost++
		}
	}
	if lost > 0 || len(c.taken) == 0 {
		t.Errorf("%d of %d answered callbacks are not in the journal, which holds %d", lost, len(c.taken), len(held))
	}
}
