package clip

import (
	"testing"

	"channelsync/test/harness"
)

func TestText(t *testing.T) {
	type cut struct {
		text string
		n    int
	}
	harness.Table(t, func(c cut) string { return Text(c.text, c.n) }, map[cut]string{
		{"", 0}:     "",
		{"abc", 3}:  "abc",
		{"abcd", 3}: "abc…",
		{"aüb", 2}:  "a…", // the ü is two bytes
		{"aüb", 3}:  "aü…",
		{"ü", 1}:    "…",

		{"\xff\xfe\xfd", 2}: "\xff\xfe…",
		{"\x80\x80\x80", 2}: "…", // no edge anywhere
	})
}
