package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/backup/archive"
	"channelsync/events/store"
	"channelsync/internal/lifecycle"
)

// stillTries is how often tables are read anew that must not change meanwhile;
// stillPause stands between, so that a second of writes is sat out.
const (
	stillTries = 50
	stillPause = 50 * time.Millisecond
)

// Write writes the whole store to an archive while it is at work. The tables of
// each group in still are taken first, and anew until none of the group was
// written meanwhile, so that what they say fits together.
//
// The order makes a restore repeat work and never skip it: what says "done up to
// here" is taken before what it speaks of. Cursors and jobs stand in the tables
// taken first, then come the journal with how far it was dispatched, the worklist,
// and only then what remembers outcomes. Even so, a record that is replaced while
// its stream is read may be missing, and whatever was done after the backup is not
// in it: whoever restores one goes through every record again.
//
// The caller closes the archive.
func Write(ctx context.Context, s *store.Store, to *archive.Writer, still ...[]string) error {
	streams, err := streamsOf(ctx, s)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	left := make(map[string]bool, len(streams))
	for _, cfg := range streams {
		left[cfg.Name] = true
	}
	for _, group := range still {
		var names []string
		for _, table := range group {
			if name := "KV_" + table; left[name] { // one that nobody has opened yet holds nothing
				names = append(names, name)
				delete(left, name)
			}
		}
		if err := backUpStill(ctx, s, to, names); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	}
	for _, name := range backupOrder(left) {
		if err := backUpStream(ctx, s, to, name); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		s.Log.Debug("stream backed up", zap.String(v1.LogStream, name))
	}
	return nil
}

// backupOrder is journal, worklist, dead letters, then tables by name.
func backupOrder(left map[string]bool) []string {
	rank := func(name string) int {
		return slices.Index([]string{store.DeadLettersStream, store.WorklistStream, store.JournalStream}, name)
	}
	names := slices.Sorted(maps.Keys(left))
	slices.SortStableFunc(names, func(a, b string) int { return rank(b) - rank(a) })
	return names
}

// backUpStream writes one stream as a part.
func backUpStream(ctx context.Context, s *store.Store, to *archive.Writer, name string) error {
	w, err := to.Begin(name)
	if err != nil {
		return err
	}
	taken, err := snapshotStream(ctx, s, name, w)
	if err != nil {
		return err
	}
	return endPart(to, taken)
}

func endPart(to *archive.Writer, taken snapshot) error {
	config, err := json.Marshal(taken.Config)
	if err != nil {
		return fmt.Errorf("encode config: %w", err)
	}
	state, err := json.Marshal(taken.State)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	return to.End(archive.Part{Messages: taken.State.Msgs, Last: taken.State.LastSeq, Config: config, State: state})
}

// backUpStill writes small streams that nobody wrote to while they were read.
func backUpStill(ctx context.Context, s *store.Store, to *archive.Writer, names []string) error {
	for range stillTries {
		before, err := states(ctx, s, names)
		if err != nil {
			return err
		}
		parts, taken := make([]bytes.Buffer, len(names)), make([]snapshot, len(names))
		for i, name := range names {
			if taken[i], err = snapshotStream(ctx, s, name, &parts[i]); err != nil {
				return err
			}
		}
		after, err := states(ctx, s, names)
		if err != nil {
			return err
		}
		if !slices.EqualFunc(before, after, sameState) {
			_ = lifecycle.Sleep(ctx, stillPause)
			continue
		}
		for i, name := range names {
			w, err := to.Begin(name)
			if err != nil {
				return err
			}
			if _, err := parts[i].WriteTo(w); err != nil {
				return err
			}
			if err := endPart(to, taken[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%v are written all the time: not still in %d tries", names, stillTries)
}

func states(ctx context.Context, s *store.Store, names []string) ([]jetstream.StreamState, error) {
	states := make([]jetstream.StreamState, len(names))
	for i, name := range names {
		err := s.Call(ctx, "ask stream "+name, func(ctx context.Context) error {
			stream, err := s.JS.Stream(ctx, name)
			if err == nil {
				states[i] = stream.CachedInfo().State
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return states, nil
}

// sameState says that nothing was written or removed between the two.
func sameState(a, b jetstream.StreamState) bool {
	return a.Msgs == b.Msgs && a.Bytes == b.Bytes && a.FirstSeq == b.FirstSeq && a.LastSeq == b.LastSeq
}
