package watch

import (
	"slices"
	"strings"
	"time"

	"channelsync/api/autotask"
	"channelsync/sync/installation"
)

// What others can do to a registration that we left right. Its secret cannot be read back: who changes
// only that is found by the signatures of what comes (sync/control).
const (
	Moved       = "moved"       // it calls another address, or another one was made in its place
	Deleted     = "deleted"     // there is none any more
	Deactivated = "deactivated" // it is switched off, by a person or by Autotask after failed deliveries
	Changed     = "changed"     // its name, events, deactivation address or fields are others
)

// Two services that work for one installation, such as a restored backup beside the original, would take its
// registrations from each other for ever. So each puts right what others did once, and leaves it alone from the second
// time on, until a person asks for it or the other is gone.
const (
	movedAgain = 24 * time.Hour // a second move within this time is a contest
	othersAway = time.Hour      // a service that lets its registration be switched off this long does not run
	// TouchedAgain is the time within which the same other change counts as one more; what was left is tried again after it.
	TouchedAgain = time.Hour
)

// patience is from which time within TouchedAgain on a change is left as it is. Autotask's own deactivations must be
// reverted as long as that can help: 25 events have to fail for each.
var patience = map[string]int{Moved: 2, Deleted: 2, Changed: 2, Deactivated: 5}

// sorted is what Autotask has of an entity's registrations.
type sorted struct {
	hook   *autotask.Webhook  // the one that is ours, or can be; nil: it must be made
	others []autotask.Webhook // they go once ours is ready: doubles, and those that belong to other API users
	former []int64            // ids among the others that former API users of this installation made
}

// sortOut tells the rows of an entity apart. A row that we do not remember, as a crash between making it and noting it
// leaves, is taken for ours unless it may belong to another API user: it would end with that user.
func sortOut(in *installation.Installation, entity string, rows []autotask.Webhook) sorted {
	var s sorted
	reg, formers := in.Registration(entity), in.Formers(entity)
	owners, unsure := []int64{}, false
	for _, f := range formers {
		owner := f.Owner
		for _, h := range rows {
			if owner == 0 && same(f, h) {
				owner = h.Owner()
			}
		}
		owners = append(owners, owner)
		unsure = unsure || owner == 0
	}
	best := -1
	for i, h := range rows {
		switch {
		case reg != nil && same(*reg, h):
			best = i
		case slices.ContainsFunc(formers, func(f installation.Registration) bool { return same(f, h) }),
			h.Owner() != 0 && slices.Contains(owners, h.Owner()) && (reg == nil || reg.Owner != h.Owner()):
			s.former = append(s.former, h.ID)
		case best < 0 && !unsure && (reg == nil || reg.Owner == 0 || h.Owner() == 0 || reg.Owner == h.Owner()):
			best = i
		}
	}
	for i, h := range rows {
		if i == best {
			s.hook = &h
		} else {
			s.others = append(s.others, h)
		}
	}
	return s
}

// same says whether a row is a registration that we remember. After a rotation or a restore only the GUID is.
func same(r installation.Registration, h autotask.Webhook) bool {
	if r.ID != 0 {
		return r.ID == h.ID
	}
	return r.GUID != "" && strings.EqualFold(r.GUID, h.GUID)
}

// finding is what others did since we left a registration right; the zero value: nothing.
type finding struct {
	what     string
	url      string // of Moved: the other address
	inactive bool   // of Moved: what calls it is switched off
}

// judge compares what is there with what we left. What differs since our own public URL is another one now, since an
// earlier version left it, or since a backup was restored, is nobody's doing.
func judge(reg *installation.Registration, s sorted, fields []autotask.WebhookField, url, name string) finding {
	if reg == nil || reg.URL == "" || reg.ID == 0 {
		return finding{}
	}
	inOurPlace := slices.DeleteFunc(slices.Clone(s.others), func(h autotask.Webhook) bool { return slices.Contains(s.former, h.ID) })
	if s.hook != nil {
		inOurPlace = append([]autotask.Webhook{*s.hook}, inOurPlace...)
	}
	f := finding{inactive: true}
	for _, h := range inOurPlace {
		if h.WebhookURL != reg.URL && h.WebhookURL != url {
			f.what, f.inactive = Moved, f.inactive && !h.IsActive
			if f.url == "" {
				f.url = h.WebhookURL
			}
		}
	}
	switch h := s.hook; {
	case f.what != "":
		return f
	case h != nil && !same(*reg, *h):
		return finding{} // made anew by us, and not noted yet
	case h == nil:
		return finding{what: Deleted}
	case !h.IsActive:
		return finding{what: Deactivated}
	case h.Name != name, h.DeactivationURL != deactivation(h.WebhookURL),
		!h.IsSubscribedToCreateEvents, !h.IsSubscribedToUpdateEvents, !h.IsSubscribedToDeleteEvents,
		reg.Fields != nil && !slices.Equal(reg.Fields, subscribed(fields)):
		return finding{what: Changed}
	}
	return finding{}
}

// subscribed are the ids of the fields that fire, ascending.
func subscribed(fields []autotask.WebhookField) []int64 {
	ids := []int64{}
	for _, f := range fields {
		if f.IsSubscribedField {
			ids = append(ids, f.FieldID)
		}
	}
	slices.Sort(ids)
	return ids
}

// weigh counts a finding and says whether the registration may be put right.
func weigh(reg *installation.Registration, f finding, now time.Time) (put bool) {
	if !reg.AskedAt.IsZero() {
		reg.Moved, reg.Touched = installation.Contest{}, installation.Contest{}
		return true
	}
	if f.what == Moved {
		return weighMove(&reg.Moved, f, now)
	}
	if reg.Moved.Left || now.Sub(reg.Moved.LastAt) > movedAgain {
		reg.Moved = installation.Contest{} // the other is gone, or gave up
	}
	c := &reg.Touched
	again := now.Sub(c.LastAt) <= TouchedAgain
	switch {
	case f.what == "":
		if c.Left || !again {
			*c = installation.Contest{}
		}
		return true
	case c.What != f.what || !again:
		*c = installation.Contest{What: f.what, Changes: 1, LastAt: now}
	case !c.Left:
		c.Changes, c.LastAt = c.Changes+1, now
		c.Left = c.Changes >= patience[f.what]
	}
	return !c.Left
}

func weighMove(c *installation.Contest, f finding, now time.Time) (put bool) {
	if c.Left {
		c.URL = f.url
		switch {
		case !f.inactive:
			c.InactiveSince = time.Time{}
		case c.InactiveSince.IsZero():
			c.InactiveSince = now
		case now.Sub(c.InactiveSince) >= othersAway:
			*c = installation.Contest{}
			return true
		}
		return false
	}
	if now.Sub(c.LastAt) > movedAgain {
		*c = installation.Contest{}
	}
	c.What, c.URL, c.LastAt, c.Changes = Moved, f.url, now, c.Changes+1
	c.Left = c.Changes >= patience[Moved]
	return !c.Left
}
