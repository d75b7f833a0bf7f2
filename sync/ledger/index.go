package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/gate"
	"channelsync/sync/seal"
)

// index is what lists, search, counts and look-ups by contact read: a summary
// of each entry of one installation, in memory.
type index struct {
	loading gate.Gate // one load at a time: whoever waits for it finds what it loaded

	mu        sync.Mutex // guards what follows
	summaries *summaries // nil until loaded
	read      bool       // the table is being read
	written   []written  // while it was read: newer than what was read
	texts     bool       // what is read is to be searched
}

// written is an entry that was stored.
type written struct {
	kind v1.Kind
	summary
}

// summaries are what an index holds.
type summaries struct {
	kinds      map[v1.Kind]*shelf
	readers    readers
	searchable bool    // the summaries have their texts
	digest     *Digest // of all of them; nil until somebody asks, and since one was put
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

func newSummaries() *summaries { return &summaries{kinds: map[v1.Kind]*shelf{}} }

// index returns the index of an installation, loaded or not.
func (l *Ledger) index(installation string) *index {
	l.mu.Lock()
	defer l.mu.Unlock()
	ix := l.indexes[installation]
	if ix == nil {
		ix = &index{}
		if l.shared == nil || l.claims[installation] != 0 { // else another process writes: it would be out of date with the next look
			l.indexes[installation] = ix
		}
	}
	return ix
}

// forget drops the index; the next caller that needs it reads the table.
func (l *Ledger) forget(installation string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.indexes, installation)
	delete(l.texts, installation)
}

// loaded returns what is known of an installation, locked: the caller unlocks it, and makes
// no call before that. The first caller reads the table, under its own context; those that
// come meanwhile wait under theirs, and one of them reads it when the first fails.
func (l *Ledger) loaded(ctx context.Context, installation string) (known *summaries, unlock func(), err error) {
	return l.loadedWith(ctx, installation, false)
}

// loadedWith is loaded, where texts are asked for with what is searched in.
func (l *Ledger) loadedWith(ctx context.Context, installation string, texts bool) (known *summaries, unlock func(), err error) {
	ix := l.index(installation)
	for {
		if known := ix.lock(texts); known != nil {
			return known, ix.mu.Unlock, nil
		}
		if err := l.load(ctx, installation, ix, texts); err != nil {
			return nil, nil, err
		}
	}
}

// load reads the table, unless somebody else just did.
func (l *Ledger) load(ctx context.Context, installation string, ix *index, texts bool) error {
	leave, err := ix.loading.Enter(ctx)
	if err != nil {
		return fmt.Errorf("look up records: %w", err)
	}
	defer leave()
	if known := ix.lock(texts); known != nil {
		ix.mu.Unlock()
		return nil
	}
	ix.beginReading(texts)
	read := newSummaries()
	read.searchable = texts
	err = l.table.Each(ctx, installation, func(e kv.Entry) error {
		entry, err := l.open(ctx, installation, e)
		if errors.Is(err, seal.ErrWrongKey) {
			return nil // not ours: see Read
		}
		if err != nil {
			return err
		}
		read.put(entry.Kind, summarizeWith(entry, texts))
		return nil
	})
	if err != nil {
		ix.endReading(nil)
		return err
	}
	bytes := read.textBytes()
	ix.endReading(read)
	if texts {
		l.boundTexts(installation, bytes)
	}
	return nil
}

// lock returns what the index holds, locked; nil, and not locked, when it is not loaded, or
// is to be searched and has no texts.
func (ix *index) lock(texts bool) *summaries {
	ix.mu.Lock()
	known := ix.summaries
	if known == nil || texts && !known.searchable {
		ix.mu.Unlock()
		return nil
	}
	return known
}

func (ix *index) beginReading(texts bool) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.read, ix.texts = true, texts
}

// endReading takes what was read, nil when that failed, and what was written meanwhile.
func (ix *index) endReading(read *summaries) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if read != nil {
		for _, w := range ix.written {
			read.put(w.kind, w.summary)
		}
		ix.summaries = read
	}
	ix.read, ix.written, ix.texts = false, nil, false
}

// add takes entries that were stored.
func (ix *index) add(entries []*Entry) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for _, e := range entries {
		if ix.summaries != nil {
			ix.summaries.put(e.Kind, summarizeWith(e, ix.summaries.searchable))
		}
		if ix.read {
			ix.written = append(ix.written, written{e.Kind, summarizeWith(e, ix.texts)})
		}
	}
}

