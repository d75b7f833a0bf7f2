package ledger

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
)

// index is what lists, search, counts and look-ups by contact read: a summary
// of each entry of one installation, in memory.
type index struct {
	mu     sync.Mutex
	loaded bool
	byKey  map[recordKey]*summary
	byKind map[v1.Kind][]*summary // the same ones, in no order, for what looks at all of a kind
	sorted []recordKey            // kept in order; rebuilt when stale
	stale  bool
	// readers maps a contact to the companies whose projection reads it, with its stamp.
	readers map[int64]map[int64]time.Time
}

type recordKey struct {
	kind v1.Kind
	id   int64
}

type summary struct {
	Summary
	lower    string // name for search
	contacts []Contact
}

func (l *Ledger) index(installation string) *index {
	l.mu.Lock()
	defer l.mu.Unlock()
	ix := l.indexes[installation]
	if ix == nil {
		ix = &index{}
		ix.reset()
		if l.claimed(installation) { // else another process writes: it would be out of date with the next look
			l.indexes[installation] = ix
		}
	}
	return ix
}

// reset empties the index; the next who needs it loads it.
func (ix *index) reset() {
	ix.loaded, ix.stale = false, true
	ix.byKey, ix.byKind = map[recordKey]*summary{}, map[v1.Kind][]*summary{}
	ix.readers = map[int64]map[int64]time.Time{}
}

// loadedIndex returns the index locked and loaded; the caller unlocks it.
func (l *Ledger) loadedIndex(ctx context.Context, installation string) (*index, error) {
	ix := l.index(installation)
	ix.mu.Lock()
	if ix.loaded {
		return ix, nil
	}
	err := l.table.Each(ctx, installation, func(e events.Entry) error {
		entry, err := l.open(ctx, installation, e)
		if err != nil {
			return err
		}
		ix.put(entry)
		return nil
	})
	if err != nil {
		ix.mu.Unlock()
		return nil, err
	}
	ix.loaded = true
	return ix, nil
}

func (ix *index) put(e *Entry) {
	k := recordKey{e.Kind, e.ID}
	old := ix.byKey[k]
	if old == nil {
		ix.stale = true
	} else {
		for _, c := range old.contacts {
			if delete(ix.readers[c.ID], e.ID); len(ix.readers[c.ID]) == 0 {
				delete(ix.readers, c.ID)
			}
		}
	}
	now := summary{lower: strings.ToLower(e.Name), contacts: e.Contacts, Summary: Summary{
		ID: e.ID, RowHash: e.RowHash, Record: e.Record(), InScope: e.InScope, Parent: e.Parent, Vendors: e.Vendors, Services: e.Services, Notes: e.Notes,
		Stamp: e.Stamp, PartsHash: e.PartsHash, FirstFailed: e.FirstFailed, Held: e.Held,
	}}
	if old != nil {
		*old = now
	} else {
		ix.byKey[k] = &now
		ix.byKind[e.Kind] = append(ix.byKind[e.Kind], &now)
	}
	for _, c := range e.Contacts {
		if ix.readers[c.ID] == nil {
			ix.readers[c.ID] = map[int64]time.Time{}
		}
		ix.readers[c.ID][e.ID] = c.Stamp
	}
}

func (ix *index) order() []recordKey {
	if ix.stale || ix.sorted == nil {
		ix.sorted = ix.sorted[:0]
		for k := range ix.byKey {
			ix.sorted = append(ix.sorted, k)
		}
		slices.SortFunc(ix.sorted, compareKeys)
		ix.stale = false
	}
	return ix.sorted
}

func compareKeys(a, b recordKey) int {
	if c := cmp.Compare(a.kind, b.kind); c != 0 {
		return c
	}
	return cmp.Compare(a.id, b.id)
}

