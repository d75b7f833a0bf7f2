package installation

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"channelsync/events/kv"
	"channelsync/internal/gate"
	"channelsync/sync/seal"
)

// ErrNotFound says that no such installation is kept (any more).
var ErrNotFound = errors.New("no such installation")

// Table is where the installations lie: a bucket with revisions.
type Table interface {
	Get(ctx context.Context, key string) (kv.Entry, error)
	GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error)
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Put(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Erase(ctx context.Context, key string) error
}

// Store keeps all installations, in memory for reading and on the stream for good.
type Store struct {
	table Table
	vault *seal.Vault

	changing gate.Keyed // by id, one at a time: a change of ours is known here before it is seen on the stream

	mu        sync.RWMutex // guards what follows; never held across a call
	all       map[string]*held
	leaving   map[string]bool // being erased
	changed   func(id string) // told of what other processes did; nil: nobody is
	refreshed time.Time       // when the last refresh began

	refreshing gate.Gate
	unreadable []error // of Open
}

// Unreadable says which installations Open could not open, each with why. Somebody destroyed
// their keys in the store; a backup has them.
func (s *Store) Unreadable() []error { return s.unreadable }

type held struct {
	in       *Installation
	revision uint64
	extra    extra // what a newer version keeps beside it
}

// stored is the form on the stream. All but the id is sealed with the
// installation's own key, so that erasing the key erases every revision.
type stored struct {
	ID      string `json:"id"`
	Leaving bool   `json:"leaving,omitempty"` // being erased: nothing is left to open
	Sealed  []byte `json:"sealed,omitempty"`
}

// content is what is sealed.
type content struct {
	*Installation
	Secrets Secrets `json:"secrets"`
}

