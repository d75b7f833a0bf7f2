package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/events/store"
	"channelsync/internal/lifecycle"
)

// ErrOccupied says that a cluster has streams of channelsync's already.
var ErrOccupied = errors.New("there are streams of channelsync already")

// Migrate copies an embedded store that nobody runs into a cluster that has none
// of our streams: sequences, times and how far dispatch came stay as they are. (Of
// message ids a server knows only those that it stored itself, until it restarts:
// a change that is delivered again is stored again, which costs one more
// comparison of its record.) Then it records in the embedded store that it was moved, so
// that it is not started beside its copy; nothing else there changes.
//
// A cluster that loses a server, or elects another leader, is waited for for two
// minutes. A migration that was cut short may be run again: what it left in the cluster is
// known by the store it came from, removed, and made anew. Until it has finished
// no Open takes the cluster's store. Progress, which may be nil, receives each stream.
func Migrate(ctx context.Context, from, to store.Config, progress func(Restored)) error {
	if empty, err := store.Empty(from.DataDir); err != nil || empty { // opening it would make one
		return errors.Join(err, fmt.Errorf("migrate: %s holds no store", from.DataDir))
	}
	source, err := store.Open(ctx, from)
	if err != nil {
		return err
	}
	err = migrate(ctx, source, to, progress)
	return errors.Join(err, source.Close(context.WithoutCancel(ctx)))
}

func migrate(ctx context.Context, source *store.Store, to store.Config, progress func(Restored)) error {
	if to.URL == "" || !source.Embedded() {
		return errors.New("migrate: want an embedded store to move, and a cluster to move it to")
	}
	streams, err := streamsOf(ctx, source)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(streams) == 0 {
		return fmt.Errorf("migrate: %s holds no store", source.Config().DataDir)
	}
	if source.Manifest().Store == "" { // from before manifests: it needs a name to be known by
		if err := source.WriteManifest(ctx, source.Manifest().Version, source.Manifest().Key); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	to.Migrating = source.Manifest().Store
	target, err := reach(ctx, to)
	if err != nil {
		return err
	}
	m := migration{source: source, target: target, id: source.Manifest().Store}
	err = m.run(ctx, streams, progress)
	return errors.Join(err, target.Close(context.WithoutCancel(ctx)))
}

// reach opens the cluster's store. A service waits for its cluster; a person who
// typed a wrong address should not have to.
func reach(ctx context.Context, to store.Config) (*store.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, js.ReadyTimeout)
	defer cancel()
	return store.Open(ctx, to)
}

// migratePatience is how long the cluster may take for one step: to elect a leader, and
// to have a server that was lost back when there are only as many as replicas.
const (
	migratePatience = 2 * time.Minute
	catchUpRate     = 1 << 20 // bytes a second at least, which a replica that is added takes
)

type migration struct {
	source, target *store.Store
	id             string // of the source
	// began says that the target was empty, or was emptied: every stream found there from then
	// on is this migration's, also one that was released already.
	began bool
}

func (m *migration) run(ctx context.Context, streams []jetstream.StreamConfig, progress func(Restored)) error {
	if done, err := m.done(ctx); err != nil {
		return err
	} else if done {
		return m.recordMoved()
	}
	err := m.copyAll(ctx, streams, progress)
	if (js.IsUnavailable(err) || errors.Is(err, errLost)) && ctx.Err() == nil {
		// Only the last answer may be lost: then others may be using the store.
		if done, _ := m.done(ctx); done {
			return m.recordMoved()
		}
		// A stream that loses its leader the moment it is restored may never have another.
		m.target.Log.Info("nats lost what was copied, starting again", zap.Error(err))
		err = m.copyAll(ctx, streams, progress)
	}
	if err != nil {
		return err
	}
	return m.recordMoved()
}

