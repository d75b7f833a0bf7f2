// Package job keeps backfills, resyncs and replays: what they are to go through,
// how far they came, what came of it. A job survives a restart: its listing goes
// on after the last record it listed, and its records stand in the worklist.
// It lists and pushes nothing itself; sync/control runs jobs and counts for them.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/clip"
	"channelsync/internal/gate"
)

// The types of jobs.
const (
	TypeBackfill = "backfill"
	TypeResync   = "resync"
	TypeSweep    = "sweep"
	TypeReplay   = "replay"
	TypeBulk     = "bulk"
)

// keepDone is how many finished jobs of an installation are kept for the record.
const keepDone = 20

// Job is one of them with what it needs to go on.
type Job struct {
	v1.Job
	Installation string            `json:"installation"`
	Kinds        []v1.Kind         `json:"kinds"`
	Force        bool              `json:"force,omitempty"`      // whatever the fingerprints say
	By           string            `json:"by,omitempty"`         // who asked for it; empty: nobody did
	Cursor       map[v1.Kind]int64 `json:"cursor"`               // the last id listed
	Listed       bool              `json:"listed"`               // all that was to be marked is in the journal
	Replay       v1.ReplayRequest  `json:"replay"`               // what a replay was asked for
	Search       []byte            `json:"search,omitempty"`     // the text of a bulk job's filter, sealed: it may name a client
	Begun        bool              `json:"begun,omitempty"`      // of a bulk job: its count was confirmed
	DeadCursor   string            `json:"deadCursor,omitempty"` // of a bulk job: the cursor of the next dead letters
}

// Table is where the jobs lie.
type Table interface {
	Put(ctx context.Context, key string, value []byte) (uint64, error)
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Delete(ctx context.Context, key string) error
	PurgePrefix(ctx context.Context, prefix string) error
}

// Store keeps jobs, in memory and on the stream.
type Store struct {
	table Table
	now   func() time.Time

	saving gate.Keyed // by job, one save at a time, so that an older state never overwrites a newer one

	mu   sync.Mutex       // guards what follows; never held across a call
	jobs map[string]*held // by job id
}

type held struct {
	Job
	dirty bool
}

// Open loads every job.
func Open(ctx context.Context, table Table, now func() time.Time) (*Store, error) {
	s := New(table, now)
	err := table.Each(ctx, "", func(e kv.Entry) error {
		var j Job
		if err := json.Unmarshal(e.Value, &j); err != nil {
			return fmt.Errorf("decode job %s: %w", e.Key, err)
		}
		s.jobs[j.ID] = &held{Job: j}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load jobs: %w", err)
	}
	return s, nil
}

// New makes a store that knows of no job until its installation is loaded.
func New(table Table, now func() time.Time) *Store {
	return &Store{table: table, now: now, jobs: map[string]*held{}}
}

// Load reads the jobs of an installation as they are stored, in the place of what was known of them.
func (s *Store) Load(ctx context.Context, installation string) error {
	found := map[string]*held{}
	err := s.table.Each(ctx, installation, func(e kv.Entry) error {
		var j Job
		if err := json.Unmarshal(e.Value, &j); err != nil {
			return fmt.Errorf("decode job %s: %w", e.Key, err)
		}
		found[j.ID] = &held{Job: j}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load jobs: %w", err)
	}
	s.Forget(installation)
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.jobs, found)
	return nil
}

// Forget drops what is known of an installation's jobs: another process goes on with them.
func (s *Store) Forget(installation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.jobs, func(_ string, h *held) bool { return h.Installation == installation })
}

// maxUnfinished is how many jobs of an installation may be asked for at a time: the one
// at work and those that wait for it.
const maxUnfinished = 8

// Busy refuses a job that was asked for: the same one is at work, or too many wait.
type Busy struct {
	AtWork Job
	Same   bool // it is what was asked for
}

// Error names the job at work.
func (b *Busy) Error() string {
	if b.Same {
		return "the same job is at work: " + b.AtWork.ID
	}
	return fmt.Sprintf("%d jobs are not done yet; %s is at work", maxUnfinished, b.AtWork.ID)
}

// Start stores a new job as running.
func (s *Store) Start(ctx context.Context, j Job) error {
	_, err := s.start(ctx, j, func([]*held) (string, error) { return "", nil })
	return err
}

// Queue is Start of a job that the service itself needs. The jobs of an installation are
// worked on one after the other: one that is the same as one that still waits is that one,
// since that one goes through everything as it is by then. It returns the job's id.
func (s *Store) Queue(ctx context.Context, j Job) (id string, err error) {
	return s.start(ctx, j, func(unfinished []*held) (string, error) { return waitingTwin(unfinished, j), nil })
}

// Ask is Queue of a job that somebody asks for: it is a *Busy when the same job is at
// work, or too many are not done yet.
func (s *Store) Ask(ctx context.Context, j Job) (id string, err error) {
	return s.start(ctx, j, func(unfinished []*held) (string, error) {
		if twin := waitingTwin(unfinished, j); twin != "" {
			return twin, nil
		}
		if len(unfinished) > 0 {
			first := unfinished[0]
			if same := first.asksTheSame(j); same || len(unfinished) >= maxUnfinished {
				return "", &Busy{AtWork: first.Job.clone(), Same: same}
			}
		}
		return "", nil
	})
}

