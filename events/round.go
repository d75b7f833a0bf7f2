package events

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	v1 "channelsync/api/v1"
)

// The journal's message is a round: changes that were stored with one flush. It lies under
// change.<installation> when all of them are of one, else under change.shared. Its body is
// JSON Lines: an object for each change and, in a shared round, a string with the
// installation before the changes of each. A line that cannot be read harms no other
// change. The header roundHeader names this format. docs/decisions/022 has the reasons.
const (
	roundHeader = "Channelsync-Round"
	roundFormat = "1"
	// keptHeader marks a round that was written again without what was erased. Its changes
	// have times of their own, and keptDispatched says that they were dispatched before.
	keptHeader     = "Channelsync-Kept"
	keptDispatched = "dispatched"
	keptWaiting    = "waiting"

	roundMax   = 500       // changes in one round
	roundBytes = 256 << 10 // body of one round, in bytes; below what any server takes (max_payload is 1 MiB)
)

// ErrChangeTooLarge: the change does not fit into a message of the journal. It was not stored.
var ErrChangeTooLarge = errors.New("the change is too large for the journal")

// errUnknownRound: a newer instance wrote the round; it is for that one to read.
var errUnknownRound = errors.New("the round has a format that this build does not know")

// changeKey is what a repeated change is recognised by: 96 bits of the SHA-256 of what
// the caller identifies it with. The zero value identifies nothing.
type changeKey [12]byte

func keyOf(id string) (key changeKey) {
	if id == "" {
		return key
	}
	sum := sha256.Sum256([]byte(id))
	copy(key[:], sum[:])
	return key
}

// line is a change as it stands in a round. The key comes first: keysIn finds it there.
type line struct {
	Key  string  `json:"key,omitempty"`
	Kind v1.Kind `json:"kind"`
	ID   int64   `json:"id"`
	Change
	Traceparent string    `json:"traceparent,omitempty"`
	StoredAt    time.Time `json:"storedAt,omitzero"` // when it was stored first, in a round that was written again
}

const keyPrefix = `{"key":"`

// encodeLine is the change as a line; storedAt may be zero.
func encodeLine(c Change, key changeKey, storedAt time.Time) ([]byte, error) {
	if _, err := scope(c.Installation, c.Kind); err != nil {
		return nil, err
	}
	if _, err := token(c.ID); err != nil {
		return nil, err
	}
	l := line{Kind: c.Kind, ID: c.ID, Change: c, Traceparent: c.Traceparent, StoredAt: storedAt}
	if key != (changeKey{}) {
		l.Key = base64.RawURLEncoding.EncodeToString(key[:])
	}
	text, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode change: %w", err)
	}
	return text, nil
}

// decodeLine is the inverse of encodeLine.
func decodeLine(installation string, text []byte) (c Change, storedAt time.Time, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return Change{}, time.Time{}, fmt.Errorf("decode change: %w", err)
	}
	if _, err := scope(installation, l.Kind); err != nil {
		return Change{}, time.Time{}, err
	}
	if _, err := token(l.ID); err != nil {
		return Change{}, time.Time{}, err
	}
	c = l.Change
	c.Installation, c.Kind, c.ID, c.Traceparent = installation, l.Kind, l.ID, l.Traceparent
	return c, l.StoredAt, nil
}

// readMessage hands each change of a journal's message to fn with its place in it, or the
// error that keeps it from being read; of one installation alone, unless only is empty.
// Stores of format 1 have one change in each message, whose record its subject names: such
// a change is handed on beside the error.
//
// An error is returned when the message as a whole is none of the journal's.
func readMessage(
	subject string, header nats.Header, body []byte, at time.Time, only string, fn func(c StoredChange, err error),
) error {
	installation, isRound := parseRoundSubject(subject)
	if !isRound {
		c, err := readChange(subject, header, body)
		if c.Installation == "" {
			return err
		}
		fn(StoredChange{Change: c, StoredAt: at}, err)
		return nil
	}
	if header.Get(roundHeader) != roundFormat {
		return fmt.Errorf("%w: %q", errUnknownRound, header.Get(roundHeader))
	}
	place := 0
	for text := range bytes.SplitSeq(body, []byte{'\n'}) {
		if bytes.HasPrefix(text, []byte{'"'}) {
			if err := json.Unmarshal(text, &installation); err != nil {
				installation = "" // nobody's: what follows cannot be read
			}
			continue
		}
		if only == "" || only == installation {
			c, storedAt, err := decodeLine(installation, text)
			if storedAt.IsZero() {
				storedAt = at
			}
			fn(StoredChange{Change: c, Place: place, StoredAt: storedAt}, err)
		}
		place++
	}
	return nil
}

// keysIn hands on the key of each change in a message that has one, with its place.
func keysIn(subject string, header nats.Header, body []byte, fn func(key changeKey, place int)) (changes int) {
	if _, isRound := parseRoundSubject(subject); !isRound {
		if id := header.Get(nats.MsgIdHdr); id != "" {
			fn(keyOf(id), 0)
		}
		return 1
	}
	for text := range bytes.SplitSeq(body, []byte{'\n'}) {
		if bytes.HasPrefix(text, []byte{'"'}) {
			continue
		}
		var key changeKey
		if rest, ok := bytes.CutPrefix(text, []byte(keyPrefix)); ok && len(rest) > keyText {
			if n, err := base64.RawURLEncoding.Decode(key[:], rest[:keyText]); err == nil && n == len(key) && rest[keyText] == '"' {
				fn(key, changes)
			}
		}
		changes++
	}
	return changes
}

const keyText = 16 // characters of a changeKey in base64
