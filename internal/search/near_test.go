package search

import (
	"slices"
	"testing"
)

func TestNearNames(t *testing.T) {
	names := []string{"Time & Materials", "Fixed Price", "Block Hours", "Retainer", "Recurring Service", "Per Ticket"}
	for typed, want := range map[string][]string{
		"recuring servise": {"Recurring Service"}, "price": {"Fixed Price"}, "RETAINERS": {"Retainer"}, "zzz": {}, "": {}, "time and material": {"Time & Materials"},
	} {
		if got := Near(typed, names, 1); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", typed, got, want)
		}
	}
	if got := Near("r", []string{"ra", "rb", "rc"}, 2); len(got) != 2 {
		t.Errorf("got %q, want two", got)
	}
}
