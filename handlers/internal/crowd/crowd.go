// Package crowd bounds what strangers hold: connections, and requests that nobody has
// vouched for yet. Where there is no room it does not turn the newcomer away, which may
// be the genuine one: it cuts off the oldest place of whoever holds the most. A genuine
// request arrives within moments, so it is never the oldest for long, and a stranger
// who holds on to what he has loses it. Used by handlers and handlers/callback.
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
	Places      int // of all clients
	Bytes       int // of all clients
	ClientBytes int // of one client
}

// Crowd is the clients that hold places. It keeps no goroutine.
type Crowd struct {
	limits  Limits
	mu      sync.Mutex
	clients map[string]*client
	places  int
	bytes   int
}

type client struct {
	key    string
	places int
	bytes  int
	loose  list.List // of *Place, those that may be cut off, the oldest first
}

// Place is one connection or request. It is safe for concurrent use.
type Place struct {
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

// Enter takes a place for a client that may hold at most each of them; 0 is any number.
// Where that is too many, other places are cut off; false when all that could be are
// kept. cut is called once, by whoever needs the room, and must not block; it is not
// called once Leave has returned true, nor while the place is kept.
func (c *Crowd) Enter(key string, each int, cut func()) (*Place, bool) {
	var room victims
	defer room.cut() // after the lock is given back
	c.mu.Lock()
	defer c.mu.Unlock()
	if holder := c.clients[key]; each > 0 && holder != nil {
		for holder.places >= each {
			if !room.take(c, holder) {
				return nil, false
			}
		}
	}
	for c.limits.Places > 0 && c.places >= c.limits.Places {
		if !room.take(c, c.largest(func(cl *client) int { return cl.loose.Len() })) {
			return nil, false
		}
	}
	holder := c.clients[key]
	if holder == nil {
		holder = &client{key: key}
		c.clients[key] = holder
	}
	p := &Place{crowd: c, client: holder, cut: cut}
	p.loose = holder.loose.PushBack(p)
	holder.places++
	c.places++
	return p, true
}

// Held is how many places are taken, and the bytes that they have in memory.
func (c *Crowd) Held() (places, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.places, c.bytes
}

// Grow counts n bytes more that the place has in memory.
func (p *Place) Grow(n int) {
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

// Keep says that somebody known uses the place: until as many calls of Loosen it is not
// cut off. False when it has been.
func (p *Place) Keep() bool {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	p.keeps++
	if p.loose != nil {
		p.client.loose.Remove(p.loose)
		p.loose = nil
	}
	return !p.gone
}

// Loosen ends a Keep. The place is as good as a new one then.
func (p *Place) Loosen() {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	if p.keeps--; p.keeps == 0 && !p.gone {
		p.loose = p.client.loose.PushBack(p)
	}
}

// Leave gives the place back. False when it was cut off, or left before.
func (p *Place) Leave() bool {
	p.crowd.mu.Lock()
	defer p.crowd.mu.Unlock()
	return p.crowd.remove(p)
}

// remove forgets a place. The caller has the lock.
func (c *Crowd) remove(p *Place) bool {
	if p.gone {
		return false
	}
	p.gone = true
	if p.loose != nil {
		p.client.loose.Remove(p.loose)
		p.loose = nil
	}
	c.places--
	c.bytes -= p.bytes
	p.client.bytes -= p.bytes
	if p.client.places--; p.client.places == 0 {
		delete(c.clients, p.client.key)
	}
	return true
}

// victims are the places that were taken away to make room.
type victims []*Place

// take takes the oldest place of a client away; false when it has none that may be. The
// caller has the crowd's lock.
func (v *victims) take(c *Crowd, from *client) bool {
	if from == nil || from.loose.Len() == 0 {
		return false
	}
	p := from.loose.Front().Value.(*Place) //nolint:forcetypeassert // the list holds nothing else
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
