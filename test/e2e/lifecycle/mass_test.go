package lifecycle

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// clock is the service's, which a test can set.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// calledOf wants a contract's name.
func calledOf(name string) func(cpsim.ContractInput) bool {
	return func(c cpsim.ContractInput) bool { return c.Name != nil && *c.Name == name }
}

// massHarness is an installation of companies, all in scope.
func massHarness(t *testing.T, n int, options *v1.Options) (*service.Harness, v1.Installation, []int64) {
	t.Helper()
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(n)
	in := w.Install(v1.SyncActiveCustomers)
	if options != nil {
		if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: options}); err != nil {
			t.Fatal(err)
		}
		w.Until(in.ID, "has its options", soon, func(in v1.Installation) bool { return len(in.Jobs) == 0 && in.State == v1.StateLive })
	}
	w.Drain(in.ID)
	return w, in, ids
}

// leave sets companies inactive in one go: the installation looks at them once all have told.
func leave(w *service.Harness, in v1.Installation, ids []int64) {
	w.T.Helper()
	act(w, in.ID, "", "stop")
	for _, id := range ids {
		w.Edit("Companies", id, atsim.Row{"isActive": false})
	}
	w.DeliverAll(soon)
	w.Until(in.ID, "has them all due", soon, func(in v1.Installation) bool { return in.Backlog == len(ids) })
	act(w, in.ID, "", "start")
}

func notMet(r v1.RecordDetail) bool {
	return r.Outcome == v1.OutcomeNotMet && slices.Equal(r.Reasons, []string{v1.ReasonStatusInactive})
}

func inScope(in v1.Installation) int { return in.Syncs[v1.SyncActiveCustomers].Counts.InScope }

// TestAMassChangeIsHeld until somebody says yes or no.
func TestAMassChangeIsHeld(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		t.Run(fmt.Sprintf("approved %v", approve), func(t *testing.T) {
			t.Parallel()
			w, in, ids := massHarness(t, 30, nil)
			w.Target.ResetStats()
			leave(w, in, ids[:20])
			w.Until(in.ID, "holds all of them", soon, func(in v1.Installation) bool {
				i, there := service.IssueOf(in, "mass_change_held")
				return there && i.Records == 20 && in.Backlog == 0
			})
			shown := w.Until(in.ID, "idle", soon, func(in v1.Installation) bool { return in.Backlog == 0 })
			if i := w.HasIssue(in.ID, "mass_change_held"); i.Severity != v1.SeverityAct || inScope(shown) != 30 {
				t.Errorf("issue %+v, %d in scope, want all 30", i, inScope(shown))
			}
			for _, id := range ids[:20] {
				if r := w.Record(in.ID, v1.KindCompany, id); r.Outcome == v1.OutcomeNotMet {
					t.Errorf("company %d left: %+v", id, r.Record)
				}
			}
			w.Stop() // what is held survives a restart
			w.Start()
			w.HasIssue(in.ID, "mass_change_held")
			w.Rename(ids[25], "Others go on")
			w.ClientBecomes(ids[25], "an edit of another", soon, service.Named("Others go on"))

			harness.OK(t, w.Admin.DecideMassChange(t.Context(), in.ID, approve))
			w.HasNoIssue(in.ID, "mass_change_held")
			if approve {
				for _, id := range ids[:20] {
					w.RecordBecomes(in.ID, v1.KindCompany, id, soon, notMet)
				}
				w.Until(in.ID, "has 10 in scope", soon, func(in v1.Installation) bool { return inScope(in) == 10 })
			} else if now := w.Until(in.ID, "idle", soon, func(in v1.Installation) bool { return in.Backlog == 0 }); inScope(now) != 30 {
				t.Errorf("%d in scope after it was discarded, want 30", inScope(now))
			}
			if err := w.Admin.DecideMassChange(t.Context(), in.ID, approve); problemOf(t, err).Code != v1.CodeConflict {
				t.Errorf("decided twice: %v", err)
			}
			if pushed := len(w.Target.Pushes(service.Connection)); pushed != 1 {
				t.Errorf("%d pushes, want the one of another company", pushed)
			}
		})
	}
}

// TestWhatIsHeldComesBack: companies that are active again are not held any more.
func TestWhatIsHeldComesBack(t *testing.T) {
	t.Parallel()
	w, in, ids := massHarness(t, 30, nil)
	leave(w, in, ids[:20])
	w.HasIssue(in.ID, "mass_change_held")
	w.Drain(in.ID)
	for _, id := range ids[:20] {
		w.Edit("Companies", id, atsim.Row{"isActive": true})
	}
	w.HasNoIssue(in.ID, "mass_change_held")
	w.Drain(in.ID)
	w.Agree(soon, v1.SyncActiveCustomers)
}

// TestWhatIsNoMassChange is not held: few records, half of them, or a share that an option allows.
func TestWhatIsNoMassChange(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		all, left int
		percent   int
		held      bool
	}{
		{"nine of twelve are few", 12, 9, 0, false},
		{"half is not more than half", 30, 15, 0, false},
		{"ten of nineteen", 19, 10, 0, true},
		{"an option of 80 percent", 30, 20, 80, false},
		{"an option of 20 percent", 60, 13, 20, true},
		{"all is more than most", 30, 30, 99, true},
		{"an option of 100 percent", 30, 30, 100, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var options *v1.Options
			if tc.percent > 0 {
				options = &v1.Options{MassChangePercent: tc.percent}
			}
			w, in, ids := massHarness(t, tc.all, options)
			leave(w, in, ids[:tc.left])
			if tc.held {
				w.Until(in.ID, "holds them", soon, func(in v1.Installation) bool {
					i, there := service.IssueOf(in, "mass_change_held")
					return there && i.Records == tc.left && inScope(in) == tc.all
				})
				return
			}
			shown := w.Until(in.ID, "has let them go", soon, func(in v1.Installation) bool { return inScope(in) == tc.all-tc.left && in.Backlog == 0 })
			if _, there := service.IssueOf(shown, "mass_change_held"); there {
				t.Errorf("issues %+v", shown.Issues)
			}
		})
	}
}

// TestALostRightIsNoDeparture: when Autotask hides every company from the API user,
// nobody has left. Once they are seen again, all is as it was.
func TestALostRightIsNoDeparture(t *testing.T) {
	t.Parallel()
	w, in, ids := massHarness(t, 30, nil)
	resync := func() v1.Job {
		t.Helper()
		ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
		harness.OK(t, err)
		return jobBecomes(w, in.ID, ref.Job, "is done", done)
	}
	w.Autotask.SetModes(func(m *atsim.Modes) { m.Hidden = []string{"Companies"} })
	if j := resync(); j.Total != len(ids) || j.Pushed != 0 {
		t.Errorf("while they are hidden: %+v", j)
	}
	w.Until(in.ID, "holds them", soon, func(in v1.Installation) bool {
		i, there := service.IssueOf(in, "mass_change_held")
		return there && i.Records == len(ids) && inScope(in) == len(ids)
	})
	w.Autotask.SetModes(func(m *atsim.Modes) { m.Hidden = nil })
	if j := resync(); j.Unchanged != len(ids) {
		t.Errorf("once they are seen again: %+v", j)
	}
	w.HasNoIssue(in.ID, "mass_change_held")
	w.Agree(soon, v1.SyncActiveCustomers)
}
