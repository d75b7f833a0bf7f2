// Package screen makes text fit to be shown: tables as wide as the terminal,
// times as people say them, names without control characters. It writes only to
// the writers it is given and asks no API. Used by package cli only.
package screen

import (
	"strings"
	"unicode"
)

// Clean makes text that came from elsewhere safe for a terminal and one line
// long: whatever cannot be printed becomes a space.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// Cut shortens text to a number of characters, the last of them "…".
func Cut(s string, width int) string {
	r := []rune(s)
	if len(r) <= width || width < 1 {
		return s
	}
	return strings.TrimRight(string(r[:width-1]), " ") + "…"
}
