package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
)

const (
	// Idle is how long a session lasts without a request of its holder; a page that follows
	// what happens by itself is none.
	Idle = time.Hour
	// Lasting is how long it lasts in any case.
	Lasting = 12 * time.Hour

	fresh     = time.Second // how long what was read is believed: a session ends everywhere within it
	useEvery  = time.Minute // how often it is written that a session is used
	ofOne     = 20          // sessions that somebody has at most; the oldest makes room
	idBytes   = 32
	maxCookie = 512
	maxAgent  = 200
)

// Table is where the sessions lie, under the hashes of their ids.
type Table interface {
	rows
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Delete(ctx context.Context, key string) error
}

type rows interface {
	// Get fails with kv.ErrNotFound when there is none.
	Get(ctx context.Context, key string) (kv.Entry, error)
	// Update and Create fail with kv.ErrConflict when somebody else wrote meanwhile.
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
}

// Sealer keeps a row, or a cookie, from being made without its key.
type Sealer interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
}

// Config is what a Store works with.
type Config struct {
	Table  Table
	Sealer Sealer
	Now    func() time.Time // nil: time.Now
	Log    *zap.Logger
}

// Session is one log-in.
type Session struct {
	Key     string      `json:"key"`              // names it in lists; the hash of what its cookie holds
	Who     v1.Identity `json:"who"`              // as of the log-in
	Values  []string    `json:"values,omitempty"` // of a person: what gave the role
	Person  bool        `json:"person,omitempty"` // logged in by OpenID Connect, not by a token
	Made    time.Time   `json:"made"`
	Used    time.Time   `json:"used"`              // to about a minute
	Address string      `json:"address,omitempty"` // that the log-in came from
	Agent   string      `json:"agent,omitempty"`   // the browser, as it calls itself
}

// valid says whether time has not ended it.
func (s *Session) valid(now time.Time) bool {
	return now.Sub(s.Made) < Lasting && now.Sub(s.Used) < Idle && s.Made.Sub(now) < Lasting
}

// Store finds, keeps and ends sessions.
type Store struct {
	Config
	mu    sync.Mutex // guards known; never held across a call
	known map[string]found
}

// found is a session as it was read.
type found struct {
	Session
	revision uint64
	at       time.Time
	written  time.Time // when the row says that it was used; here it may have been since
}

// New returns a store of what its table holds.
func New(cfg Config) *Store {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = zap.NewNop()
	}
	return &Store{Config: cfg, known: map[string]found{}}
}

const cookiePurpose = "console session cookie"

func rowPurpose(key string) string { return "console session " + key }

func keyOf(id []byte) string {
	sum := sha256.Sum256(id)
	return hex.EncodeToString(sum[:])
}

// key is the key of the session that a cookie is of. A cookie that we did not seal
// costs no call.
func (s *Store) key(cookie string) (string, bool) {
	if cookie == "" || len(cookie) > maxCookie {
		return "", false
	}
	b, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil {
		return "", false
	}
	id, err := s.Sealer.Open(cookiePurpose, b)
	if err != nil || len(id) != idBytes {
		return "", false
	}
	return keyOf(id), true
}

// Begin makes a session of a log-in, and returns what its cookie holds. Key, Made and Used
// are set here.
func (s *Store) Begin(ctx context.Context, in Session) (cookie string, err error) {
	if err := s.makeRoom(ctx, in.Who.ID); err != nil {
		return "", err
	}
	id := make([]byte, idBytes)
	_, _ = rand.Read(id) // never fails: it ends the process instead
	in.Key, in.Made = keyOf(id), s.Now().UTC()
	in.Used = in.Made
	if r := []rune(in.Agent); len(r) > maxAgent {
		in.Agent = string(r[:maxAgent])
	}
	value, err := s.encode(in)
	if err != nil {
		return "", err
	}
	revision, err := s.Table.Create(ctx, in.Key, value)
	if err != nil {
		return "", fmt.Errorf("store session: %w", err)
	}
	s.remember(found{in, revision, in.Made, in.Made})
	return base64.RawURLEncoding.EncodeToString(s.Sealer.Seal(cookiePurpose, id)), nil
}

