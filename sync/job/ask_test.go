package job

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

// asked is a job that somebody asks for, by what tells it from others.
func asked(id string, change ...func(*Job)) Job {
	j := Job{Job: v1.Job{ID: id, Type: TypeResync}, Installation: inst, Kinds: []v1.Kind{v1.KindCompany}, Force: true}
	for _, c := range change {
		c(&j)
	}
	return j
}

func ask(t *testing.T, s *Store, j Job) (id string, busy *Busy) {
	t.Helper()
	id, err := s.Ask(t.Context(), j)
	if err != nil && !errors.As(err, &busy) {
		t.Fatal(err)
	}
	return id, busy
}

func TestSameJobAgain(t *testing.T) {
	s := openStore(t, table(t))
	dry := func(j *Job) { j.DryRun = true }
	if id, busy := ask(t, s, asked("a")); id != "a" || busy != nil {
		t.Fatalf("the first: %q, %v", id, busy)
	}
	if _, busy := ask(t, s, asked("b")); busy == nil || busy.AtWork.ID != "a" || !busy.Same {
		t.Errorf("the same as the one at work: %v, want to be refused for a", busy)
	}
	if id, _ := ask(t, s, asked("c", dry)); id != "c" {
		t.Errorf("another one: %q, want c", id)
	}
	if id, _ := ask(t, s, asked("d", dry)); id != "c" {
		t.Errorf("the same as one that waits: %q, want that one", id)
	}
	from := began
	for name, j := range map[string]Job{
		"other kinds": asked("e", dry, func(j *Job) { j.Kinds = []v1.Kind{v1.KindContract} }),
		"not forced":  asked("f", dry, func(j *Job) { j.Force = false }),
		"a replay":    asked("g", func(j *Job) { j.Type = TypeReplay }),
		"its range":   asked("h", func(j *Job) { j.Type, j.Replay.From = TypeReplay, &from }),
		"of another":  asked("i", func(j *Job) { j.Installation = other }),
	} {
		if id, busy := ask(t, s, j); id != j.ID {
			t.Errorf("%s: %q, %v; want a job of its own", name, id, busy)
		}
	}
	if got := len(s.Running(inst)); got != 6 {
		t.Errorf("%d jobs are not done, want 6", got)
	}
	harness.OK(t, s.Finish(t.Context(), "a", v1.JobCancelled, ""))
	if id, busy := ask(t, s, asked("k")); id != "k" {
		t.Errorf("after the one at work was cancelled: %q, %v", id, busy)
	}
}

// What the service itself needs is never refused: it goes through everything once more
// after the one at work, which may have begun before.
func TestOwnJobsAreNeverRefused(t *testing.T) {
	s := openStore(t, table(t))
	ids := map[string]int{}
	for i := range 20 {
		id, err := s.Queue(t.Context(), asked(fmt.Sprint(i)))
		harness.OK(t, err)
		ids[id]++
	}
	if len(ids) != 2 || ids["0"] != 1 || ids["1"] != 19 {
		t.Errorf("20 times the same are %v, want the one at work and one that waits", ids)
	}
}

func TestFewJobsWait(t *testing.T) {
	tab := table(t)
	s := openStore(t, tab)
	var wg sync.WaitGroup
	var mu sync.Mutex
	refused := 0
	for i := range 100 { // side by side, each its own
		wg.Go(func() {
			from := began.Add(time.Duration(i) * time.Hour)
			_, err := s.Ask(t.Context(), asked(fmt.Sprint(i), func(j *Job) { j.Type, j.Replay.From = TypeReplay, &from }))
			busy, is := errors.AsType[*Busy](err)
			switch {
			case err == nil:
			case !is || busy.Same:
				t.Error(err)
			default:
				mu.Lock()
				refused++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := len(s.Running(inst)); n != maxUnfinished || refused != 100-maxUnfinished {
		t.Errorf("%d jobs are not done and %d were refused, want %d and the rest", n, refused, maxUnfinished)
	}
	if n := len(openStore(t, tab).Running(inst)); n != maxUnfinished {
		t.Errorf("%d jobs are stored", n)
	}
}

// A clock that steps back must not let a job overtake the one at work, which others
// would then be taken for.
func TestNewJobIsLastInLine(t *testing.T) {
	now := began
	s, err := Open(t.Context(), table(t), func() time.Time { return now })
	harness.OK(t, err)
	for i, step := range []time.Duration{0, -time.Hour, 0, time.Minute} {
		now = now.Add(step)
		start(t, s, fmt.Sprint(i))
	}
	for i, j := range s.Running(inst) {
		if j.ID != fmt.Sprint(i) {
			t.Errorf("at place %d stands %s", i, j.ID)
		}
	}
}
