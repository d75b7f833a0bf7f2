package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
)

// The rows of the audit's table that are no entries.
const (
	chainHead    = "head"
	chainKey     = "key"
	chainPurpose = "audit key"
	maxFindings  = 20
)

// errForgedHead says that a head was not written with the chain's key.
var errForgedHead = errors.New("the head of the audit was not written by channelsync; channelsync audit verify says more")

// link is an entry in its place of the chain: numbered from 1, with the code of the one before.
// What a version before the chain wrote has no number, and a code since the chain began.
type link struct {
	v1.AuditEntry
	N    uint64 `json:"n,omitempty"`
	Prev []byte `json:"prev,omitempty"`
	MAC  []byte `json:"mac,omitempty"`
}

// head says how far the chain goes, so that entries missing at its end show as well.
type head struct {
	N     uint64    `json:"n"` // of the last entry; 0: there is none
	Last  []byte    `json:"last,omitempty"`
	First uint64    `json:"first"` // of the oldest that is kept
	Since time.Time `json:"since"` // when the chain was begun
	MAC   []byte    `json:"mac"`
}

// chain codes entries with HMAC-SHA256 under a random key, which lies sealed under the master key.
type chain struct {
	key []byte
	now func() time.Time
	// vouched says that what was there when the chain began has its codes: nothing else without a number is of before.
	vouched bool
}

func openChain(ctx context.Context, cfg Config) (chain, error) {
	c := chain{now: cfg.Now}
	e, err := cfg.Table.GetOrCreate(ctx, chainKey, func() []byte {
		return cfg.Sealer.Seal(chainPurpose, chain{key: newKey()}.row())
	})
	if err != nil {
		return c, fmt.Errorf("read the key of the audit: %w", err)
	}
	plain, err := cfg.Sealer.Open(chainPurpose, e.Value)
	if err != nil || len(plain) < sha256.Size { // the store is ours, or it would not have been opened: somebody wrote this row
		cfg.Log.Error("the key of the audit was not written by channelsync; it is replaced, and all entries chained before will show as changed", zap.Error(err))
		c.key, c.vouched = newKey(), true
		if _, err := cfg.Table.Update(ctx, chainKey, cfg.Sealer.Seal(chainPurpose, c.row()), e.Revision); err != nil {
			return c, fmt.Errorf("store a key of the audit: %w", err)
		}
		return c, nil
	}
	c.key, c.vouched = plain[:sha256.Size], len(plain) > sha256.Size
	if !cfg.Sealer.SealedLast(e.Value) {
		_, err := cfg.Table.Update(ctx, chainKey, cfg.Sealer.Seal(chainPurpose, plain), e.Revision)
		if err != nil && !errors.Is(err, kv.ErrConflict) { // another instance did it
			return c, fmt.Errorf("seal the key of the audit anew: %w", err)
		}
	}
	return c, nil
}

func newKey() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
}

// row is what lies sealed: the key, and a byte more once what was there before has its codes.
func (c chain) row() []byte {
	if c.vouched {
		return append(bytes.Clone(c.key), 1)
	}
	return c.key
}

// head reads the head; revision 0 and an empty one when there is none.
func (c chain) head(ctx context.Context, table Table) (h head, revision uint64, err error) {
	e, err := table.Get(ctx, chainHead)
	if errors.Is(err, kv.ErrNotFound) {
		return head{First: 1, Since: c.now().UTC()}, 0, nil
	}
	if err != nil {
		return head{}, 0, fmt.Errorf("read the head of the audit: %w", err)
	}
	if json.Unmarshal(e.Value, &h) != nil || !hmac.Equal(h.MAC, c.sign(h)) {
		return head{First: 1}, e.Revision, errForgedHead
	}
	return h, e.Revision, nil
}

// append makes an entry the last of the chain, and returns the new head.
func (c chain) append(key string, l *link, h head) head {
	l.N, l.Prev = h.N+1, h.Last
	l.MAC = c.code(key, *l)
	h.N, h.Last = l.N, l.MAC
	h.MAC = c.sign(h)
	return h
}

// authentic says whether an entry has the code that the chain gives it.
func (c chain) authentic(key string, l link) bool { return hmac.Equal(l.MAC, c.code(key, l)) }

func (c chain) code(key string, l link) []byte {
	l.MAC = nil
	return c.mac("entry "+key, l)
}

func (c chain) sign(h head) []byte {
	h.MAC = nil
	return c.mac("head", h)
}

func (c chain) mac(of string, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // every part of it can be encoded
	}
	m := hmac.New(sha256.New, c.key)
	_, _ = fmt.Fprintf(m, "%d %s ", len(of), of)
	_, _ = m.Write(b)
	return m.Sum(nil)
}

// verify says what is wrong with the entries, which are by their keys.
func (c chain) verify(h head, links map[string]link) v1.AuditVerification {
	out := v1.AuditVerification{First: h.First, Last: h.N, Findings: []string{}}
	found := func(format string, args ...any) {
		if len(out.Findings) < maxFindings {
			out.Findings = append(out.Findings, fmt.Sprintf(format, args...))
		}
	}
	byNumber := map[uint64]link{}
	for _, key := range slices.Sorted(maps.Keys(links)) {
		l := links[key]
		switch {
		case l.N == 0 && c.authentic(key, l):
			out.Before++ // by a version before the chain, and there when it began
		case l.N == 0:
			found("Entry %s of %s is in no place of the chain.", key, l.At.UTC().Format(time.RFC3339))
		case !c.authentic(key, l):
			found("Entry %d of %s was changed, or put in.", l.N, l.At.UTC().Format(time.RFC3339))
		default:
			byNumber[l.N] = l
		}
	}
	next := h.First // a head may claim any number: what is walked is what there is
	missing := func(until uint64) {
		switch {
		case next+1 == until:
			found("Entry %d is missing.", next)
		case next < until:
			found("Entries %d to %d are missing.", next, until-1)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(byNumber)) {
		l := byNumber[n]
		before, known := byNumber[n-1]
		switch {
		case n > h.N:
			found("Entry %d is beyond the end of the chain.", n)
			continue
		case n < h.First:
			continue
		}
		missing(n)
		next = n + 1
		if known && !bytes.Equal(l.Prev, before.MAC) {
			found("Entry %d does not follow entry %d.", n, n-1)
		} else {
			out.Entries++
		}
	}
	missing(h.N + 1)
	if last, there := byNumber[h.N]; there && !bytes.Equal(last.MAC, h.Last) {
		found("Entry %d is not the one that the chain ends with.", h.N)
	}
	return out
}
