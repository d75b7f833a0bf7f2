package v1

import "time"

// DriftState is what became of an edit that somebody made in Channel Program.
type DriftState string

// The states of drift.
const (
	DriftOpen     DriftState = "open"     // nothing is pushed over it until somebody says so (option drift: report)
	DriftRepaired DriftState = "repaired" // it was put right
	DriftReverted DriftState = "reverted" // it was undone there before anything was pushed over it
)

// DriftStates lists them in the order they are shown.
var DriftStates = []DriftState{DriftOpen, DriftRepaired, DriftReverted}

// Drift is an edit of a record in Channel Program that a resync, a sweep or a push came upon.
type Drift struct {
	Kind       Kind         `json:"kind"`
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	State      DriftState   `json:"state"`
	FoundAt    time.Time    `json:"foundAt"`
	ResolvedAt *time.Time   `json:"resolvedAt"` // null while it is open
	Trigger    Trigger      `json:"trigger"`    // of the reconcile that found it
	Fields     []DriftField `json:"fields"`
	// Approved: somebody said that ours is to be pushed; it is under way.
	Approved bool `json:"approved,omitempty"`
}

// DriftField is one field that had been edited.
type DriftField struct {
	Field  string  `json:"field"`
	Theirs *string `json:"theirs"` // what it was edited to, empty for cleared; null where it was overwritten unread
	Due    string  `json:"ours"`   // what belongs there; empty for none
}

// DriftQuery filters a list of drift, which begins with what was found last.
type DriftQuery struct {
	State  DriftState
	Kind   Kind
	Cursor string
	Limit  int
}

// DriftCounts are how many edits there are of the last 90 days. A record counts for each.
type DriftCounts struct {
	Open     int `json:"open"`
	Repaired int `json:"repaired"`
	Reverted int `json:"reverted"`
}
