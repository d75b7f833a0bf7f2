package reconcile

import (
	"context"

	"channelsync/api/autotask"
)

var contactRows = row[autotask.Contact]{
	entity:  autotask.EntityContacts,
	id:      func(c autotask.Contact) int64 { return c.ID },
	missing: func(c autotask.Contact) []string { return c.Missing },
}

// contactsOf reads the active contacts of companies, by company. A company one
// of whose contacts cannot be read is bad as a whole: leaving the contact out
// would clear an e-mail address that is there.
func (b *batch) contactsOf(ctx context.Context, due []*item) (map[int64][]autotask.Contact, map[int64]error, error) {
	if b.in.Options.Emails == "none" {
		return nil, nil, nil
	}
	rows, bad, err := rowsOf[autotask.Contact](ctx, b.fetcher.client, autotask.EntityContacts, "companyID", b.ids(due), autotask.Eq("isActive", 1))
	if err != nil {
		return nil, nil, err
	}
	out, listed := map[int64][]autotask.Contact{}, map[int64]bool{}
	for _, c := range rows {
		listed[c.ID] = true
		full, keep, own, err := whole(ctx, b.fetcher, contactRows, c)
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

// unlisted settles by id the contacts that the last fetch of a company had and this
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
	found, err := fetch(ctx, b.fetcher, contactRows, unique(missing))
	if err != nil {
		return err
	}
	for _, it := range due {
		for _, known := range it.entry.Contacts {
			if err := found.bad[known.ID]; err != nil {
				bad[it.due.ID] = err
			}
			if c, ok := found.rows[known.ID]; ok && !listed[known.ID] && c.IsActive && c.CompanyID == it.due.ID {
				out[c.CompanyID] = append(out[c.CompanyID], c)
			}
		}
	}
	return nil
}