// makeRoom ends the oldest sessions of somebody who has too many.
func (s *Store) makeRoom(ctx context.Context, who string) error {
	all, err := s.List(ctx)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(all, func(o Session) bool { return o.Who.ID != who })
	for _, o := range own[min(len(own), ofOne-1):] { // the newest first
		if err := s.End(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}

// Find returns the session of a cookie; false when there is none. use says that its holder
// asks for something, which keeps it from being idle. While the table cannot be read, a
// session that is known goes on until time ends it.
func (s *Store) Find(ctx context.Context, cookie string, use bool) (Session, bool, error) {
	key, ok := s.key(cookie)
	if !ok {
		return Session{}, false, nil
	}
	f, err := s.read(ctx, key)
	if errors.Is(err, kv.ErrNotFound) {
		s.forget(key)
		return Session{}, false, nil
	}
	if err != nil {
		return Session{}, false, err
	}
	now := s.Now()
	if !f.valid(now) {
		s.forget(key)
		return Session{}, false, nil // its row goes by itself
	}
	if use {
		f.Used = now.UTC()
		s.note(ctx, f)
	}
	return f.Session, true, nil
}

func (s *Store) read(ctx context.Context, key string) (found, error) {
	now := s.Now()
	s.mu.Lock()
	f, known := s.known[key]
	s.mu.Unlock()
	if age := now.Sub(f.at); known && age >= 0 && age < fresh {
		return f, nil
	}
	e, err := s.Table.Get(ctx, key)
	if errors.Is(err, kv.ErrNotFound) {
		return found{}, err
	}
	if err != nil && known {
		s.Log.Warn("read session failed, using the session as last read", zap.Error(err))
		f.at = now
		s.remember(f)
		return f, nil
	}
	if err != nil {
		return found{}, fmt.Errorf("read session: %w", err)
	}
	in, err := s.decode(e)
	if err != nil {
		s.Log.Error("a session's row was not written by channelsync, or is sealed with another key; it is refused", zap.Error(err))
		return found{}, kv.ErrNotFound
	}
	read := found{in, e.Revision, now, in.Used}
	if known && f.Used.After(in.Used) {
		read.Used = f.Used
	}
	s.remember(read)
	return read, nil
}

// note remembers that a session is used, and writes it once a minute. Where another instance wrote, or it has ended
// meanwhile, the next reading tells.
func (s *Store) note(ctx context.Context, f found) {
	if f.Used.Sub(f.written) < useEvery {
		s.mu.Lock()
		defer s.mu.Unlock()
		if known, ok := s.known[f.Key]; ok {
			known.Used = f.Used
			s.known[f.Key] = known
		}
		return
	}
	value, err := s.encode(f.Session)
	if err != nil {
		return // it was decoded before
	}
	revision, err := s.Table.Update(ctx, f.Key, value, f.revision)
	switch {
	case err == nil:
		s.remember(found{f.Session, revision, f.at, f.Used})
	case errors.Is(err, kv.ErrConflict):
		s.forget(f.Key)
	default:
		s.Log.Warn("record the use of a session failed, retrying with its next request", zap.Error(err))
	}
}

// End ends a session: here at once, on the other instances within a second or two. One that
// is not there has ended.
func (s *Store) End(ctx context.Context, key string) error {
	if err := s.Table.Delete(ctx, key); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	s.forget(key)
	return nil
}

// EndCookie ends the session of a cookie, if it is one.
func (s *Store) EndCookie(ctx context.Context, cookie string) error {
	key, ok := s.key(cookie)
	if !ok {
		return nil
	}
	return s.End(ctx, key)
}

// List returns the sessions that time has not ended, the newest first.
func (s *Store) List(ctx context.Context) ([]Session, error) {
	var all []Session
	now := s.Now()
	err := s.Table.Each(ctx, "", func(e kv.Entry) error {
		if in, err := s.decode(e); err == nil && in.valid(now) {
			all = append(all, in)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	slices.SortFunc(all, func(a, b Session) int { return b.Made.Compare(a.Made) })
	return all, nil
}

func (s *Store) encode(in Session) ([]byte, error) {
	plain, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	return s.Sealer.Seal(rowPurpose(in.Key), plain), nil
}

func (s *Store) decode(e kv.Entry) (in Session, err error) {
	plain, err := s.Sealer.Open(rowPurpose(e.Key), e.Value)
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(plain, &in); err != nil {
		return in, fmt.Errorf("decode session: %w", err)
	}
	return in, nil
}

func (s *Store) remember(f found) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) > 1000 { // those that nobody asks for any more
		maps.DeleteFunc(s.known, func(_ string, o found) bool { return f.at.Sub(o.at) > useEvery })
	}
	s.known[f.Key] = f
}

func (s *Store) forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, key)
}

// KeyOf is the key of the session that a cookie is of; empty when it is of none.
func (s *Store) KeyOf(cookie string) string {
	key, _ := s.key(cookie)
	return key
}
