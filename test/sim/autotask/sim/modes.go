package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
)

// Modes are switches of the tenant that an administrator or the vendor could turn. The zero value is a vendor's
// tenant as it comes. For limits, 0 is the vendor's number and anything below 0 is no limit.
type Modes struct {
	// NotFound is how a GET of a missing id is answered: "" = 404, "null" = 200 {"item":null}. Both have been reported.
	NotFound string `json:"notFound,omitempty"`
	// Costs is what a security level that can't read costs sees in their place: "null" or "zero"; "" sees them.
	Costs string `json:"costs,omitempty"`
	// OmitEmpty leaves keys without a value out of every answer; that some builds do so is reported.
	OmitEmpty bool `json:"omitEmpty,omitempty"`
	// Denied are entities without permission: 500 with the vendor's text.
	Denied []string `json:"denied,omitempty"`
	// Hidden are entities whose rows the security level hides: 200 with nothing.
	Hidden []string `json:"hidden,omitempty"`
	// NoWebhookRight, 403 or 500, is what a tenant answers when "can create webhooks" is off.
	NoWebhookRight int `json:"noWebhookRight,omitempty"`
	// OwnersOnly lets nobody but its owner change or delete a webhook; whether the vendor does is not known.
	OwnersOnly bool `json:"ownersOnly,omitempty"`
	// MaxWebhooks is the security level's, per entity (10).
	MaxWebhooks int `json:"maxWebhooks,omitempty"`
	// MovedTo is the host[:port] that the tenant has moved to: any other host is stale and answers 401.
	MovedTo string `json:"movedTo,omitempty"`
	// MergeDeletes makes a merge delete the source instead of deactivating it.
	MergeDeletes bool `json:"mergeDeletes,omitempty"`
	// Latency slows answers down from half of the hourly threshold on.
	Latency bool `json:"latency,omitempty"`
	// HourlyThreshold is how many requests a rolling hour may hold (10,000).
	HourlyThreshold int `json:"hourlyThreshold,omitempty"`
	// Threads is how many requests at once a tracking identifier may have per entity (3).
	Threads int `json:"threads,omitempty"`
	// LockAfter is how many wrong secrets in a row lock the API user; 0 = never. At the vendor each tenant sets its own.
	LockAfter int `json:"lockAfter,omitempty"`
	// CalloutsPerHour is how many callouts an entity may send; more are delayed (1,500).
	CalloutsPerHour int `json:"calloutsPerHour,omitempty"`
	// SignDeactivated signs the Deactivated callout; whether the vendor does is not known.
	SignDeactivated bool `json:"signDeactivated,omitempty"`
	// TypedValues makes callouts carry numbers and booleans as such, not as text; which is right is not known.
	TypedValues bool `json:"typedValues,omitempty"`
}

// Modes are the switches as they stand.
func (s *Sim) Modes() Modes {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.modes
}

// SetModes changes switches.
func (s *Sim) SetModes(change func(*Modes)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.modes
	m.Denied, m.Hidden = slices.Clone(m.Denied), slices.Clone(m.Hidden)
	change(&m)
	s.modes = m
}

func (m Modes) denies(entity string) bool { return containsFold(m.Denied, entity) }
func (m Modes) hides(entity string) bool  { return containsFold(m.Hidden, entity) }

func containsFold(list []string, word string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// limit resolves a limit of Modes; 0 or less in the result means none.
func limit(set, vendors int) int {
	if set == 0 {
		return vendors
	}
	return set
}

// dice is a seeded source of chance that is safe for concurrent use.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newDice(seed int64) *dice { return &dice{rng: rand.New(rand.NewPCG(uint64(seed), 0xD1CE))} }

func (d *dice) n(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}
