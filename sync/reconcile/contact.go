package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/installation"
)

// contactOwner reads just whose contact it is.
type contactOwner struct {
	ID        int64 `at:"id"`
	CompanyID int64 `at:"companyID"`
	Missing   []string
}

var contactOwners = row[contactOwner]{
	entity:  autotask.EntityContacts,
	id:      func(c contactOwner) int64 { return c.ID },
	missing: func(c contactOwner) []string { return c.Missing },
}

// contacts turns changes of contacts into changes of their companies: the
// present one, and those whose last projection read the contact.
func (r *Reconciler) contacts(ctx context.Context, in *installation.Installation, due []events.DueEntry) error {
	if !in.Installed(v1.SyncActiveCustomers) {
		return nil
	}
	ids := make([]int64, len(due))
	for i, d := range due {
		ids[i] = d.ID
	}
	readers, err := r.Ledger.Readers(ctx, in.ID, ids)
	if err != nil {
		return fmt.Errorf("look up companies of contacts: %w", err)
	}
	found, err := fetch(ctx, r.fetcher, contactOwners, ids)
	if err != nil {
		return fmt.Errorf("fetch contacts: %w", err)
	}
	companiesDue := map[int64]events.DueEntry{}
	for _, d := range due {
		companies := readers[d.ID]
		if owner, ok := found.rows[d.ID]; ok {
			companies = append(companies, owner.CompanyID)
		}
		// A contact that cannot be read at all marks the companies that knew it; they name what is wrong.
		for _, id := range companies {
			d := d
			d.Kind, d.ID, d.Lane = v1.KindCompany, id, events.LaneLive
			companiesDue[id] = d
		}
	}
	// Straight to the worklist, which is durable: the contact's change stands in
	// the journal already, and its company must keep the time it came in.
	if err := r.Worklist.Enqueue(ctx, slices.Collect(maps.Values(companiesDue))); err != nil {
		return fmt.Errorf("mark companies of contacts: %w", err)
	}
	return nil
}

// dependents makes changes of records that another record's change touches.
func dependents(installation string, kind v1.Kind, ids []int64, now time.Time) []events.Change {
	out := make([]events.Change, len(ids))
	for i, id := range ids {
		out[i] = events.Change{Installation: installation, Kind: kind, ID: id, Trigger: v1.TriggerDependent, EventTime: now}
	}
	return out
}

func trim(s string) string { return strings.TrimSpace(s) }