// Open loads every installation. One whose key is gone, or is another one's, is in Unreadable:
// it keeps no other from working.
func Open(ctx context.Context, table Table, vault *seal.Vault) (*Store, error) {
	s := &Store{table: table, vault: vault, all: map[string]*held{}, leaving: map[string]bool{}}
	err := table.Each(ctx, "", func(e kv.Entry) error {
		h, err := s.decode(ctx, e)
		if errors.Is(err, kv.ErrNotFound) || errors.Is(err, seal.ErrWrongKey) {
			s.unreadable = append(s.unreadable, fmt.Errorf("open installation %s: %w", e.Key, err))
			return nil
		}
		if err != nil {
			return err
		}
		if h == nil {
			s.leaving[e.Key] = true
			return nil
		}
		s.all[e.Key] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load installations: %w", err)
	}
	return s, nil
}

// change waits until nobody else changes an installation.
func (s *Store) change(ctx context.Context, id string) (leave func(), err error) {
	leave, err = s.changing.Enter(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("change installation %s: %w", id, err)
	}
	return leave, nil
}

// Create stores a new installation; the change is durable when it returns.
func (s *Store) Create(ctx context.Context, in *Installation) error {
	leave, err := s.change(ctx, in.ID)
	if err != nil {
		return err
	}
	defer leave()
	b, err := s.encode(ctx, in, extra{})
	if err != nil {
		return err
	}
	rev, err := s.table.Create(ctx, in.ID, b)
	if err != nil {
		return fmt.Errorf("store installation %s: %w", in.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[in.ID] = &held{in: in.Clone(), revision: rev}
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
	return h.in.Clone(), nil
}

// View passes an installation to fn without copying it: fn must not change it, nor keep
// what it points to.
func (s *Store) View(id string, fn func(*Installation)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := s.all[id]
	if h == nil {
		return ErrNotFound
	}
	fn(h.in)
	return nil
}

// List returns copies of all, by name, then id.
func (s *Store) List() []*Installation {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Installation, 0, len(s.all))
	for _, h := range s.all {
		out = append(out, h.in.Clone())
	}
	slices.SortFunc(out, func(a, b *Installation) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return out
}

// Change applies edit to the newest state and stores it; when somebody else
// stored one meanwhile, edit is applied again to theirs. It returns the result.
func (s *Store) Change(ctx context.Context, id string, edit func(*Installation) error) (*Installation, error) {
	leave, err := s.change(ctx, id)
	if err != nil {
		return nil, err
	}
	defer leave()
	var changed *Installation
	err = kv.RetryConflict(ctx, func() (err error) {
		changed, err = s.changeOnce(ctx, id, edit)
		if errors.Is(err, kv.ErrConflict) {
			if failed := s.reload(ctx, id); failed != nil {
				return failed
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// changeOnce applies edit to the state that is known here; kv.ErrConflict when it is not the newest.
func (s *Store) changeOnce(ctx context.Context, id string, edit func(*Installation) error) (*Installation, error) {
	s.mu.RLock()
	h := s.all[id]
	s.mu.RUnlock()
	if h == nil {
		return nil, ErrNotFound
	}
	in := h.in.Clone()
	if err := edit(in); err != nil {
		return nil, err
	}
	b, err := s.encode(ctx, in, h.extra)
	if err != nil {
		return nil, err
	}
	rev, err := s.table.Update(ctx, id, b, h.revision)
	if err != nil {
		return nil, fmt.Errorf("store installation %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if cur := s.all[id]; cur != nil && cur.revision < rev {
		s.all[id] = &held{in: in.Clone(), revision: rev, extra: h.extra}
	}
	return in, nil
}

// Leave is the first step of erasing: from then on the installation is not found,
// but Leaving names it, after a restart too, until Erase. So an erasure that was cut
// short can be finished, though the key of the installation may be gone already.
func (s *Store) Leave(ctx context.Context, id string) error {
	leave, err := s.change(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	b, err := json.Marshal(stored{ID: id, Leaving: true})
	if err != nil {
		return fmt.Errorf("encode installation: %w", err)
	}
	if _, err := s.table.Put(ctx, id, b); err != nil {
		return fmt.Errorf("store installation %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
	s.leaving[id] = true
	return nil
}

// Leaving lists the installations whose erasing has begun and not ended.
func (s *Store) Leaving() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.leaving))
}

// Erase is the last step of erasing: it removes what is stored by secure delete.
func (s *Store) Erase(ctx context.Context, id string) error {
	leave, err := s.change(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	if err := s.table.Erase(ctx, id); err != nil {
		return fmt.Errorf("erase installation %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
	delete(s.leaving, id)
	return nil
}

func (s *Store) encode(ctx context.Context, in *Installation, beside extra) ([]byte, error) {
	ring, err := s.vault.Ring(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(content{in, in.Secrets})
	if err == nil {
		plain, err = beside.add(plain)
	}
	if err != nil {
		return nil, fmt.Errorf("encode installation: %w", err)
	}
	b, err := json.Marshal(stored{ID: in.ID, Sealed: ring.Seal(in.ID, plain)})
	if err != nil {
		return nil, fmt.Errorf("encode installation: %w", err)
	}
	return b, nil
}

// decode is the inverse of encode; nil of an installation that is being erased.
func (s *Store) decode(ctx context.Context, e kv.Entry) (*held, error) {
	var st stored
	if err := json.Unmarshal(e.Value, &st); err != nil {
		return nil, fmt.Errorf("decode installation %s: %w", e.Key, err)
	}
	if st.Leaving {
		return nil, nil
	}
	ring, err := s.vault.Existing(ctx, e.Key)
	if err != nil {
		return nil, err
	}
	plain, err := ring.Open(e.Key, st.Sealed)
	if err != nil {
		return nil, err
	}
	c := content{Installation: &Installation{}}
	if err := json.Unmarshal(plain, &c); err != nil {
		return nil, fmt.Errorf("decode installation %s: %w", e.Key, err)
	}
	c.Installation.Secrets = c.Secrets
	understood, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode installation: %w", err)
	}
	return &held{in: c.Installation, revision: e.Revision, extra: beyond(plain, understood)}, nil
}
