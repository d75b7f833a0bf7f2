package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	js "channelsync/events/internal/jetstream"

	"github.com/nats-io/nats.go/jetstream"

	"channelsync/events/kv"
	"channelsync/internal/disk"
)

// freeLeast is how many bytes a disk must have free for an embedded store to be
// opened: the server writes while it starts, and a write that fails half-way is
// worse than none.
const freeLeast = 16 << 20

// movedFile marks an embedded store that was moved to a cluster.
const movedFile = "moved.json"

// MigratingKey is the metadata of streams that a migration has not finished; its
// value is the id of the store they come from.
const MigratingKey = "channelsync.migrating"

// Moved says where an embedded store was moved to.
type Moved struct {
	To string    `json:"to"` // the servers, without user information
	At time.Time `json:"at"`
}

// Inspect looks at the data directory of an embedded store and returns its manifest:
// the zero value of one that has none, or does not exist yet. It refuses what
// must not be opened: a newer format, a store that was moved, a disk that cannot
// be written or is full. It only reads, and takes no lock.
func Inspect(dataDir string) (Manifest, error) {
	if _, err := existing(dataDir); err != nil {
		return Manifest{}, err
	}
	path := filepath.Join(dataDir, manifestFile)
	body, err := readSmall(path)
	if err != nil {
		return Manifest{}, err
	}
	var manifest Manifest
	if body != nil {
		if manifest, err = parseManifest(body); errors.Is(err, ErrNewerStore) {
			return Manifest{}, fmt.Errorf("%s: %w", dataDir, err)
		} else if err != nil {
			return Manifest{}, fmt.Errorf("read %s: %w; restore it from a backup (nothing was changed)", path, err)
		}
	}
	if err := refuseMoved(dataDir); err != nil {
		return Manifest{}, err
	}
	if err := checkDisk(dataDir); err != nil {
		return Manifest{}, err
	}
	if empty, err := Empty(dataDir); err != nil || empty {
		return Manifest{}, err // what it said of itself went with it
	}
	return manifest, nil
}

func refuseMoved(dataDir string) error {
	path := filepath.Join(dataDir, movedFile)
	body, err := readSmall(path)
	if err != nil || body == nil {
		return err
	}
	var m Moved
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return fmt.Errorf("the store in %s was moved to %s on %s: start with --nats-url, or remove %s to use it all the same, "+
		"as it was then (nothing was changed)", dataDir, m.To, m.At.UTC().Format(time.RFC3339), path)
}

func Empty(dataDir string) (bool, error) {
	entries, err := os.ReadDir(filepath.Join(dataDir, "nats"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("look at the event store: %w", err)
	}
	return len(entries) == 0, nil
}

// checkDisk asks whether the directory, or what it will be made in, can be written.
func checkDisk(dataDir string) error {
	for _, dir := range []string{dataDir, filepath.Join(dataDir, "nats")} {
		at, err := existing(dir)
		if err != nil {
			return err
		}
		if err := disk.CheckWritable(at); err != nil {
			return fmt.Errorf("%s cannot be written (%w): make it writable for this process, or use another data directory "+
				"(nothing was changed)", at, err)
		}
	}
	at, err := existing(dataDir)
	if err != nil {
		return err
	}
	space, err := disk.SpaceOf(at)
	if err != nil {
		return err
	}
	if space.Free < freeLeast {
		return fmt.Errorf("the disk of %s is full: %d KiB are free, %d MiB are needed to start: make room, then start again "+
			"(nothing was changed)", at, space.Free>>10, freeLeast>>20)
	}
	return nil
}

// existing is the directory itself, or the nearest one above it that is there.
func existing(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", dir, err)
	}
	for {
		info, err := os.Stat(at)
		switch {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%s is a file, and a directory is needed (nothing was changed)", at)
		case err == nil:
			return at, nil
		case !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at):
			return "", fmt.Errorf("look at %s: %w", at, err)
		}
		at = filepath.Dir(at)
	}
}

// validateDir refuses an embedded store that must not be used.
func (s *Store) validateDir() error {
	manifest, err := Inspect(s.cfg.DataDir)
	if err != nil {
		return err
	}
	empty, err := Empty(s.cfg.DataDir)
	if err != nil {
		return err
	}
	s.manifest = manifest
	if empty {
		return nil
	}
	return s.cfg.Validate(manifest)
}

// validateCluster does the same for a store in a cluster, which it only reads.
func (s *Store) validateCluster(ctx context.Context) error {
	return s.WaitReady(ctx, "look at the store", func(ctx context.Context) error {
		journal, err := s.Find(ctx, JournalStream)
		if err != nil {
			return err
		}
		if journal != nil {
			if from := journal.CachedInfo().Config.Metadata[MigratingKey]; from != "" && s.cfg.Migrating != from {
				return fmt.Errorf("the store was not moved here as a whole (store %s): run channelsync migrate again "+
					"(nothing was changed)", from)
			}
		}
		keys, err := s.Find(ctx, "KV_"+KeysTable)
		if err != nil || keys == nil {
			return err
		}
		body, err := kv.LastValue(ctx, keys, manifestKey)
		if err != nil {
			return err
		}
		manifest := Manifest{}
		if body != nil {
			if manifest, err = parseManifest(body); err != nil {
				return fmt.Errorf("read the store's manifest: %w", err)
			}
		}
		s.manifest = manifest
		sentinel, err := kv.LastValue(ctx, keys, SentinelKey)
		if err != nil {
			return err
		}
		if sentinel == nil {
			return s.cfg.Validate(manifest)
		}
		// It changes with a rotation before the manifest does, and on the way nobody vouches for either: the key is the
		// right one if one of them says so.
		latest := manifest
		latest.Key = sentinel
		err = s.cfg.Validate(latest)
		if err != nil && len(manifest.Key) > 0 && s.cfg.Validate(manifest) == nil {
			return nil
		}
		return err
	})
}

// Find returns a stream, or nil when there is none.
func (s *Store) Find(ctx context.Context, name string) (jetstream.Stream, error) {
	stream, err := s.JS.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil
	}
	return stream, err
}

// RecordMoved records in an embedded store that it was moved to servers, so that it is not started beside its copy.
func (s *Store) RecordMoved(servers string) error {
	body, err := json.Marshal(Moved{To: js.Redacted(servers), At: s.Now().UTC()})
	if err != nil {
		return fmt.Errorf("encode where the store was moved to: %w", err)
	}
	return replaceFile(filepath.Join(s.cfg.DataDir, movedFile), append(body, '\n'))
}
