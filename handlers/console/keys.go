package console

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"

	v1 "channelsync/api/v1"
)

// derive makes a key for one purpose from the admin token, so that a session or a
// draft made by one instance is known by every other, and none outlives the token.
// Without a token the key is a random one: nobody can log in then.
func derive(token v1.Secret, purpose string) []byte {
	if token != "" {
		if key, err := hkdf.Key(sha256.New, []byte(token.Reveal()), nil, "channelsync console "+purpose, sha256.Size); err == nil {
			return key
		}
	}
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
}
