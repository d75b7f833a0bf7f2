package autotask

import (
	"context"
	"strconv"
	"time"
)

const errorLogEntity = "WebhookEventErrorLogs"

// MissedCallout is a row of the vendor's webhook error log: a callout that failed
// five times. The vendor keeps it for 30 days and shows only those of webhooks
// that this API user created. (Vendor: WebhookEventErrorLog.)
type MissedCallout struct {
	ID               int64     `at:"id"`
	CompanyWebhookID *int64    `at:"accountWebhookID,optional"` // the vendor's old word for company
	ContactWebhookID *int64    `at:"contactWebhookID,optional"`
	SequenceNumber   *int64    `at:"sequenceNumber,optional"`
	Payload          string    `at:"payload"` // the callback's body, unsigned, cut at 8,000 characters
	ErrorMessage     string    `at:"errorMessage,optional"`
	CreatedAt        time.Time `at:"createDateTime,optional"`
	Missing          []string
}

// MissedCallouts hands over the error log, up to 500 rows at a time, oldest first.
// A long payload was cut by the vendor and callback.Decode refuses it: the sweep
// finds what such a row was about. The rows of the ids in without, at most MaxIDs, are
// not asked for.
func (c *Client) MissedCallouts(ctx context.Context, without []int64, page func(Rows[MissedCallout]) error) error {
	var q Query
	if len(without) > 0 {
		q.Filter = []Filter{NotIn(idField, without)}
	}
	return Each(ctx, c, errorLogEntity, q, page)
}

// DeleteMissedCallout takes a handled row off the log; one that is gone is no error.
func (c *Client) DeleteMissedCallout(ctx context.Context, id int64) error {
	return c.delete(ctx, errorLogEntity, strconv.FormatInt(id, 10))
}
