package sim

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"time"
)

// The length of an Idempotency-Key, in characters.
const (
	shortestKey = 16
	longestKey  = 255
)

// keyStore remembers the final answers of batches by their Idempotency-Key.
type keyStore struct {
	entries map[string]*keyEntry
	ageing  []agedKey // by when they were stored
}

type keyEntry struct {
	fingerprint [sha256.Size]byte
	answer      *storedBatch // nil while the first request with the key is at work
	storedAt    time.Time
}

type agedKey struct {
	key      string
	storedAt time.Time
}

// storedBatch is an answer that may be given again.
type storedBatch struct {
	status int
	result BatchResult
}

func newKeyStore() *keyStore { return &keyStore{entries: make(map[string]*keyEntry)} }

// begin claims a key for a request, or says why it cannot be: an answer to give
// again, a key used for something else, or one whose first request is at work.
func (k *keyStore) begin(key string, fingerprint [sha256.Size]byte, now time.Time) (*storedBatch, *Problem) {
	k.expire(now)
	entry, known := k.entries[key]
	switch {
	case !known:
		k.entries[key] = &keyEntry{fingerprint: fingerprint}
		return nil, nil
	case entry.fingerprint != fingerprint:
		return nil, newProblem(http.StatusUnprocessableEntity, CodeIdempotencyKeyReused,
			"this Idempotency-Key was used for another request")
	case entry.answer == nil:
		return nil, newProblem(http.StatusConflict, CodeIdempotencyInProgress,
			"the first request with this Idempotency-Key is still at work")
	default:
		return entry.answer, nil
	}
}

// finish stores a final answer. An answer with failed items is not final: the
// same bytes sent again must get another try, so its key is freed, as it is
// with no answer at all.
func (k *keyStore) finish(key string, answer *storedBatch, now time.Time) {
	entry, known := k.entries[key]
	if !known {
		return // wiped meanwhile
	}
	if answer == nil || answer.result.Summary.Failed > 0 {
		delete(k.entries, key)
		return
	}
	entry.answer, entry.storedAt = answer, now
	k.ageing = append(k.ageing, agedKey{key, now})
}

func (k *keyStore) expire(now time.Time) {
	for len(k.ageing) > 0 && now.Sub(k.ageing[0].storedAt) > idempotencyTTL {
		delete(k.entries, k.ageing[0].key)
		k.ageing = k.ageing[1:]
	}
}

// readKey takes the header raw, or quoted as the IETF draft writes it.
func readKey(h http.Header) (string, *Problem) {
	key := h.Get("Idempotency-Key")
	if len(key) >= 2 && strings.HasPrefix(key, `"`) && strings.HasSuffix(key, `"`) {
		key = key[1 : len(key)-1]
	}
	if len(key) < shortestKey || len(key) > longestKey {
		return "", newProblem(http.StatusBadRequest, CodeInvalidRequest,
			"an Idempotency-Key of %d to %d characters is required, got %d", shortestKey, longestKey, len(key))
	}
	return key, nil
}

func fingerprintOf(op operation, body []byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(op+"\n"), body...))
}
