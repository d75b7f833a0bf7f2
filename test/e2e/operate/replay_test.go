package operate

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestReplay reads stored changes again in every way that there is.
func TestReplay(t *testing.T) {
	t.Parallel()
	w := seeded(t, 30, service.Options{})
	in := w.Install()
	w.Agree(soon)
	w.Quiesce(in.ID)
	backfilled := lastSequence(t, w)
	time1 := time.Now()
	edited := w.Autotask.All("Contracts")[0]["companyID"].(int64)
	w.Edit("Companies", edited, atsim.Row{"phone": "518-555-0177"})
	added := w.Company("Added later")
	w.Quiesce(in.ID)
	w.Agree(soon)
	inScope := len(w.Target.Clients(service.Connection)) + len(w.Target.Contracts(service.Connection))
	replay := func(req v1.ReplayRequest) v1.Job {
		t.Helper()
		w.Target.ResetStats()
		ref, err := w.Admin.Replay(t.Context(), in.ID, req)
		return ended(t, w, in.ID, ref, err)
	}
	is := func(what string, j v1.Job, total, pushed int) {
		t.Helper()
		if j.State != v1.JobDone || j.Type != "replay" || j.FinishedAt == nil ||
			j.Total != total || j.Done != total || j.Pushed != pushed {
			t.Errorf("%s: %+v; want %d records, %d pushed", what, j, total, pushed)
		}
	}

	j := replay(v1.ReplayRequest{})
	nothingPushed(t, w, "a replay into a target that is right")
	records := j.Total
	is("everything", j, records, 0)
	if records < inScope || j.Unchanged != inScope || j.NotMet != records-inScope {
		t.Errorf("everything: %+v; want %d in scope", j, inScope)
	}

	t.Run("bounds", func(t *testing.T) {
		is("since a time", replay(v1.ReplayRequest{From: &time1}), 2, 0)
		is("up to a time", replay(v1.ReplayRequest{To: &time1}), records-1, 0)
		is("since a place in the journal", replay(v1.ReplayRequest{FromSequence: backfilled + 1}), 2, 0)
		is("one record", replay(v1.ReplayRequest{Kind: v1.KindCompany, ID: service.Text(added)}), 1, 0)
		companies, ofContracts := replay(v1.ReplayRequest{Kind: v1.KindCompany}), replay(v1.ReplayRequest{Kind: v1.KindContract})
		if companies.Total+ofContracts.Total != records || ofContracts.Total == 0 {
			t.Errorf("%d companies and %d contracts, want %d together", companies.Total, ofContracts.Total, records)
		}
		nothingPushed(t, w, "replays")
		is("force, one record", replay(v1.ReplayRequest{Kind: v1.KindCompany, ID: service.Text(added), Force: true}), 1, 0)
		if p := pushed(w); len(p) != 1 || p[0].ExternalID != service.Text(added) || p[0].Trigger != "replay" {
			t.Errorf("force, one record: %+v", p)
		}
		is("nothing is in it", replay(v1.ReplayRequest{From: new(time.Now().Add(time.Hour))}), 0, 0)
	})
	t.Run("dry run", func(t *testing.T) {
		is("everything", replay(v1.ReplayRequest{DryRun: true}), records, 0)
		is("everything, force", replay(v1.ReplayRequest{DryRun: true, Force: true}), records, inScope)
		w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose, Next: 1})
		w.Edit("Companies", added, atsim.Row{"companyName": "Nobody told of this"})
		j := replay(v1.ReplayRequest{DryRun: true, Kind: v1.KindCompany})
		is("one that nobody told of", j, j.Total, 1)
		if !strings.Contains(j.Detail, "changes of "+strconv.Itoa(j.Total)+" records") ||
			!strings.Contains(j.Detail, "nothing was pushed") {
			t.Errorf("detail %q", j.Detail)
		}
		nothingPushed(t, w, "a dry run")
		if name := w.Client(added).Data.Name; name != "Added later" {
			t.Errorf("a dry run changed the client: %q", name)
		}
		ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{DryRun: true})
		if j := ended(t, w, in.ID, ref, err); j.Type != "resync" || j.Pushed != inScope || !j.DryRun {
			t.Errorf("a dry resync: %+v", j)
		}
		nothingPushed(t, w, "a dry resync")
		is("the same for real", replay(v1.ReplayRequest{Kind: v1.KindCompany, ID: service.Text(added)}), 1, 1)
		w.Agree(soon)
	})
	t.Run("an emptied target", func(t *testing.T) {
		harness.OK(t, w.Target.Empty(service.Connection))
		is("as if nothing had happened", replay(v1.ReplayRequest{}), records, 0)
		is("force", replay(v1.ReplayRequest{Force: true}), records, inScope)
		w.Agree(soon)
	})
	t.Run("a resync restores it too and counts what was drift", func(t *testing.T) {
		harness.OK(t, w.Target.Empty(service.Connection))
		ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
		if j := ended(t, w, in.ID, ref, err); j.State != v1.JobDone || j.Pushed != inScope {
			t.Errorf("%+v, want %d pushed", j, inScope)
		}
		w.Agree(soon)
		drift(t, w, edited, map[string]any{"name": "Edited by hand"})
		ref, err = w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindCompany}})
		if j := ended(t, w, in.ID, ref, err); j.Drift != 1 || j.Pushed != 1 {
			t.Errorf("%+v, want one drift", j)
		}
		w.Agree(soon)
	})
}

