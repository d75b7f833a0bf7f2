package present

import (
	"testing"

	v1 "channelsync/api/v1"
)

func TestWhatHappenedInWords(t *testing.T) {
	for want, e := range map[string]v1.FeedEvent{
		"Sent to Channel Program.":                                                      outcome(v1.OutcomePushed, true),
		"Pending approval, with a mass change.":                                         outcome(v1.OutcomePushed, false),
		"Nothing to send: Channel Program has it as it is.":                             outcome(v1.OutcomeUnchanged, false),
		"Sent; Channel Program had it already.":                                         outcome(v1.OutcomeUnchanged, true),
		"Out of scope: Company type is not Customer; Company is inactive.":              outcome(v1.OutcomeNotMet, false, v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive),
		"Sent as archived: Company is inactive.":                                        outcome(v1.OutcomeNotMet, true, v1.ReasonStatusInactive),
		"Its sync is stopped; Start delivers it.":                                       outcome(v1.OutcomeWaiting, false),
		"It did not work and is tried again: Channel Program fails on it.":              outcome(v1.OutcomeRetrying, false, "target_failed"),
		"It did not work and is tried again.":                                           outcome(v1.OutcomeRetrying, false),
		"It did not work and is no longer tried by itself: Channel Program rejects it.": outcome(v1.OutcomeDead, false, "rejected"),
		"It was looked at: something new.":                                              outcome("new", false, "something_new"),
	} {
		if got := Happened(e); got != want {
			t.Errorf("%s %v: got %q, want %q", e.Outcome, e.Reasons, got, want)
		}
	}
}
