package autotask

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"channelsync/api/autotask/internal/lenient"
)

const (
	// nobody is an id that no record has.
	nobody = -1
	// maxSpoilt is how many records one after the other may spoil their pages. Where
	// more do, and none between them can be read, it is not the records' fault.
	maxSpoilt = 16
	// maxStep is how far behind the record before it a record is looked for that is not
	// even told by its id.
	maxStep = 1 << 40
	// briefTimeout is how long a request may take that only finds out who is to blame:
	// a record whose answer never comes is found in minutes, not in a quarter of an hour.
	briefTimeout = 10 * time.Second
)

type patienceKey struct{}

// WithPatience gives each request under ctx so long, and repeats none that is not
// answered by then: for a caller that finds out in another way which of many records
// Autotask does not answer for.
func WithPatience(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, patienceKey{}, d)
}

// WithBrief makes the calls under ctx fail at their first failure that is not a
// throttling, and gives each ten seconds: for a caller that finds out by them whether
// Autotask answers, or which of many records it does not answer for.
func WithBrief(ctx context.Context) context.Context {
	return WithPatience(WithoutRepeats(ctx), briefTimeout)
}

// once says whether a call that failed so is not to be repeated.
func once(ctx context.Context, err error) bool {
	return ctx.Value(onceKey{}) != nil || ctx.Value(patienceKey{}) != nil && errors.Is(err, context.DeadlineExceeded)
}

// OfOneRecord says whether an error may be caused by one record that was asked for:
// any answer but those that are about the caller, that is refused credentials, a
// missing right, and limits. The same answers come when Autotask is away, so who
// blames a record asks for something else first.
func OfOneRecord(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return errors.As(err, &RowError{})
	}
	switch e.Kind {
	case KindUnavailable, KindUnknown, KindUndecodable, KindNotFound, KindBadRow:
		return true
	case KindInvalid:
		return e.Status != 0 // else it was not sent
	case KindPermission:
		return e.Status == http.StatusForbidden && len(e.Texts) == 0 // a firewall's page, not the vendor's word
	case KindRefused, KindThrottled, KindBudget:
		return false
	}
	return false
}

// pages is the state of a walk over pages, one of which may be spoilt by a record:
// its page is halved until the record is alone, in about ten requests.
type pages[T any] struct {
	c      *Client
	entity string
	shape  shape
	query  Query

	suspects int // records, from the next one on, among which is one that spoils its page; 0 = none is known
	spoilt   int // how many spoilt their pages since one could be read
}

// context is that of the next page: halving is another try in itself.
func (p *pages[T]) context(ctx context.Context) context.Context {
	switch {
	case p.suspects > 3: // more than one is asked for
		return WithBrief(ctx)
	case p.suspects > 0:
		return WithoutRepeats(ctx)
	}
	return ctx
}

// nextSize is how many records to ask for: half of the suspects.
func (p *pages[T]) nextSize() int {
	if p.suspects == 0 {
		return pageSize
	}
	return max(1, p.suspects/2)
}

// read notes that records could be read.
func (p *pages[T]) read(n int) {
	p.suspects = max(0, p.suspects-n)
	if n > 0 {
		p.spoilt = 0
	}
}

// failed notes a page that failed. It returns the record that is to blame once it is
// alone, nothing while the page must be halved, and an error where no record is.
func (p *pages[T]) failed(ctx context.Context, next Filter, size int, cause error) (*RowError, error) {
	alone := once(ctx, cause) // the caller tries the same in another way itself
	if !OfOneRecord(cause) || alone || p.spoilt == maxSpoilt {
		return nil, cause
	}
	if p.suspects == 0 || size == 1 {
		if err := p.open(ctx, cause); err != nil {
			return nil, err
		}
	}
	if p.suspects = size; size > 1 {
		return nil, nil
	}
	p.suspects = 0
	bad, err := p.identify(ctx, next, cause)
	if err != nil {
		return nil, err
	}
	// Blamed is only what fails again although all else is answered before and after.
	only := []Filter{Eq(idField, bad.ID)}
	if _, _, again := p.c.page(WithoutRepeats(ctx), p.entity, p.shape, Query{Fields: p.query.Fields, Filter: only}, next, 1); again == nil {
		p.suspects = 1 // read it once more
		return nil, nil
	} else if !OfOneRecord(again) {
		return nil, again
	}
	if err := p.open(ctx, cause); err != nil {
		return nil, err
	}
	p.spoilt++
	return bad, nil
}

