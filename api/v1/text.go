package v1

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Trim takes off the ends of a text what nobody sees and nobody means: white space of any
// kind, line ends and no-break spaces among it, and characters without a width, which come
// along when text is copied. Everything that people enter is trimmed by this one rule
// before it is tried, compared or stored, secrets too, wherever it comes from.
func Trim(s string) string { return strings.TrimFunc(s, blank) }

// Same says whether two texts are the same as people read them.
func Same(a, b string) bool { return Fold(a) == Fold(b) }

// Fold is the form in which texts are compared as people read them: without case, with
// single spaces, without characters that have no width, and in one of the several ways in
// which Unicode writes the same letter. It is for comparing and searching, never for
// showing or storing.
func Fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	space := false
	for _, r := range cases.Fold().String(norm.NFKC.String(s)) {
		switch {
		case invisible(r):
		case unicode.IsSpace(r):
			space = b.Len() > 0
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

// Unclear says what makes a name look like something that it is not; empty when nothing does. Names are what people tell
// tokens and installations apart by, in the audit too: nothing in them is hidden or turns the text around, and no word mixes
// alphabets whose letters look alike, such as a Cyrillic letter among Latin ones.
func Unclear(name string) string {
	var of *unicode.RangeTable // the alphabet of the word so far
	for _, r := range name {
		switch {
		case unicode.Is(unicode.Zs, r):
			of = nil
		case !unicode.IsPrint(r):
			return "a line break, or another character that does not show"
		case unicode.IsPunct(r) || unicode.IsSymbol(r):
			of = nil
		}
		for _, alphabet := range alike {
			if !unicode.Is(alphabet, r) {
				continue
			}
			if of != nil && of != alphabet {
				return "a word with letters of several alphabets, which look alike"
			}
			of = alphabet
		}
	}
	return ""
}

// alike are the alphabets with letters that look like those of another.
var alike = []*unicode.RangeTable{unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Cherokee, unicode.Coptic, unicode.Lisu}

// plain says that a text is ASCII with single spaces within it, as nearly all are.
func plain(s string) bool {
	last := byte(' ')
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf || c < ' ' || c == ' ' && last == ' ' {
			return false
		}
		last = c
	}
	return last != ' ' || s == ""
}

func blank(r rune) bool { return unicode.IsSpace(r) || invisible(r) }

// invisible are the characters that take no room and say nothing at the end of a text:
// the soft hyphen, zero-width spaces and joiners, marks of direction, the byte order
// mark. Other format characters are a part of what is seen, such as a flag.
func invisible(r rune) bool {
	switch {
	case r == 0xad, r == 0x61c, r == 0x180e, r == 0xfeff:
		return true
	}
	return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2064 || r >= 0x2066 && r <= 0x206f
}
