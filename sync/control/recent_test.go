package control

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/sync/reconcile"
	"channelsync/test/harness"
)

func TestRecentOutcomes(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	reconciled := func(record int64, name string) {
		d.publish(id, reconcile.Result{
			Kind: v1.KindCompany, ID: record, Name: name, Outcome: v1.OutcomePushed, Trigger: v1.TriggerCallback,
			Pushed: true, At: at, Took: 1500 * time.Millisecond,
		})
	}
	got, err := d.Recent(t.Context(), id, 10)
	harness.OK(t, err)
	if got == nil || len(got) != 0 {
		t.Errorf("got %v before the first outcome", got)
	}
	reconciled(7, "Old")
	reconciled(8, "New")
	got, err = d.Recent(t.Context(), id, 1)
	harness.OK(t, err)
	want := []v1.FeedEvent{{
		At: at, Kind: v1.KindCompany, ID: "8", Name: "New", Outcome: v1.OutcomePushed, Reasons: []string{},
		Trigger: v1.TriggerCallback, Pushed: true, Millis: 1500,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	harness.OK(t, d.Do(t.Context(), id, "", "erase"))
	if _, err := d.Recent(t.Context(), id, 1); err == nil {
		t.Error("an erased installation has outcomes")
	}
	if len(d.feeds.Recent(id, 1)) != 0 {
		t.Error("the names of an erased installation's clients are remembered")
	}
}
