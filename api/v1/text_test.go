package v1

import (
	"strings"
	"testing"
)

func TestTrim(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "",
		"acme":                    "acme",
		" acme ":                  "acme",
		"acme\r\n":                "acme",
		"\t\v\facme\u0085":        "acme",
		"\u00a0acme\u202f":        "acme", // no-break spaces
		"\u3000acme\u2003":        "acme", // wide spaces
		"\ufeffacme\u200b":        "acme", // byte order mark, zero-width space
		"\u200eacme\u202c\u2069":  "acme", // marks of direction
		"\u00adacme\u2060\u00a0 ": "acme", // soft hyphen, word joiner
		" a  b\u00a0c ":           "a  b\u00a0c",
		" \u00a0\u200b\n":         "",
		"a\x00":                   "a\x00", // not blank: whoever checks it must see it
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
		"é": "é",
	} {
		if got := Trim(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
		if got := Trim(Trim(in)); got != want {
			t.Errorf("%q: trimmed twice it is %q", in, got)
		}
	}
}

func TestSame(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{"API-User@MSP.example", "api-user@msp.example", true},
		{"api@msp.example ", "api@msp.example", true},
		{"TRACK", "track\u00a0", true},
		{"Acme Health", "acme\u00a0health", true},
		{"Acme  Health", "Acme Health", true},
		{"Acme\tHealth", "Acme Health", true},
		{"Ac\u00adme", "Acme", true},
		{"Ac\u200bme", "Acme", true},
		{"Café", "Cafe\u0301", true}, // one letter, or two characters
		{"STRASSE", "Straße", true},
		{"ＡＣＭＥ", "acme", true}, // wide letters
		{"ΣΑΣ", "σας", true},
		{"acme", "acme2", false},
		{"a b", "ab", false},
		{"Cafe", "Café", false},
		{"", " ", true},
		{"a", "", false},
	} {
		if got := Same(tc.a, tc.b); got != tc.want {
			t.Errorf("%q and %q: got %v", tc.a, tc.b, got)
		}
	}
}

// The short way for plain text and the long one for all other say the same.
func FuzzFold(f *testing.F) {
	for _, seed := range []string{"", "Acme Health", "acme\u00a0health ", "Café", "ΣΑΣ", "\xff", "a\u0301\u200d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Fold(s)
		if Fold(got) != got {
			t.Errorf("%q: folded %q, folded again %q", s, got, Fold(got))
		}
		if padded := Fold("\u00a0" + s + "\u200b "); padded != got {
			t.Errorf("%q: %q with blanks around it, %q without", s, padded, got)
		}
		if Fold(Trim(s)) != got {
			t.Errorf("%q: trimmed it is another text: %q, %q", s, Fold(Trim(s)), got)
		}
		if got != strings.TrimSpace(got) {
			t.Errorf("%q: blanks are left: %q", s, got)
		}
	})
}
