package present

import (
	"strings"

	v1 "channelsync/api/v1"
)

// AskedWords say what a job was asked for.
func AskedWords(j v1.Job) []string {
	var words []string
	if len(j.Kinds) > 0 {
		kinds := make([]string, len(j.Kinds))
		for i, k := range j.Kinds {
			kinds[i] = strings.ToLower(KindWord(k)) + "s"
		}
		words = append(words, "All "+strings.Join(kinds, " and "))
	}
	r := j.Replay
	if r == nil {
		return words
	}
	changes := "Stored changes"
	if r.Kind != "" {
		changes += " of " + strings.ToLower(KindWord(r.Kind))
		if r.ID == "" {
			changes += "s"
		} else {
			changes += " " + r.ID
		}
	}
	if r.From != nil {
		changes += " from " + Clock(*r.From)
	}
	if r.To != nil {
		changes += " to " + Clock(*r.To)
	}
	if r.FromSequence > 0 {
		changes += " from number " + Num(r.FromSequence)
	}
	words = append(words, changes)
	if r.Force {
		words = append(words, "Everything is sent, even if unchanged since the last push")
	}
	return words
}

// JobName is what a job is called.
func JobName(j v1.Job) string {
	name := map[string]string{"backfill": "First sync", "resync": "Resync", "replay": "Replay", "sweep": "Daily sweep"}[j.Type]
	if name == "" {
		name = j.Type
	}
	if j.DryRun {
		name += " (dry run)"
	}
	return name
}

// JobWord is the state of a job.
func JobWord(j v1.Job) Word {
	switch j.State {
	case v1.JobRunning:
		return Word{ToneBusy, "Running"}
	case v1.JobDone:
		return Word{ToneGood, "Done"}
	case v1.JobFailed:
		return Word{ToneBad, "Failed"}
	}
	return Word{ToneOff, "Cancelled"}
}