// drift is somebody at Channel Program who edits a client by hand.
func drift(t *testing.T, w *service.Harness, company int64, fields map[string]any) {
	t.Helper()
	harness.OK(t, w.Target.Edit(cpsim.Edit{Connection: service.Connection, ExternalID: service.Text(company), Fields: fields}))
}

// lastSequence is the highest sequence of the journal that a push names.
func lastSequence(t *testing.T, w *service.Harness) uint64 {
	t.Helper()
	var last uint64
	for _, p := range pushed(w) {
		_, rest, found := strings.Cut(string(p.Body), `"journal/`)
		digits, _, _ := strings.Cut(rest, "/") // then its place in that message
		n, err := strconv.ParseUint(digits, 10, 64)
		if !found || err != nil {
			t.Fatalf("a backfilled push does not name its place in the journal: %s", p.Body)
		}
		last = max(last, n)
	}
	return last
}

// many starts a harness with so many companies that a replay takes several batches.
func many(t *testing.T, n int) (*service.Harness, v1.Installation, []int64) {
	t.Helper()
	w := start(t, service.Options{})
	ids := w.Companies(n)
	in := w.Install(customers)
	w.Agree(soon, customers)
	w.Quiesce(in.ID)
	w.Target.ResetStats()
	return w, in, ids
}

// TestACancelledReplayEndsAtOnce: what it has marked and nobody worked on is dropped.
func TestACancelledReplayEndsAtOnce(t *testing.T) {
	t.Parallel()
	w, in, ids := many(t, 600)
	w.Refuse(cpsim.Fault{Kind: cpsim.FaultSlow, Operation: "writes", DelayMillis: 200})
	ref, err := w.Admin.Replay(t.Context(), in.ID, v1.ReplayRequest{Force: true})
	harness.OK(t, err)
	w.Eventually("the first records are sent", soon, func() error {
		if len(pushed(w)) == 0 {
			return fmt.Errorf("no push yet")
		}
		return nil
	})
	harness.OK(t, w.Admin.CancelJob(t.Context(), in.ID, ref.Job))
	if j := ended(t, w, in.ID, ref, nil); j.State != v1.JobCancelled || j.FinishedAt == nil {
		t.Errorf("%+v", j)
	}
	problemIs(t, w.Admin.CancelJob(t.Context(), in.ID, ref.Job), 409, v1.CodeConflict)
	w.Target.ClearFaults()
	w.Idle(in.ID, soon)
	if n := len(pushed(w)); n >= len(ids) {
		t.Errorf("%d pushes of %d records after the cancel", n, len(ids))
	}
	w.Edit("Companies", ids[len(ids)-1], atsim.Row{"companyName": "Goes on"})
	w.ClientBecomes(ids[len(ids)-1], "after the cancel", soon, service.Named("Goes on"))
}

// TestAReplayGoesOnAfterARestart and lets live changes pass it all the while.
func TestAReplayGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	w, in, ids := many(t, 1000)
	harness.OK(t, w.Target.Empty(service.Connection))
	w.Refuse(cpsim.Fault{Kind: cpsim.FaultSlow, Operation: "writes", DelayMillis: 500})
	ref, err := w.Admin.Replay(t.Context(), in.ID, v1.ReplayRequest{Force: true})
	harness.OK(t, err)
	w.Eventually("a few records are sent", soon, func() error {
		if len(pushed(w)) < 100 {
			return fmt.Errorf("%d pushes", len(pushed(w)))
		}
		return nil
	})
	last := ids[len(ids)-1]
	w.Edit("Companies", last, atsim.Row{"companyName": "Fresh all the same"})
	w.ClientBecomes(last, "a live change during the replay", soon, service.Named("Fresh all the same"))
	if n := len(w.Target.Clients(service.Connection)); n == len(ids) {
		t.Error("the replay was over before the live change arrived: it proves nothing")
	}
	w.Stop()
	w.Target.ClearFaults()
	w.Start()
	if j := ended(t, w, in.ID, ref, nil); j.State != v1.JobDone || j.Total != len(ids) || j.Done != len(ids) {
		t.Errorf("%+v, want %d records", j, len(ids))
	}
	if n := len(w.Target.Clients(service.Connection)); n != len(ids) {
		t.Errorf("%d clients, want %d", n, len(ids))
	}
	w.Agree(soon, customers)
}
