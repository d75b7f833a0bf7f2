package autotask

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// unknownFieldText is how the vendor says that an entity has no such field; what
// follows the name varies.
var unknownFieldText = regexp.MustCompile(`(?i)unable to find\s+['"\[]?([a-z0-9_]+)`)

// absentFields remembers the fields that this database's build does not have.
type absentFields struct {
	mu     sync.Mutex
	fields map[string][]string // by lower-case entity
}

// Absent are the fields of an entity that were asked for and that this database
// does not have, as older builds lack some; sorted. They are not asked for again.
func (c *Client) Absent(entity string) []string {
	c.absent.mu.Lock()
	defer c.absent.mu.Unlock()
	return slices.Clone(c.absent.fields[strings.ToLower(entity)])
}

func (a *absentFields) add(entity, field string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := strings.ToLower(entity)
	if slices.Contains(a.fields[key], field) {
		return
	}
	if a.fields == nil {
		a.fields = map[string][]string{}
	}
	a.fields[key] = append(a.fields[key], field)
	slices.Sort(a.fields[key])
}

// without is the wanted fields less the absent ones.
func (a *absentFields) without(entity string, wanted []string) []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	absent := a.fields[strings.ToLower(entity)]
	return slices.DeleteFunc(slices.Clone(wanted), func(name string) bool {
		return slices.ContainsFunc(absent, func(gone string) bool { return foldEqual(gone, name) })
	})
}

func (a *absentFields) reset() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fields = nil
}

// unknownField is the field of included that the vendor says it does not know.
func unknownField(err error, included []string) (string, bool) {
	var e *Error
	if !errors.As(err, &e) || e.Kind != KindInvalid {
		return "", false
	}
	for _, text := range e.Texts {
		m := unknownFieldText.FindStringSubmatch(text)
		if m == nil || foldEqual(m[1], idField) {
			continue
		}
		for _, name := range included {
			if foldEqual(name, m[1]) {
				return name, true
			}
		}
	}
	return "", false
}
