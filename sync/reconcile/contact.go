package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/tracing"
	"channelsync/sync/fetch"
	"channelsync/sync/installation"
)

// contactOwner reads just whose contact it is.
type contactOwner struct {
	ID        int64 `at:"id"`
	CompanyID int64 `at:"companyID"`
	Missing   []string
}

var contactOwners = fetch.NewRow(autotask.EntityContacts, func(c contactOwner) (int64, []string) { return c.ID, c.Missing })

// contacts turns changes of contacts into changes of their companies: the
// present one, and those whose last projection read the contact.
func (r *Reconciler) contacts(ctx context.Context, in *installation.Installation, due []events.DueEntry, t *trail) error {
	if !in.Installed(v1.SyncActiveCustomers) {
		return nil
	}
	ids := idsOf(due)
	readers, err := r.Ledger.Readers(ctx, in.ID, ids)
	if err != nil {
		return fmt.Errorf("look up companies of contacts: %w", err)
	}
	found, err := fetch.ByIDs(ctx, r.fetcher, contactOwners, ids)
	if err != nil {
		return fmt.Errorf("fetch contacts: %w", err)
	}
	companiesDue := map[int64]events.DueEntry{}
	for _, d := range due {
		companies := readers[d.ID]
		if owner, ok := found.Rows[d.ID]; ok {
			companies = append(companies, owner.CompanyID)
		}
		// A contact that cannot be read at all enqueues the companies that knew it; they name what is wrong.
		for _, id := range companies {
			d := d
			if span := t.of(d.ID); span.IsRecording() {
				d.Traceparent, d.Links = tracing.Traceparent(span), nil
			}
			d.Kind, d.ID, d.Lane = v1.KindCompany, id, events.LaneLive
			companiesDue[id] = d.Following(companiesDue[id])
		}
	}
	// Straight to the worklist, which is durable: the contact's change stands in
	// the journal already, and its company must keep the time it came in.
	if err := r.Worklist.Enqueue(ctx, slices.Collect(maps.Values(companiesDue))); err != nil {
		return fmt.Errorf("enqueue companies of contacts: %w", err)
	}
	return nil
}

// dependents makes changes of records that another record's change touches.
func dependents(installation string, kind v1.Kind, ids []int64, now time.Time) []events.Change {
	return each(ids, func(id int64) events.Change {
		return events.Change{Installation: installation, Kind: kind, ID: id, Trigger: v1.TriggerDependent, EventTime: now}
	})
}

var contactRows = fetch.NewRow(autotask.EntityContacts, func(c autotask.Contact) (int64, []string) { return c.ID, c.Missing })

// contactsOf reads the active contacts of companies, by company. A company one
// of whose contacts cannot be read is bad as a whole: leaving the contact out
// would clear an e-mail address that is there.
func (b *batch) contactsOf(ctx context.Context, due []*item) (map[int64][]autotask.Contact, map[int64]error, error) {
	if b.in.Options.Emails == "none" {
		return nil, nil, nil
	}
	rows, bad, err := fetch.RowsOf[autotask.Contact](ctx, b.fetcher.Client, autotask.EntityContacts, "companyID", b.ids(due), autotask.Eq("isActive", 1))
	if err != nil {
		return nil, nil, err
	}
	out, listed := map[int64][]autotask.Contact{}, map[int64]bool{}
	for _, c := range rows {
		listed[c.ID] = true
		full, keep, own, err := fetch.Complete(ctx, b.fetcher, contactRows, c)
		switch {
		case own != nil:
			bad[c.CompanyID] = own
		case err != nil:
			return nil, nil, err
		case keep:
			out[full.CompanyID] = append(out[full.CompanyID], full)
		}
	}
	return out, bad, b.unlisted(ctx, due, listed, out, bad)
}

// unlisted reads by id the contacts that the last fetch of a company had and this
// answer missing: they may be deactivated, moved or deleted, or just missing.
func (b *batch) unlisted(ctx context.Context, due []*item, listed map[int64]bool, out map[int64][]autotask.Contact, bad map[int64]error) error {
	var missing []int64
	for _, it := range due {
		for _, known := range it.entry.Contacts {
			if !listed[known.ID] && bad[it.due.ID] == nil {
				missing = append(missing, known.ID)
			}
		}
	}
	found, err := fetch.ByIDs(ctx, b.fetcher, contactRows, fetch.Unique(missing))
	if err != nil {
		return err
	}
	for _, it := range due {
		for _, known := range it.entry.Contacts {
			if err := found.Bad[known.ID]; err != nil {
				bad[it.due.ID] = err
			}
			if c, ok := found.Rows[known.ID]; ok && !listed[known.ID] && c.IsActive && c.CompanyID == it.due.ID {
				out[c.CompanyID] = append(out[c.CompanyID], c)
			}
		}
	}
	return nil
}