// open asks for the same fields of no record: where that fails too, none is to blame.
func (p *pages[T]) open(ctx context.Context, cause error) error {
	none := []Filter{Eq(idField, nobody)}
	_, _, err := p.c.page(WithBrief(ctx), p.entity, p.shape, Query{Fields: p.query.Fields, Filter: none}, Gte(idField, nobody), 1)
	if err != nil && err.Error() == cause.Error() {
		return cause
	}
	if err != nil {
		return fmt.Errorf("%w (asked for no record at all, after %w)", err, cause)
	}
	return nil
}

// identify asks for the id of a record that cannot be read, and the one it hangs on.
func (p *pages[T]) identify(ctx context.Context, next Filter, cause error) (*RowError, error) {
	ids := p.shape
	ids.missing, ids.unread = -1, -1
	ids.fields = slices.DeleteFunc(slices.Clone(p.shape.fields), func(f shapeField) bool { return f.rank() == 2 })
	for ; len(ids.fields) > 0; ids.fields = ids.fields[:len(ids.fields)-1] { // at last without the parent
		items, _, err := p.c.page(WithBrief(ctx), p.entity, ids, Query{Filter: p.query.Filter}, next, 1)
		if err != nil || len(items) == 0 {
			continue
		}
		bad := RowError{Entity: p.entity, Field: "the whole row", Got: "no answer that can be read", Want: "one", Cause: cause}
		if bad.identify(ids, items[0]) {
			return &bad, nil
		}
	}
	if p.query.named {
		return nil, cause
	}
	id, err := p.search(ctx, next, cause)
	return &RowError{Entity: p.entity, ID: id, Field: "the whole row", Got: "no answer that can be read", Want: "one", Cause: cause}, err
}

// search finds the id of a record that is not even told by its id: the lowest behind
// which there is an answer again. Where several stand beside each other that is one of them.
func (p *pages[T]) search(ctx context.Context, next Filter, cause error) (int64, error) {
	from, ok := next.Value.(int64)
	if !ok {
		return 0, cause
	}
	if next.Op == opGt {
		from++
	}
	none := shape{entity: p.entity, fields: p.shape.fields[:1], missing: -1, unread: -1}
	spoilt := func(id int64) (bool, error) { // whether the first record behind id spoils its page
		_, _, err := p.c.page(WithBrief(ctx), p.entity, none, Query{Filter: p.query.Filter}, Gt(idField, id), 1)
		if err != nil && !OfOneRecord(err) {
			return false, err
		}
		return err != nil, nil
	}
	if away, err := spoilt(math.MaxInt64); err != nil || away {
		return 0, cmp.Or(err, cause)
	}
	low, high := from, from // the id is among them once what is behind high is answered
	for step := int64(1); ; step *= 2 {
		bad, err := spoilt(high)
		if err != nil {
			return 0, err
		}
		if !bad {
			break
		}
		if step > maxStep {
			return 0, cause
		}
		low, high = high+1, high+step
	}
	for low < high {
		middle := low + (high-low)/2
		bad, err := spoilt(middle)
		if err != nil {
			return 0, err
		}
		if bad {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// identify reads the id of a row and that of its parent.
func (e *RowError) identify(s shape, raw json.RawMessage) bool {
	var keys lenient.Object
	if json.Unmarshal(raw, &keys) != nil {
		return false
	}
	for i, f := range s.fields {
		id := lenient.Int(keys.Get(f.name))
		switch {
		case i == 0 && id == nil:
			return false
		case i == 0:
			e.ID = *id
		case id != nil:
			e.Parent = *id
		}
	}
	return true
}
