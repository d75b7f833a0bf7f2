// Package seal keeps what must not lie readable on a disk: AES-256-GCM with a
// key ring, so that keys can be rotated, and additional data, so that a sealed
// value cannot be moved from one installation to another.
//
// A Ring seals; a Vault holds one Ring per installation under the master Ring,
// so that destroying an installation's key makes all of its data unreadable.
// It never logs, never retries and knows nothing of what it seals. The store of
// installations, the ledger and the dead letters call it.
package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// KeySize is the length of a key in bytes.
const KeySize = 32

const (
	version    = 1
	keyIDSize  = 8
	headerSize = 1 + keyIDSize
)

// ErrWrongKey says that no key of the ring sealed the value, or that it was changed since, or is no sealed value at all.
var ErrWrongKey = errors.New("sealed with a key that is not in the ring")

// Ring seals with its first key and opens with any of them.
type Ring struct{ keys []key }

type key struct {
	id   [keyIDSize]byte
	aead cipher.AEAD
}

// NewRing makes a ring of raw keys of 32 bytes; the first one seals.
func NewRing(raws ...[]byte) (*Ring, error) {
	r := &Ring{}
	for _, raw := range raws {
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("make cipher: %w", err)
		}
		sum := sha256.Sum256(append([]byte("channelsync key id\x00"), raw...))
		k := key{aead: aead}
		copy(k.id[:], sum[:])
		r.keys = append(r.keys, k)
	}
	if len(r.keys) == 0 {
		return nil, errors.New("make key ring: no key given")
	}
	return r, nil
}

// NewKey makes a random key.
func NewKey() []byte {
	raw := make([]byte, KeySize)
	_, _ = rand.Read(raw) // crypto/rand never fails: it ends the process instead
	return raw
}

// Seal encrypts plain for the place named by aad; Open needs the same aad.
func (r *Ring) Seal(aad string, plain []byte) []byte {
	k := r.keys[0]
	out := make([]byte, 0, headerSize+len(plain)+k.aead.Overhead())
	out = append(out, version)
	out = append(out, k.id[:]...)
	return k.aead.Seal(out, nil, plain, []byte(aad))
}

// Open decrypts what Seal made. It returns ErrWrongKey when no key fits or the value was tampered with.
func (r *Ring) Open(aad string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerSize || sealed[0] != version {
		return nil, fmt.Errorf("open sealed value for %s: %w", aad, ErrWrongKey)
	}
	for _, k := range r.keys {
		if !bytes.Equal(k.id[:], sealed[1:headerSize]) {
			continue
		}
		plain, err := k.aead.Open(nil, nil, sealed[headerSize:], []byte(aad))
		if err != nil {
			return nil, fmt.Errorf("open sealed value for %s: %w", aad, ErrWrongKey)
		}
		return plain, nil
	}
	return nil, fmt.Errorf("open sealed value for %s: %w", aad, ErrWrongKey)
}

// SealedLast says whether the key that seals now has sealed the value.
func (r *Ring) SealedLast(sealed []byte) bool {
	return len(sealed) >= headerSize && bytes.Equal(r.keys[0].id[:], sealed[1:headerSize])
}
