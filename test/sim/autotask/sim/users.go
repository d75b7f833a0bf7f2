package sim

import (
	"fmt"
	"strings"
	"sync"

	"channelsync/test/sim/autotask/callout"
)

// user is an API user of the tenant. Its id is the ownerResourceID of the webhooks that it creates.
type user struct {
	id     int64
	name   string
	secret string
	failed int // wrong secrets in a row
	locked bool
}

// users are the tenant's API users, and who created which webhook and which row of the error log. It is never locked
// while the store is asked.
type users struct {
	mu     sync.Mutex
	byName map[string]*user // by lower-case name
	first  *user            // the one of Config
	hooks  map[callout.Hook]int64
	logged map[int64]int64 // by id of the error-log row
	lastID int64
}

func newUsers(cfg Config) *users {
	first := &user{id: apiUserID, name: cfg.Username, secret: cfg.Secret}
	return &users{
		byName: map[string]*user{strings.ToLower(cfg.Username): first}, first: first,
		hooks: map[callout.Hook]int64{}, logged: map[int64]int64{}, lastID: apiUserID,
	}
}

// known says whether there is a user of a name, in any case.
func (u *users) known(name string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return name != "" && u.byName[strings.ToLower(name)] != nil
}

// ownerOf is who created a webhook, whether it still exists or not; 0 when that is not known.
func (u *users) ownerOf(h callout.Hook) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.hooks[h]
}

func (u *users) setOwner(h callout.Hook, owner int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.hooks[h] = owner
}

// setLogged notes whose webhook a row of the error log is about.
func (u *users) setLogged(row int64, h callout.Hook) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.logged[row] = u.hooks[h]
}

// sees says whether a user sees a row of the error log: only the creator of the callout does. Rows that a test put
// there by hand are the first user's.
func (u *users) sees(who, row int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	owner, known := u.logged[row]
	return owner == who || !known && who == apiUserID
}

// AddUser makes another API user and returns the id that its webhooks carry as ownerResourceID. It panics when there is
// one of that name.
func (s *Sim) AddUser(name, secret string) int64 {
	id, err := s.addUser(name, secret)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	return id
}

func (s *Sim) addUser(name, secret string) (int64, error) {
	u := s.users
	u.mu.Lock()
	defer u.mu.Unlock()
	key := strings.ToLower(name)
	if name == "" || u.byName[key] != nil {
		return 0, fmt.Errorf("add user: %q is empty or there already", name)
	}
	u.lastID++
	u.byName[key] = &user{id: u.lastID, name: name, secret: secret}
	return u.lastID, nil
}

// RemoveUser deletes an API user. Its webhooks end with it, and their deactivation URLs are called. A user that is not
// there is fine.
func (s *Sim) RemoveUser(name string) {
	s.users.mu.Lock()
	gone := s.users.byName[strings.ToLower(name)]
	delete(s.users.byName, strings.ToLower(name))
	s.users.mu.Unlock()
	if gone == nil {
		return
	}
	for _, e := range s.schema.Entities {
		if e.Watches == "" {
			continue
		}
		for _, row := range s.store.Find(e, e.Must("ownerResourceID"), gone.id) {
			s.remove(e, row.ID())
		}
	}
}

// Unlock clears the lock of every API user, as an administrator would.
func (s *Sim) Unlock() {
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	for _, u := range s.users.byName {
		u.failed, u.locked = 0, false
	}
}

// Locked reports whether too many wrong secrets have locked an API user.
func (s *Sim) Locked() bool {
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	for _, u := range s.users.byName {
		if u.locked {
			return true
		}
	}
	return false
}

// SetSecret changes the secret of Config's API user, as an administrator who rotates it would.
func (s *Sim) SetSecret(secret string) {
	s.users.mu.Lock()
	defer s.users.mu.Unlock()
	s.users.first.secret = secret
}
