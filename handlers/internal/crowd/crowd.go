// Package crowd bounds what unauthenticated clients hold: connections, and requests that
// are not verified yet. When full it does not reject the newest, which may be genuine: it
// cuts off the oldest slot of the client that holds the most. A genuine request arrives
// within moments and so is never the oldest for long; a client that holds on to what it
// has loses it. Used by handlers and handlers/callback.
package crowd

import (
	"container/list"
	"sync"
)

// sampled is how many clients are compared to find the one that holds the most: a flood
// from many addresses must not make every newcomer look at all of them.
const sampled = 64

// Limits are the bounds; 0 is none.
type Limits struct {
	Slots       int // of all clients
	Bytes       int // of all clients
	ClientBytes int // of one client
}

// Crowd is the clients that hold slots. It keeps no goroutine.
type Crowd struct {
	limits  Limits
	mu      sync.Mutex
	clients map[string]*client
	slots   int
	bytes   int
}

type client struct {
	key   string
	slots int
	bytes int
	loose list.List // of *Slot, those that may be cut off, the oldest first
}

// Slot is one connection or request. It is safe for concurrent use.
type Slot struct {
	crowd  *Crowd
	client *client
	cut    func()
	bytes  int
	loose  *list.Element // nil while it is kept, and once it is gone
	keeps  int
	gone   bool
}

// New returns an empty crowd.
func New(limits Limits) *Crowd { return &Crowd{limits: limits, clients: map[string]*client{}} }

// Enter takes a slot for a client that may hold at most each of them; 0 is any number.
// Where that is too many, other slots are cut off; false when all that could be are
// kept. cut is called once, by whoever needs the room, and must not block; it is not
// called once Leave has returned true, nor while the slot is kept.
func (c *Crowd) Enter(key string, each int, cut func()) (*Slot, bool) {
	var room victims
	defer room.cut() // after the lock is given back
	c.mu.Lock()
	defer c.mu.Unlock()
	if holder := c.clients[key]; each > 0 && holder != nil {
		for holder.slots >= each {
			if !room.take(c, holder) {
				return nil, false
			}
		}
	}
	for c.limits.Slots > 0 && c.slots >= c.limits.Slots {
		if !room.take(c, c.largest(func(cl *client) int { return cl.loose.Len() })) {
			return nil, false
		}
	}
	holder := c.clients[key]
	if holder == nil {
		holder = &client{key: key}
		c.clients[key] = holder
	}
	p := &Slot{crowd: c, client: holder, cut: cut}
	p.loose = holder.loose.PushBack(p)
	holder.slots++
	c.slots++
	return p, true
}

// Held is how many slots are taken, and the bytes that they have in memory.
func (c *Crowd) Held() (slots, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots, c.bytes
}

// Grow counts n bytes more that the slot has in memory.
func (p *Slot) Grow(n int) {
	c := p.crowd
	var room victims
	defer room.cut() // after the lock is given back
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.gone {
		return
	}
	p.bytes += n
	p.client.bytes += n
	c.bytes += n
	for c.limits.ClientBytes > 0 && p.client.bytes > c.limits.ClientBytes {
		if !room.take(c, p.client) {
			break
		}
	}
	for c.limits.Bytes > 0 && c.bytes > c.limits.Bytes {
		if !room.take(c, c.largest(func(cl *client) int { return cl.bytes })) {
			break
		}
	}
}

// Keep says that somebody known uses the slot: until as many calls of Loosen it is not
// cut off. False when it has been.
func (p *Slot) Keep() bool {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	p.keeps++
	if p.loose != nil {
		p.client.loose.Remove(p.loose)
		p.loose = nil
	}
	return !p.gone
}

// Loosen ends a Keep. The slot is as good as a new one then.
func (p *Slot) Loosen() {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	if p.keeps--; p.keeps == 0 && !p.gone {
		p.loose = p.client.loose.PushBack(p)
	}
}

// Leave gives the slot back. False when it was cut off, or left before.
func (p *Slot) Leave() bool {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	return p.crowd.remove(p)
}

// remove forgets a slot. The caller has the lock.
func (c *Crowd) remove(p *Slot) bool {
	if p.gone {
		return false
	}
	p.gone = true
	if p.loose != nil {
		p.client.loose.Remove(p.loose)
		p.loose = nil
	}
	c.slots--
	c.bytes -= p.bytes
	p.client.bytes -= p.bytes
	if p.client.slots--; p.client.slots == 0 {
		delete(c.clients, p.client.key)
	}
	return true
}

// victims are the slots that were taken away to make room.
type victims []*Slot

// take takes the oldest slot of a client away; false when it has none that may be. The
// caller has the crowd's lock.
func (v *victims) take(c *Crowd, from *client) bool {
	if from == nil || from.loose.Len() == 0 {
		return false
	}
	p := from.loose.Front().Value.(*Slot) //nolint:forcetypeassert // the list holds nothing else
	c.remove(p)
	*v = append(*v, p)
	return true
}

func (v *victims) cut() {
	for _, p := range *v {
		p.cut()
	}
}

// largest is who holds the most, of as many as are compared; nil when nobody holds any.
func (c *Crowd) largest(holds func(*client) int) (found *client) {
	most, compared := 0, 0
	for _, cl := range c.clients {
		if cl.loose.Len() == 0 {
			continue
		}
		if n := holds(cl); n > most {
			found, most = cl, n
		}
		if compared++; compared == sampled {
			break
		}
	}
	return found
}
