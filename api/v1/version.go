package v1

import (
	"context"
	"encoding/json"
	"time"
)

// Version is what Channel Program took of a record, once.
type Version struct {
	Number int         `json:"number"` // from 1
	SentAt time.Time   `json:"sentAt"` // when Channel Program took it
	Kind   VersionKind `json:"kind"`
	Cause
	// Answer is what Channel Program said: created, linked, updated, unchanged or archived.
	Answer string `json:"answer,omitempty"`
	// BeforeUnknown: what Channel Program held right before is not known: an answer was lost, or
	// it held the record before it was first sent.
	BeforeUnknown bool `json:"beforeUnknown,omitempty"`
	// NewAccount: it is the first that was sent to another account of Channel Program than the version before.
	NewAccount bool `json:"newAccount,omitempty"`
	// Projection is all that was sent; null where it was too large to be kept.
	Projection json.RawMessage `json:"projection"`
	// Changes are against the version before; none of the oldest that is kept.
	Changes []Difference `json:"changes"`
	// Edited is what somebody had edited in Channel Program, and this was pushed over.
	Edited []DriftField `json:"edited,omitempty"`
}

// VersionKind says how a version came about.
type VersionKind string

// The kinds of versions.
const (
	VersionSent      VersionKind = "sent"      // it was pushed
	VersionRepaired  VersionKind = "repaired"  // it was pushed over an edit in Channel Program
	VersionRecovered VersionKind = "recovered" // its answer was lost: it was found in Channel Program before the next push
	VersionEarlier   VersionKind = "earlier"   // it was pushed before versions were kept, and what caused it is not known
)

// Cause is why something was sent.
type Cause struct {
	Trigger Trigger `json:"trigger,omitempty"`
	Job     string  `json:"job,omitempty"`     // the job that it belonged to
	By      string  `json:"by,omitempty"`      // who asked for it, as the audit names them; empty: nobody did
	EventID string  `json:"eventId,omitempty"` // of the change, as it is sent to Channel Program
	TraceID string  `json:"traceId,omitempty"` // of the change, where it was traced
}

// VersionQuery asks for versions of a record.
type VersionQuery struct {
	// At is a time, or a day: that is its end in the installation's time zone, and now on the
	// present day. With it the page has the version that Channel Program held then, or none.
	At     string
	Cursor string
	Limit  int
}

// VersionPage is a page of versions, newest first.
type VersionPage struct {
	Items      []Version `json:"items"`
	NextCursor *string   `json:"nextCursor"`
	KnownSince time.Time `json:"knownSince"`     // since when records of the kind are kept: nothing is known of the time before
	Held       *Held     `json:"held,omitempty"` // the answer to ?at=
}

// Held says what Channel Program held of a record at a time.
type Held struct {
	At       time.Time  `json:"at"`
	TimeZone string     `json:"timeZone"` // of the installation: whose day it is
	State    HeldState  `json:"state"`
	Detail   string     `json:"detail"` // in words, with what is not sure about it
	Until    *time.Time `json:"until"`  // when the next version was taken; null while it is held
	Edited   *HeldEdit  `json:"edited,omitempty"`
}

// HeldEdit is an edit that somebody made of a version in Channel Program, as far as it is known.
type HeldEdit struct {
	// Since is when it was first seen: it was made before. Where that is after the time asked
	// about, it is not known whether it was there already.
	Since  time.Time    `json:"since"`
	Until  *time.Time   `json:"until"`  // when it was put right, or seen to be undone; null while neither is known
	Fields []DriftField `json:"fields"` // beside what was sent
}

// WasEdited says whether what was held is known to have had the edit.
func (h Held) WasEdited() bool { return h.Edited != nil && !h.Edited.Since.After(h.At) }

// HeldState says what is known of what Channel Program held.
type HeldState string

// What is known.
const (
	HeldVersion HeldState = "version" // the version of the page
	HeldNothing HeldState = "nothing" // nothing of the record
	HeldUnknown HeldState = "unknown" // it was before what is kept
)

type askerKey struct{}

// WithAsker returns a context that carries who asks, as the audit names them.
func WithAsker(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, askerKey{}, name)
}

// AskerOf is who asks; empty when nobody does.
func AskerOf(ctx context.Context) string {
	name, _ := ctx.Value(askerKey{}).(string)
	return name
}
