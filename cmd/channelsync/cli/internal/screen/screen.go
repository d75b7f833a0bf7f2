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

	"github.com/rivo/uniseg"
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

// Width is how many columns of a terminal a text takes: two for most East Asian characters
// and emoji, none for what is written onto the character before it.
func Width(s string) int { return uniseg.StringWidth(s) }

// Cut shortens text to a number of columns, the last of them "…".
func Cut(s string, width int) string {
	if width < 1 || Width(s) <= width {
		return s
	}
	head, _ := split(s, width-1)
	return strings.TrimRight(head, " ") + "…"
}

// split takes as many whole characters off a text as fit.
func split(s string, width int) (head, tail string) {
	taken, at, state := 0, 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if taken+w > width {
			break
		}
		taken, at = taken+w, at+len(cluster)
	}
	return s[:at], s[at:]
}

// Fold breaks a text into lines of at most a number of columns, between words where it can; 0 breaks nothing.
func Fold(s string, width int) []string {
	if width < 1 || Width(s) <= width {
		return []string{s}
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
		for Width(line) > width {
			head, tail := split(line, width)
			if head == "" {
				break // one character is wider than all there is
			}
			lines, line = append(lines, head), tail
		}
	}
	return append(lines, line)
}
