package deadletter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"golang.org/x/sync/singleflight"

	v1 "channelsync/api/v1"
	"channelsync/events"
)

// The one dead letter that says how many others were dropped. It stays until somebody
// dismisses it.
const (
	DroppedID   = "dropped"
	CodeDropped = "dead_letters_dropped"
)

// quota is what an installation may keep of one class of dead letters.
type quota struct {
	count int // dead letters
	bytes int // of their messages, sealed and encoded
}

// class tells bodies, which whoever has a webhook's secret can make any number of,
// from failures of records, of which each record has one.
type class int

const (
	bodies class = iota
	records
	classes
)

const (
	maxAge     = 90 * 24 * time.Hour // since the last failure
	knownFor   = time.Minute         // how long what was read is relied on: other instances put dead letters too
	unusedFor  = 10 * time.Minute    // how long it is remembered without being used
	loadWithin = 15 * time.Second
	loadPage   = 500
	dropMost   = 100 // at a time, so that whoever puts one does not wait for the store for long
)

type quotas [classes]quota

func defaultQuotas() quotas {
	return quotas{
		bodies:  {count: 5_000, bytes: 16 << 20},
		records: {count: 20_000, bytes: 16 << 20},
	}
}

// trim adds what was put to what is known of the installation, and drops what is beyond
// its quota. On an error something may be left beyond it; the next one put drops that.
func (b *Box) trim(ctx context.Context, installation string, put ...events.DeadLetter) error {
	s, err := b.shelves.of(ctx, installation, b.now(), b.read)
	if err != nil {
		return err
	}
	gone := s.beyond(b.quotas, b.now(), put)
	if len(gone) == 0 {
		return nil
	}
	if s.partial {
		b.shelves.forget(installation)
	}
	for _, l := range gone {
		if err := b.stream.DeleteRead(ctx, events.DeadLetter{Installation: installation, ID: l.id, Sequence: l.sequence}); err != nil {
			b.shelves.forget(installation) // it is read anew, and the rest dropped then
			return fmt.Errorf("drop dead letters beyond the quota: %w", err)
		}
	}
	return b.noteDropped(ctx, installation, len(gone))
}

// Tidy drops what is beyond an installation's quota, age included, though nothing is put.
func (b *Box) Tidy(ctx context.Context, installation string) error {
	b.shelves.forget(installation)
	return b.trim(ctx, installation)
}

// noteDropped counts dropped dead letters in the one that says so. One request writes it
// at a time, for those that come meanwhile too: what two write side by side would be lost.
func (b *Box) noteDropped(ctx context.Context, installation string, n int) error {
	if b.shelves.addDropped(installation, n) {
		return nil
	}
	for {
		n := b.shelves.takeDropped(installation)
		if n == 0 {
			return nil
		}
		if err := b.writeDropped(ctx, installation, n); err != nil {
			b.shelves.untakeDropped(installation, n)
			return fmt.Errorf("count dropped dead letters: %w", err)
		}
	}
}

func (b *Box) writeDropped(ctx context.Context, installation string, n int) error {
	now := b.now()
	d := v1.DeadLetter{ID: DroppedID, Kind: KindCallback, Code: CodeDropped, Attempts: n, FirstAt: now, LastAt: now}
	old, err := b.stream.Get(ctx, installation, DroppedID)
	switch {
	case err == nil:
		d.FirstAt, d.Attempts = old.FirstAt, old.Attempts+n
	case !errors.Is(err, events.ErrNotFound):
		return err
	}
	d.Detail = fmt.Sprintf("%d dead letters were dropped, the oldest first.", d.Attempts)
	if d.Attempts == 1 {
		d.Detail = "1 dead letter was dropped, the oldest."
	}
	_, err = b.put(ctx, installation, d)
	return err
}

// Dropped returns the dead letter that says how many others were dropped; false when
// none were since it was dismissed.
func (b *Box) Dropped(ctx context.Context, installation string) (d v1.DeadLetter, found bool, err error) {
	stored, err := b.stream.Get(ctx, installation, DroppedID)
	if errors.Is(err, events.ErrNotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("look up dropped dead letters: %w", err)
	}
	d, err = b.open(ctx, stored)
	return d, err == nil, err
}

// HaveDropped returns the installations of which Dropped would return one.
func (b *Box) HaveDropped(ctx context.Context) (map[string]bool, error) {
	having, err := b.stream.Having(ctx, DroppedID)
	if err != nil {
		return nil, fmt.Errorf("look up dropped dead letters: %w", err)
	}
	return having, nil
}

// entry is what is known of a dead letter in the stream.
type entry struct {
	id       string
	class    class
	sequence uint64
	size     int
	code     string
	first    time.Time
	at       time.Time
}

func entryOf(d events.DeadLetter) entry {
	l := entry{d.ID, records, d.Sequence, d.Size, unique.Make(d.Code).Value(), d.FirstAt, d.LastAt}
	if d.Kind == KindCallback {
		l.class = bodies
	}
	return l
}

// shelf is what is known of one installation's dead letters. No lock is held while the
// stream is asked.
type shelf struct {
	mu      sync.Mutex
	entries map[string]entry
	count   [classes]int
	bytes   [classes]int
	aged    bool // what is too old was looked for since it was read
	partial bool // there are more, all of them newer
	read    time.Time
	used    time.Time // guarded by shelves.mu
}