// List pages through the records of an installation by kind and id. The cursor
// is the last record of the page before; one that is not of our making is an error.
func (l *Ledger) List(ctx context.Context, installation string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	page := v1.Page[v1.Record]{Items: []v1.Record{}}
	after := recordKey{}
	if q.Cursor != "" {
		var err error
		if after, err = parseCursor(q.Cursor); err != nil {
			return page, err
		}
	}
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return page, err
	}
	defer ix.mu.Unlock()
	keys := ix.order()
	start := 0
	if q.Cursor != "" {
		i, found := slices.BinarySearchFunc(keys, after, compareKeys)
		start = i
		if found {
			start++
		}
	}
	filter := newFilter(q)
	for _, k := range keys[start:] {
		s := ix.byKey[k]
		if !filter.of(s).all() {
			continue
		}
		if len(page.Items) > 0 && len(page.Items) >= q.Limit {
			last := page.Items[len(page.Items)-1]
			cursor := string(last.Kind) + ":" + last.ID
			page.NextCursor = &cursor
			return page, nil
		}
		page.Items = append(page.Items, s.Record)
	}
	return page, nil
}

func parseCursor(text string) (recordKey, error) {
	kind, id, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || (v1.Kind(kind) != v1.KindCompany && v1.Kind(kind) != v1.KindContract) {
		return recordKey{}, v1.Invalid("cursor: not one of ours", v1.FieldError{Pointer: "cursor", Code: "cursor", Detail: "want the nextCursor of an earlier answer"})
	}
	return recordKey{v1.Kind(kind), n}, nil
}

// Counts counts the records of a kind by outcome.
func (l *Ledger) Counts(ctx context.Context, installation string, kind v1.Kind) (v1.Counts, error) {
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return v1.Counts{}, err
	}
	defer ix.mu.Unlock()
	var c v1.Counts
	for _, s := range ix.byKind[kind] {
		if s.InScope {
			c.InScope++
		}
		switch s.Record.Outcome {
		case v1.OutcomePushed:
			c.Pushed++
		case v1.OutcomeUnchanged:
			c.Unchanged++
		case v1.OutcomeNotMet:
			c.NotMet++
		case v1.OutcomeRetrying, v1.OutcomeDead:
			c.Failed++
		case v1.OutcomeWaiting:
		}
	}
	return c, nil
}

// Find returns the ids of the records for which want says yes, in order of id.
func (l *Ledger) Find(ctx context.Context, installation string, kind v1.Kind, want func(Summary) bool) ([]int64, error) {
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer ix.mu.Unlock()
	var out []int64
	for _, s := range ix.byKind[kind] {
		if want(s.Summary) {
			out = append(out, s.ID)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Ids returns the ids of all records of a kind, in order.
func (l *Ledger) Ids(ctx context.Context, installation string, kind v1.Kind) ([]int64, error) {
	return l.Find(ctx, installation, kind, func(Summary) bool { return true })
}

// Summary is what the index knows of a record.
type Summary struct {
	ID          int64
	Record      v1.Record
	InScope     bool
	Parent      int64
	Vendors     []int64
	Services    []int64
	Notes       []string
	Stamp       time.Time
	RowHash     string
	PartsHash   string
	FirstFailed time.Time
	Held        bool
}

// Stamps returns the stamps of records as of their last fetch; a record that was
// never fetched has none. A contact that several companies read (it moved) has the
// oldest: only what all of them have seen is known.
func (l *Ledger) Stamps(ctx context.Context, installation string, kind v1.Kind, ids []int64) (map[int64]time.Time, error) {
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer ix.mu.Unlock()
	out := make(map[int64]time.Time, len(ids))
	for _, id := range ids {
		if kind == v1.KindContact {
			for _, at := range ix.readers[id] {
				if seen, ok := out[id]; !ok || at.Before(seen) {
					out[id] = at
				}
			}
			continue
		}
		if s := ix.byKey[recordKey{kind, id}]; s != nil {
			out[id] = s.Stamp
		}
	}
	return out, nil
}

// Readers returns the companies whose projection reads one of the contacts: the last known ones.
func (l *Ledger) Readers(ctx context.Context, installation string, contacts []int64) (map[int64][]int64, error) {
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer ix.mu.Unlock()
	out := map[int64][]int64{}
	for _, c := range contacts {
		for company := range ix.readers[c] {
			out[c] = append(out[c], company)
		}
	}
	return out, nil
}
