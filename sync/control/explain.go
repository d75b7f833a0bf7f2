package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"channelsync/sync/upstream"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/ledger"
	"channelsync/sync/reconcile"
)

// Explain says why a record is or is not synced, from Autotask's fresh state,
// and how what the target holds differs. It pushes nothing.
func (m *Manager) Explain(ctx context.Context, id string, kind v1.Kind, rec int64) (v1.Explanation, error) {
	in, err := m.mine(id)
	if err != nil {
		return v1.Explanation{}, err
	}
	rt, err := m.atWork(in)
	if err != nil {
		return v1.Explanation{}, err
	}
	l, err := m.ask(ctx, rt, in, kind, rec)
	if err != nil {
		return v1.Explanation{}, err
	}
	out := v1.Explanation{
		Kind: kind, ID: strconv.FormatInt(rec, 10), Name: l.Name, Met: l.Decision.Met, Conditions: l.Decision.Conditions,
		Projection: l.Projection, Sources: l.Sources, Target: json.RawMessage("null"), Differences: []v1.Difference{},
		SourceURL: autotask.RecordURL(in.Zone, kind, rec),
	}
	if out.Conditions == nil {
		out.Conditions = []v1.Condition{}
	}
	if l.Before.Outcome != "" {
		out.Record = new(l.Before.Record())
	}
	asking, done := context.WithTimeout(ctx, m.explains)
	defer done()
	target, unasked := rt.rec.AtTarget(asking, kind, rec)
	if unasked == nil {
		out.Target = target
		if l.Decision.Met && l.Failure == "" {
			out.Differences = v1.Differences(target, l.Projection)
		}
	}
	out.Next = next(in, l, out, unasked)
	return out, nil
}

// explainWithin is how long either upstream may take to return a record that a person asks about.
const explainWithin = 10 * time.Second

// codeUnanswered is the code of a record that Autotask does not return while a person waits.
const codeUnanswered = "unanswered"

// ask asks Autotask for one record. Where it does not answer in time, what is known of
// the record is what was stored.
func (m *Manager) ask(ctx context.Context, rt *runtime, in *installation.Installation, kind v1.Kind, rec int64) (reconcile.Preview, error) {
	asking, done := context.WithTimeout(ctx, m.explains)
	defer done()
	found, err := rt.rec.Preview(asking, in, kind, []int64{rec}, rt.names(asking))
	switch {
	case err == nil:
		return found[0], nil
	case asking.Err() == nil || ctx.Err() != nil:
		return reconcile.Preview{}, cannotAsk(err)
	}
	stored, err := m.Ledger.Read(ctx, in.ID, kind, []int64{rec})
	if err != nil {
		return reconcile.Preview{}, fmt.Errorf("read what is stored of %s %d: %w", kind, rec, err)
	}
	l := reconcile.Preview{ID: rec, FailureCode: codeUnanswered, Projection: json.RawMessage("null"), Sources: json.RawMessage("null")}
	name := "This record"
	if e := stored[rec]; e != nil {
		l.Before, l.Name, l.Decision.Met = *e, e.Name, e.InScope
		if e.Name != "" {
			name = e.Name
		}
	}
	l.Failure = fmt.Sprintf("%s (%s %d): Autotask did not answer for this record within %s, so what is shown is what was stored", name, kind, rec, m.explains)
	return l, nil
}

// next says in plain words what happens to the record now.
func next(in *installation.Installation, l reconcile.Preview, e v1.Explanation, unasked error) string {
	switch {
	case l.Failure != "":
		return strings.TrimSpace(sentence(l.Failure) + " " + afterFailure(l.FailureCode))
	case in.Stopped:
		return "The installation is stopped. Start it, and waiting changes are delivered."
	case in.Refused:
		return "Autotask refuses the credentials. Replace them, and work resumes by itself."
	case l.Before.PendingApproval:
		return sentence(l.Decision.Detail()) + " It is part of a mass change that waits for approval, and nothing is done until you approve or discard it."
	case l.Before.Discarded && !l.Decision.Met:
		return sentence(l.Decision.Detail()) + " " + staysAsItIs
	case !l.Decision.Met:
		return l.Decision.Detail() + " " + issue.FixOfReasons(l.Decision.Reasons())
	case !in.Running(syncOf(e.Kind)):
		return "Every condition holds, but its sync is stopped. Start it, and what waits is sent."
	case l.Before.Outcome == v1.OutcomeDead:
		return "It failed " + times(l.Before.Attempts) + ": " + sentence(l.Before.Detail) + " Correct the cause. " + triedAgain
	case l.Before.Outcome == v1.OutcomeRetrying:
		return "It failed " + times(l.Before.Attempts) + " and is retried automatically: " + sentence(l.Before.Detail)
	case l.Before.OpenDrift() != nil && len(e.Differences) > 0:
		return "Every condition holds, but somebody edited it in Channel Program, and nothing overwrites that edit (option drift). " + pushOurs
	case unasked != nil:
		return "Every condition holds, but what Channel Program holds could not be read: " + sentence(unasked.Error())
	case string(e.Target) == "null":
		return "Every condition holds, but Channel Program does not have it yet. \"Sync now\" sends it at once; otherwise the next sweep does."
	case len(e.Differences) > 0:
		return "Every condition holds, but Channel Program holds other values. \"Sync now\" sends them at once; otherwise the next sweep does."
	case len(l.Notes) > 0:
		return "Every condition holds and Channel Program is up to date. " + known(l, in.Options)
	default:
		return "Every condition holds and Channel Program is up to date. Nothing to do."
	}
}