func (s *shelf) add(l entry) {
	old, there := s.entries[l.id]
	if l.id == DroppedID || there && old.sequence > l.sequence {
		return
	}
	s.remove(l.id)
	s.entries[l.id] = l
	s.count[l.class]++
	s.bytes[l.class] += l.size
}

func (s *shelf) remove(id string) {
	l, there := s.entries[id]
	if !there {
		return
	}
	delete(s.entries, id)
	s.count[l.class]--
	s.bytes[l.class] -= l.size
}

// beyond adds what was put, and takes out what has to go: what is too old, and of a
// class beyond its quota the oldest, until nine tenths of it are left, or enough are to
// go. So a flood is trimmed now and then, not with every one of it.
func (s *shelf) beyond(quotas quotas, now time.Time, put []events.DeadLetter) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range put {
		s.add(entryOf(d))
	}
	var over [classes]bool
	for c := range classes {
		over[c] = s.count[c] > quotas[c].count || s.bytes[c] > quotas[c].bytes
	}
	if s.aged && !over[bodies] && !over[records] {
		return nil
	}
	s.aged = true
	all := make([]entry, 0, len(s.entries))
	for _, l := range s.entries {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.sequence, b.sequence) })
	var gone []entry
	for _, l := range all {
		q := quotas[l.class]
		if len(gone) == dropMost {
			s.aged = false // there may be more
			break
		}
		if !l.at.IsZero() && now.Sub(l.at) > maxAge || over[l.class] && (s.count[l.class] > q.count/10*9 || s.bytes[l.class] > q.bytes/10*9) {
			s.remove(l.id)
			gone = append(gone, l)
		}
	}
	return gone
}

// failures are those of records.
func (s *shelf) failures() map[string]Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string]Failure, s.count[records])
	for id, l := range s.entries {
		if l.class == records {
			out[id] = Failure{l.code, l.first, l.at}
		}
	}
	return out
}

// shelves are those of the installations whose dead letters were put recently.
type shelves struct {
	mu      sync.Mutex
	all     map[string]*shelf
	dropped map[string]*unwritten // counts that are not written yet; present while somebody writes
	reads   *singleflight.Group
}

// unwritten is a count of dropped dead letters.
type unwritten struct {
	n       int
	writing bool
}

func newShelves() shelves {
	return shelves{all: map[string]*shelf{}, dropped: map[string]*unwritten{}, reads: &singleflight.Group{}}
}

// addDropped adds to the count that is to be written; true when somebody is writing it
// already, who takes this one along.
func (s *shelves) addDropped(installation string, n int) (underWay bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.dropped[installation]
	if u == nil {
		u = &unwritten{}
		s.dropped[installation] = u
	}
	u.n += n
	underWay, u.writing = u.writing, true
	return underWay
}

// takeDropped is what is to be written now; with 0 the writing is over.
func (s *shelves) takeDropped(installation string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.dropped[installation]
	if n, u.n = u.n, 0; n == 0 {
		delete(s.dropped, installation)
	}
	return n
}

// untakeDropped gives a count back that could not be written: the next one drops it along.
func (s *shelves) untakeDropped(installation string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.dropped[installation]
	u.n, u.writing = u.n+n, false
}

// of returns what is known of an installation, read if need be.
func (s *shelves) of(
	ctx context.Context, installation string, now time.Time, read func(context.Context, string) (*shelf, error),
) (*shelf, error) {
	if one := s.known(installation, now); one != nil {
		return one, nil
	}
	done := s.reads.DoChan(installation, func() (any, error) {
		// Others wait for it too: it must not end with the one who came first.
		ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), loadWithin,
			fmt.Errorf("read dead letters: not within %s", loadWithin))
		defer cancel()
		one, err := read(ctx, installation)
		if err == nil {
			s.keep(installation, one)
		}
		return one, err
	})
	select {
	case r := <-done:
		one, _ := r.Val.(*shelf)
		return one, r.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("read dead letters: %w", context.Cause(ctx))
	}
}

// known also forgets installations whose dead letters nobody has put for a while.
func (s *shelves) known(installation string, now time.Time) *shelf {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[installation]
	if one == nil || now.Sub(one.read) >= knownFor {
		maps.DeleteFunc(s.all, func(_ string, other *shelf) bool { return now.Sub(other.used) >= unusedFor })
		return nil
	}
	one.used = now
	return one
}

func (s *shelves) keep(installation string, one *shelf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one.used = one.read
	s.all[installation] = one
}

func (s *shelves) forget(installation string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, installation)
}

// remove forgets a dead letter that was deleted.
func (s *shelves) remove(installation, id string) {
	s.mu.Lock()
	one := s.all[installation]
	s.mu.Unlock()
	if one == nil {
		return
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	one.remove(id)
}

// read reads the oldest first, and no more than it takes to know what has to go: what an
// installation had before there was a quota may be any number.
func (b *Box) read(ctx context.Context, installation string) (*shelf, error) {
	s := &shelf{entries: map[string]entry{}, read: b.now()}
	for cursor := ""; ; {
		found, next, err := b.stream.List(ctx, installation, cursor, loadPage)
		if err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		for _, d := range found {
			s.add(entryOf(d))
		}
		for c := range classes {
			s.partial = s.partial || s.count[c] > 2*b.quotas[c].count || s.bytes[c] > 2*b.quotas[c].bytes
		}
		if next == "" || s.partial {
			return s, nil
		}
		cursor = next
	}
}
