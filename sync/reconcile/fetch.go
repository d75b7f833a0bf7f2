package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"channelsync/api/autotask"
)

// fetcher reads rows for one installation. It remembers which keys this Autotask does
// not answer, so that a row without them is not asked for again and again.
type fetcher struct {
	client *autotask.Client
	now    func() time.Time

	mu     sync.Mutex
	fields map[string]map[string]bool      // entity → field names in lower case; nil while unknown
	untold map[string]time.Time            // entity → when to ask for its fields again, since they could not be read
	empty  map[string]map[string]time.Time // entity → key that is left out where it is empty → until when that is believed
}

// askAgain is how long it is believed that Autotask does not tell an entity's fields.
const askAgain = 10 * time.Minute

func newFetcher(client *autotask.Client, now func() time.Time) *fetcher {
	return &fetcher{
		client: client, now: now,
		fields: map[string]map[string]bool{}, untold: map[string]time.Time{}, empty: map[string]map[string]time.Time{},
	}
}

// complete says whether a row lacks nothing that Autotask could have told.
func (f *fetcher) complete(ctx context.Context, entity string, lacks []string) bool {
	if len(lacks) == 0 {
		return true
	}
	absent := f.client.Absent(entity)
	lacks = slices.DeleteFunc(slices.Clone(lacks), func(key string) bool { return slices.Contains(absent, key) })
	if len(lacks) == 0 {
		return true
	}
	known := f.fieldsOf(ctx, entity)
	if known == nil {
		return false // then every such row is settled by a GET: dearer, never wrong
	}
	return !slices.ContainsFunc(lacks, func(key string) bool { return known[strings.ToLower(key)] })
}