// afterFailure is what happens to a record that cannot be read or sent as it is.
func afterFailure(code string) string {
	switch code {
	case "not_pushable":
		return "" // the failure says what to do
	case codeUnanswered:
		return "Ask again. If the problem persists, open it in Autotask, and report its id and the time to Autotask's support."
	}
	return "It is retried automatically, at the latest when the record changes."
}

// known says what a record that is sent all the same lacks.
func known(l reconcile.Preview, o v1.Options) string {
	var out []string
	for _, code := range l.Notes {
		out = append(out, issue.Describe(code).Title+": "+issue.FixOfNote(code, o, l.Sources))
	}
	return strings.Join(out, " ")
}

func syncOf(kind v1.Kind) v1.Sync {
	if kind == v1.KindContract {
		return v1.SyncActiveCustomerContracts
	}
	return v1.SyncActiveCustomers
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return strconv.Itoa(n) + " times"
}

// sentence ends a text with a full stop.
func sentence(text string) string { return strings.TrimRight(text, ". ") + "." }

// triedAgain is how a record comes to be tried that no longer is by itself. It holds
// whether its dead letter is there or was dismissed or dropped.
const triedAgain = "It is no longer retried automatically: an edit in Autotask or \"Sync now\" tries it again."

// pushOurs is what to do about a record that somebody edited in Channel Program.
const pushOurs = "\"Push ours\" sends what Autotask has. To keep what was entered there, enter it in Autotask too."

// staysAsItIs is what happens to a record whose leaving was discarded with a mass change.
const staysAsItIs = "A mass change that it was part of was discarded, so it stays as it is until it is edited in Autotask; \"Sync now\" applies what Autotask has at once."

// fixOf is what to do about how a record stands; empty when it stands well.
func fixOf(e *ledger.Entry) string {
	switch {
	case e.PendingApproval:
		return issue.Describe("mass_change_held").Fix
	case e.Discarded:
		return staysAsItIs
	case e.Outcome == v1.OutcomeNotMet:
		return issue.FixOfReasons(e.Reasons)
	case e.OpenDrift() != nil && e.Outcome == v1.OutcomeWaiting:
		return pushOurs
	case e.Outcome == v1.OutcomeWaiting:
		return "Start the sync, and what waits is sent."
	case e.Outcome == v1.OutcomeRetrying:
		var fixes []string
		for _, code := range e.Reasons {
			fixes = append(fixes, issue.Describe(code).Fix)
		}
		return strings.Join(fixes, " ")
	case e.Outcome == v1.OutcomeDead:
		var fixes []string
		for _, code := range e.Reasons {
			_, fix := issue.DeadLetter(code)
			fixes = append(fixes, fix)
		}
		return strings.Join(append(fixes, triedAgain), " ")
	}
	return ""
}

// atWork returns what runs of an installation, or why nothing may be asked for it.
func (m *Manager) atWork(in *installation.Installation) (*runtime, error) {
	rt := m.runtime(in.ID)
	switch {
	case in.Uninstalled || rt == nil:
		return nil, v1.Conflict("the installation is not running", "Reinstall it first.")
	case rt.target == nil:
		return nil, v1.Conflict("no Channel Program address is set", issue.Describe("channel_program_url_missing").Fix)
	case in.Refused:
		return nil, v1.Conflict("Autotask refuses the credentials of this installation", issue.Describe("credentials_refused").Fix)
	}
	return rt, nil
}

// cannotAsk is the problem of an Autotask that does not answer an operator's question.
func cannotAsk(err error) error {
	failed := upstream.FailureOf(err, time.Now())
	if failed.Upstream != upstream.Autotask {
		return err
	}
	words := issue.Describe(failed.Code)
	return v1.Unavailable(words.Title+": "+err.Error(), words.Fix)
}
