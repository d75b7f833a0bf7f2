package v1

import "time"

// ResyncRequest is the body of POST …/resyncs: upsert everything in scope
// whatever was pushed last.
type ResyncRequest struct {
	Kinds  []Kind `json:"kinds,omitempty" validate:"omitempty,unique,dive,oneof=company contract"` // empty: all that the installed syncs have
	DryRun bool   `json:"dryRun,omitempty"`
}

// ReplayRequest is the body of POST …/replays: stored changes read again. All
// bounds must hold; none means the whole journal.
type ReplayRequest struct {
	From         *time.Time `json:"from,omitempty"`
	To           *time.Time `json:"to,omitempty"`
	FromSequence uint64     `json:"fromSequence,omitempty"`
	Kind         Kind       `json:"kind,omitempty" validate:"omitempty,oneof=company contract contact"`
	ID           string     `json:"id,omitempty" validate:"omitempty,number"` // a record's; wants Kind
	Force        bool       `json:"force,omitempty"`                          // push whatever was pushed last
	DryRun       bool       `json:"dryRun,omitempty"`
}

// RequeueRequest is the body of POST …/dead-letters/requeue: some, all of a cause, or all.
type RequeueRequest struct {
	IDs  []string `json:"ids,omitempty" validate:"omitempty,max=500"`
	Code string   `json:"code,omitempty" validate:"omitempty,max=100,cause"`
	All  bool     `json:"all,omitempty"`
	// Until spares what failed after it: what whoever asks has not seen.
	Until *time.Time `json:"until,omitempty"`
}

// DismissRequest is the body of POST …/dead-letters/dismiss: some, or all of a cause.
type DismissRequest struct {
	IDs  []string `json:"ids,omitempty" validate:"omitempty,max=500"`
	Code string   `json:"code,omitempty" validate:"omitempty,max=100,cause"`
	// Until spares what failed after it: what whoever dismisses a cause has not seen.
	Until *time.Time `json:"until,omitempty"`
}

// Preview says what a change of options would do.
type Preview struct {
	Enter  int             `json:"enter"`  // records that would come into scope
	Leave  int             `json:"leave"`  // records that would leave it
	Change int             `json:"change"` // records whose projection would change
	Sample []PreviewRecord `json:"sample"` // at most 20 of them
	// Records are all of them, where they are asked for: at most 5,000.
	Records []PreviewRecord `json:"records,omitempty"`
}

// PreviewRecord is one record that a change of options would touch.
type PreviewRecord struct {
	Kind        Kind         `json:"kind"`
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Effect      string       `json:"effect"` // enter, leave or change
	Differences []Difference `json:"differences,omitempty"`
}

// SetupPreview says what an installation would sync, before it is made.
type SetupPreview struct {
	Checks    []Check               `json:"checks"`
	Companies PreviewCounts         `json:"companies"` // that would become clients
	Contracts ContractPreviewCounts `json:"contracts"` // all zero without their sync
	// Complete is false when the time or the requests ran out: there may be more records
	// than Total, and WillSync and WillNot may not add up to it.
	Complete bool `json:"complete"`
}

// PreviewCounts are numbers of records by what the backfill would do with them.
type PreviewCounts struct {
	Total    int             `json:"total"`
	WillSync int             `json:"willSync"`
	WillNot  int             `json:"willNot"`
	Reasons  []PreviewReason `json:"reasons"` // of those that will not, the most frequent first
}

// ContractPreviewCounts say of those that would sync what they lack, too.
type ContractPreviewCounts struct {
	PreviewCounts
	WithoutVendor int `json:"withoutVendor"` // sent with the default name
	WithoutCost   int `json:"withoutCost"`   // sent without an overall cost
}

// PreviewReason is why records would not sync: each counts once, for its first
// condition that does not hold, in the order in which they are evaluated.
type PreviewReason struct {
	Code   string `json:"code"`
	Count  int    `json:"count"`
	Detail string `json:"detail"`
}

// FeedEvent is one outcome on the live feed.
type FeedEvent struct {
	At      time.Time `json:"at"`
	Kind    Kind      `json:"kind"`
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Outcome Outcome   `json:"outcome"`
	Reasons []string  `json:"reasons"`
	Trigger Trigger   `json:"trigger"`
	Pushed  bool      `json:"pushed"`
	Millis  int64     `json:"millis,omitempty"` // from stored to reconciled
}

// Activity is the latest outcomes of an installation, newest first.
type Activity struct {
	Items []FeedEvent `json:"items"`
}
