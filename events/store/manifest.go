package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"

	"github.com/oklog/ulid/v2"

	"channelsync/events/kv"
)

// Format is the format of the store that this build reads and writes: which
// streams and tables there are and what lies in them. It grows when an older
// build would misread or destroy what a newer one wrote, and only then. A store
// without a manifest is of format 1. Format 2 has rounds in the journal (docs/decisions/022);
// a store of format 1 is read as it is, and is of format 2 once it was opened.
const Format = 2

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
	// Key is a known value under the master key, opaque here: Config.Admit tells by
	// it whether the key is the right one. Empty: the store is from before manifests.
	Key []byte `json:"key,omitempty"`
}

// Manifest is what the store says of itself; the zero value when it has no manifest yet.
func (s *Store) Manifest() Manifest { return s.manifest }

// WriteManifest writes the store's manifest: whoever opened everything in the store says so.
// Format and id are filled in; a manifest that stands so already is not written again.
func (s *Store) WriteManifest(ctx context.Context, version string, key []byte) error {
	return s.writeManifest(ctx, Manifest{Version: version, Key: key})
}

// WriteManifestAs writes the manifest of a store that another one was copied into: it has that one's id.
func (s *Store) WriteManifestAs(ctx context.Context, id, version string, key []byte) error {
	s.manifest = Manifest{Store: id} // an earlier one went with what it spoke of
	return s.WriteManifest(ctx, version, key)
}

func (s *Store) writeManifest(ctx context.Context, manifest Manifest) error {
	manifest.Format, manifest.Store = Format, s.manifest.Store
	if manifest.Store == "" {
		manifest.Store = ulid.Make().String()
	}
	if reflect.DeepEqual(manifest, s.manifest) {
		return nil
	}
	body, err := json.MarshalIndent(manifest, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the store's manifest: %w", err)
	}
	if s.cfg.embedded() {
		err = replaceFile(filepath.Join(s.cfg.DataDir, manifestFile), append(body, '\n'))
	} else {
		err = s.Call(ctx, "write the store's manifest", func(ctx context.Context) error {
			_, err := s.JS.PublishMsg(ctx, kv.Replacement(s.Link, KeysTable, manifestKey, body)) // older manifests say nothing
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("sign the store: %w", err)
	}
	s.manifest = manifest
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
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // some filesystems cannot sync a directory; they keep names in order themselves
	return d.Close()
}
