package oracle

import (
	"maps"
	"sync"
)

// Past remembers every record that was expected at some time and may therefore still be at the target. The zero value
// remembers nothing. It is safe for concurrent use.
type Past struct {
	mu   sync.Mutex
	left map[string]bool
}

// Note remembers the records of an expected State and returns the State with everything remembered so far as Left. Call
// it after each edit of the source (the report of the simulator's Trickle is a place for it): a record that is in scope
// only between two calls is not seen.
func (p *Past) Note(expected State) State {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == nil {
		p.left = map[string]bool{}
	}
	for id, client := range expected.Clients {
		p.left[clientKey(id)] = true
		if client.Full {
			p.left[fullClientKey(id)] = true
		}
	}
	for id := range expected.Contracts {
		p.left[contractKey(id)] = true
	}
	expected.Left = maps.Clone(p.left)
	return expected
}
