package watch

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	callout "channelsync/api/autotask/callback"
	v1 "channelsync/api/v1"
	"channelsync/events"
)

// missedPage is how many rows of the error log one check handles; the rest waits for the next.
const missedPage = 500

const (
	// unreadFor is how long a row of the error log that spoils every answer with it is
	// left out: finding it again takes a dozen requests.
	unreadFor = 6 * time.Hour
	maxUnread = 100 // rows that are left out at a time; each is a condition of the query
)

var errPageFull = errors.New("enough for one check")

// ReadMissed reads the vendor's log of callouts that failed five times, writes
// their changes to the journal and deletes the rows that were handled. A payload
// that was cut off is deleted too: the stamps, read right after, find its record.
// Rows of webhooks that are not ours stay, and so does one that cannot be read at all:
// the stamps find its record too.
func (w *Watcher) ReadMissed(ctx context.Context) (int, error) {
	in, err := w.installation()
	if err != nil {
		return 0, err
	}
	company, contact := in.Registration(autotask.EntityCompanies), in.Registration(autotask.EntityContacts)
	var rows []autotask.MissedCallout
	err = w.Autotask.MissedCallouts(ctx, w.unreadMissed(), func(page autotask.Rows[autotask.MissedCallout]) error {
		w.leaveOut(page.Bad)
		for _, row := range page.Items {
			own := company != nil && row.CompanyWebhookID != nil && *row.CompanyWebhookID == company.ID ||
				contact != nil && row.ContactWebhookID != nil && *row.ContactWebhookID == contact.ID
			if own {
				rows = append(rows, row)
			}
		}
		if len(rows) >= missedPage {
			return errPageFull
		}
		return nil
	})
	if err != nil && !errors.Is(err, errPageFull) {
		return 0, fmt.Errorf("read missed callouts: %w", err)
	}
	var changes []events.Change
	for _, row := range rows {
		c, err := callout.Decode([]byte(row.Payload))
		if err != nil {
			w.Log.Warn("decode missed callout failed, the next poll finds its record", zap.Error(err))
			continue
		}
		kind, known := callout.KindOfEntity(c.EntityType)
		if !known || !in.Uses()[kind] {
			continue
		}
		changes = append(changes, events.Change{
			Installation: w.ID, Kind: kind, ID: c.ID, Trigger: v1.TriggerPoll, EventTime: c.EventTime,
			Fields: c.Fields, WebhookGUID: c.GUID, SequenceNumber: c.SequenceNumber,
		})
	}
	if len(changes) > 0 {
		if err := w.Journal.PublishAll(ctx, changes); err != nil {
			return 0, fmt.Errorf("store missed changes: %w", err)
		}
	}
	for _, row := range rows {
		if err := w.Autotask.DeleteMissedCallout(ctx, row.ID); err != nil {
			return len(changes), fmt.Errorf("delete missed callout %d: %w", row.ID, err)
		}
	}
	return len(changes), nil
}

// leaveOut remembers rows of the error log that cannot be read, so that the next checks
// do without them.
func (w *Watcher) leaveOut(bad []autotask.RowError) {
	for _, row := range bad {
		if row.ID == 0 || len(w.missedUnread) == maxUnread {
			continue
		}
		w.Log.Warn("read row of the missed callouts failed, skipping it, the next poll finds its record",
			zap.Int64(v1.LogRecord, row.ID), zap.Duration("for", unreadFor), zap.Error(&row))
		w.missedUnread[row.ID] = w.Now()
	}
}

// unreadMissed are the rows of the error log that the next check leaves out.
func (w *Watcher) unreadMissed() []int64 {
	now := w.Now()
	maps.DeleteFunc(w.missedUnread, func(_ int64, at time.Time) bool { return now.Sub(at) >= unreadFor || now.Before(at) })
	return slices.Sorted(maps.Keys(w.missedUnread))
}
