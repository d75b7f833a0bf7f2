package history

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/events/kv"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// errCause is one that only has to be one.
var errCause = errors.New("the cause")

func TestGoesOnAfterARestart(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	s := process(t, tab, c)
	s.Count(inst, onePush)
	c.Set(noon.Add(time.Hour))
	s.Count(inst, oneChange)
	s.Count(inst, Counts{})
	s.Count(other, onePush)
	want(t, s, map[int]Counts{1: onePush, 0: oneChange})
	harness.OK(t, s.Drop(t.Context(), inst))
	harness.OK(t, s.Drop(t.Context(), inst))
	s.Count(inst, onePush) // comes too late

	again := process(t, tab, c)
	again.Count(inst, oneChange)
	want(t, again, map[int]Counts{1: onePush, 0: {Changes: 2}})
	if got := seen(t, again, other); len(got) != 0 {
		t.Errorf("another installation has %v", got)
	}
}

// TestShownWhereItIsNotLoaded: on another instance, or when it is uninstalled.
func TestShownWhereItIsNotLoaded(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	s := process(t, tab, c)
	s.Count(inst, onePush)
	elsewhere := New(Config{Table: tab, Now: c.Now, Log: zap.NewNop()})
	want(t, elsewhere, map[int]Counts{})
	s.saveAll(t.Context())
	want(t, elsewhere, map[int]Counts{0: onePush})
	harness.OK(t, s.Drop(t.Context(), inst))
	want(t, s, map[int]Counts{0: onePush})
}

// TestTwoInstancesLoseNothing, though the one that had the installation writes last.
func TestTwoInstancesLoseNothing(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	a, b := process(t, tab, c), process(t, tab, c)
	a.Count(inst, oneChange)
	b.Count(inst, oneChange) // what both write first is the same to the byte
	a.saveAll(t.Context())
	b.saveAll(t.Context())
	a.Count(inst, onePush)
	b.saveAll(t.Context()) // has nothing
	harness.OK(t, a.Drop(t.Context(), inst))
	b.Count(inst, onePush)
	harness.OK(t, b.Drop(t.Context(), inst))
	want(t, process(t, tab, c), map[int]Counts{0: {Changes: 4, Pushed: 2}})
}

func TestPurge(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	s := process(t, tab, c)
	harness.OK(t, s.Purge(t.Context(), other)) // of none
	s.Count(inst, onePush)
	s.saveAll(t.Context())
	s.Count(inst, onePush)
	harness.OK(t, s.Purge(t.Context(), inst))
	s.saveAll(t.Context())
	harness.OK(t, s.Drop(t.Context(), inst))
	if _, err := tab.Get(t.Context(), inst); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("it is stored: %v", err)
	}
	want(t, s, map[int]Counts{})
	harness.OK(t, s.Purge(t.Context(), inst)) // may be repeated
}

// TestErasedElsewhereStaysErased, whatever this process still has of it.
func TestErasedElsewhereStaysErased(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	s := process(t, tab, c)
	s.Count(inst, onePush)
	s.saveAll(t.Context())
	harness.OK(t, New(Config{Table: tab, Now: c.Now, Log: zap.NewNop()}).Purge(t.Context(), inst))
	s.Count(inst, onePush)
	s.saveAll(t.Context())
	s.Count(inst, onePush)
	harness.OK(t, s.Drop(t.Context(), inst))
	if _, err := tab.Get(t.Context(), inst); !errors.Is(err, kv.ErrNotFound) {
		t.Errorf("it is stored: %v", err)
	}
}

func TestStoredNonsenseBeginsAnew(t *testing.T) {
	tab, c := table(t), clock.At(noon)
	_, err := tab.Put(t.Context(), inst, []byte(`{"hours":[{"hour":1,"changes":-1}]}`))
	harness.OK(t, err)
	core, logs := observer.New(zapcore.WarnLevel)
	s := New(Config{Table: tab, Now: c.Now, Log: zap.New(core)})
	s.Load(inst)
	s.Count(inst, onePush)
	harness.OK(t, s.Drop(t.Context(), inst))
	if logs.Len() != 1 {
		t.Errorf("logged %v", logs.All())
	}
	want(t, process(t, tab, c), map[int]Counts{0: onePush})
}

// moody is a table that fails on request, before or after it has written.
type moody struct {
	Table
	mu     sync.Mutex
	reads  error
	lost   error // of writes, which do not arrive
	writes int
}

func (m *moody) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *moody) Get(ctx context.Context, key string) (kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.reads != nil {
		return kv.Entry{}, m.reads
	}
	return m.Table.Get(ctx, key)
}

func (m *moody) write(do func() (uint64, error)) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.lost != nil {
		return 0, m.lost
	}
	return do()
}

func (m *moody) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return m.write(func() (uint64, error) { return m.Table.Create(ctx, key, value) })
}

func (m *moody) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	return m.write(func() (uint64, error) { return m.Table.Update(ctx, key, value, revision) })
}

