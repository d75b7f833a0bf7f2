package channelprogram

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"channelsync/internal/lifecycle"
)

// Waiting for a request of ours that the target is still working on: this often,
// twice as long each time, never longer than the cap even if the target asks for it.
const (
	inProgressTries = 5
	inProgressWait  = 250 * time.Millisecond
	inProgressCap   = 3 * time.Second
)

// post sends a chunk as one batch and checks that it answers for every item.
func (c *Client) post(ctx context.Context, of upserts, chunk []encoded) ([]ItemResult, error) {
	body := batchBody(chunk)
	r := request{
		operation: of.batch, method: http.MethodPost, path: []string{of.collection, "batch", "upsert"},
		body: body, key: idempotencyKey(c.connection, of.batch, body),
	}
	wait := inProgressWait
	for try := 1; ; try++ {
		var out BatchResult
		err := c.call(ctx, r, &out, func() string { return wrongBatch(out.Results, chunk) })
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Code != CodeIdempotencyInProgress || try == inProgressTries {
			if err != nil {
				return nil, err
			}
			return out.Results, nil
		}
		if err := lifecycle.Sleep(ctx, min(max(wait, e.RetryAfter), inProgressCap)); err != nil {
			return nil, fmt.Errorf("%s: %w", r.operation, err)
		}
		wait *= 2
	}
}

// wrongBatch says how a batch's results break the contract, "" when they do not.
func wrongBatch(results []ItemResult, chunk []encoded) string {
	if len(results) != len(chunk) {
		return fmt.Sprintf("%d results for %d inputs", len(results), len(chunk))
	}
	for i, res := range results {
		if what := wrong(res, chunk[i]); what != "" {
			return fmt.Sprintf("result %d: %s", i, what)
		}
	}
	return ""
}

// idempotencyKey is the hex SHA-256 of connection, operation and the exact body.
// The body holds observedAt, so the same record with the same content fetched
// again has another key: A, B, A within a day must not replay the first answer.
func idempotencyKey(connection, operation string, body []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, connection+"\n"+operation+"\n") // neither can hold a line break
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}
