package ledger

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// MaxSteps is how many steps of a record's timeline are kept.
const MaxSteps = 20

// Entry is all we remember of one record.
type Entry struct {
	Kind   v1.Kind `json:"kind"`
	ID     int64   `json:"id"`
	Name   string  `json:"name"`
	Parent int64   `json:"parent,omitempty"` // a contract's company

	Outcome v1.Outcome `json:"outcome"`
	Reasons []string   `json:"reasons,omitempty"`
	Detail  string     `json:"detail,omitempty"`
	InScope bool       `json:"inScope"`
	// ClientInScope says of a company whether its contracts may sync, whatever the customers sync does.
	ClientInScope bool   `json:"clientInScope,omitempty"`
	Fingerprint   string `json:"fingerprint,omitempty"` // of what the target holds, as far as we know

	Projection      json.RawMessage `json:"projection,omitempty"` // last pushed
	Version         *Version        `json:"version,omitempty"`    // when that was, and why; nil of a former build
	Former          *former         `json:"former,omitempty"`     // the versions before it
	Previous        json.RawMessage `json:"previous,omitempty"`   // of a former build: what was pushed before the projection
	Sending         *Sending        `json:"sending,omitempty"`    // why it was about to be sent when it was last stored
	Sources         json.RawMessage `json:"sources,omitempty"`    // where each value came from
	TargetURL       string          `json:"targetUrl,omitempty"`
	PendingApproval bool            `json:"held,omitempty"` // it would have left with too many others and waits for a yes
	// Discarded: somebody said no to its leaving. It stays as it is until its row has another
	// stamp than Leaving, the one it would have left with, or somebody asks for it.
	Discarded bool      `json:"discarded,omitempty"`
	Leaving   time.Time `json:"leaving,omitzero"`
	Archived  bool      `json:"archived,omitempty"`

	Contacts   []Contact `json:"contacts,omitempty"` // whose e-mail addresses the projection reads
	ModifiedAt time.Time `json:"stamp"`              // the record's own newest stamp, as of the last fetch
	Vendors    []int64   `json:"vendors,omitempty"`  // whose names a contract's projection may read
	Services   []int64   `json:"services,omitempty"` // of the catalogue, that it reads
	RowHash    string    `json:"rowHash,omitempty"`  // of a contract's own row
	Parts      *Parts    `json:"parts,omitempty"`    // what was read of the rows that hang on a contract; nil while it is out of scope
	Notes      []string  `json:"notes,omitempty"`    // codes of issues found while projecting (cost_unknown, …)
	// Since is when each code of Notes, and that of the failure, was first found. It stays
	// while the same is found again: what people read is how long it is so.
	Since map[string]time.Time `json:"since,omitempty"`

	// Drifts are the latest edits at the target that were found, the last one last.
	Drifts []Drift `json:"drifts,omitempty"`
	// PushOurs: somebody said that the open edit may be pushed over.
	PushOurs bool `json:"pushOurs,omitempty"`

	ObservedAt   time.Time `json:"observedAt"` // of the last push; the next one is later
	ChangedAt    time.Time `json:"changedAt"`
	ReconciledAt time.Time `json:"reconciledAt"`
	PushedAt     time.Time `json:"pushedAt"`

	Attempts    int       `json:"attempts,omitempty"` // failures of the record itself since it last went well
	FirstFailed time.Time `json:"firstFailed"`
	NextAttempt time.Time `json:"nextAttempt"` // when a retrying record is due by itself

	Timeline []v1.TimelineStep `json:"timeline,omitempty"`
	// Omitted names the parts that were left out, since the entry did not fit into the table.
	Omitted []string `json:"omitted,omitempty"`

	// Revision is what was read or written last; 0: it was not there. Where other
	// processes write too, only an entry that is still at it can be written.
	Revision uint64 `json:"-"`
}

// Contact is a contact as of the last fetch of its company.
type Contact struct {
	ID         int64     `json:"id"`
	ModifiedAt time.Time `json:"stamp"`
}

// ContentFingerprint is the fingerprint of the content pushed last, archived or not.
func (e *Entry) ContentFingerprint() string {
	if i := strings.LastIndexByte(e.Fingerprint, ':'); i >= 0 {
		return e.Fingerprint[i+1:]
	}
	return e.Fingerprint
}

// Step appends to the timeline and drops the oldest beyond MaxSteps.
func (e *Entry) Step(s v1.TimelineStep) {
	e.Timeline = append(e.Timeline, s)
	if n := len(e.Timeline) - MaxSteps; n > 0 {
		e.Timeline = append([]v1.TimelineStep(nil), e.Timeline[n:]...)
	}
}

// Found sets since when each of the entry's issues exists: the earlier time where before had the issue too, else at.
func (e *Entry) Found(before *Entry, at time.Time) {
	e.Since = nil
	for _, code := range e.issues() {
		if e.Since == nil {
			e.Since = map[string]time.Time{}
		}
		e.Since[code] = at
		if slices.Contains(before.issues(), code) {
			e.Since[code] = before.since(code)
		}
	}
}

// issues are the codes of what is wrong with a record: its failure, and what it is sent without.
func (e *Entry) issues() []string {
	var out []string
	if e.failing() {
		out = append(out, e.Reasons...)
	}
	if e.InScope {
		out = append(out, e.Notes...)
	}
	return out
}

func (e *Entry) failing() bool { return e.Outcome == v1.OutcomeRetrying || e.Outcome == v1.OutcomeDead }

// since is when an issue was first found. Entries of former versions do not tell it: those of a
// failure tell the first one, and others when they were reconciled.
func (e *Entry) since(code string) time.Time {
	if at, known := e.Since[code]; known {
		return at
	}
	if e.failing() && !e.FirstFailed.IsZero() && slices.Contains(e.Reasons, code) {
		return e.FirstFailed
	}
	return e.ReconciledAt
}

// Record is the entry as the admin API lists it.
func (e *Entry) Record() v1.Record {
	reasons := e.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	return v1.Record{
		Kind: e.Kind, ID: strconv.FormatInt(e.ID, 10), Name: e.Name, Outcome: e.Outcome, Reasons: reasons, Detail: e.Detail,
		Fingerprint: e.Fingerprint, ChangedAt: timeOrNil(e.ChangedAt), ReconciledAt: timeOrNil(e.ReconciledAt), PushedAt: timeOrNil(e.PushedAt),
	}
}

// listed is Record, with what was last pushed where that is asked for.
func (e *Entry) listed(values bool) v1.Record {
	r := e.Record()
	if values {
		r.Values = e.Projection
	}
	return r
}

// Details is the entry with what was pushed and its timeline.
func (e *Entry) Details() v1.RecordDetail {
	company := ""
	if e.Kind == v1.KindContract && e.Parent != 0 {
		company = strconv.FormatInt(e.Parent, 10)
	}
	return v1.RecordDetail{
		Record: e.Record(), Projection: orNull(e.Projection), Previous: e.previous(), Sources: e.Sources,
		Timeline: e.Timeline, Attempts: e.Attempts, NextAttemptAt: timeOrNil(e.NextAttempt), Held: e.PendingApproval, CompanyID: company, TargetURL: e.TargetURL,
		Omitted: e.Omitted,
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}
