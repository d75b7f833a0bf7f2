package oracle

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Kind is a way in which two States differ.
type Kind string

// The kinds of differences.
const (
	Missing   Kind = "missing"   // expected, but not there
	Different Kind = "different" // a field has another value
	Extra     Kind = "extra"     // there, but neither expected nor Left
	Richer    Kind = "richer"    // a client held in full of which only the name is expected, and not Left so
)

// Difference is one thing on which the target is not as expected, in words.
type Difference struct {
	Kind     Kind
	Record   string // "client 174", "contract 29"
	Field    string // empty when the whole record differs
	Expected string
	Got      string
}

// String is the difference as one line.
func (d Difference) String() string {
	record := d.Record
	if d.Field != "" {
		record += " " + d.Field
	}
	return fmt.Sprintf("%s: expected %s, got %s", record, d.Expected, d.Got)
}

// Compare lists the differences, clients first, each kind of record by id; none means that both sides agree.
//
// Nothing is ever removed at the target, so what left the scope stays there. Such a record is an Extra (or Richer, when
// active_customers was uninstalled) unless expected.Left names it: a record that never was in scope has no business at
// the target, and only the caller knows the past. What is Left is not looked into. Callers who do not keep a Past
// filter by Kind instead.
func Compare(expected, actual State) []Difference {
	var found []Difference
	for _, id := range ids(expected.Clients, actual.Clients) {
		record := "client " + id
		want, wanted := expected.Clients[id]
		if got := actual.Clients[id]; wanted && !want.Full && got.Full {
			if !expected.Left[fullClientKey(id)] {
				found = append(found, Difference{Richer, record, "form", "name only", "full"})
			}
			continue // the name of a richer client is not the contracts' to set
		}
		left := expected.Left[clientKey(id)]
		found = append(found, compare(record, fieldsOf(expected.Clients, id), fieldsOf(actual.Clients, id), left)...)
	}
	for _, id := range ids(expected.Contracts, actual.Contracts) {
		record, left := "contract "+id, expected.Left[contractKey(id)]
		found = append(found, compare(record, fieldsOf(expected.Contracts, id), fieldsOf(actual.Contracts, id), left)...)
	}
	return found
}

// compare compares one record by its fields; nil is a record that is not there.
func compare(record string, want, got []field, left bool) []Difference {
	switch {
	case got == nil:
		return []Difference{{Missing, record, "", "it to be there", "nothing"}}
	case want == nil && left:
		return nil
	case want == nil:
		return []Difference{{Extra, record, "", "nothing", "a record that is not in scope"}}
	}
	var found []Difference
	for i, w := range want {
		if w.words != got[i].words {
			found = append(found, Difference{Different, record, w.name, w.words, got[i].words})
		}
	}
	return found
}

func fieldsOf[R interface{ fields() []field }](records map[string]R, id string) []field {
	if r, ok := records[id]; ok {
		return r.fields()
	}
	return nil
}

// ids is the ids of both sides. They are numbers as text: the shorter one is the lower one.
func ids[V any](a, b map[string]V) []string {
	all := map[string]V{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	return slices.SortedFunc(maps.Keys(all), func(x, y string) int {
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}
