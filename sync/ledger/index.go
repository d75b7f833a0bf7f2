package ledger

import (
	"cmp"
	"context"
	"maps"
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
	mu      sync.Mutex
	loaded  bool
	kinds   map[v1.Kind]*shelf
	readers readers
}

// shelf holds the summaries of one kind.
type shelf struct {
	byID   map[int64]*summary
	sorted []*summary // by id; rebuilt when stale
	stale  bool
}

type recordKey struct {
	kind v1.Kind
	id   int64
}

// kinds are those of records, in the order that lists have.
var kinds = [...]v1.Kind{v1.KindCompany, v1.KindContract}

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
	ix.loaded, ix.kinds, ix.readers = false, map[v1.Kind]*shelf{}, readers{}
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
	on := ix.kinds[e.Kind]
	if on == nil {
		on = &shelf{byID: map[int64]*summary{}}
		ix.kinds[e.Kind] = on
	}
	s := on.byID[e.ID]
	if s == nil {
		s = &summary{}
		on.byID[e.ID], on.stale = s, true
	}
	ix.readers.drop(e.ID, s.contacts)
	*s = summarize(e)
	ix.readers.add(e.ID, s.contacts)
}

// all returns the summaries of a kind, by id.
func (ix *index) all(kind v1.Kind) []*summary {
	on := ix.kinds[kind]
	if on == nil {
		return nil
	}
	if on.stale {
		on.sorted = slices.AppendSeq(on.sorted[:0], maps.Values(on.byID))
		slices.SortFunc(on.sorted, func(a, b *summary) int { return cmp.Compare(a.id, b.id) })
		on.stale = false
	}
	return on.sorted
}

func (ix *index) of(kind v1.Kind, id int64) *summary {
	if on := ix.kinds[kind]; on != nil {
		return on.byID[id]
	}
	return nil
}

// List pages through the records of an installation by kind and id. The cursor
// is the last record of the page before; one that is not of our making is an error.
// The index knows which records they are, the table how they stand.
func (l *Ledger) List(ctx context.Context, installation string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	page := v1.Page[v1.Record]{Items: []v1.Record{}}
	var from, last recordKey
	if q.Cursor != "" {
		var err error
		if from, err = parseCursor(q.Cursor); err != nil {
			return page, err
		}
	}
	ix, err := l.loadedIndex(ctx, installation)
	if err != nil {
		return page, err
	}
	defer ix.mu.Unlock()
	filter, most := newFilter(q), max(1, q.Limit)
	for _, kind := range kinds {
		if kind < from.kind {
			continue
		}
		var ids []int64
		rest := false
		for _, s := range ix.all(kind) {
			if kind == from.kind && s.id <= from.id || !filter.of(kind, s).all() {
				continue
			}
			if rest = most == 0; rest {
				break
			}
			ids, last = append(ids, s.id), recordKey{kind, s.id}
			most--
		}
		entries, err := l.Read(ctx, installation, kind, ids)
		if err != nil {
			return page, err
		}
		for _, id := range ids {
			if e := entries[id]; e != nil {
				page.Items = append(page.Items, e.Record())
			}
		}
		if rest {
			cursor := string(last.kind) + ":" + strconv.FormatInt(last.id, 10)
			page.NextCursor = &cursor
			return page, nil
		}
	}
	return page, nil
}

func parseCursor(text string) (recordKey, error) {
	kind, id, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || (v1.Kind(kind) != v1.KindCompany && v1.Kind(kind) != v1.KindContract) {
		return recordKey{}, v1.InvalidCursor()
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
	for _, s := range ix.all(kind) {
		if s.inScope {
			c.InScope++
		}
		switch s.outcome {
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
	for _, s := range ix.all(kind) {
		if want(s.public()) {
			out = append(out, s.id)
		}
	}
	return out, nil
}

// Ids returns the ids of all records of a kind, in order.
func (l *Ledger) Ids(ctx context.Context, installation string, kind v1.Kind) ([]int64, error) {
	return l.Find(ctx, installation, kind, func(Summary) bool { return true })
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
		if kind != v1.KindContact {
			if s := ix.of(kind, id); s != nil {
				out[id] = s.stamp.time()
			}
			continue
		}
		for _, company := range ix.readers.of(id) {
			at := ix.of(v1.KindCompany, company).contact(id)
			if seen, ok := out[id]; !ok || at.Before(seen) {
				out[id] = at
			}
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
		if companies := ix.readers.of(c); len(companies) > 0 {
			out[c] = companies
		}
	}
	return out, nil
}
