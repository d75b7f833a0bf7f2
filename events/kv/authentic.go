package kv

import (
	"context"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	js "channelsync/events/internal/jetstream"
	"channelsync/internal/mac"
)

// Whoever is on the NATS network may be able to write into our tables. In an authenticated
// one every write carries a code over the table, the key, what is done to it and the value
// (package mac). A message without one, or with a wrong one, counts as absent: reads skip it
// and return the previous value where the table still has it, watches do not deliver it, and
// Create overwrites it. It is logged, counted and shown, and has no other effect.
//
// An older write of the same key is authentic: whoever kept one can put it back.

// codeHeader carries the code, in base64.
const codeHeader = "Channelsync-Mac"

// Authenticator distinguishes what channelsync wrote to the tables of a store from what others did.
type Authenticator struct {
	cfg AuthenticatorConfig

	mu       sync.Mutex // guards what follows
	believed map[string]uint64
	renewed  map[string]bool
	rejected map[rejection]uint64 // the revision that was rejected last
	counts   map[string]*Rejected
}

// AuthenticatorConfig is what an Authenticator works with.
type AuthenticatorConfig struct {
	Keys *mac.Keys
	// Count is called once for every write that was rejected, with its table; nil: nothing is counted.
	Count func(table string)
	Log   *zap.Logger
	Now   func() time.Time
}

// Rejected is what was rejected of a table.
type Rejected struct {
	Table  string
	Writes int // since the process began
	LastAt time.Time

	logged time.Time
	quiet  int // rejected since, and not logged
}

type rejection struct{ table, key string }

const (
	// rejectedMax bounds what is remembered, so that a write that is read again and again counts once.
	rejectedMax = 10_000
	// rejectedEvery is how often it is logged at most, by table.
	rejectedEvery = time.Minute
)

// NewAuthenticator believes nothing yet that carries no code.
func NewAuthenticator(cfg AuthenticatorConfig) *Authenticator {
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	return &Authenticator{cfg: cfg, renewed: map[string]bool{}, rejected: map[rejection]uint64{}, counts: map[string]*Rejected{}}
}

// Keys are what the tables are authenticated with.
func (a *Authenticator) Keys() *mac.Keys { return a.cfg.Keys }

// Believe says up to which revision of each table a write without any code is believed: it
// was there before tables were authenticated. Call it before a table is opened.
func (a *Authenticator) Believe(until map[string]uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.believed = until
}

// Renewed says whether everything in a table was written again with the newest key, so that
// nothing without a code has to be believed there any more.
func (a *Authenticator) Renewed(table string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.renewed[table]
}

// RejectedSince lists the tables in which something was rejected after t.
func (a *Authenticator) RejectedSince(t time.Time) []Rejected {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []Rejected
	for _, r := range a.counts {
		if r.LastAt.After(t) {
			out = append(out, *r)
		}
	}
	return out
}

// placeOf is what a code is made for, beside the value.
func placeOf(table, key string, deletion bool) string {
	if deletion {
		return "table " + table + " delete " + key
	}
	return "table " + table + " put " + key
}

func codeOf(h nats.Header) []byte {
	code, err := base64.RawStdEncoding.DecodeString(h.Get(codeHeader))
	if err != nil {
		return nil
	}
	return code
}

// sign makes a message one of ours.
func (t *Table) sign(msg *nats.Msg, key string) *nats.Msg {
	if a := t.cfg.Authenticator; a != nil {
		code := a.cfg.Keys.Sum(placeOf(t.cfg.Name, key, IsDeletion(msg.Header)), msg.Data)
		msg.Header.Set(codeHeader, base64.RawStdEncoding.EncodeToString(code))
	}
	return msg
}

// authentic says whether a write is ours.
func (t *Table) authentic(h nats.Header, key string, value []byte, revision uint64) bool {
	a := t.cfg.Authenticator
	if a == nil {
		return true
	}
	if h.Get(codeHeader) == "" {
		return a.believes(t.cfg.Name, revision)
	}
	return a.cfg.Keys.Verify(placeOf(t.cfg.Name, key, IsDeletion(h)), value, codeOf(h))
}

