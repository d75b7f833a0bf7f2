package ledger

import (
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// Bounds of the texts of an entry, in bytes. What the target takes is far below.
const (
	maxName   = 1000
	maxDetail = 2000
	maxStep   = 500
	maxURL    = 2000
)

// NameOf is a record's name as an entry keeps it: of one that is longer than any that the
// target takes the beginning.
func NameOf(name string) string { return clip.Text(name, maxName) }

// bounded cuts the texts of an entry to their bounds.
func (e *Entry) bounded() {
	e.Name, e.Detail = NameOf(e.Name), clip.Text(e.Detail, maxDetail)
	if len(e.TargetURL) > maxURL {
		e.TargetURL = "" // a part of an address leads nowhere
	}
	for i := range e.Timeline {
		e.Timeline[i].Detail = clip.Text(e.Timeline[i].Detail, maxStep)
	}
}

// part is one that an entry can do without.
type part struct {
	name  string
	there bool
	drop  func()
}

// parts are those of an entry, the one that is missed least first.
func (e *Entry) parts() []part {
	return []part{
		{"versions", e.Former != nil || len(e.Previous) > 0, func() { e.Former, e.Previous = nil, nil }},
		{"sources", len(e.Sources) > 0, func() { e.Sources = nil }},
		{"drifts", len(e.Drifts) > 0 && e.OpenDrift() == nil, func() { e.Drifts = nil }},
		{"timeline", len(e.Timeline) > 1, func() { e.Timeline = append([]v1.TimelineStep(nil), e.Timeline[len(e.Timeline)-1]) }},
		// Where an edit of another record would no longer find this one the next sweep does.
		{"contacts", len(e.Contacts) > 0, func() { e.Contacts = nil }},
		{"services", len(e.Services) > 0, func() { e.Services = nil }},
		{"vendors", len(e.Vendors) > 0, func() { e.Vendors = nil }},
		{"projection", len(e.Projection) > 0, func() { e.Projection = nil }},
	}
}

// shrink leaves out a part of an entry that does not fit into the table; false when there
// is none left. The fingerprint stays: nothing is pushed again for it.
func (e *Entry) shrink() bool {
	for _, p := range e.parts() {
		if p.there {
			p.drop()
			e.Omitted = append(slices.Clip(e.Omitted), p.name)
			return true
		}
	}
	return false
}

// regain forgets that parts were left out that are there again.
func (e *Entry) regain() {
	e.Omitted = slices.DeleteFunc(slices.Clone(e.Omitted), func(name string) bool {
		return !slices.ContainsFunc(e.parts(), func(p part) bool { return p.name == name && !p.there })
	})
}
