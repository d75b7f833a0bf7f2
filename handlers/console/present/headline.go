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

// HeadlineOf says how an installation is. What keeps all of it back comes first,
// then what is under way, then single records that need somebody, then the calm.
func HeadlineOf(in *v1.Installation, now time.Time) Headline {
	if in.State == v1.StateUninstalled {
		return Headline{ToneOff, "Uninstalled", "Nothing syncs. The settings are kept for a reinstall, and the data in Channel Program stays."}
	}
	if i := blocking(in); i != nil {
		return Headline{ToneBad, "Action required", Sentence(i.Title) + " " + Sentence(i.Fix)}
	}
	switch in.State {
	case v1.StateStopped:
		return Headline{ToneOff, "Stopped", "Nothing is pushed. Changes are kept, and Start delivers them" + Waits(in.Backlog) + "."}
	case v1.StateInstalling:
		return Headline{ToneBusy, "Installing", "The webhooks are being registered at Autotask; the first sync follows automatically."}
	case v1.StateBackfilling:
		return Headline{ToneBusy, "First sync", "The first sync is under way" + progress(in) + "."}
	}
	if r := firstIssue(in, v1.SeverityRetrying); r != nil && in.State == v1.StateDegraded {
		text := Sentence(r.Title) + " We are retrying"
		if r.NextAttemptAt != nil {
			text += ", next try " + relative(*r.NextAttemptAt, now)
		}
		return Headline{ToneWarn, "Retrying", text + ". Nothing is lost."}
	}
	if in.Backlog > 0 {
		return Headline{ToneBusy, "Catching up", Count(in.Backlog, "record") + " on the way to Channel Program."}
	}
	if i := firstIssue(in, v1.SeverityAct); i != nil { // of single records only: all others are in sync
		return Headline{ToneWarn, "Needs attention", "In sync, but " + needing(i.Records) + " you: " + Lower(Sentence(i.Title)) + meaning(i) + others(in)}
	}
	return Headline{ToneGood, "In sync", "In sync. " + lastChange(in, now)}
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
