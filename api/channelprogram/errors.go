package channelprogram

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says what to do about an error. The values are bounded: they are metric labels.
type Kind string

// The kinds of errors (reference: channel-program.md, 5.2).
const (
	KindPause       Kind = "pause"       // the whole connection waits for a person; no record is to blame
	KindThrottled   Kind = "throttled"   // the whole connection waits Error.RetryAfter
	KindUnavailable Kind = "unavailable" // network, timeout or the target's own trouble: back off
	KindRejected    Kind = "rejected"    // this record's data must change
	KindFailed      Kind = "failed"      // the target could not take this record now: try it again alone
	KindNotFound    Kind = "not_found"   // the target has no such record
	KindInvalid     Kind = "invalid"     // we sent what the target does not understand: a bug or a wrong setting
	KindBreach      Kind = "breach"      // the answer is not what the API promises
)

// Codes of problems that this package reads or gives. The target may answer others.
const (
	CodeConnectionPaused      = "connection_paused"
	CodeConnectionUninstalled = "connection_uninstalled"
	CodeIdempotencyInProgress = "idempotency_in_progress"
	CodeClientNotFound        = "client_not_found"
	CodeContractNotFound      = "contract_not_found"
	CodeCurrencyUnsupported   = "currency_unsupported"
	CodeAmbiguousMatch        = "ambiguous_match"
	CodeRedirectRefused       = "redirect_refused"
	CodeTimeout               = "timeout"
	CodeNetwork               = "network"
	CodeContractBreach        = "contract_breach"
	CodeInvalidRequest        = "invalid_request"
)

// Error is a failed call. Its text holds no token, and no body of ours but what the
// target repeats of it.
type Error struct {
	Kind       Kind
	Status     int           // of the HTTP answer, 0 without one
	Code       string        // the target's code, or one of ours
	Detail     string        // what the target said, or the first words of a page that is not its own; at most 300 characters
	RetryAfter time.Duration // how long to leave the whole connection alone; 0: not said
	Errors     []FieldError
	RequestID  string // the target's, for a support question
	Operation  string // what was tried, for example "put client"
	Cause      error
}

// Error says what was tried, what came back and the target's words.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Operation)
	b.WriteString(": ")
	if e.Status != 0 {
		fmt.Fprintf(&b, "HTTP %d ", e.Status)
	}
	b.WriteString(e.Code)
	if e.Detail != "" {
		b.WriteString(": ")
		b.WriteString(e.Detail)
	}
	for _, f := range e.Errors {
		fmt.Fprintf(&b, "; %s %s", f.Pointer, f.Detail)
	}
	return b.String()
}

// Unwrap gives the cause, so that errors.Is finds a deadline or a network error.
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of an error of this package, "" for any other
// (a cancelled context among them).
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
