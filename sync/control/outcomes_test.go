package control

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/history"
	"channelsync/sync/reconcile"
	"channelsync/test/harness"
)

func TestWhatCountsAsWhat(t *testing.T) {
	const pushed = true
	for name, tc := range map[string]struct {
		outcome v1.Outcome
		pushed  bool
		trigger v1.Trigger
		job     string
		want    history.Counts
	}{
		"pushed":                       {v1.OutcomePushed, pushed, v1.TriggerCallback, "", history.Counts{Changes: 1, Pushed: 1}},
		"nothing to push":              {v1.OutcomeUnchanged, false, v1.TriggerPoll, "", history.Counts{Changes: 1, Unchanged: 1}},
		"the target had it already":    {v1.OutcomeUnchanged, pushed, v1.TriggerPoll, "", history.Counts{Changes: 1, Unchanged: 1}},
		"out of scope":                 {v1.OutcomeNotMet, false, v1.TriggerDependent, "", history.Counts{Changes: 1}},
		"archived":                     {v1.OutcomeNotMet, pushed, v1.TriggerCallback, "", history.Counts{Changes: 1, Pushed: 1}},
		"held with a mass change":      {v1.OutcomePushed, false, v1.TriggerCallback, "", history.Counts{Changes: 1, Unchanged: 1}},
		"sync now":                     {v1.OutcomeUnchanged, false, v1.TriggerManual, "", history.Counts{Changes: 1, Unchanged: 1}},
		"given up":                     {v1.OutcomeDead, false, v1.TriggerCallback, "", history.Counts{Changes: 1, Failed: 1}},
		"to be tried again":            {v1.OutcomeRetrying, false, v1.TriggerCallback, "", history.Counts{Failed: 1}},
		"waits for a stopped sync":     {v1.OutcomeWaiting, false, v1.TriggerCallback, "", history.Counts{}},
		"backfill":                     {v1.OutcomePushed, pushed, v1.TriggerBackfill, "j", history.Counts{Pushed: 1}},
		"a backfill of a stopped sync": {v1.OutcomeWaiting, false, v1.TriggerBackfill, "j", history.Counts{}},
		"a retry of a backfill":        {v1.OutcomePushed, pushed, v1.TriggerBackfill, "", history.Counts{Pushed: 1}},
		"a sweep that finds nothing":   {v1.OutcomeUnchanged, pushed, v1.TriggerSweep, "j", history.Counts{}},
		"a resync is no sync now":      {v1.OutcomeUnchanged, pushed, v1.TriggerManual, "j", history.Counts{}},
		"a replay that cannot push":    {v1.OutcomeDead, false, v1.TriggerReplay, "j", history.Counts{Failed: 1}},
	} {
		got := counted(reconcile.Result{Outcome: tc.outcome, Pushed: tc.pushed, Trigger: tc.trigger, Job: tc.job})
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// total is what the history of an installation adds up to: a test may run across the full hour.
func (d *desk) total(id string) (sum v1.HistoryHour) {
	d.t.Helper()
	hours, err := d.Hours(d.t.Context(), id)
	harness.OK(d.t, err)
	for _, h := range hours {
		sum.Changes += h.Changes
		sum.Pushed += h.Pushed
		sum.Unchanged += h.Unchanged
		sum.Failed += h.Failed
	}
	return sum
}

func (d *desk) comesTo(id string, want v1.HistoryHour) {
	d.t.Helper()
	d.eventually("the history", func() error {
		if got := d.total(id); got != want {
			return fmt.Errorf("got %+v, want %+v", got, want)
		}
		return nil
	})
}

// TestHistoryOfAnInstallation, from its backfill over a change, a restart and an
// uninstallation to its erasure.
func TestHistoryOfAnInstallation(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
	first := d.customer("Northwind")
	d.customer("Contoso")
	stop := d.run()
	id := d.live(d.create(v1.SyncActiveCustomers).ID).ID
	d.comesTo(id, v1.HistoryHour{Pushed: 2})

	harness.OK(t, d.Reconcile(t.Context(), id, v1.KindCompany, first))
	so := v1.HistoryHour{Changes: 1, Pushed: 2, Unchanged: 1}
	d.comesTo(id, so)

	stop()
	table := d.History.Table
	d.History = history.New(history.Config{Table: table, Now: time.Now, Log: zap.NewNop()})
	if got := d.total(id); got != so {
		t.Errorf("stored: %+v, want %+v", got, so)
	}
	d.run()
	d.live(id)
	harness.OK(t, d.Reconcile(t.Context(), id, v1.KindCompany, first))
	so.Changes, so.Unchanged = 2, 2
	d.comesTo(id, so)

	harness.OK(t, d.Do(t.Context(), id, "", "uninstall"))
	if got := d.total(id); got != so {
		t.Errorf("uninstalled: %+v, want %+v", got, so)
	}
	harness.OK(t, d.Do(t.Context(), id, "", "erase"))
	if _, err := table.Get(t.Context(), id); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("erased, but stored: %v", err)
	}
	if _, err := d.Hours(t.Context(), id); err == nil || problem(t, err).Status != 404 {
		t.Errorf("erased: %v", err)
	}
}
