package job

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inst  = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	other = "01hzx3q8r9k2m4n6p8s0t2v4w7"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func table(t *testing.T) *kv.Table {
	t.Helper()
	return stores.Table(t, stores.Open(t), "jobs")
}

// openStore opens the store as a process would at its start; its clock goes a second on with each look.
func openStore(t *testing.T, table Table) *Store {
	t.Helper()
	var mu sync.Mutex
	now := began
	s, err := Open(t.Context(), table, func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	})
	harness.OK(t, err)
	return s
}

func start(t *testing.T, s *Store, id string) {
	t.Helper()
	j := Job{Job: v1.Job{ID: id, Type: TypeBackfill}, Installation: inst, Kinds: []v1.Kind{v1.KindCompany}}
	harness.OK(t, s.Start(t.Context(), j))
}

func get(t *testing.T, s *Store, id string) Job {
	t.Helper()
	j, ok := s.Get(inst, id)
	if !ok {
		t.Fatalf("there is no job %s", id)
	}
	return j
}

func TestCounts(t *testing.T) {
	s := openStore(t, table(t))
	start(t, s, "a")
	for _, one := range []struct {
		o     v1.Outcome
		drift bool
	}{
		{v1.OutcomePushed, false},
		{v1.OutcomePushed, true},
		{v1.OutcomeUnchanged, false},
		{v1.OutcomeNotMet, false},
		{v1.OutcomeWaiting, false},
		{v1.OutcomeRetrying, false},
		{v1.OutcomeDead, false},
	} {
		s.Count("a", one.o, one.drift)
	}
	s.Count("nobody", v1.OutcomePushed, false)
	want := v1.Job{
		ID: "a", Type: TypeBackfill, State: v1.JobRunning, Done: 7, Pushed: 2, Unchanged: 1, NotMet: 2, Failed: 2, Drift: 1, StartedAt: began.Add(time.Second),
	}
	if diff := cmp.Diff(want, get(t, s, "a").Job); diff != "" {
		t.Error(diff)
	}
}

func TestJobGoesOnAfterARestart(t *testing.T) {
	tab := table(t)
	s := openStore(t, tab)
	start(t, s, "a")
	if err := s.Change(t.Context(), "a", func(j *Job) {
		j.Cursor[v1.KindCompany], j.Total = 174, 500
	}); err != nil {
		t.Fatal(err)
	}
	s.Count("a", v1.OutcomePushed, false)
	harness.OK(t, s.Flush(t.Context(), inst))
	s.Count("a", v1.OutcomePushed, false) // not flushed: progress may be lost, work may not
	again := openStore(t, tab)
	running := again.Running(inst)
	if len(running) != 1 {
		t.Fatalf("%d run", len(running))
	}
	if j := running[0]; j.Cursor[v1.KindCompany] != 174 || j.Total != 500 || j.Pushed != 1 || j.Kinds[0] != v1.KindCompany {
		t.Errorf("got %+v", j)
	}
	if len(again.Running(other)) != 0 {
		t.Error("it runs for the other installation too")
	}
}

func TestEndedJobStaysAsItEnded(t *testing.T) {
	tab := table(t)
	s := openStore(t, tab)
	start(t, s, "a")
	harness.OK(t, s.Change(t.Context(), "a", func(j *Job) { j.Total = 3 }))
	s.Count("a", v1.OutcomePushed, false)
	for _, end := range []v1.JobState{v1.JobCancelled, v1.JobDone, v1.JobFailed} {
		harness.OK(t, s.Finish(t.Context(), "a", end, "because"))
	}
	s.Count("a", v1.OutcomePushed, false)
	for name, s := range map[string]*Store{"at once": s, "after a restart": openStore(t, tab)} {
		j := get(t, s, "a")
		if j.State != v1.JobCancelled || j.Done != 1 || j.Pushed != 1 || j.FinishedAt == nil || j.Detail != "because" {
			t.Errorf("%s: %+v", name, j.Job)
		}
		if len(s.Running(inst)) != 0 {
			t.Errorf("%s: it still runs", name)
		}
	}
	if err := s.Finish(t.Context(), "nobody", v1.JobDone, ""); err != nil {
		t.Errorf("of none: %v", err)
	}
}

func TestDoneJobHasDoneAll(t *testing.T) {
	s := openStore(t, table(t))
	start(t, s, "a")
	harness.OK(t, s.Change(t.Context(), "a", func(j *Job) { j.Total = 3 }))
	harness.OK(t, s.Finish(t.Context(), "a", v1.JobDone, ""))
	if j := get(t, s, "a"); j.Done != 3 || j.State != v1.JobDone {
		t.Errorf("got %+v", j.Job)
	}
}

