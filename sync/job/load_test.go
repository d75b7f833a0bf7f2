package job

import (
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// An installation's jobs go on in another process as they were stored last.
func TestJobsMoveToAnotherProcess(t *testing.T) {
	tab := table(t)
	a, b := openStore(t, tab), New(tab, time.Now)
	start(t, a, "one")
	a.Count("one", v1.OutcomePushed, false)
	harness.OK(t, a.Flush(t.Context(), inst))
	if _, ok := b.Get(inst, "one"); ok || len(b.Running(inst)) != 0 {
		t.Error("known before it is loaded")
	}
	if j, ok, err := b.Stored(t.Context(), inst, "one"); err != nil || !ok || j.Pushed != 1 {
		t.Errorf("read without loading: %+v, %v, %v", j, ok, err)
	}
	if _, ok, err := b.Stored(t.Context(), inst, "none"); err != nil || ok {
		t.Errorf("one that is not there: %v, %v", ok, err)
	}
	harness.OK(t, b.Load(t.Context(), inst))
	a.Forget(inst)
	if _, ok := a.Get(inst, "one"); ok {
		t.Error("still known where it was forgotten")
	}
	if got := get(t, b, "one"); got.Pushed != 1 || len(b.Running(inst)) != 1 {
		t.Errorf("loaded %+v", got)
	}
	harness.OK(t, b.Finish(t.Context(), "one", v1.JobCancelled, "by hand"))
	harness.OK(t, a.Load(t.Context(), inst))
	if got := a.State("one"); got != v1.JobCancelled {
		t.Errorf("loaded again it is %s", got)
	}
	if err := a.Load(t.Context(), other); err != nil || len(a.Running(other)) != 0 {
		t.Errorf("another installation's: %v", err)
	}
}
