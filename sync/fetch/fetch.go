// Package fetch reads rows of Autotask by their ids, in bulk, and says of each id whether
// it is there, gone or unreadable. A query that fails as a whole is halved down to the row
// to blame, and an id is gone only when a GET by id says so.
//
// It decides nothing about a record and writes nothing. sync/reconcile reads records with
// it, sync/contractrows what hangs on contracts.
package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"channelsync/sync/upstream"

	"channelsync/api/autotask"
)

// MaxBatch is how many records are reconciled at once: one "in" query's worth.
const MaxBatch = 400

// Fetcher reads rows for one installation. It remembers which keys this Autotask does
// not answer, so that a row without them is not asked for again and again.
type Fetcher struct {
	Client *autotask.Client
	now    func() time.Time

	mu      sync.Mutex
	fields  map[string]map[string]bool      // entity → field names in lower case; nil while unknown
	unknown map[string]time.Time            // entity → when to ask for its fields again, since they could not be read
	empty   map[string]map[string]time.Time // entity → key that is left out where it is empty → until when that is believed
	recent  map[string][]seen               // entity → records that Autotask answered

	pace upstream.Pace
}

// seen is a record that Autotask answered, and when.
type seen struct {
	id int64
	at time.Time
}

// How many answered records of an entity are remembered, and for how long: were they
// all of them unreadable, failures of others would be blamed on Autotask until they are forgotten.
const (
	maxRecent = 3
	recentFor = time.Hour
)

// askAgain is how long it is believed that Autotask does not tell an entity's fields.
const askAgain = 10 * time.Minute

func New(client *autotask.Client, now func() time.Time) *Fetcher {
	return &Fetcher{
		Client: client, now: now,
		fields: map[string]map[string]bool{}, unknown: map[string]time.Time{}, empty: map[string]map[string]time.Time{},
		recent: map[string][]seen{},
	}
}

// complete says whether a row has every key that Autotask could have returned.
func (f *Fetcher) complete(ctx context.Context, entity string, missing []string) bool {
	if len(missing) == 0 {
		return true
	}
	absent := f.Client.Absent(entity)
	missing = slices.DeleteFunc(slices.Clone(missing), func(key string) bool { return slices.Contains(absent, key) })
	if len(missing) == 0 {
		return true
	}
	known := f.fieldsOf(ctx, entity)
	if known == nil {
		return false // then every such row is read by a GET: dearer, never wrong
	}
	return !slices.ContainsFunc(missing, func(key string) bool { return known[strings.ToLower(key)] })
}

// fieldsOf returns the fields of an entity; nil when Autotask does not tell them.
func (f *Fetcher) fieldsOf(ctx context.Context, entity string) map[string]bool {
	f.mu.Lock()
	known, again := f.fields[entity], f.unknown[entity]
	f.mu.Unlock()
	if known != nil || f.now().Before(again) {
		return known
	}
	names, err := f.Client.FieldNames(ctx, entity)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			f.unknown[entity] = f.now().Add(askAgain)
		}
		return nil
	}
	known = make(map[string]bool, len(names))
	for _, n := range names {
		known[strings.ToLower(n)] = true
	}
	f.fields[entity] = known
	return known
}

// leavesOut says whether it is known of each key that this Autotask leaves it out where it is empty.
func (f *Fetcher) leavesOut(entity string, keys []string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	return !slices.ContainsFunc(keys, func(key string) bool { return !now.Before(f.empty[entity][key]) })
}

// learn notes the keys that even a GET by id does not answer. A GET answers all there
// is, so rows without them have nothing there, and no row is read by id for them.
func (f *Fetcher) learn(entity string, keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(keys) > 0 && f.empty[entity] == nil {
		f.empty[entity] = map[string]time.Time{}
	}
	for _, key := range keys {
		f.empty[entity][key] = f.now().Add(keptFor)
	}
}

