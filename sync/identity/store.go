package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/gate"
)

// maxTokens bounds how many tokens there are.
const maxTokens = 1000

// Table is where the tokens lie, under their ids.
type Table interface {
	rows
	Watch(ctx context.Context, prefix string, fn func(kv.Event)) error
	Delete(ctx context.Context, key string) error
}

type rows interface {
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	// Update and Create fail with kv.ErrConflict when somebody else wrote meanwhile.
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
}

// Sealer keeps a row from being made or changed without its key.
type Sealer interface {
	Seal(purpose string, plain []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
	SealedLast(sealed []byte) bool
}

// Config is what a Store works with.
type Config struct {
	Table  Table
	Sealer Sealer
	// Root is --admin-token: an admin token named root that no row stands for. Empty: there is none.
	Root v1.Secret
	Now  func() time.Time
	Log  *zap.Logger
}

// Store knows every token.
type Store struct {
	Config
	root     [sha256.Size]byte
	rootNow  int       // stands for the secret that --admin-token is: a session ends with it
	changing gate.Gate // two tokens must not get one name; it is passed, never held over a lock

	mu     sync.Mutex // guards what follows; never held across a call
	tokens map[string]*known
	hashes map[[sha256.Size]byte]holder
	used   map[string]time.Time // since the last write of it
	// ended are the ids of tokens that were deleted: a replica that lags must not bring one back.
	ended map[string]bool
}

// known is a token and the revision of its row. Neither is changed: another one takes its place.
type known struct {
	token
	revision uint64
}

type holder struct {
	id     string
	secret int
}

// Open reads all tokens. What an older key sealed is sealed anew, so that the key can go.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	s := &Store{
		Config: cfg, root: sha256.Sum256([]byte(cfg.Root.Reveal())),
		tokens: map[string]*known{}, hashes: map[[sha256.Size]byte]holder{}, used: map[string]time.Time{},
		ended: map[string]bool{},
	}
	number := sha256.Sum256(append([]byte("number of root's secret\x00"), s.root[:]...))
	s.rootNow = int(binary.BigEndian.Uint32(number[:]) >> 1)
	var old []kv.Entry
	err := cfg.Table.Each(ctx, "", func(e kv.Entry) error {
		s.accept(e)
		if !cfg.Sealer.SealedLast(e.Value) {
			old = append(old, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	for _, e := range old {
		t, err := s.decode(e)
		if err != nil {
			continue // it was said, and opens nothing
		}
		if _, err := s.write(ctx, t, e.Revision); err != nil && !errors.Is(err, kv.ErrConflict) { // another instance did it
			return nil, err
		}
	}
	return s, nil
}

// Authenticate says whose a token is. Of one that has ended it says whose it was, with false.
func (s *Store) Authenticate(given v1.Secret) (v1.Identity, bool) {
	text := given.Reveal()
	hash := sha256.Sum256([]byte(text))
	if s.Root != "" && subtle.ConstantTimeCompare(hash[:], s.root[:]) == 1 {
		return s.rootIdentity(), true
	}
	if !generated(text) {
		return v1.Identity{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hashes[hash] // of 256 random bits: how long the search takes tells nothing of them
	if !ok {
		return v1.Identity{}, false
	}
	return s.use(h.id, h.secret)
}

// Current is who the holder of a token is now; false once it has ended, or the secret of that number has.
func (s *Store) Current(id string, secret int) (v1.Identity, bool) {
	if id == v1.RootName {
		return s.rootIdentity(), s.Root != "" && secret == s.rootNow
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.use(id, secret)
}

func (s *Store) rootIdentity() v1.Identity {
	return v1.Identity{ID: v1.RootName, Name: v1.RootName, Role: v1.RoleAdmin, Secret: s.rootNow}
}

// use notes that a token is used; s.mu is held.
func (s *Store) use(id string, secret int) (v1.Identity, bool) {
	t := s.tokens[id]
	if t == nil {
		return v1.Identity{}, false
	}
	now := s.Now().UTC()
	if !t.valid(secret, now) {
		return t.identity(secret), false
	}
	s.used[id] = now
	return t.identity(secret), true
}

// List returns all tokens but root, by name. Those that expired stay until they are deleted.
func (s *Store) List() []v1.Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]v1.Token, 0, len(s.tokens))
	for id, t := range s.tokens {
		listed := t.listed()
		if at, used := s.used[id]; used && at.After(t.LastUsedAt) {
			listed.LastUsedAt = &at
		}
		out = append(out, listed)
	}
	slices.SortFunc(out, func(a, b v1.Token) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Create makes a token. Its text is in the answer and nowhere else.
func (s *Store) Create(ctx context.Context, in v1.CreateToken) (v1.NewToken, error) {
	leave, err := s.changing.Enter(ctx)
	if err != nil {
		return v1.NewToken{}, fmt.Errorf("make token: %w", err)
	}
	defer leave()
	if err := s.compare(ctx); err != nil {
		return v1.NewToken{}, err
	}
	now := s.Now().UTC()
	if in.ExpiresAt != nil && !in.ExpiresAt.After(now) {
		return v1.NewToken{}, v1.Invalid("The body has fields that are not valid.", v1.FieldError{
			Pointer: "#/expiresAt", Code: "future", Detail: "got " + in.ExpiresAt.UTC().Format(time.RFC3339) + ", want a time to come",
		})
	}
	if v1.IsPerson(in.Name) {
		return v1.NewToken{}, v1.Invalid("The body has fields that are not valid.", v1.FieldError{
			Pointer: "#/name", Code: "reserved", Detail: "got a name that begins with " + v1.PersonPrefix + ", want another one: people who log in at the organisation are called so",
		})
	}
	if v1.IsActor(in.Name) {
		return v1.NewToken{}, v1.Invalid("The body has fields that are not valid.", v1.FieldError{
			Pointer: "#/name", Code: "reserved", Detail: "got a word by which the audit says where a request came from, want another name",
		})
	}
	if p := s.refused(in.Name, ""); p != nil {
		return v1.NewToken{}, p
	}
	text, hash := generate()
	t := token{
		ID: strings.ToLower(ulid.Make().String()), Name: in.Name, Role: in.Role, Installations: in.Installations,
		CreatedAt: now, Secrets: []secret{{Number: 1, Hash: hash[:]}},
	}
	if in.ExpiresAt != nil {
		t.ExpiresAt = in.ExpiresAt.UTC()
	}
	if _, err := s.write(ctx, t, 0); err != nil {
		return v1.NewToken{}, err
	}
	// Another instance may have made one of that name meanwhile: whoever sees both takes its own back.
	if err := s.compare(ctx); err != nil {
		return v1.NewToken{}, err
	}
	if p := s.refused(t.Name, t.ID); p != nil {
		return v1.NewToken{}, errors.Join(p, s.Delete(ctx, t.ID))
	}
	return v1.NewToken{ID: t.ID, Token: text}, nil
}

// refused is why no token but the one of an id may have a name; nil when it may.
func (s *Store) refused(name, id string) *v1.Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" && len(s.tokens) >= maxTokens {
		return conflict(fmt.Sprintf("There are %d tokens already.", len(s.tokens)), "Delete those that are not used any more.")
	}
	taken := v1.Same(name, v1.RootName)
	for _, t := range s.tokens {
		taken = taken || t.ID != id && v1.Same(t.Name, name)
	}
	if taken {
		return conflict("There is a token of this name already, and the audit names tokens by it.", "Use another name, or delete that token first.")
	}
	return nil
}

// Rotate gives a token a new secret. The one it had is valid for another hour, unless now is set; those before
// it end at once.
func (s *Store) Rotate(ctx context.Context, id string, now bool) (v1.NewToken, error) {
	leave, err := s.changing.Enter(ctx)
	if err != nil {
		return v1.NewToken{}, fmt.Errorf("rotate token: %w", err)
	}
	defer leave()
	text, hash := generate()
	err = kv.RetryConflict(ctx, func() error {
		t, revision, err := s.get(ctx, id)
		if err != nil {
			return err
		}
		if t.expired(s.Now()) {
			return conflict("The token has expired.", "Make another one.")
		}
		t.replace(hash[:], s.Now().UTC(), now)
		_, err = s.write(ctx, t, revision)
		return err
	})
	if err != nil {
		return v1.NewToken{}, err
	}
	return v1.NewToken{ID: id, Token: text}, nil
}

// Delete ends a token: here at once, on the other instances as soon as they hear of it.
func (s *Store) Delete(ctx context.Context, id string) error {
	if _, _, err := s.get(ctx, id); err != nil {
		return err
	}
	if err := s.Table.Delete(ctx, id); err != nil {
		return fmt.Errorf("delete token: %w", err)
	}
	s.end(id)
	return nil
}

// get returns a token as it is stored now, or the 404 that says it is not there.
func (s *Store) get(ctx context.Context, id string) (token, uint64, error) {
	if err := s.compare(ctx); err != nil {
		return token{}, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[id]
	if t == nil {
		return token{}, 0, v1.NotFound("There is no such token.")
	}
	return t.token, t.revision, nil
}

// write stores a row at a revision; 0 is none. It may not be there any more: then it is a conflict.
func (s *Store) write(ctx context.Context, t token, revision uint64) (uint64, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return 0, fmt.Errorf("encode token: %w", err)
	}
	value := s.Sealer.Seal(place(t.ID), plain)
	if revision == 0 {
		revision, err = s.Table.Create(ctx, t.ID, value)
	} else {
		revision, err = s.Table.Update(ctx, t.ID, value, revision)
	}
	if err != nil {
		return 0, fmt.Errorf("store token: %w", err)
	}
	s.put(known{t, revision})
	return revision, nil
}

// accept takes over what a row says. One that our keys did not seal opens nothing.
func (s *Store) accept(e kv.Entry) {
	t, err := s.decode(e)
	if err != nil {
		s.Log.Error("a token's row was not written by channelsync, or is sealed with another key; the token is refused",
			zap.String(v1.LogToken, e.Key), zap.Error(err))
		s.remove(e.Key)
		return
	}
	s.put(known{t, e.Revision})
}

func (s *Store) decode(e kv.Entry) (t token, err error) {
	plain, err := s.Sealer.Open(place(e.Key), e.Value)
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(plain, &t); err != nil {
		return t, fmt.Errorf("decode token: %w", err)
	}
	if t.ID != e.Key || len(t.Secrets) == 0 {
		return t, errors.New("decode token: it is another one's")
	}
	return t, nil
}

// place is what a row is sealed for.
func place(id string) string { return "token " + id }

// put remembers a token unless a later revision is known.
func (s *Store) put(t known) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.tokens[t.ID]; s.ended[t.ID] || was != nil && was.revision >= t.revision {
		return
	}
	s.forget(t.ID)
	s.tokens[t.ID] = &t
	for _, one := range t.Secrets {
		if len(one.Hash) == sha256.Size {
			s.hashes[[sha256.Size]byte(one.Hash)] = holder{t.ID, one.Number}
		}
	}
}

// end forgets a token that was deleted, for good.
func (s *Store) end(id string) {
	s.remove(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended[id] = true
}

func (s *Store) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(id)
	delete(s.used, id)
}

// forget drops what is remembered of a token; s.mu is held.
func (s *Store) forget(id string) {
	if t := s.tokens[id]; t != nil {
		for _, one := range t.Secrets {
			if len(one.Hash) == sha256.Size {
				delete(s.hashes, [sha256.Size]byte(one.Hash))
			}
		}
		delete(s.tokens, id)
	}
}

func conflict(detail, hint string) *v1.Problem {
	return v1.NewProblem(http.StatusConflict, v1.CodeConflict, detail, hint)
}
