package present

import (
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// Run is one reconcile of a record: from the change that asked for it to its end.
type Run struct {
	Title string
	Tone  Tone
	At    time.Time
	Took  string // from its first step to its last; empty for a single step
	Trace string // the id of its trace; empty when it was not traced
	Steps []step
}

// step is one step of a run.
type step struct {
	Text   string
	Detail string
	At     time.Time
	After  string // how long after the step before; empty for the first
}

// RunsOf groups the steps of a timeline into runs, the newest first. The oldest
// run may have lost its first steps.
func RunsOf(timeline []v1.TimelineStep) []Run {
	var runs []Run
	var open []v1.TimelineStep
	end := func() {
		if len(open) > 0 {
			runs = append(runs, runOf(open))
		}
		open = nil
	}
	for _, s := range timeline {
		if begins(s, open) {
			end()
		}
		open = append(open, s)
	}
	end()
	slices.Reverse(runs)
	return runs
}

// TenantRuns puts runs into a tenant's words. Details may have a client's data in them and stay.
func TenantRuns(runs []Run) {
	for i := range runs {
		runs[i].Title = Tenant(runs[i].Title)
		for n := range runs[i].Steps {
			runs[i].Steps[n].Text = Tenant(runs[i].Steps[n].Text)
		}
	}
}

// begins says whether a step is the first of the next run.
func begins(s v1.TimelineStep, open []v1.TimelineStep) bool {
	if len(open) == 0 {
		return false
	}
	switch last := open[len(open)-1].Step; s.Step {
	case "changed", "held", "discarded":
		return true
	case "fetched":
		return last != "changed"
	default:
		return last != "fetched"
	}
}

func runOf(steps []v1.TimelineStep) Run {
	first, last := steps[0], steps[len(steps)-1]
	r := Run{At: last.At, Tone: ToneOff, Trace: last.TraceID}
	if last.Outcome != "" {
		r.Tone = OutcomeWord(last.Outcome).Tone
	}
	r.Title = stepWord(last)
	if len(steps) > 1 {
		r.Took = apart(first.At, last.At)
	}
	for i, s := range steps {
		one := step{Text: stepWord(s), Detail: s.Detail, At: s.At}
		if s.Step == "changed" && s.Detail != "" {
			one.Detail = "Fields: " + s.Detail
		}
		if i > 0 {
			one.After = apart(steps[i-1].At, s.At)
		}
		r.Steps = append(r.Steps, one)
	}
	return r
}

// stepWord says what happened.
func stepWord(s v1.TimelineStep) string {
	switch s.Step {
	case "changed":
		text := "A change was received"
		if s.Trigger != "" {
			text += ": " + TriggerWord(s.Trigger)
		}
		return text
	case "fetched":
		return "Read from Autotask"
	case "decided":
		return decidedWord(s.Outcome)
	case "pushed":
		if strings.HasPrefix(s.Detail, "edited at the target") {
			return "Sent again over an edit in Channel Program"
		}
		if s.Outcome == v1.OutcomeUnchanged {
			return "Sent; Channel Program already had it"
		}
		return "Sent; Channel Program accepted it"
	case "failed":
		if s.Outcome == v1.OutcomeDead {
			return "Failed; no longer retried"
		}
		return "Failed; will be retried"
	case "held":
		return "Pending approval with a mass change"
	case "discarded":
		return "The pending change was discarded"
	}
	return s.Step
}

func decidedWord(o v1.Outcome) string {
	switch o {
	case v1.OutcomeNotMet:
		return "Decided: not synced"
	case v1.OutcomeUnchanged:
		return "Compared: nothing to send"
	case v1.OutcomeWaiting:
		return "Waits until its sync starts"
	}
	return "Decided"
}

// apart is the time between two steps in words; a clock that stepped back makes it nothing.
func apart(from, to time.Time) string {
	return Secs(max(0, to.Sub(from)).Seconds())
}
