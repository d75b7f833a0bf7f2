// Package mac authenticates what lies where others can write: HMAC-SHA256 under a ring of
// keys, over a value together with the place that it belongs to, so that a value can neither
// be made, nor changed, nor moved to another place without a key.
//
// It hides nothing, and does not tell an older value of a place from the present one.
// Tables of events, the manifest of the store and that of backups are authenticated by it.
package mac

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	idSize = 8
	// Size is the length of a code in bytes.
	Size = idSize + sha256.Size
	// keyMin is the shortest key, in bytes.
	keyMin = 32
)

// Keys authenticate with the first key and verify with any of them.
type Keys struct{ all []key }

type key struct {
	id  [idSize]byte
	raw []byte
}

// New makes a ring of keys of at least 32 bytes.
func New(raws ...[]byte) (*Keys, error) {
	if len(raws) == 0 {
		return nil, errors.New("make keys for authentication: none given")
	}
	k := &Keys{}
	for i, raw := range raws {
		if len(raw) < keyMin {
			return nil, fmt.Errorf("make key %d for authentication: %d bytes, want %d at least", i+1, len(raw), keyMin)
		}
		one := key{raw: bytes.Clone(raw)}
		sum := sha256.Sum256(append([]byte("channelsync mac key id\x00"), raw...))
		copy(one.id[:], sum[:])
		k.all = append(k.all, one)
	}
	return k, nil
}

// Sum is the code of a value at its place: the id of the key, then the HMAC.
func (k *Keys) Sum(place string, value []byte) []byte {
	return append(bytes.Clone(k.all[0].id[:]), k.all[0].sum(place, value)...)
}

// Verify says whether one of the keys made the code for the value at that place.
func (k *Keys) Verify(place string, value, code []byte) bool {
	if len(code) != Size {
		return false
	}
	for _, one := range k.all {
		if bytes.Equal(one.id[:], code[:idSize]) {
			return hmac.Equal(one.sum(place, value), code[idSize:])
		}
	}
	return false
}

// Newest says whether a code is of the key that authenticates now, by its id alone.
func (k *Keys) Newest(code []byte) bool {
	return len(code) == Size && bytes.Equal(k.all[0].id[:], code[:idSize])
}

func (k key) sum(place string, value []byte) []byte {
	m := hmac.New(sha256.New, k.raw)
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(place))) // so that no place runs into a value
	_, _ = m.Write(size[:])
	_, _ = m.Write([]byte(place))
	_, _ = m.Write(value) // a hash takes whatever it is given
	return m.Sum(nil)
}