// fieldsOf returns the fields of an entity; nil when Autotask does not tell them.
func (f *fetcher) fieldsOf(ctx context.Context, entity string) map[string]bool {
	f.mu.Lock()
	known, again := f.fields[entity], f.untold[entity]
	f.mu.Unlock()
	if known != nil || f.now().Before(again) {
		return known
	}
	names, err := f.client.FieldNames(ctx, entity)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			f.untold[entity] = f.now().Add(askAgain)
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
func (f *fetcher) leavesOut(entity string, keys []string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	return !slices.ContainsFunc(keys, func(key string) bool { return !now.Before(f.empty[entity][key]) })
}

// learn notes the keys that even a GET by id does not answer. A GET answers all there
// is, so rows without them have nothing there, and no row is read by id for them.
func (f *fetcher) learn(entity string, keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(keys) > 0 && f.empty[entity] == nil {
		f.empty[entity] = map[string]time.Time{}
	}
	for _, key := range keys {
		f.empty[entity][key] = f.now().Add(catalogueFor)
	}
}

// fetched is what Autotask says of a set of records.
type fetched[T any] struct {
	rows map[int64]T
	gone map[int64]bool  // a GET by id says that Autotask does not have it
	bad  map[int64]error // the record's own failure: its row cannot be read
	// settled are those that a GET by id was asked for, since the query did not answer all of them.
	settled []int64
}

// row is what fetching needs to know of a row type.
type row[T any] struct {
	entity string
	id     func(T) int64
	lacks  func(T) []string
}

// fetch reads records by id, in bulk. An id missing from the answer, and a row
// that lacks a key we read, are settled by a GET by id: neither a deletion nor a
// cleared field may be concluded from a query answer. The error is a failure of the road.
func fetch[T any](ctx context.Context, f *fetcher, r row[T], ids []int64) (fetched[T], error) {
	out := fetched[T]{rows: make(map[int64]T, len(ids)), gone: map[int64]bool{}, bad: map[int64]error{}}
	rows, bad, err := bisect(ctx, ids, func(ctx context.Context, part []int64) (autotask.Rows[T], error) {
		return autotask.ByIDs[T](ctx, f.client, r.entity, "id", part)
	})
	if err != nil {
		return out, err
	}
	out.bad = bad
	for _, v := range rows.Items {
		out.rows[r.id(v)] = v
	}
	for _, b := range rows.Bad {
		if b.ID != 0 {
			out.bad[b.ID] = b
		}
	}
	for _, id := range ids {
		v, ok := out.rows[id]
		if out.bad[id] != nil || ok && f.complete(ctx, r.entity, r.lacks(v)) {
			continue
		}
		if err := out.settle(ctx, f, r, id); err != nil {
			return out, err
		}
		out.settled = append(out.settled, id)
	}
	return out, nil
}

// settle asks for one record by id and believes the answer.
func (out *fetched[T]) settle(ctx context.Context, f *fetcher, r row[T], id int64) error {
	v, err := autotask.Get[T](ctx, f.client, r.entity, id)
	switch kind := autotask.KindOf(err); {
	case err == nil:
		out.rows[id] = v
	case kind == autotask.KindNotFound:
		delete(out.rows, id)
		out.gone[id] = true
	case ownFailure(err):
		if road := probe(ctx, f.client, err); road != nil {
			return road
		}
		delete(out.rows, id)
		out.bad[id] = err
	default:
		return err
	}
	return nil
}

// whole returns a row that hangs on a record with all its keys; one that lacks some is
// read by id. It is not kept when Autotask does not have the record any more.
func whole[T any](ctx context.Context, f *fetcher, r row[T], v T) (full T, keep bool, err error) {
	if lacks := r.lacks(v); f.leavesOut(r.entity, lacks) || f.complete(ctx, r.entity, lacks) {
		return v, true, nil
	}
	full, err = autotask.Get[T](ctx, f.client, r.entity, r.id(v))
	if autotask.KindOf(err) == autotask.KindNotFound {
		return full, false, nil
	}
	if err == nil {
		f.learn(r.entity, r.lacks(full))
	}
	return full, err == nil, err
}

// ownFailure says whether an error can be one record's alone: a row that cannot
// be decoded, an answer that breaks off in the middle, or a 500 with a text nobody
// has seen. All else is the road's.
func ownFailure(err error) bool {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	switch autotask.KindOf(err) {
	case autotask.KindUnknown, autotask.KindUndecodable, autotask.KindBadRow:
		return true
	default:
		return false
	}
}

// probe asks for something that has nothing to do with the record: when that
// fails too, the failure is the road's.
func probe(ctx context.Context, c *autotask.Client, cause error) error {
	if _, err := autotask.ByIDs[companyName](ctx, c, autotask.EntityCompanies, "id", []int64{nobody}); err != nil {
		return fmt.Errorf("%w (and a probe: %w)", cause, err)
	}
	return nil
}

// nobody is an id that no record has.
const nobody = -1

// bisect runs a bulk query and, where it fails as a whole for what may be one
// bad row, halves the ids until the bad ones stand alone. A query that fails for
// nobody's id too is the road's failure: that costs one more query, not hundreds.
func bisect[T any](ctx context.Context, ids []int64, query func(context.Context, []int64) (autotask.Rows[T], error)) (autotask.Rows[T], map[int64]error, error) {
	var all autotask.Rows[T]
	bad := map[int64]error{}
	worked := false // the query works as such, so that rows are to blame
	var walk func(part []int64, half bool) error
	walk = func(part []int64, half bool) error {
		tries := ctx
		if half && len(part) > 1 { // halving is another try in itself; only who is blamed gets the client's repeats
			tries = autotask.WithoutRepeats(ctx)
		}
		rows, err := query(tries, part)
		switch {
		case err == nil:
			worked = true
			all.Items = append(all.Items, rows.Items...)
			all.Bad = append(all.Bad, rows.Bad...)
			return nil
		case !ownFailure(err):
			return err
		}
		if !worked {
			if _, also := query(ctx, []int64{nobody}); also != nil {
				return fmt.Errorf("%w (and the same for no record at all: %w)", err, also)
			}
			worked = true
		}
		if len(part) == 1 {
			bad[part[0]] = err
			return nil
		}
		middle := len(part) / 2
		if err := walk(part[:middle], true); err != nil {
			return err
		}
		return walk(part[middle:], true)
	}
	if len(ids) == 0 {
		return all, bad, nil
	}
	for part := range slices.Chunk(ids, MaxBatch) {
		if err := walk(part, false); err != nil {
			return all, bad, err
		}
	}
	return all, bad, nil
}
