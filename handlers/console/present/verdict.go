package present

import (
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// Verdict is the answer to "why is (not) this record synced?" in one sentence,
// and what to do about it.
type Verdict struct {
	Tone     Tone
	Word     string
	Sentence string
	Fix      string
}

// VerdictOf says how a record stands as of its last reconcile.
func VerdictOf(r *v1.RecordDetail, now time.Time) Verdict {
	if r.Held {
		return Verdict{
			ToneBad, "Pending approval",
			"Not changed: it would stop syncing, and so would many other records at the same time. Nothing happens to them until you decide.", r.Fix,
		}
	}
	w := OutcomeWord(r.Outcome)
	v := Verdict{Tone: w.Tone, Word: w.Text, Fix: r.Fix}
	switch r.Outcome {
	case v1.OutcomePushed:
		v.Sentence = "Synced. Channel Program has it as of " + since(r.PushedAt, now) + "."
	case v1.OutcomeUnchanged:
		v.Sentence = "Synced. Channel Program already had this version" + lastSent(r, now) + "; last compared " + since(r.ReconciledAt, now) + "."
	case v1.OutcomeNotMet:
		v.Sentence = why(r, "Not synced: ") + whatStays(r)
	case v1.OutcomeWaiting:
		if slices.Contains(r.Reasons, v1.ReasonEditedAtTarget) {
			v.Tone, v.Sentence = ToneBad, why(r, "")
			break
		}
		v.Sentence = "Waiting: its sync is stopped. Changes are kept, and Start delivers them."
	case v1.OutcomeRetrying:
		v.Sentence = why(r, "") + " It failed " + times(r.Attempts) + " and is retried automatically"
		if r.NextAttemptAt != nil {
			v.Sentence += ", next " + relative(*r.NextAttemptAt, now)
		}
		v.Sentence += "."
	case v1.OutcomeDead:
		v.Sentence = why(r, "") + " It failed " + times(r.Attempts) + " and is not retried until it changes or somebody requests it."
	default:
		v.Sentence = "It has been seen, but not checked yet."
	}
	return v
}

// Unseen is the verdict on a record that nothing is known of here.
func Unseen(k v1.Kind, asked bool) Verdict {
	what := map[v1.Kind]string{v1.KindCompany: "company", v1.KindContract: "contract"}[k]
	v := Verdict{Tone: ToneOff, Word: "Not seen yet", Sentence: "No " + what + " with this id has been seen here so far. "}
	if asked {
		v.Sentence += "What Autotask says about it now is shown below."
		return v
	}
	v.Sentence += "It may still exist in Autotask."
	v.Fix = "Ask Autotask now to find out; Sync now brings it in."
	return v
}

// why is the reason in words: as it was found, or by its codes.
func why(r *v1.RecordDetail, prefix string) string {
	if r.Detail != "" {
		return Sentence(r.Detail)
	}
	var words []string
	for _, code := range r.Reasons {
		words = append(words, ReasonWord(code))
	}
	if len(words) == 0 {
		return Sentence(prefix + "the reason is not known")
	}
	return Sentence(prefix + strings.Join(words, "; "))
}

// whatStays says what became of what Channel Program got of a record that is out of scope now.
func whatStays(r *v1.RecordDetail) string {
	switch {
	case IsNull(r.Projection):
		return ""
	case lifecycleOf(r.Projection) == "archived":
		return " Channel Program shows it as archived."
	default:
		return " What Channel Program received before stays unchanged."
	}
}

func lastSent(r *v1.RecordDetail, now time.Time) string {
	if r.PushedAt == nil {
		return ""
	}
	return ", as sent " + relative(*r.PushedAt, now)
}

func since(t *time.Time, now time.Time) string {
	if t == nil {
		return "a time that is not known"
	}
	return relative(*t, now)
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return Num(n) + " times"
}
