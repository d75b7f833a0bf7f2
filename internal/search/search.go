package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// unaccented are the characters that have an accent built in, which no Unicode form takes off.
var unaccented = strings.NewReplacer(
	"ø", "o", "ł", "l", "đ", "d", "ð", "d", "ħ", "h", "ı", "i", "æ", "ae", "œ", "oe", "þ", "th", "ŧ", "t",
)

// Fold is a text as it is compared: its alphabet, digits and pictures alone.
func Fold(s string) string {
	if folded, ok := foldASCII(s); ok {
		return folded
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range unaccented.Replace(cases.Fold().String(norm.NFKD.String(s))) {
		if said(r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// foldASCII is Fold for a text of ASCII, as nearly all are.
func foldASCII(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return "", false
		case 'A' <= c && c <= 'Z':
			b = append(b, c+('a'-'A'))
		case 'a' <= c && c <= 'z', isDigit(c):
			b = append(b, c)
		}
	}
	return string(b), true
}

// said says whether a character is one that people tell texts apart by.
func said(r rune) bool {
	return unicode.In(r, unicode.L, unicode.N, unicode.Mc, unicode.So, unicode.Co)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// phone begins the line of a telephone number.
const phone = "+"

// Text is what a Query looks in: the values of one thing, a line for each.
type Text struct{ b strings.Builder }

// maxText is how much of one thing is searched, in bytes.
const maxText = 4096

// Add adds values.
func (t *Text) Add(values ...string) {
	for _, v := range values {
		t.line("", Fold(v))
	}
}

// AddPhone adds a telephone number. "(0)" is what one dials at home only.
func (t *Text) AddPhone(number string) {
	t.line(phone, Fold(strings.ReplaceAll(number, "(0)", "")))
}

// AddWebsite adds a website: people leave out what they all begin with.
func (t *Text) AddWebsite(address string) { t.line("", Fold(website(address))) }

func (t *Text) line(prefix, folded string) {
	if folded == "" || t.b.Len()+len(prefix)+len(folded) >= maxText {
		return
	}
	if t.b.Len() > 0 {
		t.b.WriteByte('\n')
	}
	t.b.WriteString(prefix + folded)
}

// String is the text; a Query looks in it.
func (t *Text) String() string { return t.b.String() }

func website(s string) string {
	for _, prefix := range [...]string{"https://", "http://", "www."} {
		if len(s) > len(prefix) && strings.EqualFold(s[:len(prefix)], prefix) {
			s = s[len(prefix):]
		}
	}
	return s
}

// Query is what somebody searches for.
type Query struct {
	asked  bool
	words  []string // each must be there, in any order
	number string   // what was typed as one number; empty when it is none
	abroad bool     // it begins as one that is dialled from abroad
}

// leastNumber is how many digits are a telephone number and not a house's.
const leastNumber = 7

// Parse reads what somebody typed.
func Parse(typed string) Query {
	q := Query{}
	for word := range strings.FieldsSeq(typed) {
		q.asked = true
		if w := Fold(website(word)); w != "" {
			q.words = append(q.words, w)
		}
	}
	number := Fold(strings.ReplaceAll(typed, "(0)", ""))
	if strings.IndexFunc(number, func(r rune) bool { return r < '0' || r > '9' }) < 0 && len(number) >= leastNumber {
		q.number = strings.TrimLeft(number, "0")
		q.abroad = strings.HasPrefix(strings.TrimSpace(typed), "+") || strings.HasPrefix(number, "00")
	}
	return q
}

// All says that nothing is searched for, which everything fits.
func (q Query) All() bool { return !q.asked }

// Number is the typed text if it is digits alone; else empty.
func (q Query) Number() string {
	if len(q.words) != 1 || strings.IndexFunc(q.words[0], func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return ""
	}
	return q.words[0]
}

// In says whether a text fits: it has every word, or the number.
func (q Query) In(text string) bool {
	switch {
	case q.All():
		return true
	case len(q.words) == 0:
		return false // signs alone, that no text is compared by
	case q.number == "":
		return !slices.ContainsFunc(q.words, func(w string) bool { return !strings.Contains(text, w) })
	case len(q.number) < leastNumber:
		return strings.Contains(text, strings.Join(q.words, ""))
	case strings.Contains(text, q.number):
		return true
	}
	return q.abroad && q.atHome(text)
}

// atHome says whether the text has the number as it is dialled within its country.
func (q Query) atHome(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if number, ok := strings.CutPrefix(line, phone); ok {
			number = strings.TrimLeft(number, "0")
			if len(number) >= leastNumber && strings.HasSuffix(q.number, number) {
				return true
			}
		}
	}
	return false
}
