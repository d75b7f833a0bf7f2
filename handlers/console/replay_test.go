package console

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

const replayAt = "/installations/" + one + "/replay"

// working is a env in which jobs can be started and listed.
func working(t *testing.T, jobs ...v1.Job) *env {
	t.Helper()
	w := newEnv(t)
	w.answer("GET /installations/"+one+"/jobs", v1.JobList{Items: jobs})
	for _, j := range jobs {
		w.answer("GET /installations/"+one+"/jobs/"+j.ID, j)
		w.answer("POST /installations/"+one+"/jobs/"+j.ID+"/cancel", struct{}{})
	}
	w.answer("POST /installations/"+one+"/resyncs", v1.JobRef{Job: "j-new"})
	w.answer("POST /installations/"+one+"/replays", v1.JobRef{Job: "j-new"})
	return w
}

func TestMoments(t *testing.T) {
	harness.Table(t, func(text string) string {
		at, err := moment(text)
		switch {
		case err != nil:
			return "error"
		case at != nil:
			return at.Format(time.RFC3339Nano)
		}
		return "none"
	}, map[string]string{
		"":                      "none",
		"2026-11-23T15:04":      "2026-11-23T15:04:00Z",
		"2026-11-23T15:04:05":   "2026-11-23T15:04:05Z",
		"2026-11-23T15:04:05.5": "2026-11-23T15:04:05.5Z",
		"2026-11-23 15:04":      "2026-11-23T15:04:00Z",
		"2026-02-30T10:00":      "error",
		"1999-12-31T23:59":      "error",
		"yesterday":             "error",
		"23.11.2026 15:04":      "error",
	})
}

func FuzzMoment(f *testing.F) {
	for _, s := range []string{"", "2026-11-23T15:04", "2026-11-23 15:04:05.123", "9999-12-31T23:59", "2026-11-23T24:00", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := moment(text)
		if err == nil && (at == nil) != (text == "") {
			t.Errorf("%q: got %v", text, at)
		}
		if at != nil && (at.Location() != time.UTC || at.Year() < 2000 || at.Year() > 9999) {
			t.Errorf("%q: got %v", text, at)
		}
	})
}

