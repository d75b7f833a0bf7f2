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
	if j.Bulk != nil {
		words = append(words, bulkWords(*j.Bulk))
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

// bulkWords say what a bulk job was asked for.
func bulkWords(b v1.BulkJob) string {
	var of []string
	if b.Filter.Kind != "" {
		of = append(of, strings.ToLower(KindWord(b.Filter.Kind))+"s")
	}
	if b.Filter.Outcome != "" {
		of = append(of, "with the state “"+OutcomeWord(b.Filter.Outcome).Text+"”")
	}
	if b.Filter.Reason != "" {
		of = append(of, "with the reason “"+ReasonWord(b.Filter.Reason)+"”")
	}
	if b.Search {
		of = append(of, "found by a search")
	}
	if b.Code != "" {
		of = append(of, "of the cause "+b.Code)
	}
	return strings.TrimSpace("All "+strings.Join(of, ", ")) + ": confirmed for " + Num(b.Expect)
}

// JobName is what a job is called.
func JobName(j v1.Job) string {
	name := map[string]string{"backfill": "First sync", "resync": "Resync", "replay": "Replay", "sweep": "Daily sweep"}[j.Type]
	if j.Bulk != nil {
		name = map[string]string{v1.ActionReconcile: "Sync of many", v1.ActionRequeue: "Retry of dead letters", v1.ActionDismiss: "Dismissal of dead letters"}[j.Bulk.Action]
	}
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
