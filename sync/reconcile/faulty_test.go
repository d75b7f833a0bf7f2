package reconcile

import (
	"context"
	"errors"
	"sync"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/sync/deadletter"
	"channelsync/sync/ledger"
)

var errCrash = errors.New("crashed here")

// crash makes one step of writing end as in a crash: the step is not done, or it
// is done and nobody hears of it. Steps are counted from 1; 0 is never.
type crash struct {
	mu   sync.Mutex
	at   int
	done int
	log  []string // the names of the steps, in order
}

// step runs one, or what a crash leaves of it.
func (c *crash) step(name string, do func() error) error {
	if c.count("before "+name) || c.broken() {
		return errCrash
	}
	if err := do(); err != nil {
		return err
	}
	if c.count("after " + name) {
		return errCrash
	}
	return nil
}

func (c *crash) count(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	c.log = append(c.log, name)
	return c.done == c.at
}

// broken says that the crash is behind us: nothing more is written.
func (c *crash) broken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at > 0 && c.done > c.at
}

// arm sets the step to crash at, and counts from the beginning.
func (c *crash) arm(at int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.done, c.log = at, 0, nil
}

func (c *crash) steps() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.log
}

type crashJournal struct {
	*crash
	Journal
}

func (j crashJournal) PublishAll(ctx context.Context, changes []events.Change) error {
	return j.step("dependents", func() error { return j.Journal.PublishAll(ctx, changes) })
}

type crashWorklist struct {
	*crash
	Worklist
}

func (w crashWorklist) Enqueue(ctx context.Context, due []events.DueEntry) error {
	return w.step("mark", func() error { return w.Worklist.Enqueue(ctx, due) })
}

func (w crashWorklist) AckThrough(ctx context.Context, installation string, kind v1.Kind, lane events.Lane, upTo uint64) error {
	return w.step("clear", func() error { return w.Worklist.AckThrough(ctx, installation, kind, lane, upTo) })
}

type crashSchedule struct {
	*crash
	Scheduler
}

func (s crashSchedule) Schedule(ctx context.Context, due []events.DueEntry, wait func(events.DueEntry) time.Duration) error {
	return s.step("later", func() error { return s.Scheduler.Schedule(ctx, due, wait) })
}

func (s crashSchedule) Unschedule(ctx context.Context, installation string, kind v1.Kind, ids []int64) error {
	return s.step("cancel later", func() error { return s.Scheduler.Unschedule(ctx, installation, kind, ids) })
}

type crashTable struct {
	*crash
	ledger.Table
}

func (t crashTable) PutMany(ctx context.Context, puts []kv.KeyValue) error {
	return t.step("ledger", func() error { return t.Table.PutMany(ctx, puts) })
}

type crashStream struct {
	*crash
	deadletter.Stream
}

func (s crashStream) Put(ctx context.Context, d events.DeadLetter) (put events.DeadLetter, err error) {
	err = s.step("dead letter", func() (err error) {
		put, err = s.Stream.Put(ctx, d)
		return err
	})
	return put, err
}

func (s crashStream) Delete(ctx context.Context, installation, id string) error {
	return s.step("drop dead letter", func() error { return s.Stream.Delete(ctx, installation, id) })
}
