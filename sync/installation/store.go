package installation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"channelsync/events"
	"channelsync/sync/seal"
)

// ErrNotFound says that no such installation is kept (any more).
var ErrNotFound = errors.New("no such installation")

// Table is where the installations lie: a bucket with revisions.
type Table interface {
	Get(ctx context.Context, key string) (events.Entry, error)
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Each(ctx context.Context, prefix string, fn func(events.Entry) error) error
	Erase(ctx context.Context, key string) error
}

// Store keeps all installations, in memory for reading and on the stream for good.
type Store struct {
	table Table
	vault *seal.Vault

	mu  sync.RWMutex
	all map[string]*held
}

type held struct {
	in       *Installation
	revision uint64
}

// stored is the form on the stream: clear what operators may see, sealed what they may not.
type stored struct {
	*Installation
	Sealed []byte `json:"sealed"`
}

// Open loads every installation.
func Open(ctx context.Context, table Table, vault *seal.Vault) (*Store, error) {
	s := &Store{table: table, vault: vault, all: map[string]*held{}}
	err := table.Each(ctx, "", func(e events.Entry) error {
		in, err := s.decode(ctx, e)
		if err != nil {
			return err
		}
		s.all[in.ID] = &held{in: in, revision: e.Revision}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load installations: %w", err)
	}
	return s, nil
}

// Create stores a new installation; the change is durable when it returns.
func (s *Store) Create(ctx context.Context, in *Installation) error {
	b, err := s.encode(ctx, in)
	if err != nil {
		return err
	}
	rev, err := s.table.Create(ctx, in.ID, b)
	if err != nil {
		return fmt.Errorf("store installation %s: %w", in.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[in.ID] = &held{in: in.clone(), revision: rev}
	return nil
}

// Get returns a copy; ErrNotFound when there is none.
func (s *Store) Get(id string) (*Installation, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.all[id]
	if h == nil {
		return nil, ErrNotFound
	}
	return h.in.clone(), nil
}

// List returns copies of all, by name, then id.
func (s *Store) List() []*Installation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Installation, 0, len(s.all))
	for _, h := range s.all {
		out = append(out, h.in.clone())
	}
	slices.SortFunc(out, func(a, b *Installation) int {
		if c := strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// Change applies edit to the newest state and stores it; when somebody else
// stored one meanwhile, edit is applied again to theirs. It returns the result.
func (s *Store) Change(ctx context.Context, id string, edit func(*Installation) error) (*Installation, error) {
	for {
		s.mu.RLock()
		h := s.all[id]
		s.mu.RUnlock()
		if h == nil {
			return nil, ErrNotFound
		}
		in := h.in.clone()
		if err := edit(in); err != nil {
			return nil, err
		}
		b, err := s.encode(ctx, in)
		if err != nil {
			return nil, err
		}
		rev, err := s.table.Update(ctx, id, b, h.revision)
		if errors.Is(err, events.ErrConflict) {
			if err := s.reload(ctx, id); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("store installation %s: %w", id, err)
		}
		s.mu.Lock()
		if cur := s.all[id]; cur != nil && cur.revision < rev {
			s.all[id] = &held{in: in.clone(), revision: rev}
		}
		s.mu.Unlock()
		return in, nil
	}
}

// Erase removes every stored revision of an installation by secure delete.
func (s *Store) Erase(ctx context.Context, id string) error {
	if err := s.table.Erase(ctx, id); err != nil {
		return fmt.Errorf("erase installation %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
	return nil
}

func (s *Store) reload(ctx context.Context, id string) error {
	e, err := s.table.Get(ctx, id)
	if errors.Is(err, events.ErrNotFound) {
		s.mu.Lock()
		delete(s.all, id)
		s.mu.Unlock()
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read installation %s: %w", id, err)
	}
	in, err := s.decode(ctx, e)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cur := s.all[id]; cur == nil || cur.revision < e.Revision {
		s.all[id] = &held{in: in, revision: e.Revision}
	}
	return nil
}

func (s *Store) encode(ctx context.Context, in *Installation) ([]byte, error) {
	ring, err := s.vault.Ring(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	secrets, err := json.Marshal(in.Secrets)
	if err != nil {
		return nil, fmt.Errorf("encode secrets: %w", err)
	}
	b, err := json.Marshal(stored{Installation: in, Sealed: ring.Seal(in.ID, secrets)})
	if err != nil {
		return nil, fmt.Errorf("encode installation: %w", err)
	}
	return b, nil
}

func (s *Store) decode(ctx context.Context, e events.Entry) (*Installation, error) {
	st := stored{Installation: &Installation{}}
	if err := json.Unmarshal(e.Value, &st); err != nil {
		return nil, fmt.Errorf("decode installation %s: %w", e.Key, err)
	}
	ring, err := s.vault.Ring(ctx, e.Key)
	if err != nil {
		return nil, err
	}
	secrets, err := ring.Open(e.Key, st.Sealed)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(secrets, &st.Secrets); err != nil {
		return nil, fmt.Errorf("decode secrets of installation %s: %w", e.Key, err)
	}
	return st.Installation, nil
}