// memory is a table without a server, for the bubble of synctest.
type memory struct {
	mu       sync.Mutex
	rows     map[string]kv.Entry
	revision uint64
}

func (m *memory) Get(_ context.Context, key string) (kv.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.rows[key]; ok {
		return e, nil
	}
	return kv.Entry{}, kv.ErrNotFound
}

func (m *memory) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	return m.Update(ctx, key, value, 0)
}

func (m *memory) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[key].Revision != revision {
		return 0, kv.ErrConflict
	}
	m.revision++
	m.rows[key] = kv.Entry{Key: key, Value: value, Revision: m.revision}
	return m.revision, nil
}

func (m *memory) Erase(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, key)
	return nil
}

// TestWritesThatFail are made up for.
func TestWritesThatFail(t *testing.T) {
	for name, fail := range map[string]func(*moody){
		"lost":              func(m *moody) { m.lost = errCause },
		"lost, no reads":    func(m *moody) { m.lost, m.reads = errCause, errCause },
		"always in between": func(m *moody) { m.lost = kv.ErrConflict },
	} {
		for first, stored := range map[string]bool{"the first": false, "a later one": true} {
			t.Run(name+", "+first, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { // in memory: no wait takes time
					tab, c := &moody{Table: &memory{rows: map[string]kv.Entry{}}}, clock.At(noon)
					s := process(t, tab, c)
					sum := Counts{}
					if stored {
						s.Count(inst, onePush)
						s.saveAll(t.Context())
						sum = onePush
					}
					tab.set(func() { fail(tab) })
					for range 3 {
						s.Count(inst, oneChange)
						s.saveAll(t.Context())
					}
					sum = sum.plus(Counts{Changes: 3})
					tab.set(func() { tab.lost, tab.reads = nil, nil })
					want(t, s, map[int]Counts{0: sum})
					s.Count(inst, oneChange)
					sum = sum.plus(oneChange)
					s.saveAll(t.Context())
					want(t, s, map[int]Counts{0: sum})
					want(t, process(t, tab, c), map[int]Counts{0: sum})
				})
			})
		}
	}
}

func TestDropThatFailsForgets(t *testing.T) {
	tab, c := &moody{Table: &memory{rows: map[string]kv.Entry{}}}, clock.At(noon)
	s := process(t, tab, c)
	s.Count(inst, onePush)
	tab.set(func() { tab.lost = errCause })
	if err := s.Drop(t.Context(), inst); !errors.Is(err, errCause) {
		t.Fatalf("got %v", err)
	}
	if len(s.loaded) != 0 {
		t.Error("it is kept in memory")
	}
}

// TestStoredOnceAMinute, and only when there is something new.
func TestStoredOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tab := &moody{Table: &memory{rows: map[string]kv.Entry{}}}
		core, logs := observer.New(zapcore.WarnLevel)
		s := New(Config{Table: tab, Now: time.Now, Log: zap.New(core)})
		for _, id := range []string{inst, other} {
			s.Load(id)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { s.Run(ctx) })
		pass := func(d time.Duration) int {
			<-time.After(d)
			synctest.Wait()
			tab.mu.Lock()
			defer tab.mu.Unlock()
			return tab.writes
		}
		var got []int
		for range 1000 {
			s.Count(inst, onePush)
		}
		got = append(got, pass(59*time.Second), pass(2*time.Second), pass(10*time.Minute))
		s.Count(inst, onePush)
		s.Count(other, onePush)
		got = append(got, pass(time.Minute))
		tab.set(func() { tab.lost = errCause })
		s.Count(inst, onePush)
		s.Count(other, onePush)
		got = append(got, pass(time.Minute)) // the first failure ends the round
		tab.set(func() { tab.lost = nil })
		got = append(got, pass(time.Minute), pass(time.Hour))
		if diff := cmp.Diff([]int{0, 1, 1, 3, 4, 6, 6}, got); diff != "" {
			t.Error(diff)
		}
		if logs.Len() != 1 {
			t.Errorf("logged %v", logs.All())
		}
		cancel()
		wg.Wait()
	})
}

// TestManyHands: counting, storing, showing and stopping at once lose and double nothing.
func TestManyHands(t *testing.T) {
	tab, c := &memory{rows: map[string]kv.Entry{}}, clock.At(noon)
	s := process(t, tab, c)
	const hands, each = 4, 500
	var counting, others sync.WaitGroup
	stop := make(chan struct{})
	for range hands {
		counting.Go(func() {
			for range each {
				s.Count(inst, onePush)
			}
		})
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				s.saveAll(t.Context())
				if _, err := s.Hours(t.Context(), inst); err != nil {
					t.Error(err)
				}
			}
		})
	}
	counting.Wait()
	harness.OK(t, s.Drop(t.Context(), inst))
	close(stop)
	others.Wait()
	want(t, process(t, tab, c), map[int]Counts{0: {Changes: hands * each, Pushed: hands * each}})
}
