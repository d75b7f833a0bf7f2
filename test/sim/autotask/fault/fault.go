// Package fault decides when the simulated Autotask misbehaves: a list of faults, each for some requests or callouts,
// always, with a probability, or for the next few.
//
// It only decides. The HTTP side and the callouts of the simulator ask it and do the misbehaving.
package fault

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind names a way to misbehave.
type Kind string

// Faults of the REST side. Away and Reset without an entity hit every request, zone discovery too, before the log-in.
const (
	Status     Kind = "status"     // answer Status with Text in "errors", without Text an empty body
	Throttle   Kind = "throttle"   // 429 with the vendor's text; RetryAfter seconds as a header when above 0
	Truncate   Kind = "truncate"   // half of the JSON, then the connection ends
	Reset      Kind = "reset"      // the connection is reset without an answer
	Hang       Kind = "hang"       // no answer until the client gives up or the simulator closes
	Slow       Kind = "slow"       // the answer comes Delay later (scaled)
	Away       Kind = "away"       // Status (503) to everything, or with Status -1 a reset
	BadValue   Kind = "badvalue"   // Record (0 = every one) answers Value as Field: an undecodable row
	DropFields Kind = "dropfields" // query answers lack Fields; GET by id has them
	DropIDs    Kind = "dropids"    // query answers lack Records (none given: each row by Probability); GET by id has them
	// Poison spoils every answer that has Record in it, with Field only those that have this field of it: as As
	// says, a Status with Text or Page (also 200), Truncate, Reset or Hang.
	Poison Kind = "poison"
)

// Faults of the callouts; Entity is Companies or Contacts.
const (
	Duplicate   Kind = "duplicate"    // delivered Count times more (1)
	Reorder     Kind = "reorder"      // held back until the next event of the registration has gone, or faults are cleared
	Gap         Kind = "gap"          // not sent though it took a SequenceNumber; with Logged it is in the error log
	Lose        Kind = "lose"         // never happened: no callout and no SequenceNumber
	PersonID    Kind = "personid"     // PersonID for PersonId
	NoFields    Kind = "nofields"     // no Fields key
	Values      Kind = "values"       // every value of Fields becomes Value, JSON null when there is none
	EntityType  Kind = "entitytype"   // Text ("Company") in place of the SOAP-era name
	Fraction    Kind = "fraction"     // EventTime with a fraction
	UnknownGUID Kind = "unknownguid"  // a GUID that no registration has
	Big         Kind = "big"          // more than 8 kB of body
	BadSign     Kind = "badsignature" // signed with another secret
)

// Fault is one way to misbehave and when.
type Fault struct {
	ID          int64           `json:"id"`
	Kind        Kind            `json:"kind"`
	Entity      string          `json:"entity,omitempty"`      // REST collection in any case, empty = every one
	Verb        string          `json:"verb,omitempty"`        // operation as in the stats, empty = each
	Action      string          `json:"action,omitempty"`      // Create, Update or Delete for callouts, empty = each
	Next        int             `json:"next,omitempty"`        // hits that are left; 0 = until cleared
	Probability float64         `json:"probability,omitempty"` // 0 = always
	Status      int             `json:"status,omitempty"`
	Text        string          `json:"text,omitempty"`
	RetryAfter  int             `json:"retryAfter,omitempty"` // seconds
	Delay       Duration        `json:"delay,omitempty"`
	Record      int64           `json:"record,omitempty"`
	Records     []int64         `json:"records,omitempty"`
	Field       string          `json:"field,omitempty"`
	Fields      []string        `json:"fields,omitempty"`
	Value       json.RawMessage `json:"value,omitempty"`
	Count       int             `json:"count,omitempty"`
	Logged      bool            `json:"logged,omitempty"`
	As          Kind            `json:"as,omitempty"`   // what Poison does; empty = Status
	Page        string          `json:"page,omitempty"` // the whole body of a Poison's answer, in place of Text

	spent bool
}

// AnyValue is Value as a string, int64, bool or nil; anything else JSON has is its text.
func (f Fault) AnyValue() any {
	var v any
	if json.Unmarshal(f.Value, &v) != nil {
		return nil
	}
	switch x := v.(type) {
	case nil, string, bool:
		return x
	case float64:
		if x == float64(int64(x)) {
			return int64(x)
		}
	}
	return string(f.Value)
}

// Duration reads "1.5s" or a number of nanoseconds from JSON and writes the former.
type Duration time.Duration

