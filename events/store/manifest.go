package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/oklog/ulid/v2"

	js "channelsync/events/internal/jetstream"
	"channelsync/events/kv"
	"channelsync/internal/disk"
	"channelsync/internal/mac"
)

// Format is the format of the store that this build reads and writes: which
// streams and tables there are and what lies in them. It grows when an older
// build would misread or destroy what a newer one wrote, and only then. A store
// without a manifest is of format 1. Format 2 has rounds in the journal (docs/decisions/022),
// format 3 authenticated tables (docs/decisions/030). A store of an older format is read as
// it is, and is of format 3 once it was opened with its key: see Authenticate.
const Format = 3

// FormatAuthenticated is the first format whose records and manifest have codes.
const FormatAuthenticated = 3

// formatWithoutKey is what a store is of that nothing with a key has opened.
const formatWithoutKey = 2

// Where the manifest lies, and what the key of a store without one is known by.
const (
	manifestFile = "store.json" // beside an embedded store, in DataDir
	// KeysTable is the table that holds sealed keys. In an external store the manifest
	// lies there too, since there is no place beside it.
	KeysTable = "keys"
	// SentinelKey is the key of KeysTable with a known value under the master key.
	SentinelKey = "master"
	manifestKey = "store"
	manifestMax = 64 << 10 // bytes; a file that is larger is no manifest
)

// Manifest is what a store says of itself, where it can be read before the store is
// opened.
type Manifest struct {
	Format  int    `json:"format"`
	Store   string `json:"store"`   // the store's own id
	Version string `json:"version"` // of the channelsync that wrote the manifest
	// Key is a known value under the master key, opaque here: Config.Validate tells by
	// it whether the key is the right one. Empty: the store is from before manifests.
	Key []byte `json:"key,omitempty"`
	// Unauthenticated says of tables up to which revision a record without a code is believed,
	// since it is from before tables were authenticated: see kv.Authenticator.
	Unauthenticated map[string]uint64 `json:"unauthenticatedUpTo,omitempty"`
	// MAC authenticates all of the above, from format 3 on.
	MAC []byte `json:"mac,omitempty"`
}

// manifestPlace is what the code of a manifest is made for.
const manifestPlace = "store manifest"

// code is the code of a manifest.
func (m Manifest) code(keys *mac.Keys) ([]byte, error) {
	m.MAC = nil
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode the store's manifest: %w", err)
	}
	return keys.Sum(manifestPlace, body), nil
}

// authentic says whether one of the keys made the manifest's code.
func (m Manifest) authentic(keys *mac.Keys) bool {
	code := m.MAC
	m.MAC = nil
	body, err := json.Marshal(m)
	return err == nil && keys.Verify(manifestPlace, body, code)
}

// Manifest is what the store says of itself; the zero value when it has no manifest yet.
func (s *Store) Manifest() Manifest { return s.manifest }

// WriteManifest writes the store's manifest: whoever opened everything in the store says so.
// Format and id are filled in; a manifest that stands so already is not written again.
func (s *Store) WriteManifest(ctx context.Context, version string, key []byte) error {
	m := s.manifest
	m.Version, m.Key = version, key
	if s.auth != nil {
		m.Unauthenticated = maps.Clone(m.Unauthenticated)
		maps.DeleteFunc(m.Unauthenticated, func(table string, _ uint64) bool { return s.auth.Renewed(table) })
		if len(m.Unauthenticated) == 0 {
			m.Unauthenticated = nil
		}
	}
	return s.writeManifest(ctx, m, nil)
}

// CopyManifest writes the manifest of a store that another one was copied into: it is that one's.
func (s *Store) CopyManifest(ctx context.Context, of Manifest) error {
	s.manifest = Manifest{} // an earlier one went with what it spoke of
	return s.putManifest(ctx, of, nil)
}

// writeManifest completes a manifest and writes it. At, when given, is the revision that it must still be at in a
// cluster: kv.ErrConflict when it is not.
func (s *Store) writeManifest(ctx context.Context, m Manifest, at *uint64) error {
	if m.Store == "" {
		m.Store = ulid.Make().String()
	}
	m.Format, m.MAC = max(m.Format, formatWithoutKey), nil
	if s.auth != nil {
		m.Format = Format
		var err error
		if m.MAC, err = m.code(s.auth.Keys()); err != nil {
			return err
		}
	}
	return s.putManifest(ctx, m, at)
}

func (s *Store) putManifest(ctx context.Context, m Manifest, at *uint64) error {
	if at == nil && reflect.DeepEqual(m, s.manifest) {
		return nil
	}
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the store's manifest: %w", err)
	}
	if s.cfg.embedded() {
		err = replaceFile(filepath.Join(s.cfg.DataDir, manifestFile), append(body, '\n'))
	} else {
		var opts []jetstream.PublishOpt
		if at != nil {
			opts = append(opts, jetstream.WithExpectLastSequencePerSubject(*at))
		}
		err = s.Call(ctx, "write the store's manifest", func(ctx context.Context) error {
			_, err := s.JS.PublishMsg(ctx, kv.Replacement(s.Link, s.auth, KeysTable, manifestKey, body), opts...)
			if js.IsConflict(err) {
				return kv.ErrConflict
			}
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("write the store's manifest: %w", err)
	}
	s.manifest = m
	return nil
}

// parseManifest reads a manifest. One of a newer format may have any shape beside its
// format and version, so these are looked at first.
func parseManifest(body []byte) (Manifest, error) {
	var head struct {
		Format  int `json:"format"`
		Version any `json:"version"`
	}
	if err := json.Unmarshal(body, &head); err != nil {
		return Manifest{}, fmt.Errorf("it is not JSON: %w", err)
	}
	by, _ := head.Version.(string)
	if err := CheckFormat(head.Format, by); err != nil {
		return Manifest{}, err
	}
	var s Manifest
	if err := json.Unmarshal(body, &s); err != nil {
		return Manifest{}, fmt.Errorf("it is no manifest: %w", err)
	}
	if s.Format < 1 {
		return Manifest{}, fmt.Errorf("it is no manifest: format %d", s.Format)
	}
	return s, nil
}

// CheckFormat refuses a format that a later build wrote; by is its version.
func CheckFormat(format int, by string) error {
	if format > Format {
		return &newerError{format: format, by: by}
	}
	return nil
}

// ErrNewerStore says that a later build wrote the store in a format unknown here.
var ErrNewerStore = errors.New("the store is of a newer format")

type newerError struct {
	format int
	by     string
}

func (e *newerError) Error() string {
	by := ""
	if e.by != "" {
		by = fmt.Sprintf(", written by channelsync %q", e.by)
	}
	return fmt.Sprintf("the store is of format %d%s; this build knows formats up to %d: "+
		"run that version or a newer one (nothing was changed)", e.format, by, Format)
}

func (e *newerError) Is(target error) bool { return target == ErrNewerStore }

// readSmall reads a file of ours; nil when there is none.
func readSmall(path string) ([]byte, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", path, err)
	}
	if !info.Mode().IsRegular() || info.Size() > manifestMax {
		return nil, fmt.Errorf("read %s: it is no file of channelsync's", path)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Base(path), err)
	}
	return body, nil
}

// replaceFile puts a file in place as a whole: after a crash it is the old one or the new one.
func replaceFile(path string, body []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(body)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return disk.Replace(tmp.Name(), path)
}