func TestOldestFinishedJobsGo(t *testing.T) {
	tab := table(t)
	s := openStore(t, tab)
	start(t, s, "runs")
	for i := range keepDone + 5 {
		id := fmt.Sprintf("j%02d", i)
		start(t, s, id)
		harness.OK(t, s.Finish(t.Context(), id, v1.JobDone, ""))
	}
	start(t, s, "last")
	for name, s := range map[string]*Store{"at once": s, "after a restart": openStore(t, tab)} {
		for _, id := range []string{"runs", "last", "j05", fmt.Sprintf("j%02d", keepDone+4)} {
			if _, ok := s.Get(inst, id); !ok {
				t.Errorf("%s: %s is gone", name, id)
			}
		}
		if _, ok := s.Get(inst, "j04"); ok {
			t.Errorf("%s: j04 is still there", name)
		}
	}
}

func TestReadersHoldCopies(t *testing.T) {
	s := openStore(t, table(t))
	start(t, s, "a")
	j := get(t, s, "a")
	j.Cursor[v1.KindCompany], j.Kinds[0] = 99, v1.KindContract
	if got := get(t, s, "a"); got.Cursor[v1.KindCompany] != 0 || got.Kinds[0] != v1.KindCompany {
		t.Errorf("got %+v", got)
	}
	if _, ok := s.Get(other, "a"); ok {
		t.Error("another installation sees it")
	}
}

func TestPurge(t *testing.T) {
	tab := table(t)
	s := openStore(t, tab)
	start(t, s, "a")
	harness.OK(t, s.Purge(t.Context(), inst))
	for name, s := range map[string]*Store{"at once": s, "after a restart": openStore(t, tab)} {
		if _, ok := s.Get(inst, "a"); ok {
			t.Errorf("%s: it is still there", name)
		}
	}
	if err := s.Change(t.Context(), "a", func(*Job) {}); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("change: got %v", err)
	}
}

// slowTable holds the first write that the test stops until the test releases it.
type slowTable struct {
	Table
	held, let chan struct{}
	err       error
}

func (s *slowTable) Put(ctx context.Context, key string, value []byte) (uint64, error) {
	if s.held != nil {
		held := s.held
		s.held = nil
		close(held)
		<-s.let
	}
	if s.err != nil {
		return 0, s.err
	}
	return s.Table.Put(ctx, key, value)
}

func TestSlowWriteDoesNotBringAnEndedJobBack(t *testing.T) {
	tab := table(t)
	slow := &slowTable{Table: tab, let: make(chan struct{})}
	s := openStore(t, slow)
	start(t, s, "a")
	held := make(chan struct{})
	slow.held = held
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Change(t.Context(), "a", func(j *Job) { j.Total = 1 }); err != nil {
			t.Error(err)
		}
	})
	<-held
	wg.Go(func() {
		if err := s.Finish(t.Context(), "a", v1.JobCancelled, ""); err != nil {
			t.Error(err)
		}
	})
	close(slow.let)
	wg.Wait()
	if j := get(t, openStore(t, tab), "a"); j.State != v1.JobCancelled {
		t.Errorf("stored: %+v", j.Job)
	}
}

func TestFailedWrites(t *testing.T) {
	tab := table(t)
	slow := &slowTable{Table: tab}
	s := openStore(t, slow)
	start(t, s, "a")
	s.Count("a", v1.OutcomePushed, false)
	slow.err = errors.New("no store")
	if err := s.Flush(t.Context(), inst); !errors.Is(err, slow.err) {
		t.Fatalf("flush: got %v", err)
	}
	if err := s.Start(t.Context(), Job{Job: v1.Job{ID: "b"}, Installation: inst}); !errors.Is(err, slow.err) {
		t.Fatalf("start: got %v", err)
	}
	if _, ok := s.Get(inst, "b"); ok {
		t.Error("a job that could not be stored runs")
	}
	slow.err = nil
	harness.OK(t, s.Flush(t.Context(), inst))
	if j := get(t, openStore(t, tab), "a"); j.Pushed != 1 {
		t.Errorf("the count was not stored the second time: %+v", j.Job)
	}
}

func TestListIsNewestFirst(t *testing.T) {
	s := openStore(t, table(t))
	start := func(installation, id string) {
		t.Helper()
		harness.OK(t, s.Start(t.Context(), Job{Job: v1.Job{ID: id, Type: TypeResync}, Installation: installation}))
	}
	start(inst, "long")
	for i := range keepDone + 1 {
		id := fmt.Sprintf("j-%02d", i)
		start(inst, id)
		harness.OK(t, s.Finish(t.Context(), id, v1.JobDone, ""))
	}
	start(other, "theirs")
	list := s.List(inst)
	if len(list) != keepDone || list[0].ID != fmt.Sprintf("j-%02d", keepDone) || list[len(list)-1].ID != "long" {
		t.Errorf("got %d jobs, from %s to %s", len(list), list[0].ID, list[len(list)-1].ID)
	}
	for i := 1; i < len(list); i++ {
		if list[i].StartedAt.After(list[i-1].StartedAt) {
			t.Errorf("%s stands before %s", list[i-1].ID, list[i].ID)
		}
	}
	if none := s.List("01hzx3q8r9k2m4n6p8s0t2v4w8"); len(none) != 0 {
		t.Errorf("of an installation without jobs: %v", none)
	}
}