// remember notes up to three records that were answered.
func (f *Fetcher) remember(entity string, ids []int64, answeredNow func(int64) bool) {
	var fresh []seen
	for _, id := range ids {
		if len(fresh) < maxRecent && answeredNow(id) {
			fresh = append(fresh, seen{id, f.now()})
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range f.recent[entity] {
		if len(fresh) < maxRecent && !slices.ContainsFunc(fresh, func(a seen) bool { return a.id == old.id }) {
			fresh = append(fresh, old)
		}
	}
	f.recent[entity] = fresh
}

// remembered are the records answered recently that are not among ids.
func (f *Fetcher) remembered(entity string, ids []int64) []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var known []int64
	for _, a := range f.recent[entity] {
		if f.now().Sub(a.at) < recentFor && !slices.Contains(ids, a.id) {
			known = append(known, a.id)
		}
	}
	return known
}

// Fetched is what Autotask says of a set of records.
type Fetched[T any] struct {
	Rows map[int64]T
	Gone map[int64]bool  // a GET by id says that Autotask does not have it
	Bad  map[int64]error // the record's own failure: its row cannot be read
	// ByGet are the ids that were read by a GET, since the query did not answer all of them.
	ByGet []int64
}

// Row is what fetching needs to know of a row type.
type Row[T any] struct {
	Entity string
	read   func(T) (id int64, missing []string)
}

func NewRow[T any](entity string, read func(T) (id int64, missing []string)) Row[T] {
	return Row[T]{entity, read}
}

func (r Row[T]) ID(v T) int64 {
	id, _ := r.read(v)
	return id
}

// Missing are the keys that the answer lacked.
func (r Row[T]) Missing(v T) []string {
	_, missing := r.read(v)
	return missing
}

// ByIDs reads records by id, in bulk. An id missing from the answer, and a row
// that lacks a key we read, are read by a GET by id: neither a deletion nor a
// cleared field may be concluded from a query answer. The error is a failure of Autotask, not of a record.
func ByIDs[T any](ctx context.Context, f *Fetcher, r Row[T], ids []int64) (Fetched[T], error) {
	out := Fetched[T]{Rows: make(map[int64]T, len(ids)), Gone: map[int64]bool{}, Bad: map[int64]error{}}
	rows, bad, err := Bisect(ctx, ids, func(ctx context.Context, part []int64) (autotask.Rows[T], error) {
		return autotask.ByIDs[T](ctx, f.Client, r.Entity, "id", part)
	})
	if err != nil {
		return out, err
	}
	out.Bad = bad
	for _, v := range rows.Items {
		out.Rows[r.ID(v)] = v
	}
	unanswered := firstOf(bad)
	for _, b := range rows.Bad {
		if b.ID != 0 {
			out.Bad[b.ID] = b
		}
		if b.Cause != nil {
			unanswered = b.Cause
		}
	}
	if unanswered != nil {
		if err := vouch(ctx, f, r, ids, unanswered); err != nil {
			return out, err
		}
	}
	f.remember(r.Entity, ids, func(id int64) bool { _, ok := out.Rows[id]; return ok })
	for _, id := range ids {
		v, ok := out.Rows[id]
		if out.Bad[id] != nil || ok && f.complete(ctx, r.Entity, r.Missing(v)) {
			continue
		}
		if err := out.get(ctx, f, r, id); err != nil {
			return out, err
		}
		out.ByGet = append(out.ByGet, id)
	}
	return out, nil
}

// get asks for one record by id and believes the answer.
func (out *Fetched[T]) get(ctx context.Context, f *Fetcher, r Row[T], id int64) error {
	v, own, err := get(ctx, f, r, id)
	switch {
	case own != nil:
		delete(out.Rows, id)
		out.Bad[id] = own
	case err == nil:
		out.Rows[id] = v
	case autotask.KindOf(err) == autotask.KindNotFound:
		delete(out.Rows, id)
		out.Gone[id] = true
	default:
		return err
	}
	return nil
}

// get asks for one record by id. own is the record's own failure: it comes again
// although Autotask answers for something else in between and after.
func get[T any](ctx context.Context, f *Fetcher, r Row[T], id int64) (v T, own, err error) {
	pace := paceOf(ctx)
	for again := range 2 {
		asking := ctx
		if pace != nil {
			asking = autotask.WithPatience(ctx, pace.Patience())
		}
		v, err = autotask.Get[T](asking, f.Client, r.Entity, id)
		switch kind := autotask.KindOf(err); {
		case kind == autotask.KindBadRow:
			return v, err, nil
		case kind == autotask.KindNotFound, !autotask.OfOneRecord(err):
			return v, nil, err
		}
		if down := Probe(ctx, f.Client, err); down != nil {
			return v, nil, down
		}
		if pace != nil && noAnswer(ctx, err) {
			return v, NotInTime{err}, nil
		}
		if again == 1 {
			break
		}
		ctx = autotask.WithoutRepeats(ctx)
	}
	if down := vouch(ctx, f, r, []int64{id}, err); down != nil {
		return v, nil, down
	}
	return v, err, nil
}

// Complete returns a row that hangs on a record with all its keys; one that lacks some is
// read by id. It is not kept when Autotask does not have the record any more; own is
// the row's own failure.
func Complete[T any](ctx context.Context, f *Fetcher, r Row[T], v T) (full T, keep bool, own, err error) {
	if missing := r.Missing(v); f.leavesOut(r.Entity, missing) || f.complete(ctx, r.Entity, missing) {
		return v, true, nil, nil
	}
	full, own, err = get(ctx, f, r, r.ID(v))
	switch {
	case autotask.KindOf(err) == autotask.KindNotFound:
		return full, false, nil, nil
	case own != nil || err != nil:
		return full, false, own, err
	}
	f.learn(r.Entity, r.Missing(full))
	return full, true, nil, nil
}

// Probe asks the entity that failed for no record at all: when that fails too, the
// failure is Autotask's.
func Probe(ctx context.Context, c *autotask.Client, cause error) error {
	entity := autotask.EntityCompanies
	if e, ok := errors.AsType[*autotask.Error](cause); ok && e.Entity != "" {
		entity = e.Entity
	}
	if _, err := autotask.ByIDs[RowID](autotask.WithBrief(ctx), c, entity, "id", []int64{nobody}); err != nil {
		return fmt.Errorf("%w (asked for no record at all, after %w)", err, cause)
	}
	return nil
}

// vouch asks for records that were answered recently and are not among ids: where none
// of them is answered now, Autotask cannot tell any record, and none is to blame.
func vouch[T any](ctx context.Context, f *Fetcher, r Row[T], ids []int64, cause error) error {
	down := error(nil)
	for _, id := range f.remembered(r.Entity, ids) {
		rows, err := autotask.ByIDs[T](autotask.WithBrief(ctx), f.Client, r.Entity, "id", []int64{id})
		switch {
		case err == nil && (len(rows.Bad) == 0 || rows.Bad[0].Cause == nil):
			return nil
		case err == nil:
			err = rows.Bad[0].Cause
		case !autotask.OfOneRecord(err):
			return err
		}
		down = fmt.Errorf("%w (asked for %s %d, which was answered before, after %w)", err, r.Entity, id, cause)
	}
	return down
}

// nobody is an id that no record has.
const nobody = -1

// Bisect runs a bulk query and, where it fails as a whole for what may be one
// record, halves the ids until those to blame stand alone. Autotask is asked for no record first:
// a query that fails then too is its failure, which costs one more
// query, not hundreds. It is asked again on either side of the second try of a record
// that is alone, so that an outage which begins or ends meanwhile blames nobody.
func Bisect[T any](ctx context.Context, ids []int64, query func(context.Context, []int64) (autotask.Rows[T], error)) (autotask.Rows[T], map[int64]error, error) {
	var all autotask.Rows[T]
	bad := map[int64]error{}
	pace := paceOf(ctx)
	ask := func(ctx context.Context, part []int64) error {
		began := time.Now()
		rows, err := query(ctx, part)
		if err == nil {
			if pace != nil {
				pace.Took(time.Since(began))
			}
			all.Items = append(all.Items, rows.Items...)
			all.Bad = append(all.Bad, rows.Bad...)
		}
		return err
	}
	ping := func(ctx context.Context, cause error) error {
		began := time.Now()
		if _, err := query(ctx, []int64{nobody}); err != nil {
			return fmt.Errorf("%w (asked for no record at all, after %w)", err, cause)
		}
		if pace != nil {
			pace.Took(time.Since(began))
		}
		return nil
	}
	briefPing := func(cause error) error { return ping(autotask.WithBrief(ctx), cause) }
	var walk func(part []int64, err error) error
	halve := func(part []int64) error {
		middle := len(part) / 2
		for _, half := range [][]int64{part[:middle], part[middle:]} {
			tries := autotask.WithoutRepeats(ctx) // halving is another try in itself
			if len(half) > 1 {
				tries = autotask.WithBrief(ctx)
			}
			if err := walk(half, ask(tries, half)); err != nil {
				return err
			}
		}
		return nil
	}
	open := false
	walk = func(part []int64, err error) error {
		if !autotask.OfOneRecord(err) {
			return err
		}
		if !open || len(part) == 1 {
			if down := briefPing(err); down != nil {
				return down
			}
			open = true
		}
		if len(part) > 1 {
			return halve(part)
		}
		if err = ask(autotask.WithoutRepeats(ctx), part); !autotask.OfOneRecord(err) {
			return err
		}
		if down := briefPing(err); down != nil {
			return down
		}
		bad[part[0]] = err
		return nil
	}
	read := func(ctx context.Context, part []int64) error { return walk(part, ask(ctx, part)) }
	if pace != nil {
		read = limited{pace: pace, ask: ask, failed: walk, ping: ping, leftOut: bad}.read
	}
	for part := range slices.Chunk(ids, MaxBatch) {
		if err := read(ctx, part); err != nil {
			return all, bad, err
		}
	}
	return all, bad, nil
}

// firstOf is an answer that records are blamed for.
func firstOf(bad map[int64]error) error {
	for _, err := range bad {
		if _, late := errors.AsType[NotInTime](err); !late {
			return err
		}
	}
	return nil
}

// RowsOf reads the rows that hang on records, in bulk. A row that cannot be read is the
// failure of the record it hangs on: without it a vendor or a cost would be wrong.
func RowsOf[T any](ctx context.Context, c *autotask.Client, entity, parent string, ids []int64, extra ...autotask.Filter) (rows []T, bad map[int64]error, err error) {
	unreadable := map[int64]error{}
	all, bad, err := Bisect(ctx, ids, func(ctx context.Context, ids []int64) (autotask.Rows[T], error) {
		rows, err := autotask.ByIDs[T](ctx, c, entity, parent, ids, extra...)
		for _, row := range rows.Bad {
			if row.Parent == 0 { // halve down to the record it hangs on
				return rows, &autotask.Error{Kind: autotask.KindUndecodable, Operation: "query", Entity: entity, Cause: row}
			}
			unreadable[row.Parent] = row
		}
		return rows, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("fetch %s: %w", entity, err)
	}
	maps.Copy(bad, unreadable)
	return all.Items, bad, nil
}

func Unique[T cmp.Ordered](ids []T) []T {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// RowID reads just the ids of rows.
type RowID struct {
	ID      int64 `at:"id"`
	Missing []string
}