// MarshalJSON writes the duration as text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads text or nanoseconds.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		parsed, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("read duration: %w", err)
		}
		*d = Duration(parsed)
		return nil
	}
	var nanos int64
	if err := json.Unmarshal(raw, &nanos); err != nil {
		return fmt.Errorf("read duration: %w", err)
	}
	*d = Duration(nanos)
	return nil
}

var kinds = []Kind{
	Status, Throttle, Truncate, Reset, Hang, Slow, Away, BadValue, DropFields, DropIDs, Poison,
	Duplicate, Reorder, Gap, Lose, PersonID, NoFields, Values, EntityType, Fraction, UnknownGUID, Big, BadSign,
}

// Set is the faults in force. It is safe for concurrent use.
type Set struct {
	mu   sync.Mutex
	rng  *rand.Rand
	list []*Fault
	last int64
}

// NewSet makes an empty set whose dice are thrown from a seed.
func NewSet(seed int64) *Set { return &Set{rng: rand.New(rand.NewPCG(uint64(seed), 0xFA))} }

// Add puts a fault in force and returns its id. It refuses a kind it does not know.
func (s *Set) Add(f Fault) (int64, error) {
	if !slices.Contains(kinds, f.Kind) {
		return 0, fmt.Errorf("add fault: unknown kind %q, want one of %v", f.Kind, kinds)
	}
	if f.Probability < 0 || f.Probability > 1 || f.Next < 0 {
		return 0, fmt.Errorf("add fault: probability %v and next %d: want 0 to 1, and 0 or more", f.Probability, f.Next)
	}
	if f.Kind == Poison && (f.Record == 0 || !slices.Contains([]Kind{"", Status, Truncate, Reset, Hang}, f.As)) {
		return 0, fmt.Errorf("add fault: poison of record %d as %q: want a record, and status, truncate, reset or hang", f.Record, f.As)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	f.ID = s.last
	s.list = append(s.list, &f)
	return f.ID, nil
}

// Remove takes one fault out of force, or with id 0 every one.
func (s *Set) Remove(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = slices.DeleteFunc(s.list, func(f *Fault) bool { return id == 0 || f.ID == id })
}

// List is every fault in force, in the order they were added.
func (s *Set) List() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Fault, 0, len(s.list))
	for _, f := range s.list {
		list = append(list, *f)
	}
	return list
}

// Take asks for a fault of a kind and uses up one of its hits. what is the operation (REST) or the action (callouts).
func (s *Set) Take(kind Kind, entity, what string) (Fault, bool) {
	return s.TakeFor(kind, entity, what, nil)
}

// TakeFor is Take of the first fault that hits; nil: each does.
func (s *Set) TakeFor(kind Kind, entity, what string, hits func(Fault) bool) (Fault, bool) {
	if taken := s.take(kind, entity, what, 1, hits); len(taken) == 1 {
		return taken[0], true
	}
	return Fault{}, false
}

// TakeAll asks for every fault of a kind and uses up one hit of each.
func (s *Set) TakeAll(kind Kind, entity, what string) []Fault {
	return s.take(kind, entity, what, -1, nil)
}

func (s *Set) take(kind Kind, entity, what string, most int, hits func(Fault) bool) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []Fault
	for _, f := range s.list {
		if len(taken) == most {
			break
		}
		if f.Kind == kind && f.covers(entity, what) && (hits == nil || hits(*f)) && s.rolls(f) {
			taken = append(taken, *f)
			if f.Next > 0 {
				f.Next--
				f.spent = f.Next == 0
			}
		}
	}
	if len(taken) > 0 {
		s.list = slices.DeleteFunc(s.list, func(f *Fault) bool { return f.spent })
	}
	return taken
}

// covers: a fault for an entity does not hit a request that has none, such as zone discovery.
func (f *Fault) covers(entity, what string) bool {
	return (f.Entity == "" || strings.EqualFold(f.Entity, entity)) &&
		(f.Verb == "" || strings.EqualFold(f.Verb, what)) &&
		(f.Action == "" || strings.EqualFold(f.Action, what))
}

// rolls throws the dice; DropIDs without a list throws them per row instead.
func (s *Set) rolls(f *Fault) bool {
	if f.Kind == DropIDs && len(f.Records) == 0 {
		return true
	}
	return f.Probability == 0 || s.rng.Float64() < f.Probability
}

// Roll throws the dice once.
func (s *Set) Roll(probability float64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rng.Float64() < probability
}
