package archive

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"channelsync/internal/mac"
)

// Format is the format of the file that this build writes. It reads older ones: format 1 has
// no code.
const Format = 2

// FormatCoded is the first format whose manifest has a code.
const FormatCoded = 2

// manifestName is the last entry; no part can have that name.
const manifestName = "manifest.json"

const (
	pieceMax    = 1 << 20 // bytes of one entry: what is held in memory at a time
	manifestMax = 8 << 20
	partsMax    = 10_000
	nameMax     = 200
)

// ErrDamaged is what every error about the content of a file is: it was cut off,
// changed, or is no backup at all.
var ErrDamaged = errors.New("not a whole backup")

// ErrNewer says that the file was written by a later build.
var ErrNewer = errors.New("the backup is of a newer format")

// Manifest says what an archive holds.
type Manifest struct {
	Format  int       `json:"format"`  // of the file
	Store   int       `json:"store"`   // format of the store that was backed up
	Version string    `json:"version"` // of the channelsync that wrote it
	At      time.Time `json:"at"`      // when it was begun
	// Key is a known value under the master key that the content is sealed with: it
	// tells whether a key is the right one, and nothing of the key.
	Key   []byte `json:"key,omitempty"`
	Parts []Part `json:"parts"` // in the order they were taken and are stored
	// MAC authenticates all of the above, and so, by their hashes, the content of the parts.
	MAC []byte `json:"mac,omitempty"`
}

// manifestPlace is what the code of a manifest is made for.
const manifestPlace = "backup manifest"

// Authentic says whether one of the keys made the manifest's code.
func (m Manifest) Authentic(keys *mac.Keys) bool {
	body, err := m.coded()
	return err == nil && keys.Verify(manifestPlace, body, m.MAC)
}

// coded is what the code of a manifest is over.
func (m Manifest) coded() ([]byte, error) {
	m.MAC = nil
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return body, nil
}

// Part is one piece of the store.
type Part struct {
	Name string `json:"name"`
	// Messages is how many it held when it was begun. What was replaced while it was
	// taken is not in it, so it may hold less.
	Messages uint64 `json:"messages"`
	Last     uint64 `json:"last"`   // sequence of the last of them
	Bytes    int64  `json:"bytes"`  // in the archive
	SHA256   string `json:"sha256"` // of those bytes, in hex
	// Config and State are what the server gave with it and takes back.
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// parseManifest reads a manifest and refuses what cannot be one.
func parseManifest(b []byte) (Manifest, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	if head.Format > Format {
		return Manifest{}, fmt.Errorf("%w %d; this build reads up to %d", ErrNewer, head.Format, Format)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return Manifest{}, fmt.Errorf("%w: its manifest cannot be read: %w", ErrDamaged, err)
	}
	if m.Format < 1 || m.Store < 1 || len(m.Parts) > partsMax {
		return Manifest{}, fmt.Errorf("%w: its manifest makes no sense", ErrDamaged)
	}
	seen := map[string]bool{}
	for _, p := range m.Parts {
		sum, err := hex.DecodeString(p.SHA256)
		if err != nil || len(sum) != 32 || p.Bytes < 0 || !validName(p.Name) || seen[p.Name] {
			return Manifest{}, fmt.Errorf("%w: its manifest makes no sense about %q", ErrDamaged, p.Name)
		}
		seen[p.Name] = true
	}
	return m, nil
}

// validName takes letters, digits, "-" and "_": the names of streams, and of no path.
func validName(s string) bool {
	if s == "" || len(s) > nameMax {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