func TestStartingADryRun(t *testing.T) {
	for name, tc := range map[string]struct {
		fields url.Values
		wrote  string
	}{
		"resync": {url.Values{"form": {"resync"}, "kinds": {"company", "contract"}}, `resyncs {"kinds":["company","contract"],"dryRun":true}`},
		"all":    {url.Values{"form": {"replay"}}, `replays {"dryRun":true}`},
		"time": {
			url.Values{"form": {"replay"}, "from": {"2026-11-23T14:00"}, "to": {" 2026-11-23T15:00:30 "}},
			`replays {"from":"2026-11-23T14:00:00Z","to":"2026-11-23T15:00:30Z","dryRun":true}`,
		},
		"record": {
			url.Values{"form": {"replay"}, "fromSequence": {"41"}, "kind": {"company"}, "id": {"7"}, "force": {"1"}},
			`replays {"fromSequence":41,"kind":"company","id":"7","force":true,"dryRun":true}`,
		},
	} {
		w := working(t)
		a := w.post(replayAt, tc.fields)
		if a.StatusCode != 303 || a.Header.Get("Location") != "/installations/"+one+"/jobs/j-new" {
			t.Errorf("%s: %d to %s", name, a.StatusCode, a.Header.Get("Location"))
		}
		if diff := cmp.Diff([]string{"POST /installations/" + one + "/" + tc.wrote}, w.wrote()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestRefusedStarts(t *testing.T) {
	entered := url.Values{"form": {"replay"}, "from": {"yesterday"}, "to": {"2026-11-23T15:00"}, "fromSequence": {"many"}, "kind": {"contract"}, "id": {"7"}, "force": {"1"}}
	w := working(t)
	a := w.post(replayAt, entered)
	if a.StatusCode != 422 || len(w.wrote()) != 0 {
		t.Fatalf("%d, asked %q", a.StatusCode, w.wrote())
	}
	for _, field := range []string{"from", "fromSequence"} {
		input := a.doc.Find("#" + field)
		describes, _ := input.Attr("aria-describedby")
		if input.AttrOr("aria-invalid", "") != "true" || !strings.Contains(describes, field+"-error") || a.doc.Find("#"+field+"-error").Length() != 1 ||
			a.doc.Find(`#problem a[href="#`+field+`"]`).Length() != 1 || input.AttrOr("value", "") != entered.Get(field) {
			t.Errorf("%s: described by %q: %s", field, describes, a.text("#problem"))
		}
	}
	if a.doc.Find("#to").AttrOr("value", "") != "2026-11-23T15:00" || a.doc.Find("#to[aria-invalid]").Length() != 0 ||
		a.doc.Find(`#kind option[value=contract][selected]`).Length() != 1 || a.doc.Find("#force[checked]").Length() != 1 || a.doc.Find("details[open]").Length() != 1 {
		t.Errorf("what was entered is not there: %s", a.html)
	}

	if a := w.post(replayAt, url.Values{"form": {"replay"}, "from": {"2026-11-24T15:00"}}); a.StatusCode != 422 || !strings.HasPrefix(a.text("#from-error"), "Got a time to come") {
		t.Errorf("from a time to come: %d: %s", a.StatusCode, a.text("main"))
	}
	if a := w.post(replayAt, url.Values{"form": {"resync"}}); a.StatusCode != 422 || a.text("#kinds-error") != "Choose at least one." {
		t.Errorf("no kind: %d: %s", a.StatusCode, a.text("main"))
	}

	w.answer("POST /installations/"+one+"/replays", v1.Invalid("The body has fields that do not go together.",
		v1.FieldError{Pointer: "#/to", Code: "range", Detail: "got a time that is not after from, want a later one"}))
	a = w.post(replayAt, url.Values{"form": {"replay"}, "from": {"2026-11-23T15:00"}, "to": {"2026-11-23T14:00"}})
	if a.StatusCode != 422 || a.text("#to-error") != "Got a time that is not after from, want a later one." || a.doc.Find("#from").AttrOr("value", "") != "2026-11-23T15:00" {
		t.Errorf("refused by the API: %d: %s", a.StatusCode, a.text("main"))
	}
}

func TestReplayPage(t *testing.T) {
	ended := clockNow().Add(-time.Hour)
	w := working(t,
		v1.Job{ID: "j-2", Type: "resync", State: v1.JobRunning, Total: 10, Done: 4, Pushed: 2, StartedAt: clockNow().Add(-time.Minute)},
		v1.Job{ID: "j-1", Type: "replay", State: v1.JobDone, DryRun: true, Total: 3, Done: 3, Pushed: 1, StartedAt: ended, FinishedAt: &ended})
	a := w.get(replayAt)
	if a.StatusCode != 200 || a.doc.Find("#kinds input[checked]").Length() != 2 || a.doc.Find("details[open]").Length() != 0 {
		t.Fatalf("%d: %s", a.StatusCode, a.html)
	}
	if a.doc.Find("#live li").Length() != 2 || a.doc.Find(`form[action$="/jobs/j-2/cancel"]`).Length() != 1 || a.doc.Find(`form[action$="/jobs/j-1/cancel"]`).Length() != 0 ||
		!strings.Contains(a.text("#live li:last-child"), "Replay (dry run) Done") || !strings.Contains(a.text("#live li:last-child"), "1 would be sent") {
		t.Errorf("jobs: %s", a.text("#live"))
	}
	in := anInstallation()
	in.State = v1.StateStopped
	in.Syncs = map[v1.Sync]v1.SyncStatus{v1.SyncActiveCustomers: {State: v1.SyncStopped}}
	w.installed(in)
	w.answer("GET /installations/"+one+"/jobs", v1.JobList{})
	a = w.get(replayAt)
	if !strings.Contains(a.text(".note"), "start it") || a.doc.Find("#kinds input").Length() != 1 || !strings.Contains(a.text(".empty"), "Nothing has run yet") {
		t.Errorf("stopped, of one sync: %s", a.text("main"))
	}
}

func TestReplayIsText(t *testing.T) {
	w := working(t, v1.Job{ID: "j-1", Type: mean, State: v1.JobState(mean), Detail: mean, StartedAt: clockNow()})
	w.get(replayAt).clean(t)
	w.answer("POST /installations/"+one+"/replays", v1.Invalid(mean, v1.FieldError{Pointer: mean, Code: mean, Detail: mean}))
	fields := url.Values{"form": {"replay"}}
	for _, name := range []string{"kind", "id"} {
		fields.Set(name, mean)
	}
	a := w.post(replayAt, fields)
	a.clean(t)
	if a.StatusCode != 422 || a.doc.Find("#id").AttrOr("value", "") != v1.Trim(mean) {
		t.Errorf("%d: %q", a.StatusCode, a.doc.Find("#id").AttrOr("value", ""))
	}
	for _, name := range []string{"from", "to", "fromSequence"} {
		fields.Set(name, mean)
	}
	w.post(replayAt, fields).clean(t)
}
