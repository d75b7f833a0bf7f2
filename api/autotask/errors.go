package autotask

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind is what an error means for the work that met it. The set is bounded, so a
// kind can label a metric.
type Kind string

// The kinds of errors. Refused, Throttled, Budget and Unavailable are failures of
// the upstream; Permission of one entity; the others of the one request. OfOneRecord says
// which of them one record may cause.
const (
	KindRefused     Kind = "refused"     // credentials: nothing is tried again until SetCredentials
	KindPermission  Kind = "permission"  // the API user may not do this with this entity
	KindNotFound    Kind = "not_found"   // there is no such record, or it is hidden from the API user
	KindThrottled   Kind = "throttled"   // the vendor's thread or hourly limit
	KindBudget      Kind = "budget"      // our own share of the hourly limit is used up; nothing was sent
	KindUnavailable Kind = "unavailable" // network, timeout, 502, 503, 504, 500 without a text, a redirect, 403 or 404 with a page that is not the vendor's
	KindUnknown     Kind = "unknown"     // 500 with a text nobody has recorded
	KindUndecodable Kind = "undecodable" // success by status, but not the JSON that was expected
	KindInvalid     Kind = "invalid"     // the request itself is wrong and will stay wrong
	KindBadRow      Kind = "bad_row"     // a RowError: this one record cannot be read, the rest can
)

// Error is a call that failed. It never holds credentials, and of the answer
// only the vendor's own error texts, at most 300 characters each.
type Error struct {
	Kind       Kind
	Status     int    // HTTP status, 0 when there was no answer
	Operation  string // the verb: query, get, count, create, change, delete, describe, read
	Entity     string // as in the path: Companies
	Texts      []string
	RetryAfter time.Duration // for throttled and budget: when to go on; 0 = not said
	Cause      error
}

// Error says what was tried, the kind, and what the vendor said.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(e.Operation + " " + e.Entity))
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(string(e.Kind))
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.Status)
	}
	if len(e.Texts) > 0 {
		b.WriteString(": " + strings.Join(e.Texts, "; "))
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, "; goes on in %s", e.RetryAfter.Round(time.Second))
	}
	return b.String()
}

// Unwrap gives errors.Is and errors.As the cause.
func (e *Error) Unwrap() error { return e.Cause }

// RowError is one record of an answer that cannot be read; the others of the
// answer are not touched by it. It shows types, never values.
type RowError struct {
	Entity string
	ID     int64  // 0 when the id itself cannot be read
	Parent int64  // id of the record that the row hangs on; 0 when it hangs on none, or that cannot be read
	Field  string // the vendor's JSON name
	Got    string
	Want   string
	// Cause is why Autotask does not answer the row at all, though it answers others; nil
	// where the row came and one field is wrong. It is not wrapped: the failure is the row's.
	Cause error `json:"-"`
}

// Error names the record and field, what came and what was wanted.
func (e RowError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("read %s %d: Autotask answers for all others but not for this one: %s", e.Entity, e.ID, e.Cause)
	}
	return fmt.Sprintf("read %s %d: %s: got %s, want %s", e.Entity, e.ID, e.Field, e.Got, e.Want)
}

// KindOf is the kind of an error of this package, wherever it is wrapped; "" for
// nil and for errors of others.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	if _, ok := errors.AsType[RowError](err); ok {
		return KindBadRow
	}
	return ""
}

// RetryAfterOf is how long a throttled or budget error asks to wait; 0 when it does not say.
func RetryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
