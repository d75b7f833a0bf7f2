package present

import (
	"time"

	v1 "channelsync/api/v1"
)

// Headline is the one sentence and the one state at the top of an installation.
type Headline struct {
	Tone     Tone
	Word     string
	Sentence string
}

var standingWords = map[v1.Standing]Headline{
	v1.StandingActionRequired: {Tone: ToneBad, Word: "Action required"},
	v1.StandingRetrying:       {Tone: ToneWarn, Word: "Retrying"},
	v1.StandingNeedsAttention: {Tone: ToneWarn, Word: "Needs attention"},
	v1.StandingInstalling:     {Tone: ToneBusy, Word: "Installing"},
	v1.StandingFirstSync:      {Tone: ToneBusy, Word: "First sync"},
	v1.StandingCatchingUp:     {Tone: ToneBusy, Word: "Catching up"},
	v1.StandingInSync:         {Tone: ToneGood, Word: "In sync"},
	v1.StandingStopped:        {Tone: ToneOff, Word: "Stopped"},
	v1.StandingUninstalled:    {Tone: ToneOff, Word: "Uninstalled"},
}

// StandingWord is how installations stand, without a sentence.
func StandingWord(s v1.Standing) Headline { return standingWords[s] }

// HeadlineOf says how an installation stands.
func HeadlineOf(in *v1.Installation, now time.Time) Headline {
	h := StandingWord(in.Standing())
	h.Sentence = sentenceOf(in, now)
	return h
}

func sentenceOf(in *v1.Installation, now time.Time) string {
	switch in.Standing() {
	case v1.StandingUninstalled:
		return "Nothing syncs. The settings are kept for a reinstall, and the data in Channel Program stays."
	case v1.StandingActionRequired:
		i := blocking(in)
		return Sentence(i.Title) + " " + Sentence(i.Fix)
	case v1.StandingStopped:
		return "Nothing is pushed. Changes are kept, and Start delivers them" + Waits(in.Backlog) + "."
	case v1.StandingInstalling:
		return "The webhooks are being registered at Autotask; the first sync follows automatically."
	case v1.StandingFirstSync:
		return "The first sync is under way" + progress(in) + "."
	case v1.StandingRetrying:
		r := firstIssue(in, v1.SeverityRetrying)
		text := Sentence(r.Title) + " We are retrying"
		if r.NextAttemptAt != nil {
			text += ", next try " + relative(*r.NextAttemptAt, now)
		}
		return text + ". Nothing is lost."
	case v1.StandingCatchingUp:
		return Count(in.Backlog, "record") + " on the way to Channel Program."
	case v1.StandingNeedsAttention:
		i := firstIssue(in, v1.SeverityAct)
		return "In sync, but " + needing(i.Records) + " you: " + Lower(Sentence(i.Title)) + meaning(i) + others(in)
	}
	return "In sync. " + lastChange(in, now)
}

// meaning is what an issue comes to, so that its title needs no page of its own to be understood.
func meaning(i *v1.Issue) string {
	if i.Detail == "" {
		return ""
	}
	return " " + Sentence(i.Detail)
}

func needing(n int) string {
	if n == 1 {
		return "1 record needs"
	}
	return Count(n, "record") + " need"
}

// others says how many more issues wait for somebody beside the first.
func others(in *v1.Installation) string {
	n := -1
	for _, i := range in.Issues {
		if i.Severity == v1.SeverityAct {
			n++
		}
	}
	switch {
	case n < 1:
		return ""
	case n == 1:
		return " 1 more issue needs you too."
	}
	return " " + Count(n, "more issue") + " need you too."
}

func lastChange(in *v1.Installation, now time.Time) string {
	f := in.Freshness
	if f.LastAt == nil || f.LastSeconds == nil {
		return "Waiting for the first change: edit any customer in Autotask to see it here."
	}
	return "The last change took " + Secs(f.LastSeconds) + ", " + relative(*f.LastAt, now) + "."
}

func progress(in *v1.Installation) string {
	for _, j := range in.Jobs {
		if j.Type == "backfill" && j.Total > 0 {
			return ": " + Num(j.Done) + " of " + Count(j.Total, "record")
		}
	}
	return ""
}

// Waits says how many changes wait, to be put behind a sentence; nothing of none.
func Waits(n int) string {
	if n == 0 {
		return ""
	}
	if n == 1 {
		return "; 1 waits"
	}
	return "; " + Num(n) + " wait"
}

// blocking is the first issue for somebody that is about more than single records.
func blocking(in *v1.Installation) *v1.Issue {
	for i := range in.Issues {
		if in.Issues[i].Severity == v1.SeverityAct && in.Issues[i].Records == 0 {
			return &in.Issues[i]
		}
	}
	return nil
}

func firstIssue(in *v1.Installation, severity string) *v1.Issue {
	for i := range in.Issues {
		if in.Issues[i].Severity == severity {
			return &in.Issues[i]
		}
	}
	return nil
}