func (ix *summaries) put(kind v1.Kind, to summary) {
	on := ix.kinds[kind]
	if on == nil {
		on = &shelf{byID: map[int64]*summary{}}
		ix.kinds[kind] = on
	}
	s := on.byID[to.id]
	if s == nil {
		s = &summary{}
		on.byID[to.id], on.stale = s, true
	}
	ix.digest = nil
	ix.readers.drop(to.id, s.contacts)
	*s = to
	ix.readers.add(to.id, s.contacts)
}

// all returns the summaries of a kind, by id.
func (ix *summaries) all(kind v1.Kind) []*summary {
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

func (ix *summaries) of(kind v1.Kind, id int64) *summary {
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
	var from recordKey
	if q.Cursor != "" {
		var err error
		if from, err = parseCursor(q.Cursor); err != nil {
			return page, err
		}
	}
	ids, next, err := l.selectPage(ctx, installation, q, from)
	if err != nil {
		return page, err
	}
	for _, kind := range kinds {
		entries, err := l.Read(ctx, installation, kind, ids[kind])
		if err != nil {
			return page, err
		}
		for _, id := range ids[kind] {
			if e := entries[id]; e != nil {
				page.Items = append(page.Items, e.listed(q.Values))
			}
		}
	}
	page.NextCursor = next
	return page, nil
}

// Select returns the ids of all records that a query is about, whatever its cursor and limit, by kind and in order.
func (l *Ledger) Select(ctx context.Context, installation string, q v1.RecordQuery) (map[v1.Kind][]int64, error) {
	q.Limit = math.MaxInt
	ids, _, err := l.selectPage(ctx, installation, q, recordKey{})
	return ids, err
}

// selectPage returns the ids of a page by kind, and the cursor of the next page; nil at the end.
func (l *Ledger) selectPage(ctx context.Context, installation string, q v1.RecordQuery, from recordKey) (map[v1.Kind][]int64, *string, error) {
	filter, most := newFilter(q), max(1, q.Limit)
	known, unlock, err := l.loadedFor(ctx, installation, filter)
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	page := map[v1.Kind][]int64{}
	var last recordKey
	for _, kind := range kinds {
		if kind < from.kind {
			continue
		}
		for _, s := range known.all(kind) {
			if kind == from.kind && s.id <= from.id || !filter.of(kind, s).all() {
				continue
			}
			if most == 0 {
				return page, new(string(last.kind) + ":" + strconv.FormatInt(last.id, 10)), nil
			}
			page[kind], last = append(page[kind], s.id), recordKey{kind, s.id}
			most--
		}
	}
	return page, nil, nil
}

func parseCursor(text string) (recordKey, error) {
	kind, id, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(id, 10, 64)
	if !ok || err != nil || (v1.Kind(kind) != v1.KindCompany && v1.Kind(kind) != v1.KindContract) {
		return recordKey{}, v1.InvalidCursor()
	}
	return recordKey{v1.Kind(kind), n}, nil
}

// Find returns the ids of the records for which want says yes, in order of id. Want must
// make no call: the index is locked.
func (l *Ledger) Find(ctx context.Context, installation string, kind v1.Kind, want func(Summary) bool) ([]int64, error) {
	known, unlock, err := l.loaded(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer unlock()
	var out []int64
	for _, s := range known.all(kind) {
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

// ModifiedTimes returns the stamps of records as of their last fetch; a record that was
// never fetched has none. A contact that several companies read (it moved) has the
// oldest: only what all of them have seen is known.
func (l *Ledger) ModifiedTimes(ctx context.Context, installation string, kind v1.Kind, ids []int64) (map[int64]time.Time, error) {
	known, unlock, err := l.loaded(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := make(map[int64]time.Time, len(ids))
	for _, id := range ids {
		if kind != v1.KindContact {
			if s := known.of(kind, id); s != nil {
				out[id] = s.modifiedAt.time()
			}
			continue
		}
		for _, company := range known.readers.of(id) {
			at := known.of(v1.KindCompany, company).contact(id)
			if seen, ok := out[id]; !ok || at.Before(seen) {
				out[id] = at
			}
		}
	}
	return out, nil
}

// Readers returns the companies whose projection reads one of the contacts: the last known ones.
func (l *Ledger) Readers(ctx context.Context, installation string, contacts []int64) (map[int64][]int64, error) {
	known, unlock, err := l.loaded(ctx, installation)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out := map[int64][]int64{}
	for _, c := range contacts {
		if companies := known.readers.of(c); len(companies) > 0 {
			out[c] = companies
		}
	}
	return out, nil
}
