package present

import (
	"strings"

	v1 "channelsync/api/v1"
)

// Happened says in words what became of a record, beside the badge of its outcome.
func Happened(e v1.FeedEvent) string {
	why := make([]string, len(e.Reasons))
	for i, code := range e.Reasons {
		why[i] = strings.ReplaceAll(ReasonWord(code), "_", " ")
	}
	because := func(what string) string {
		if len(why) == 0 {
			return what + "."
		}
		return what + ": " + strings.Join(why, "; ") + "."
	}
	switch e.Outcome {
	case v1.OutcomePushed:
		if !e.Pushed {
			return "Pending approval, with a mass change."
		}
		return "Sent to Channel Program."
	case v1.OutcomeUnchanged:
		if e.Pushed {
			return "Sent; Channel Program already had it."
		}
		return "Nothing to send: Channel Program is up to date."
	case v1.OutcomeNotMet:
		if e.Pushed {
			return because("Sent as archived")
		}
		return because("Out of scope")
	case v1.OutcomeWaiting:
		return "Its sync is stopped; Start delivers it."
	case v1.OutcomeRetrying:
		return because("It failed and will be retried")
	case v1.OutcomeDead:
		return because("It failed and is no longer retried")
	}
	return because("It was checked")
}
