// Package clip bounds texts that come from elsewhere, so that one of them never makes too
// large what is kept or sent. Every layer may use it.
package clip

import "unicode/utf8"

// Text is text, or of a longer one its first n bytes at most, cut at a character's edge,
// and an ellipsis of three bytes.
func Text(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n] + "…"
}
