package console

import (
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// headline is the one sentence and the one state at the top of an installation.
type headline struct {
	Tone     tone
	Word     string
	Sentence string
}

// headlineOf says how an installation is. What keeps all of it back comes first,
// then what is under way, then single records that need somebody, then the calm.
func headlineOf(in *v1.Installation, now time.Time) headline {
	if in.State == v1.StateUninstalled {
		return headline{toneOff, "Uninstalled", "Nothing is synced. Settings are kept, so that it can be reinstalled; what is in Channel Program stays there."}
	}
	if i := blocking(in); i != nil {
		return headline{toneBad, "Action required", sentence(i.Title) + " " + sentence(i.Fix)}
	}
	switch in.State {
	case v1.StateStopped:
		return headline{toneOff, "Stopped", "Nothing is pushed. Changes are kept, and Start delivers them" + waiting(in.Backlog) + "."}
	case v1.StateInstalling:
		return headline{toneBusy, "Installing", "The webhooks are being registered at Autotask; the first sync follows by itself."}
	case v1.StateBackfilling:
		return headline{toneBusy, "First sync", "The first sync is under way" + progress(in) + "."}
	}
	if r := firstIssue(in, v1.SeverityRetrying); r != nil && in.State == v1.StateDegraded {
		text := sentence(r.Title) + " We are retrying"
		if r.NextAttemptAt != nil {
			text += ", next try " + relative(*r.NextAttemptAt, now)
		}
		return headline{toneWarn, "Retrying", text + ". Nothing is lost."}
	}
	if in.Backlog > 0 {
		return headline{toneBusy, "Catching up", count(in.Backlog, "record") + " on the way to Channel Program."}
	}
	if i := firstIssue(in, v1.SeverityAct); i != nil { // of single records only: all others are in sync
		return headline{toneWarn, "Needs attention", "In sync, but " + needing(i.Records) + " you: " + lower(sentence(i.Title)) + others(in)}
	}
	return headline{toneGood, "In sync", "In sync. " + lastChange(in, now)}
}

func needing(n int) string {
	if n == 1 {
		return "1 record needs"
	}
	return count(n, "record") + " need"
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
	return " " + count(n, "more issue") + " need you too."
}

func lastChange(in *v1.Installation, now time.Time) string {
	f := in.Freshness
	if f.LastAt == nil || f.LastSeconds == nil {
		return "Waiting for the first change: edit any customer in Autotask to see it here."
	}
	return "The last change took " + secs(f.LastSeconds) + ", " + relative(*f.LastAt, now) + "."
}

func progress(in *v1.Installation) string {
	for _, j := range in.Jobs {
		if j.Type == "backfill" && j.Total > 0 {
			return ": " + num(j.Done) + " of " + count(j.Total, "record")
		}
	}
	return ""
}

func waiting(n int) string {
	if n == 0 {
		return ""
	}
	if n == 1 {
		return "; 1 waits"
	}
	return "; " + num(n) + " wait"
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

// sentence ends a text with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	switch s[len(s)-1] {
	case '.', '!', '?':
		return s
	}
	return s + "."
}

// lower makes a title the second half of a sentence; the vendors keep their capitals.
func lower(s string) string {
	if s == "" || strings.HasPrefix(s, "Autotask") || strings.HasPrefix(s, "Channel Program") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
