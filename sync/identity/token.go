package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

const (
	// prefix makes a token easy to find where it should not be.
	prefix     = "cst_"
	tokenBytes = 32
	// overlap is how long a secret is valid after it was replaced.
	overlap = time.Hour
)

// token is a row of the table.
type token struct {
	ID            string    `json:"id"`
	Name          string    `json:"name"`
	Role          v1.Role   `json:"role"`
	Installations []string  `json:"installations,omitempty"`
	CreatedAt     time.Time `json:"createdAt"`
	ExpiresAt     time.Time `json:"expiresAt,omitzero"`
	LastUsedAt    time.Time `json:"lastUsedAt,omitzero"`
	Secrets       []secret  `json:"secrets"` // the newest last
}

type secret struct {
	Number int       `json:"number"` // counted from 1
	Hash   []byte    `json:"hash"`
	Until  time.Time `json:"until,omitzero"` // zero: it was not replaced
}

// generate makes the text of a token, of 256 random bits.
func generate() (text string, hash [sha256.Size]byte) {
	b := make([]byte, tokenBytes)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	text = prefix + base64.RawURLEncoding.EncodeToString(b)
	return text, sha256.Sum256([]byte(text))
}

// generated says whether a text has the form of those that generate makes.
func generated(text string) bool {
	encoded, ok := strings.CutPrefix(text, prefix)
	b, err := base64.RawURLEncoding.DecodeString(encoded)
	return ok && err == nil && len(b) == tokenBytes
}

// valid says whether the numbered secret opens anything.
func (t *token) valid(number int, now time.Time) bool {
	if t.expired(now) {
		return false
	}
	i := slices.IndexFunc(t.Secrets, func(s secret) bool { return s.Number == number })
	return i >= 0 && (t.Secrets[i].Until.IsZero() || now.Before(t.Secrets[i].Until))
}

func (t *token) expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }

// replace puts a new secret in the place of the newest one, which stays valid for an hour
// unless it ends now. No more than those two open anything.
func (t *token) replace(hash []byte, at time.Time, now bool) {
	last := t.Secrets[len(t.Secrets)-1]
	next := secret{Number: last.Number + 1, Hash: hash}
	if now {
		t.Secrets = []secret{next}
		return
	}
	last.Until = at.Add(overlap)
	t.Secrets = []secret{last, next}
}

func (t *token) identity(number int) v1.Identity {
	return v1.Identity{ID: t.ID, Name: t.Name, Role: t.Role, Installations: t.Installations, Secret: number}
}

func (t *token) listed() v1.Token {
	out := v1.Token{ID: t.ID, Name: t.Name, Role: t.Role, Installations: t.Installations, CreatedAt: t.CreatedAt}
	if out.Installations == nil {
		out.Installations = []string{}
	}
	if !t.LastUsedAt.IsZero() {
		out.LastUsedAt = &t.LastUsedAt
	}
	if !t.ExpiresAt.IsZero() {
		out.ExpiresAt = &t.ExpiresAt
	}
	return out
}
