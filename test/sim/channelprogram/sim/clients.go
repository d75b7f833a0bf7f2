package sim

import (
	"slices"
	"strings"
	"time"
	"unicode"
)

// upsertClient applies one full client under the rules of the contract: an
// older observation changes nothing, what is equal changes nothing, an unknown
// external id takes over the one unlinked client of the same name.
func (c *connection) upsertClient(in ClientInput, u upsert) ItemResult {
	in.Lifecycle, in.ArchivedReason = lifecycle(in.Lifecycle, in.ArchivedReason)
	stored := c.clients[u.externalID]
	switch {
	case stored == nil:
		return c.newClient(in, u)
	case stored.Full && in.Source.ObservedAt.Before(stored.ObservedAt):
		return u.result(OutcomeStale, stored.TargetID, stored.Revision, nil)
	}
	changed := stored.replace(in, u.now)
	return u.result(changeOutcome(changed, in.Lifecycle), stored.TargetID, stored.Revision, changed)
}

func (c *connection) newClient(in ClientInput, u upsert) ItemResult {
	if in.Lifecycle == LifecycleArchived {
		// Kept, so that an older active version that arrives late is still seen to be older.
		stored := c.addClient(u.externalID, in, u.now)
		stored.Full, stored.ObservedAt = true, in.Source.ObservedAt
		return u.result(OutcomeArchived, stored.TargetID, stored.Revision, nil)
	}
	stored, linked, ambiguous := c.adopt(u.externalID, in.Name)
	switch {
	case ambiguous:
		return u.rejected(ambiguousName(u.at+"/name", in.Name))
	case linked:
		stored.Revision++ // the link itself is a change
		changed := stored.replace(in, u.now)
		stored.UpdatedAt = u.now
		return u.result(OutcomeLinked, stored.TargetID, stored.Revision, changed)
	}
	stored = c.addClient(u.externalID, in, u.now)
	stored.Full, stored.ObservedAt = true, in.Source.ObservedAt
	return u.result(OutcomeCreated, stored.TargetID, stored.Revision, nil)
}

func (c *connection) addClient(externalID string, in ClientInput, now time.Time) *Client {
	stored := &Client{
		TargetID: c.newID("cl"), ExternalID: externalID,
		Data: in, Revision: 1, UpdatedAt: now,
	}
	c.clientOrder = append(c.clientOrder, stored)
	if externalID == "" {
		name := normalised(in.Name)
		c.unlinked[name] = append(c.unlinked[name], stored)
	} else {
		c.clients[externalID] = stored
	}
	return stored
}

// adopt links the only unlinked client of the name to the external id.
func (c *connection) adopt(externalID, name string) (stored *Client, linked, ambiguous bool) {
	key := normalised(name)
	switch found := c.unlinked[key]; len(found) {
	case 0:
		return nil, false, false
	case 1:
		delete(c.unlinked, key)
		found[0].ExternalID = externalID
		c.clients[externalID] = found[0]
		return found[0], true, false
	default:
		return nil, false, true
	}
}

// replace takes over every field that the sync owns and names those that were different.
func (c *Client) replace(in ClientInput, now time.Time) []string {
	old := c.Data
	var changed []string
	note := func(field string, same bool) {
		if !same {
			changed = append(changed, field)
		}
	}
	note("name", old.Name == in.Name)
	note("address", equalAddress(old.Address, in.Address))
	note("emails", slices.Equal(old.Emails, in.Emails))
	note("phones", slices.Equal(old.Phones, in.Phones))
	note("websites", slices.Equal(old.Websites, in.Websites))
	note("lifecycle", old.Lifecycle == in.Lifecycle)
	note("archivedReason", old.ArchivedReason == in.ArchivedReason)
	c.Data, c.Full, c.ObservedAt = in, true, in.Source.ObservedAt
	if len(changed) > 0 {
		c.Revision++
		c.UpdatedAt = now
	}
	return changed
}

func equalAddress(a, b *Address) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// lifecycle fills in the default; a reason says nothing about an active record.
func lifecycle(state, reason string) (string, string) {
	if state == LifecycleArchived {
		return state, reason
	}
	return LifecycleActive, ""
}

func changeOutcome(changed []string, state string) string {
	switch {
	case len(changed) == 0:
		return OutcomeUnchanged
	case state == LifecycleArchived:
		return OutcomeArchived
	default:
		return OutcomeUpdated
	}
}

// normalised is a name as linking compares it: letters and digits in lower
// case, one space for whatever stands between them.
func normalised(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
	})
	if len(words) == 0 {
		return strings.TrimSpace(name) // nothing but signs: they are the name
	}
	return strings.Join(words, " ")
}

func ambiguousName(pointer, name string) *Problem {
	return refusal(CodeAmbiguousMatch, pointer,
		"several clients that no source is linked to are called "+name+"; link or rename one")
}
