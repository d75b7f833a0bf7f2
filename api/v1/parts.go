package v1

import (
	"fmt"
	"time"
)

// PartsFreshness says how fresh the rows are that hang on contracts (services, units,
// bundles, charges). Autotask does not tell of their edits: they are compared in turn,
// contract by contract, within a bounded number of requests an hour,
// or per interval where that is shorter.
type PartsFreshness struct {
	// ComparedSince is when the contract was compared that waited longest: every
	// other one was compared since. Null before the first time.
	ComparedSince *time.Time `json:"comparedSince"`
	// NextAt is by when that contract is expected to have been compared again.
	NextAt *time.Time `json:"nextAt"`
	// EverySeconds is how often each contract is expected to be compared: an edit is
	// found within that time.
	EverySeconds int64 `json:"everySeconds"`
	Contracts    int   `json:"contracts"` // that are compared: in scope and not ended
	Requests     int   `json:"requests"`  // to Autotask that comparing all of them once takes, about
}

// Sentence says it as people do, at a moment.
func (p PartsFreshness) Sentence(now time.Time) string {
	often := fmt.Sprintf("each contract about every %s", roundedUp(time.Duration(p.EverySeconds)*time.Second))
	if p.ComparedSince == nil {
		return "services and units not compared yet; " + often
	}
	next := "next now"
	if p.NextAt != nil && p.NextAt.After(now) {
		next = "next within " + roundedUp(p.NextAt.Sub(now))
	}
	return fmt.Sprintf("services and units compared within the last %s, %s; %s", roundedUp(now.Sub(*p.ComparedSince)), next, often)
}

// roundedUp is a duration in full minutes, below one in seconds: never less than it is.
func roundedUp(d time.Duration) string {
	if d = max(d, time.Second); d < time.Minute {
		return fmt.Sprintf("%d s", (d+time.Second-1)/time.Second)
	}
	minutes := (d + time.Minute - 1) / time.Minute
	switch hours, rest := minutes/60, minutes%60; {
	case hours == 0:
		return fmt.Sprintf("%d min", rest)
	case rest == 0:
		return fmt.Sprintf("%d h", hours)
	default:
		return fmt.Sprintf("%d h %d min", hours, rest)
	}
}
