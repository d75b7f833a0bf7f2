// Package screen makes text fit to be shown: tables as wide as the terminal,
// times as people say them, names without control characters. It writes only to
// the writers it is given and asks no API. Used by package cli only.
package screen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
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

// Lines is Clean of several lines.
func Lines(s string) string {
	all := strings.Split(s, "\n")
	for i, line := range all {
		all[i] = Clean(line)
	}
	return strings.Join(all, "\n")
}

// JSON escapes what a terminal would obey in JSON that is right already: control
// characters, and those that turn or hide text. What is escaped for web pages only, & < >,
// becomes readable. It stands for the same values as before.
func JSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		if b[0] == '\\' && len(b) > 1 {
			size := 2 // a backslash takes the next character with it
			if plain, is := forPages[string(b[:min(len(b), 6)])]; is {
				out, size = append(out, plain), 6
			} else {
				out = append(out, b[:size]...)
			}
			b = b[size:]
			continue
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case r == '\n' || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp):
			out = append(out, b[:size]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		b = b[size:]
	}
	return out
}

var forPages = map[string]byte{`\u0026`: '&', `\u003c`: '<', `\u003e`: '>'}

// Cut shortens text to a number of characters, the last of them "…".
func Cut(s string, width int) string {
	r := []rune(s)
	if len(r) <= width || width < 1 {
		return s
	}
	return strings.TrimRight(string(r[:width-1]), " ") + "…"
}