// accepts is authentic, and notes what is not.
func (t *Table) accepts(h nats.Header, key string, value []byte, revision uint64) bool {
	if t.authentic(h, key, value, revision) {
		return true
	}
	t.cfg.Authenticator.reject(t.cfg.Name, key, revision)
	return false
}

func (a *Authenticator) believes(table string, revision uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return revision <= a.believed[table]
}

func (a *Authenticator) reject(table, key string, revision uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.cfg.Now()
	r := a.counts[table]
	if r == nil {
		r = &Rejected{Table: table}
		a.counts[table] = r
	}
	r.LastAt = now
	at := rejection{table, key}
	if a.rejected[at] == revision {
		return // it is only read again
	}
	if len(a.rejected) >= rejectedMax {
		clear(a.rejected)
	}
	a.rejected[at] = revision
	r.Writes++
	a.cfg.Count(table)
	if !r.logged.IsZero() && now.Sub(r.logged) < rejectedEvery {
		r.quiet++
		return
	}
	a.cfg.Log.Error("record ignored: it was not written by channelsync, or with another master key; somebody else writes to the NATS account",
		zap.String(v1.LogStream, "KV_"+table), zap.String(v1.LogKey, key), zap.Uint64(v1.LogSequence, revision), zap.Int(v1.LogCount, r.quiet+1))
	r.logged, r.quiet = now, 0
}

// standing is what a key holds, given the last message of it: that one if it is ours, else
// what the table still has from before, at the last one's revision, so that whoever updates
// it writes over what was rejected. ErrNotFound when that is nothing, or a deletion.
func (t *Table) standing(ctx context.Context, last *jetstream.RawStreamMsg) (*jetstream.RawStreamMsg, error) {
	key := last.Subject[len(t.Prefix):]
	found := last
	if !t.accepts(last.Header, key, last.Data, last.Sequence) {
		found = nil
		if t.cfg.History > 1 {
			err := t.DirectEach(ctx, js.GetRequest{NextFor: last.Subject}, func(msgs []*jetstream.RawStreamMsg) error {
				for _, msg := range msgs {
					if msg.Sequence < last.Sequence && t.authentic(msg.Header, key, msg.Data, msg.Sequence) {
						before := *msg
						before.Sequence = last.Sequence
						found = &before
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	if found == nil || IsDeletion(found.Header) {
		return nil, js.ErrNotFound
	}
	return found, nil
}

// renew writes everything again that the newest key did not authenticate: what an older key
// did, so that the key can go, and what is believed without any code.
func (t *Table) renew(ctx context.Context) error {
	a := t.cfg.Authenticator
	if a == nil {
		return nil
	}
	var old []Entry
	err := t.each(ctx, "", func(msg *jetstream.RawStreamMsg) error {
		if !a.cfg.Keys.Newest(codeOf(msg.Header)) {
			old = append(old, t.entry(msg))
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, e := range old {
		if _, err := t.Update(ctx, e.Key, e.Value, e.Revision); err != nil && !errors.Is(err, js.ErrConflict) { // another instance did it
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.renewed[t.cfg.Name] = true
	return nil
}

// HasAuthentic says whether a table that is not open, and may not exist, holds anything that
// the keys authenticate.
func HasAuthentic(ctx context.Context, l *js.Link, keys *mac.Keys, table string) (found bool, err error) {
	handle, err := l.JS.Stream(ctx, "KV_"+table)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	stop := errors.New("found")
	stream := &js.Stream{Link: l, Name: "KV_" + table, Handle: handle}
	prefix := prefixOf(table)
	err = stream.DirectEach(ctx, js.GetRequest{NextFor: prefix + ">"}, func(msgs []*jetstream.RawStreamMsg) error {
		for _, msg := range msgs {
			if keys.Verify(placeOf(table, msg.Subject[len(prefix):], IsDeletion(msg.Header)), msg.Data, codeOf(msg.Header)) {
				return stop
			}
		}
		return nil
	})
	if errors.Is(err, stop) {
		return true, nil
	}
	return false, err
}
