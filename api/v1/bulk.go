package v1

import "time"

// RecordRef names a record.
type RecordRef struct {
	Kind Kind   `json:"kind" validate:"required,oneof=company contract"`
	ID   string `json:"id" validate:"required,number,max=19"`
}

// RecordFilter is a filter of the list of records; the empty one is all of them.
type RecordFilter struct {
	Kind    Kind    `json:"kind,omitempty" validate:"omitempty,oneof=company contract"`
	Outcome Outcome `json:"outcome,omitempty" validate:"omitempty,oneof=pushed unchanged not_met waiting retrying dead"`
	Reason  string  `json:"reason,omitempty" validate:"omitempty,max=64,reason"`
	Q       string  `json:"q,omitempty" validate:"max=200"`
}

// Query is the query that lists what fits.
func (f RecordFilter) Query() RecordQuery {
	return RecordQuery{Kind: f.Kind, Outcome: f.Outcome, Reason: f.Reason, Q: f.Q}
}

// BulkRecords is the body of POST …/records/reconcile and …/records/exclude: up to 500 records, or all that fit
// a filter.
type BulkRecords struct {
	Records []RecordRef   `json:"records,omitempty" validate:"omitempty,max=500,unique,dive"`
	Filter  *RecordFilter `json:"filter,omitempty"`
	// Expect is how many the filter is expected to find, see Moved.
	Expect *int `json:"expect,omitempty" validate:"omitempty,min=0"`
	DryRun bool `json:"dryRun,omitempty"` // says what would be done, and does nothing
}

// DeadLetterFilter is all dead letters of a cause; the empty one is all of them.
type DeadLetterFilter struct {
	Code string `json:"code,omitempty" validate:"omitempty,max=100,cause"`
}

// The actions on dead letters.
const (
	ActionRequeue = "requeue"
	ActionDismiss = "dismiss"
)

// The actions on records. Exclude is no job.
const (
	ActionReconcile = "reconcile"
	ActionExclude   = "exclude"
)

// BulkDeadLetters is the body of POST …/dead-letters/bulk: up to 500 dead letters, or all that fit a filter.
type BulkDeadLetters struct {
	Action string            `json:"action" validate:"required,oneof=requeue dismiss"`
	IDs    []string          `json:"ids,omitempty" validate:"omitempty,max=500,unique"`
	Filter *DeadLetterFilter `json:"filter,omitempty"`
	Expect *int              `json:"expect,omitempty" validate:"omitempty,min=0"`
	// AsOf is when they were seen: what failed again since is left alone.
	AsOf   *time.Time `json:"asOf,omitempty"`
	DryRun bool       `json:"dryRun,omitempty"`
}

// BulkResult says what a bulk action did, does in a job, or would do.
type BulkResult struct {
	Count       int           `json:"count"` // that it is possible for
	Done        int           `json:"done"`  // at once; 0 of a job and of a dry run
	NotPossible []NotPossible `json:"notPossible"`
	Job         string        `json:"job,omitempty"`     // that does it
	Sample      []BulkItem    `json:"sample"`            // the first, at most 20
	Preview     *Preview      `json:"preview,omitempty"` // of a dry run of exclude: what would leave
	AsOf        *time.Time    `json:"asOf,omitempty"`    // of dead letters: what failed later is left alone
	InScope     int           `json:"inScope,omitempty"` // of a dry run of exclude: the records of which they would leave
}

// BulkItem is one of those that a bulk action is about.
type BulkItem struct {
	ID   string `json:"id"` // of the record or the dead letter
	Kind string `json:"kind"`
	Name string `json:"name"` // of the record
	// Cause is that of a dead letter.
	Cause string `json:"cause,omitempty"`
}

// NotPossible counts what a bulk action leaves alone, and says why.
type NotPossible struct {
	Count  int    `json:"count"`
	Reason string `json:"reason"`
}

// BulkJob is what a bulk job was asked for.
type BulkJob struct {
	Action string       `json:"action"` // reconcile, requeue or dismiss
	Filter RecordFilter `json:"filter"` // of records, without the text that was searched for
	Search bool         `json:"search,omitempty"`
	Code   string       `json:"code,omitempty"` // of dead letters
	Expect int          `json:"expect"`         // how many it was confirmed for
	Until  time.Time    `json:"until"`          // when it was asked for: a dead letter that failed later is left alone
}

// Moved says whether a filter finds so much else than was confirmed that it is to be asked anew. What is only read and
// sent anew may be a tenth more or fewer; what is dismissed or excluded is exactly what somebody said yes to.
func Moved(action string, found, expected int) bool {
	by := max(found-expected, expected-found)
	if action == ActionReconcile || action == ActionRequeue {
		return by > expected/10
	}
	return by > 0
}
