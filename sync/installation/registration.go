package installation

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Registration is one webhook at Autotask, or a bridge of the user's own.
type Registration struct {
	Entity         string    `json:"entity"` // Companies, Contacts, "former <entity> <n>", or "bridge <guid>"
	ID             int64     `json:"id"`     // 0: whether Autotask has our secret is not known, the next check gives it
	GUID           string    `json:"guid"`
	Active         bool      `json:"active"`
	Ready          bool      `json:"ready"`
	CreatedAt      time.Time `json:"createdAt"`
	LastCallbackAt time.Time `json:"lastCallbackAt"`
	Name           string    `json:"name,omitempty"`   // of a bridge: what it is for
	Bridge         bool      `json:"bridge,omitempty"` // of the user's own: nothing of it is at Autotask
	Former         bool      `json:"former,omitempty"` // made by an API user before; it goes once the present one's is ready

	Owner  int64   `json:"owner,omitempty"`  // Autotask's resource id of the API user who made it; 0: not read yet
	URL    string  `json:"url,omitempty"`    // the address we left it with; empty: it was never completed
	Fields []int64 `json:"fields,omitempty"` // the vendor's ids of the fields we left it with, ascending
	// AskedAt is when a person asked for it last: the next check that begins after that puts it right, whoever changed
	// it. Zero once one has.
	AskedAt time.Time `json:"askedAt,omitzero"`

	Moved   Contest `json:"moved"`   // others gave it another address, or made another in its place
	Touched Contest `json:"touched"` // others deleted, deactivated or changed it
}

// Contest counts what others did to a registration that we had left right.
type Contest struct {
	What    string    `json:"what,omitempty"` // a word of the watch package
	URL     string    `json:"url,omitempty"`  // the other address
	Changes int       `json:"changes,omitempty"`
	LastAt  time.Time `json:"lastAt"`
	Left    bool      `json:"left,omitempty"` // it is not put right any more
	// InactiveSince is since when what is left at the other address is switched off; zero: it is not.
	InactiveSince time.Time `json:"inactiveSince"`
}

// Calls says whether Autotask calls us by it, as far as is known: it does not while it is left to whoever changed it.
func (r *Registration) Calls() bool {
	return r.ID != 0 && r.Active && r.Ready && !r.Moved.Left && !r.Touched.Left
}

// Registration finds the one of an entity; nil when there is none.
func (in *Installation) Registration(entity string) *Registration {
	for i := range in.Registrations {
		if in.Registrations[i].Entity == entity {
			return &in.Registrations[i]
		}
	}
	return nil
}

// Bridge finds the bridge of a GUID, which compares without case; nil when there is none.
func (in *Installation) Bridge(guid string) *Registration {
	for i := range in.Registrations {
		if r := &in.Registrations[i]; r.Bridge && strings.EqualFold(r.GUID, guid) {
			return r
		}
	}
	return nil
}

// EndBridges ends the bridges that are meant: their GUIDs are unknown from then on.
func (in *Installation) EndBridges(meant func(*Registration) bool) {
	in.Registrations = slices.DeleteFunc(in.Registrations, func(r Registration) bool {
		if !r.Bridge || !meant(&r) {
			return false
		}
		delete(in.Secrets.Webhooks, r.Entity)
		return true
	})
}

// Formers lists the registrations of an entity that API users before the present one made.
func (in *Installation) Formers(entity string) []Registration {
	var out []Registration
	for _, r := range in.Registrations {
		if r.Former && strings.HasPrefix(r.Entity, formerPrefix+entity+" ") {
			out = append(out, r)
		}
	}
	return out
}

const formerPrefix = "former "

// HandOver is called when the API user becomes another one. The registrations belong to the user who made them, so they
// become former ones, whose callbacks stay authentic under the secrets they have; the next check makes the present user's.
func (in *Installation) HandOver() {
	for i := range in.Registrations {
		r := &in.Registrations[i]
		if r.Bridge || r.Former {
			continue
		}
		was := r.Entity
		r.Entity, r.Former, r.AskedAt, r.Moved, r.Touched = in.formerName(was), true, time.Time{}, Contest{}, Contest{}
		in.renameSigner(was, r.Entity)
	}
	for entity := range in.Secrets.Webhooks { // of one that a crash kept us from noting
		if in.Registration(entity) != nil || strings.Contains(entity, " ") {
			continue
		}
		name := in.formerName(entity)
		in.Registrations = append(in.Registrations, Registration{Entity: name, Former: true})
		in.renameSigner(entity, name)
	}
}

// formerName is a name that no registration has.
func (in *Installation) formerName(entity string) string {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s%s %d", formerPrefix, entity, n)
		_, signs := in.Secrets.Webhooks[name]
		if in.Registration(name) == nil && !signs {
			return name
		}
	}
}

func (in *Installation) renameSigner(from, to string) {
	if signer, has := in.Secrets.Webhooks[from]; has {
		in.Secrets.Webhooks[to] = signer
		delete(in.Secrets.Webhooks, from)
	}
}

// RemoveFormers forgets former registrations of an entity that are gone from Autotask. What was on its way stays
// authentic until then.
func (in *Installation) RemoveFormers(entity string, until time.Time) {
	for _, r := range in.Formers(entity) {
		signer, has := in.Secrets.Webhooks[r.Entity]
		if has && signer.Current != "" {
			in.Secrets.Webhooks[r.Entity] = Signer{Previous: signer.Current, Until: until}
		}
		in.Registrations = slices.DeleteFunc(in.Registrations, func(x Registration) bool { return x.Entity == r.Entity })
	}
}

// DropExpired forgets the secrets of registrations that are gone and whose time is over; it reports whether there were any.
func (in *Installation) DropExpired(now time.Time) bool {
	dropped := false
	for entity, signer := range in.Secrets.Webhooks {
		if signer.Current == "" && !now.Before(signer.Until) && in.Registration(entity) == nil {
			delete(in.Secrets.Webhooks, entity)
			dropped = true
		}
	}
	return dropped
}