// waitingTwin is the job that asks the same and waits: only the first may have begun.
func waitingTwin(unfinished []*held, j Job) string {
	for _, h := range unfinished[min(1, len(unfinished)):] {
		if h.asksTheSame(j) {
			return h.ID
		}
	}
	return ""
}

func (j Job) asksTheSame(as Job) bool {
	return j.Type == as.Type && j.DryRun == as.DryRun && j.Force == as.Force && slices.Equal(j.Kinds, as.Kinds) &&
		reflect.DeepEqual(j.Replay, as.Replay) && sameBulk(j.Bulk, as.Bulk) && slices.Equal(j.Search, as.Search)
}

// sameBulk compares what bulk jobs are for, whenever they were asked for.
func sameBulk(a, b *v1.BulkJob) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	x.Until, y.Until = time.Time{}, time.Time{}
	return x == y
}

// Drops says whether what a job has enqueued is to be dropped: it was cancelled. What a requeue has taken off the list
// of dead letters is tried all the same, since nobody else would.
func (s *Store) Drops(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[id]
	return h != nil && h.State == v1.JobCancelled && (h.Bulk == nil || h.Bulk.Action != v1.ActionRequeue)
}

// start stores a new job, unless check finds a twin among those that are not done yet.
func (s *Store) start(ctx context.Context, j Job, check func(unfinished []*held) (twin string, err error)) (id string, err error) {
	j.State = v1.JobRunning
	if j.Cursor == nil {
		j.Cursor = map[v1.Kind]int64{}
	}
	old, twin, err := s.insert(j, check)
	if err != nil || twin != "" {
		return twin, err
	}
	for _, id := range old {
		s.drop(ctx, j.Installation, id)
	}
	if err := s.save(ctx, j.ID); err != nil {
		s.drop(context.WithoutCancel(ctx), j.Installation, j.ID) // whoever asked gets the error
		return "", err
	}
	return j.ID, nil
}

func (s *Store) insert(j Job, check func([]*held) (string, error)) (old []string, twin string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	unfinished := s.unfinished(j.Installation)
	if twin, err = check(unfinished); err != nil || twin != "" {
		return nil, twin, err
	}
	j.StartedAt = s.now()
	if n := len(unfinished); n > 0 && !j.StartedAt.After(unfinished[n-1].StartedAt) {
		j.StartedAt = unfinished[n-1].StartedAt.Add(time.Millisecond) // the last in line, whatever the clock did
	}
	s.jobs[j.ID] = &held{Job: j}
	return s.finished(j.Installation), "", nil
}

// unfinished are the jobs of an installation that are not done, in the order they are worked on.
func (s *Store) unfinished(installation string) []*held {
	var out []*held
	for _, h := range s.jobs {
		if h.Installation == installation && h.State == v1.JobRunning {
			out = append(out, h)
		}
	}
	slices.SortFunc(out, func(a, b *held) int { return a.StartedAt.Compare(b.StartedAt) })
	return out
}

// Get returns a copy.
func (s *Store) Get(installation, id string) (Job, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[id]
	if h == nil || h.Installation != installation {
		return Job{}, false
	}
	return h.Job.clone(), true
}

// Stored reads a job of an installation that is not loaded.
func (s *Store) Stored(ctx context.Context, installation, id string) (found Job, ok bool, err error) {
	err = s.table.Each(ctx, installation, func(e kv.Entry) error {
		var j Job
		if err := json.Unmarshal(e.Value, &j); err != nil {
			return fmt.Errorf("decode job %s: %w", e.Key, err)
		}
		if j.ID == id {
			found, ok = j, true
		}
		return nil
	})
	if err != nil {
		return Job{}, false, fmt.Errorf("read jobs: %w", err)
	}
	return found, ok, nil
}

// State returns the state of a job; empty when there is none.
func (s *Store) State(id string) v1.JobState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.jobs[id]; h != nil {
		return h.State
	}
	return ""
}

// Running lists the running jobs of an installation, oldest first.
func (s *Store) Running(installation string) []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Job
	for _, h := range s.unfinished(installation) {
		out = append(out, h.Job.clone())
	}
	return out
}

// List returns the running jobs of an installation and the last that ended, newest
// first: 20 at most, unless more are running.
func (s *Store) List(installation string) []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var running, ended []Job
	for _, h := range s.jobs {
		switch {
		case h.Installation != installation:
		case h.State == v1.JobRunning:
			running = append(running, h.Job.clone())
		default:
			ended = append(ended, h.Job.clone())
		}
	}
	newest := func(a, b Job) int { return b.StartedAt.Compare(a.StartedAt) }
	slices.SortFunc(ended, newest)
	out := append(running, ended[:max(0, min(len(ended), keepDone-len(running)))]...)
	slices.SortFunc(out, newest)
	return out
}