// copyAll is one pass over everything.
func (m *migration) copyAll(ctx context.Context, streams []jetstream.StreamConfig, progress func(Restored)) error {
	if err := m.makeRoom(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	names := make(map[string]bool, len(streams))
	for _, cfg := range streams {
		names[cfg.Name] = true
	}
	// The journal is copied first and released last: its marker shows every Open that other streams may be missing.
	order := backupOrder(names)
	copied := make([]Restored, len(order))
	for i, name := range order {
		done, err := m.copy(ctx, name)
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		copied[i] = done
		if progress != nil {
			progress(done)
		}
	}
	for _, done := range copied { // a server may have been lost meanwhile
		if err := m.scaleReplicas(ctx, done); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	// By the id a repeated try knows its own.
	if err := m.target.CopyManifest(ctx, m.source.Manifest()); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	slices.Reverse(order)
	for _, name := range order {
		if err := m.release(ctx, name); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	return nil
}

// done reports whether an earlier try released the journal, which is its last step at the target.
func (m *migration) done(ctx context.Context) (bool, error) {
	var journal jetstream.Stream
	err := m.target.WaitReady(ctx, "ask stream "+store.JournalStream, func(ctx context.Context) (err error) {
		journal, err = m.target.Find(ctx, store.JournalStream)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("migrate: %w", err)
	}
	return journal != nil && journal.CachedInfo().Config.Metadata[store.MigratingKey] == "" && m.target.Manifest().Store == m.id, nil
}

// makeRoom refuses a cluster that is in use, and removes what an earlier try left.
func (m *migration) makeRoom(ctx context.Context) error {
	there, err := streamsOf(ctx, m.target)
	if err != nil {
		return err
	}
	// A stream that was released has no marker left; as long as the journal has one, all streams are this migration's.
	ownsTarget := m.began || slices.ContainsFunc(there, func(cfg jetstream.StreamConfig) bool {
		return cfg.Name == store.JournalStream && cfg.Metadata[store.MigratingKey] == m.id
	})
	for _, cfg := range there {
		if !ownsTarget && cfg.Metadata[store.MigratingKey] != m.id {
			return fmt.Errorf("%w: stream %s; give it an account of its own, or remove what is there", ErrOccupied, cfg.Name)
		}
	}
	m.began = true
	// The journal goes last: what is half removed must not be taken for whole.
	slices.SortStableFunc(there, func(a, b jetstream.StreamConfig) int { return isJournal(a) - isJournal(b) })
	for _, cfg := range there {
		m.target.Log.Info("removing what an unfinished migration left", zap.String(v1.LogStream, cfg.Name))
		if err := m.remove(ctx, cfg.Name); err != nil {
			return err
		}
	}
	return nil
}

func isJournal(cfg jetstream.StreamConfig) int {
	if cfg.Name == store.JournalStream {
		return 1
	}
	return 0
}

// copy makes a stream at the target, and anew until it is what the source holds: a
// schedule of the worklist may fire while it is read, and a leader may be lost while
// it is written.
func (m *migration) copy(ctx context.Context, name string) (Restored, error) {
	end := time.Now().Add(migratePatience)
	for tries := 0; tries < stillTries; {
		done, taken, err := m.pipe(ctx, name)
		switch {
		case err != nil && (!js.IsUnavailable(err) || ctx.Err() != nil || time.Now().After(end)):
			return done, err
		case err != nil:
			m.target.Log.Info("nats is not ready; copying again", zap.String(v1.LogStream, name), zap.Error(err))
		default:
			tries++
			after, err := states(ctx, m.source, []string{name})
			if err != nil {
				return done, err
			}
			if sameState(taken.State, after[0]) {
				return done, m.scaleReplicas(ctx, done)
			}
		}
		if err := m.remove(ctx, name); err != nil {
			return done, err
		}
		_ = lifecycle.Sleep(ctx, stillPause)
	}
	return Restored{}, fmt.Errorf("copy stream %s: it was written all the time", name)
}

// pipe hands a snapshot of the source to a restore at the target.
func (m *migration) pipe(ctx context.Context, name string) (Restored, snapshot, error) {
	info, err := m.source.JS.Stream(ctx, name)
	if err != nil {
		return Restored{}, snapshot{}, fmt.Errorf("ask stream %s: %w", name, err)
	}
	planned := snapshot{Config: info.CachedInfo().Config, State: info.CachedInfo().State}
	planned.Config.Replicas = 1 // scaleReplicas adds the others
	if isJournal(planned.Config) == 1 {
		planned.Config.Compression = m.target.Config().JournalCompression()
	}
	planned.Config.Metadata = ownMetadata(planned.Config.Metadata)
	planned.Config.Metadata[store.MigratingKey] = m.id

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	var taken snapshot
	snapped := make(chan error, 1)
	go func() {
		var err error
		taken, err = snapshotStream(ctx, m.source, name, w)
		snapped <- errors.Join(err, w.CloseWithError(err))
	}()
	state, err := restoreStream(ctx, m.target, planned, r)
	_ = r.CloseWithError(errors.New("the restore has ended")) // never fails
	if err != nil {
		cancel()
	}
	if failed := <-snapped; err == nil {
		err = failed
	}
	if err != nil {
		return Restored{}, taken, err
	}
	done, err := compared(taken, state)
	return done, taken, err
}

// errLost says that a stream was copied, and what the cluster holds is not it any more.
var errLost = errors.New("it has lost what was copied")

// scaleReplicas gives a copied stream its replicas and waits until each has caught up, and those of its consumers. A stream
// that is restored with several begins on one server too, but lets any of the others
// lead: should that one fail just then, an empty one does. Those that are added later
// lead nobody before they have everything.
func (m *migration) scaleReplicas(ctx context.Context, copied Restored) error {
	size, err := states(ctx, m.source, []string{copied.Name})
	if err != nil {
		return err
	}
	consumers, err := consumersOf(ctx, m.source, copied.Name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, migratePatience+time.Duration(size[0].Bytes/catchUpRate)*time.Second)
	defer cancel()
	return m.target.UntilReady(ctx, "scale replicas of stream "+copied.Name, func(ctx context.Context) error {
		stream, err := m.target.JS.Stream(ctx, copied.Name)
		if err != nil {
			return err
		}
		info := stream.CachedInfo()
		if err := intact(copied, info.State); err != nil {
			return err
		}
		if want := m.target.Config().Replicas; info.Config.Replicas != want {
			cfg := info.Config
			cfg.Replicas, cfg.Metadata = want, ownMetadata(cfg.Metadata)
			if stream, err = m.target.JS.UpdateStream(ctx, cfg); err != nil {
				return err
			}
			info = stream.CachedInfo()
		}
		if err := caughtUp(copied.Name, info.Config.Replicas, info.Cluster); err != nil {
			return err
		}
		for _, was := range consumers {
			consumer, err := stream.Consumer(ctx, was.Name)
			if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				return err
			}
			var is *jetstream.ConsumerInfo
			if err == nil {
				is = consumer.CachedInfo()
			}
			if err := consumerIntact(was, is); err != nil {
				return err
			}
			if err := caughtUp(was.Name, info.Config.Replicas, is.Cluster); err != nil {
				return err
			}
		}
		return nil
	})
}

// intact fails when a stream ends before what was copied into it. It may hold less than that,
// since time takes old messages away, and more, since a schedule may fire.
func intact(copied Restored, state jetstream.StreamState) error {
	if state.LastSeq < copied.Last {
		return fmt.Errorf("%w: it ends at sequence %d, and ended at %d", errLost, state.LastSeq, copied.Last)
	}
	return nil
}

// consumerIntact fails when a consumer has forgotten what it acknowledged: it would deliver everything again.
func consumerIntact(was, is *jetstream.ConsumerInfo) error {
	if is == nil {
		return fmt.Errorf("%w: consumer %s is gone", errLost, was.Name)
	}
	if is.AckFloor.Stream < was.AckFloor.Stream {
		return fmt.Errorf("%w: consumer %s is back at sequence %d, and was at %d", errLost, was.Name, is.AckFloor.Stream, was.AckFloor.Stream)
	}
	return nil
}

// caughtUp fails while a replica of a stream or of a consumer is away or behind: each of them elects its own leader.
func caughtUp(name string, replicas int, cluster *jetstream.ClusterInfo) error {
	if replicas < 2 { // a server by itself does not speak of clusters
		return nil
	}
	if cluster == nil || cluster.Leader == "" || len(cluster.Replicas) != replicas-1 {
		return fmt.Errorf("%d replicas of %s are not made yet: %w", replicas, name, js.ErrNoAnswer)
	}
	if cluster.Desired != nil { // the server's own word for replicas that do not have everything yet
		return fmt.Errorf("replicas of %s are being made: %w", name, js.ErrNoAnswer)
	}
	for _, r := range cluster.Replicas {
		if !r.Current || r.Offline || r.Lag > 0 {
			return fmt.Errorf("replica %s of %s has not caught up: %w", r.Name, name, js.ErrNoAnswer)
		}
	}
	return nil
}

// consumersOf is what a stream's consumers are at; those that end by themselves are not asked for, and not copied either.
func consumersOf(ctx context.Context, s *store.Store, name string) ([]*jetstream.ConsumerInfo, error) {
	stream, err := s.JS.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("ask stream %s: %w", name, err)
	}
	var all []*jetstream.ConsumerInfo
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable != "" {
			all = append(all, info)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list consumers of stream %s: %w", name, err)
	}
	return all, nil
}

func (m *migration) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, migratePatience)
	defer cancel()
	return m.target.UntilReady(ctx, "remove stream "+name, func(ctx context.Context) error {
		err := m.target.JS.DeleteStream(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) { // it was never made, or the answer to the last try was lost
			return nil
		}
		return err
	})
}

// release removes the marker of an unfinished migration from a stream.
func (m *migration) release(ctx context.Context, name string) error {
	return m.target.WaitReady(ctx, "release stream "+name, func(ctx context.Context) error {
		stream, err := m.target.JS.Stream(ctx, name)
		if err != nil {
			return err
		}
		cfg := stream.CachedInfo().Config
		cfg.Metadata = ownMetadata(cfg.Metadata)
		delete(cfg.Metadata, store.MigratingKey)
		_, err = m.target.JS.UpdateStream(ctx, cfg)
		return err
	})
}

// ownMetadata leaves out what the server keeps there for itself.
func ownMetadata(all map[string]string) map[string]string {
	own := maps.Clone(all)
	if own == nil {
		own = map[string]string{}
	}
	maps.DeleteFunc(own, func(k, _ string) bool { return strings.HasPrefix(k, "_nats.") })
	return own
}

// recordMoved is the last step: a try that ends before it may be run again.
func (m *migration) recordMoved() error {
	if err := m.source.RecordMoved(m.target.Config().URL); err != nil {
		return fmt.Errorf("migrate: everything was copied, but recording in the old store that it was moved failed: "+
			"do not start it again without --nats-url: %w", err)
	}
	return nil
}
