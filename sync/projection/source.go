package projection

import (
	"fmt"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
)

// values collects the entries of one list of a client with their sources.
type values struct {
	field   string
	max     int
	items   []channelprogram.Labelled
	sources []v1.Source
	notes   []string
}

func (v *values) full() bool { return len(v.items) == v.max }

// add takes a trimmed value that is not empty. A value too long for the target
// is left out with a note rather than failing the whole record.
func (v *values) add(value, from string) (taken bool) {
	if n := len([]rune(value)); n > channelprogram.MaxValue {
		v.notes = append(v.notes, fmt.Sprintf(
			"%s: left out %s, it has %d characters and the target takes at most %d", v.field, from, n, channelprogram.MaxValue))
		return false
	}
	v.sources = append(v.sources, v1.Source{Field: fmt.Sprintf("%s[%d]", v.field, len(v.items)), Value: value, From: from})
	v.items = append(v.items, channelprogram.Labelled{Value: value})
	return true
}
