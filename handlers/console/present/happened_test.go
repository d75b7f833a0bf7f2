package present

import (
	"testing"

	v1 "channelsync/api/v1"
)

func TestWhatHappenedInWords(t *testing.T) {
	for want, e := range map[string]v1.FeedEvent{
		"Sent to Channel Program.":                                                 outcome(v1.OutcomePushed, true),
		"Pending approval, with a mass change.":                                    outcome(v1.OutcomePushed, false),
		"Nothing to send: Channel Program is up to date.":                          outcome(v1.OutcomeUnchanged, false),
		"Sent; Channel Program already had it.":                                    outcome(v1.OutcomeUnchanged, true),
		"Out of scope: Company type is not Customer; Company is inactive.":         outcome(v1.OutcomeNotMet, false, v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive),
		"Sent as archived: Company is inactive.":                                   outcome(v1.OutcomeNotMet, true, v1.ReasonStatusInactive),
		"Its sync is stopped; Start delivers it.":                                  outcome(v1.OutcomeWaiting, false),
		"It failed and will be retried: Channel Program answers it with an error.": outcome(v1.OutcomeRetrying, false, "target_failed"),
		"It failed and will be retried.":                                           outcome(v1.OutcomeRetrying, false),
		"It failed and is no longer retried: Channel Program rejects it.":          outcome(v1.OutcomeDead, false, "rejected"),
		"It was checked: something new.":                                           outcome("new", false, "something_new"),
	} {
		if got := Happened(e); got != want {
			t.Errorf("%s %v: got %q, want %q", e.Outcome, e.Reasons, got, want)
		}
	}
}
