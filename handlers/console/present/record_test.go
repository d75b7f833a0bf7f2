package present

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

func TestVerdict(t *testing.T) {
	ago := func(d time.Duration) *time.Time { at := clockNow().Add(-d); return &at }
	of := func(o v1.Outcome, change func(*v1.RecordDetail)) v1.RecordDetail {
		r := v1.RecordDetail{Record: v1.Record{Outcome: o, PushedAt: ago(3 * time.Minute), ReconciledAt: ago(2 * time.Hour)}, Projection: json.RawMessage(`{"name":"x"}`)}
		if change != nil {
			change(&r)
		}
		return r
	}
	for name, tc := range map[string]struct {
		record v1.RecordDetail
		word   string
		says   string
	}{
		"pushed":    {of(v1.OutcomePushed, nil), "Synced", "Synced. Channel Program has it as of 3 minutes ago."},
		"unchanged": {of(v1.OutcomeUnchanged, nil), "Up to date", "Synced. Channel Program already had this version, as sent 3 minutes ago; last compared 2 hours ago."},
		"linked":    {of(v1.OutcomeUnchanged, func(r *v1.RecordDetail) { r.PushedAt = nil }), "Up to date", "Synced. Channel Program already had this version; last compared 2 hours ago."},
		"not met": {of(v1.OutcomeNotMet, func(r *v1.RecordDetail) {
			r.Detail, r.Projection = "Not synced: company type is Vendor (7); only Customer (1) syncs.", nil
		}), "Not synced", "Not synced: company type is Vendor (7); only Customer (1) syncs."},
		"left": {of(v1.OutcomeNotMet, func(r *v1.RecordDetail) { r.Detail = "Not synced: company status is Inactive; only Active syncs." }), "Not synced", "Not synced: company status is Inactive; only Active syncs. What Channel Program received before stays unchanged."},
		"archived": {of(v1.OutcomeNotMet, func(r *v1.RecordDetail) {
			r.Reasons, r.Projection = []string{"status_inactive", "own_company"}, json.RawMessage(`{"lifecycle":"archived"}`)
		}), "Not synced", "Not synced: Company is inactive; This is your own company. Channel Program shows it as archived."},
		"waiting": {of(v1.OutcomeWaiting, nil), "Waiting", "Waiting: its sync is stopped. Changes are kept, and Start delivers them."},
		"retrying": {of(v1.OutcomeRetrying, func(r *v1.RecordDetail) {
			r.Detail, r.Attempts, r.NextAttemptAt = "Channel Program says: busy", 1, ago(-5*time.Minute)
		}), "Retrying", "Channel Program says: busy. It failed once and is retried automatically, next in 5 minutes."},
		"dead":           {of(v1.OutcomeDead, func(r *v1.RecordDetail) { r.Detail, r.Attempts = "Channel Program says: name too long.", 8 }), "Failed", "Channel Program says: name too long. It failed 8 times and is not retried until it changes or somebody requests it."},
		"held":           {of(v1.OutcomePushed, func(r *v1.RecordDetail) { r.Held = true }), "Pending approval", "Not changed: it would stop syncing, and so would many other records at the same time. Nothing happens to them until you decide."},
		"undecided":      {of("", nil), "Unknown", "It has been seen, but not checked yet."},
		"without reason": {of(v1.OutcomeNotMet, func(r *v1.RecordDetail) { r.Projection = nil }), "Not synced", "Not synced: the reason is not known."},
	} {
		t.Run(name, func(t *testing.T) {
			tc.record.Fix = "Do this."
			v := VerdictOf(&tc.record, clockNow())
			if v.Word != tc.word || v.Sentence != tc.says || v.Fix != "Do this." || v.Tone == "" {
				t.Errorf("got %+v\nwant %s: %s", v, tc.word, tc.says)
			}
		})
	}
}

func TestRuns(t *testing.T) {
	at := func(s float64) time.Time { return clockNow().Add(time.Duration(s * float64(time.Second))) }
	timeline := []v1.TimelineStep{
		{At: at(0), Step: "decided", Outcome: v1.OutcomeNotMet}, // what came before it is no longer kept
		{At: at(10), Step: "changed", Trigger: v1.TriggerCallback, Detail: "phone, city"},
		{At: at(10.5), Step: "fetched", Trigger: v1.TriggerCallback},
		{At: at(11.75), Step: "pushed", Outcome: v1.OutcomePushed, Millis: 1250},
		{At: at(20), Step: "fetched"},
		{At: at(19), Step: "failed", Outcome: v1.OutcomeRetrying, Detail: "Channel Program says: no"},
		{At: at(30), Step: "held", Detail: "Not synced"},
		{At: at(40), Step: "discarded"},
		{At: at(50), Step: "changed", Trigger: v1.TriggerManual},
		{At: at(51), Step: "fetched"},
		{At: at(52), Step: "pushed", Outcome: v1.OutcomePushed, Detail: "edited at the target: name"},
	}
	var got []string
	for _, r := range RunsOf(timeline) {
		var steps []string
		for _, s := range r.Steps {
			steps = append(steps, strings.TrimSpace(s.Text+" ["+s.Detail+"] "+s.After))
		}
		got = append(got, r.Title+" ("+r.Took+"): "+strings.Join(steps, "; "))
	}
	want := []string{
		"Sent again over an edit in Channel Program (2.0 s): A change was received: requested by hand []; Read from Autotask [] 1.0 s; Sent again over an edit in Channel Program [edited at the target: name] 1.0 s",
		"The pending change was discarded (): The pending change was discarded []",
		"Pending approval with a mass change (): Pending approval with a mass change [Not synced]",
		"Failed; will be retried (0 ms): Read from Autotask []; Failed; will be retried [Channel Program says: no] 0 ms",
		"Sent; Channel Program accepted it (1.8 s): A change was received: Autotask callback [Fields: phone, city]; Read from Autotask [] 500 ms; Sent; Channel Program accepted it [] 1.2 s",
		"Decided: not synced (): Decided: not synced []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if RunsOf(nil) != nil {
		t.Error("runs of nothing")
	}
}
