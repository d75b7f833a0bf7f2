package console

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

func TestJobPage(t *testing.T) {
	ended := clockNow()
	base := v1.Job{ID: "j-1", Type: "resync", State: v1.JobRunning, Total: 200, Done: 50, Pushed: 3, StartedAt: clockNow().Add(-time.Minute)}
	with := func(edit func(*v1.Job)) v1.Job {
		j := base
		edit(&j)
		return j
	}
	for name, tc := range map[string]struct {
		job        v1.Job
		want, lack string
		form       string
	}{
		"running":      {base, "50 of 200", "Do it now", "/cancel"},
		"dry, running": {with(func(j *v1.Job) { j.DryRun = true }), "Would be sent3", "Do it now", "/cancel"},
		"dry, done": {
			with(func(j *v1.Job) { j.DryRun, j.State, j.FinishedAt = true, v1.JobDone, &ended }),
			"Doing it now sends 3 records to Channel Program: everything in scope", "Drift", "/run",
		},
		"dry, nothing to do": {with(func(j *v1.Job) { j.DryRun, j.State, j.Pushed = true, v1.JobDone, 0 }), "Nothing would be sent", "Do it now", ""},
		"dry, cancelled":     {with(func(j *v1.Job) { j.DryRun, j.State = true, v1.JobCancelled }), "Start another", "Do it now", ""},
		"dry replay": {with(func(j *v1.Job) {
			j.Type, j.DryRun, j.State, j.Replay = "replay", true, v1.JobDone, &v1.ReplayRequest{DryRun: true}
		}), "Doing it now sends 3 records to Channel Program. Nothing is deleted there.", "in scope,", "/run"},
		"drift": {with(func(j *v1.Job) {
			j.State, j.Drift, j.DriftFields = v1.JobDone, 2, []string{"/address/city", "/name"}
		}), "2 records had been edited in Channel Program and were put right. Fields that had been edited:/address/city/name", "Do it now", ""},
		"no drift": {with(func(j *v1.Job) { j.State = v1.JobDone }), "None of the checked records had been edited", "Do it now", ""},
		"failed":   {with(func(j *v1.Job) { j.State, j.Failed, j.Detail = v1.JobFailed, 4, "the store was away" }), "The store was away.", "Do it now", ""},
	} {
		w := working(t, tc.job)
		a := w.get("/installations/" + one + "/jobs/j-1")
		text := a.text("#live")
		if a.StatusCode != 200 || !strings.Contains(text, tc.want) || strings.Contains(text, tc.lack) {
			t.Errorf("%s: %d: want %q and not %q: %s", name, a.StatusCode, tc.want, tc.lack, text)
		}
		action := a.doc.Find("#live form").AttrOr("action", "")
		if action != "" {
			action = strings.TrimPrefix(action, "/installations/"+one+"/jobs/j-1")
		}
		if action != tc.form {
			t.Errorf("%s: the form goes to %q, want %q", name, action, tc.form)
		}
	}
	if a := working(t).get("/installations/" + one + "/jobs/gone"); a.StatusCode != 404 {
		t.Errorf("no such job: %d", a.StatusCode)
	}
}

func TestDoingItInEarnest(t *testing.T) {
	from := clockNow().Add(-time.Hour)
	at := "/installations/" + one + "/jobs/j-1"
	done := v1.Job{ID: "j-1", Type: "resync", DryRun: true, State: v1.JobDone, Kinds: []v1.Kind{v1.KindContract}}
	replayed := v1.Job{ID: "j-1", Type: "replay", DryRun: true, State: v1.JobDone, Replay: &v1.ReplayRequest{From: &from, Kind: v1.KindCompany, ID: "7", Force: true, DryRun: true}}
	for want, j := range map[string]v1.Job{
		`resyncs {"kinds":["contract"]}`: done,
		`replays {"from":"2026-11-23T14:04:05Z","kind":"company","id":"7","force":true}`: replayed,
	} {
		w := working(t, j)
		a := w.post(at+"/run", nil)
		if a.StatusCode != 303 || a.Header.Get("Location") != "/installations/"+one+"/jobs/j-new" {
			t.Errorf("%s: %d to %s", want, a.StatusCode, a.Header.Get("Location"))
		}
		if diff := cmp.Diff([]string{"POST /installations/" + one + "/" + want}, w.wrote()); diff != "" {
			t.Error(diff)
		}
	}
	running, wet := done, done
	running.State, wet.DryRun = v1.JobRunning, false
	for name, j := range map[string]v1.Job{"still running": running, "not a dry run": wet} {
		w := working(t, j)
		if a := w.post(at+"/run", nil); a.StatusCode != 409 || len(w.wrote()) != 0 {
			t.Errorf("%s: %d, asked %q", name, a.StatusCode, w.wrote())
		}
	}
}

func TestCancelling(t *testing.T) {
	w := working(t, v1.Job{ID: "j-1", Type: "resync", State: v1.JobRunning})
	at := "/installations/" + one + "/jobs/j-1"
	a := w.post(at+"/cancel", nil)
	if diff := cmp.Diff([]string{"POST " + at + "/cancel"}, w.wrote()); diff != "" || a.Header.Get("Location") != at || a.flash(t).Problem {
		t.Errorf("to %s, %+v: %s", a.Header.Get("Location"), a.flash(t), diff)
	}
}

func TestJobsAreText(t *testing.T) {
	r := &v1.ReplayRequest{Kind: mean, ID: mean}
	w := working(t, v1.Job{
		ID: "j-1", Type: mean, State: v1.JobState(mean), Detail: mean, DriftFields: []string{mean}, Drift: 1, Kinds: []v1.Kind{mean}, Replay: r,
	}, v1.Job{ID: "j-2", Type: "resync", State: v1.JobDone, Detail: mean, DriftFields: []string{mean}, Drift: 1})
	for _, id := range []string{"j-1", "j-2"} {
		a := w.get("/installations/" + one + "/jobs/" + id)
		a.clean(t)
		if a.StatusCode != 200 {
			t.Errorf("%s: %d", id, a.StatusCode)
		}
	}
}
