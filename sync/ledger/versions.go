package ledger

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	v1 "channelsync/api/v1"
)

// Bounds of what is kept of former versions of a record.
const (
	// VersionsLeast of the newest versions are kept, however old they are.
	VersionsLeast = 50
	// VersionsFor is how long all others are kept, counted from when they were replaced.
	VersionsFor = 90 * 24 * time.Hour
	// versionsMost and versionsBytes bound the versions of a record that changes all the time: how
	// many there are, and how large they are compressed. The oldest go first.
	versionsMost  = 1000
	versionsBytes = 64 << 10
)

// Version is what the target took of a record, once.
type Version struct {
	Number int            `json:"n"`
	At     time.Time      `json:"at"`
	Kind   v1.VersionKind `json:"kind"`
	v1.Cause
	Answer        string          `json:"answer,omitempty"`
	BeforeUnknown bool            `json:"beforeUnknown,omitempty"`
	Edited        []v1.DriftField `json:"edited,omitempty"`
	EditedSince   time.Time       `json:"editedSince,omitzero"` // when that was first seen; zero: as it was pushed over
	ConnectedAt   time.Time       `json:"connectedAt,omitzero"` // since when the account was connected that took it; zero: always
	Sent          json.RawMessage `json:"sent,omitempty"`       // empty of the entry's own version: it is the projection
}

// Sending is why a record is about to be sent, and which edit is pushed over: should the answer
// be lost, that is known of what it is found to have sent.
type Sending struct {
	v1.Cause
	Edited []v1.DriftField `json:"edited,omitempty"`
}

// former are the versions before the present one. They are next to never read and much alike,
// so they are kept compressed.
type former struct {
	Packed []byte    `json:"packed"`
	TrimAt time.Time `json:"trimAt,omitzero"` // when the oldest of them is due to go; zero: none is
}

// Current is the version that the target has, as far as is known; nil when it has none. Of an
// entry of a former build it is what was pushed last, of which the cause is not known.
func (e *Entry) Current() *Version {
	if e.Version != nil {
		v := *e.Version
		v.Sent = e.Projection
		return &v
	}
	if len(e.Projection) == 0 {
		return nil
	}
	at := e.PushedAt
	if at.IsZero() {
		at = e.ObservedAt
	}
	return &Version{Number: 1, At: at, Kind: v1.VersionEarlier, Sent: e.Projection}
}

// SentElsewhere says whether all that was ever sent was sent before the account was connected that is now.
func (e *Entry) SentElsewhere(connectedAt time.Time) bool {
	if e.Version == nil {
		return !e.ObservedAt.IsZero() && !connectedAt.IsZero()
	}
	return !e.Version.ConnectedAt.Equal(connectedAt)
}

// Versions are all that are kept, the oldest first, with what was sent.
func (e *Entry) Versions() []Version {
	var all []Version
	for _, line := range e.Former.lines() {
		all = append(all, versionOf(line))
	}
	if current := e.Current(); current != nil {
		all = append(all, *current)
	}
	return all
}

// AddVersion makes v the present version: its number, and that no time goes back, are seen to here.
// What it sent is to be the entry's projection; current is what was the present version before.
func (e *Entry) AddVersion(current *Version, v Version) {
	v.Number = 1
	if current != nil {
		v.Number = current.Number + 1
		if v.At.Before(current.At) {
			v.At = current.At
		}
		e.Former = pack(append(e.Former.lines(), lineOf(*current)), v.At)
	}
	v.Sent = nil
	e.Version, e.Previous = &v, nil
}

// TrimVersions lets go of former versions that are kept no longer.
func (e *Entry) TrimVersions(now time.Time) {
	if f := e.Former; f != nil && !f.TrimAt.IsZero() && !now.Before(f.TrimAt) {
		e.Former = pack(f.lines(), now)
	}
}

// pack keeps of former versions, the oldest first and a line each, what is to be kept at a time.
func pack(lines [][]byte, now time.Time) *former {
	first := max(0, len(lines)+1-versionsMost)
	// replaced is when the oldest was, if others are enough without it.
	replaced := func() (at time.Time) {
		if len(lines)-first+1 > VersionsLeast && first+1 < len(lines) {
			at = versionOf(lines[first+1]).At
		}
		return at
	}
	at := replaced()
	for ; !at.IsZero() && !at.After(now.Add(-VersionsFor)); at = replaced() {
		first++
	}
	for ; first < len(lines); first += (len(lines) - first + 7) / 8 {
		kept := former{Packed: s2.Encode(nil, bytes.Join(lines[first:], newline))}
		if len(kept.Packed) > versionsBytes {
			continue
		}
		if at = replaced(); !at.IsZero() {
			kept.TrimAt = at.Add(VersionsFor)
		}
		return &kept
	}
	return nil
}

var newline = []byte("\n")

// lines is the inverse of pack. What cannot be read is not there: nobody else can have written it,
// and no record is worth failing for its past.
func (f *former) lines() [][]byte {
	if f == nil {
		return nil
	}
	plain, err := s2.Decode(nil, f.Packed)
	if err != nil || len(plain) == 0 {
		return nil
	}
	return bytes.Split(plain, newline)
}

func lineOf(v Version) []byte {
	line, _ := json.Marshal(v) // what was sent was JSON, so it is again
	return line
}

func versionOf(line []byte) (v Version) {
	_ = json.Unmarshal(line, &v) // see lines
	return v
}

// previous is what was pushed before the projection, where that was something else.
func (e *Entry) previous() json.RawMessage {
	for _, line := range slices.Backward(e.Former.lines()) {
		if sent := versionOf(line).Sent; !bytes.Equal(sent, e.Projection) {
			return sent
		}
	}
	return e.Previous
}