// Backfilling returns the installations whose backfill is under way.
func (s *Store) Backfilling() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]bool{}
	for _, h := range s.jobs {
		if h.Type == TypeBackfill && h.State == v1.JobRunning {
			out[h.Installation] = true
		}
	}
	return out
}

// Count adds the outcome of one record.
func (s *Store) Count(id string, o v1.Outcome, drift bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[id]
	if h == nil || h.State != v1.JobRunning {
		return
	}
	h.Done++
	h.dirty = true
	switch o {
	case v1.OutcomePushed:
		h.Pushed++
	case v1.OutcomeUnchanged:
		h.Unchanged++
	case v1.OutcomeNotMet, v1.OutcomeWaiting:
		h.NotMet++
	case v1.OutcomeRetrying, v1.OutcomeDead:
		h.Failed++
	}
	if drift {
		h.Drift++
	}
}

// Bounds of what a job names: a record has fewer fields than that, with shorter names.
const (
	maxDriftFields = 50
	maxDriftField  = 100 // bytes
)

// Drifted adds the fields that a record had been edited in at the target. Counts
// are stored now and then, and these with them.
func (s *Store) Drifted(id string, fields []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[id]
	if h == nil || h.State != v1.JobRunning {
		return
	}
	for _, f := range fields {
		if f = clip.Text(f, maxDriftField); !slices.Contains(h.DriftFields, f) && len(h.DriftFields) < maxDriftFields {
			h.DriftFields = append(h.DriftFields, f)
			h.dirty = true
		}
	}
	slices.Sort(h.DriftFields)
}

// Change edits a job and stores it.
func (s *Store) Change(ctx context.Context, id string, edit func(*Job)) error {
	if !s.edit(id, edit) {
		return kv.ErrNotFound
	}
	return s.save(ctx, id)
}

func (s *Store) edit(id string, edit func(*Job)) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.jobs[id]
	if h != nil {
		edit(&h.Job)
	}
	return h != nil
}

// Finish ends a job; one that has ended stays as it ended.
func (s *Store) Finish(ctx context.Context, id string, state v1.JobState, detail string) error {
	err := s.Change(ctx, id, func(j *Job) {
		if j.State != v1.JobRunning {
			return
		}
		now := s.now()
		j.State, j.FinishedAt, j.Detail = state, &now, detail
		if state == v1.JobDone {
			j.Done = max(j.Done, j.Total)
		}
	})
	if errors.Is(err, kv.ErrNotFound) {
		return nil
	}
	return err
}

// Flush stores the counts of an installation's jobs that changed since; it is
// called every now and then, for progress may be lost in a crash, work may not.
func (s *Store) Flush(ctx context.Context, installation string) error {
	s.mu.Lock()
	var ids []string
	for id, h := range s.jobs {
		if h.Installation == installation && h.dirty {
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	for _, id := range ids {
		if err := s.save(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// Purge drops every job of an installation.
func (s *Store) Purge(ctx context.Context, installation string) error {
	s.mu.Lock()
	maps.DeleteFunc(s.jobs, func(_ string, h *held) bool { return h.Installation == installation })
	s.mu.Unlock()
	if err := s.table.PurgePrefix(ctx, installation); err != nil {
		return fmt.Errorf("purge jobs: %w", err)
	}
	return nil
}

func (s *Store) save(ctx context.Context, id string) error {
	leave, err := s.saving.Enter(ctx, id)
	if err != nil {
		return fmt.Errorf("store job %s: %w", id, err)
	}
	defer leave()
	s.mu.Lock()
	h := s.jobs[id]
	if h == nil {
		s.mu.Unlock()
		return nil
	}
	h.dirty = false
	b, err := json.Marshal(h.Job)
	key := h.Installation + "." + id
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("encode job: %w", err)
	}
	if _, err := s.table.Put(ctx, key, b); err != nil {
		s.mu.Lock()
		h.dirty = true // the next Flush tries again
		s.mu.Unlock()
		return fmt.Errorf("store job %s: %w", id, err)
	}
	return nil
}

// finished lists the finished jobs beyond keepDone, oldest first.
func (s *Store) finished(installation string) []string {
	var done []*held
	for _, h := range s.jobs {
		if h.Installation == installation && h.State != v1.JobRunning {
			done = append(done, h)
		}
	}
	slices.SortFunc(done, func(a, b *held) int { return a.StartedAt.Compare(b.StartedAt) })
	var out []string
	for i := 0; i < len(done)-keepDone; i++ {
		out = append(out, done[i].ID)
	}
	return out
}

// drop forgets an old job; failing to is no reason to fail a new one.
func (s *Store) drop(ctx context.Context, installation, id string) {
	s.mu.Lock()
	delete(s.jobs, id)
	s.mu.Unlock()
	_ = s.table.Delete(ctx, installation+"."+id)
}

func (j Job) clone() Job {
	j.Kinds, j.DriftFields = slices.Clone(j.Kinds), slices.Clone(j.DriftFields)
	if j.FinishedAt != nil {
		j.FinishedAt = new(*j.FinishedAt)
	}
	c := make(map[v1.Kind]int64, len(j.Cursor))
	maps.Copy(c, j.Cursor)
	j.Cursor = c
	return j
}
