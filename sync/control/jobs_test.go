package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/sync/job"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

func TestAnIntervalThatBeganInTheFutureIsOver(t *testing.T) {
	now := time.Now()
	for name, one := range map[string]struct {
		last time.Time
		want bool
	}{
		"just now": {now, false}, "not long ago": {now.Add(-59 * time.Minute), false}, "an hour ago": {now.Add(-time.Hour), true},
		"never": {time.Time{}, true}, "by a clock that was wrong": {now.AddDate(30, 0, 0), true},
	} {
		if got := isDue(now, one.last, time.Hour); got != one.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestJobsShowWhatTheyWereAskedFor(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asked := v1.ReplayRequest{From: &began, Kind: v1.KindCompany, ID: "7", DryRun: true}
	harness.OK(t, d.Jobs.Start(t.Context(), job.Job{
		Job: v1.Job{ID: "j-1", Type: job.TypeResync, DryRun: true}, Installation: id, Kinds: []v1.Kind{v1.KindContract},
	}))
	harness.OK(t, d.Jobs.Start(t.Context(), job.Job{Job: v1.Job{ID: "j-2", Type: job.TypeReplay, DryRun: true}, Installation: id, Replay: asked}))

	list, err := d.JobList(t.Context(), id)
	harness.OK(t, err)
	byID := map[string]v1.Job{}
	for _, j := range list {
		byID[j.ID] = j
	}
	if j := byID["j-1"]; !cmp.Equal(j.Kinds, []v1.Kind{v1.KindContract}) || j.Replay != nil {
		t.Errorf("the resync was asked for %v, %v", j.Kinds, j.Replay)
	}
	if diff := cmp.Diff(&asked, byID["j-2"].Replay); diff != "" {
		t.Errorf("the replay: %s", diff)
	}
	one, err := d.Job(t.Context(), id, "j-2")
	harness.OK(t, err)
	if diff := cmp.Diff(byID["j-2"], one); diff != "" {
		t.Errorf("the list and the job differ: %s", diff)
	}
	if _, err := d.JobList(t.Context(), "01jxnowhereaaaaaaaaaaaaaaa"); err == nil {
		t.Error("an installation that is not there has jobs")
	}
}

// A cursor that nobody was given is the client's mistake: not an error of ours, and
// not the end of the list.
func TestForeignCursorsAreRefused(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	for _, cursor := range []string{"x", "0", "-1", "99999999999999999999", "\x00", "company:1"} {
		_, dead := d.DeadLetterList(t.Context(), id, cursor, 10)
		_, audit := d.Audit.List(v1.AuditQuery{Cursor: cursor, Limit: 10})
		for what, err := range map[string]error{"dead letters": dead, "audit": audit} {
			if p, isProblem := errors.AsType[*v1.Problem](err); !isProblem || p.Status != 422 || p.Errors[0].Pointer != "?cursor" {
				t.Errorf("%s, cursor %q: got %v", what, cursor, err)
			}
		}
	}
}

func TestDeadLettersAreListedInWords(t *testing.T) {
	d := newDesk(t, setup{})
	id := d.create().ID
	harness.OK(t, d.DeadLetters.PutRecord(t.Context(), id, v1.DeadLetter{ID: "company-7", Kind: "company", RecordID: "7", Code: "rejected", Detail: "too long"}))
	page, err := d.DeadLetterList(t.Context(), id, "", 10)
	harness.OK(t, err)
	if len(page.Items) != 1 || page.Items[0].Title != "Channel Program rejects records" || page.Items[0].Fix == "" || page.Items[0].Detail != "too long" {
		t.Errorf("got %+v", page.Items)
	}
}

// A second click on "resync" must not make a second pass.
func TestResyncAskedForAgain(t *testing.T) {
	d := newDesk(t, setup{})
	d.run()
	id := d.create().ID
	d.live(id)
	d.at.SetFault(atsim.Fault{Kind: fault.Away, Status: 503}) // so that no job is done
	first, err := d.Resync(t.Context(), id, v1.ResyncRequest{})
	harness.OK(t, err)
	for range 3 {
		_, err = d.Resync(t.Context(), id, v1.ResyncRequest{})
		p, is := errors.AsType[*v1.Problem](err)
		if !is || p.Status != 409 || p.Code != v1.CodeConflict || p.Job != first.Job || !strings.Contains(p.Detail, first.Job) || p.Hint == "" {
			t.Fatalf("got %v, want a conflict that names %s", err, first.Job)
		}
	}
	dry, err := d.Resync(t.Context(), id, v1.ResyncRequest{DryRun: true})
	harness.OK(t, err)
	again, err := d.Resync(t.Context(), id, v1.ResyncRequest{DryRun: true})
	harness.OK(t, err)
	if again != dry || dry == first {
		t.Errorf("dry runs %v and %v, beside %v; want one that waits", dry, again, first)
	}
	harness.OK(t, d.CancelJob(t.Context(), id, first.Job))
	harness.OK(t, d.CancelJob(t.Context(), id, dry.Job))
	if _, err := d.Resync(t.Context(), id, v1.ResyncRequest{}); err != nil {
		t.Errorf("after the first was cancelled: %v", err)
	}
}
