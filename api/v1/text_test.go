package v1

import (
	"strings"
	"testing"

	"channelsync/test/harness"
)

func TestTrim(t *testing.T) {
	trimmed := map[string]string{
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
	}
	harness.Table(t, Trim, trimmed)
	harness.Table(t, func(in string) string { return Trim(Trim(in)) }, trimmed)
}

func TestSame(t *testing.T) {
	harness.Table(t, func(pair [2]string) bool { return Same(pair[0], pair[1]) }, map[[2]string]bool{
		{"API-User@MSP.example", "api-user@msp.example"}: true,
		{"api@msp.example ", "api@msp.example"}:          true,
		{"TRACK", "track\u00a0"}:                         true,
		{"Acme Health", "acme\u00a0health"}:              true,
		{"Acme  Health", "Acme Health"}:                  true,
		{"Acme\tHealth", "Acme Health"}:                  true,
		{"Ac\u00adme", "Acme"}:                           true,
		{"Ac\u200bme", "Acme"}:                           true,
		{"Café", "Cafe\u0301"}:                           true, // one letter, or two characters
		{"STRASSE", "Straße"}:                            true,
		{"ＡＣＭＥ", "acme"}:                                 true, // wide letters
		{"ΣΑΣ", "σας"}:                                   true,
		{"acme", "acme2"}:                                false,
		{"a b", "ab"}:                                    false,
		{"Cafe", "Café"}:                                 false,
		{"", " "}:                                        true,
		{"a", ""}:                                        false,
	})
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

func TestUnclear(t *testing.T) {
	for name, unclear := range map[string]bool{
		"":                                  false,
		"Acme Health (ops), 2":              false,
		"B\u00fcro O\u2019Neill & S\u00f8n": false,
		"\u6771\u4eac\u30c6\u30b9\u30c8 Co": false,
		"\u0414\u043e\u043c IT":             false, // two words, each of one alphabet
		"\u03a9 Solutions":                  false,
		"Acme\u00a0Health":                  false,
		"Cafe\u0301":                        false, // one é in two characters
		"a\nb":                              true,
		"a\tb":                              true,
		"a\x00b":                            true,
		"a\u0085b":                          true,
		"a\u2028b":                          true,
		"a\u200bb":                          true, // zero width
		"a\u200db":                          true,
		"a\u202eb":                          true, // turns the text around
		"a\u2066b":                          true,
		"a\U000e0061b":                      true, // a tag that nobody sees
		"a\ue000b":                          true, // nobody knows how it looks
		"p\u0430ypal":                       true, // one letter is Cyrillic
		"\u03bfps":                          true, // Greek
		"r\u043e\u043et":                    true,
		"\u13aacme":                         true, // Cherokee
		"dev-\u043f\u0441":                  false,
	} {
		if got := Unclear(name); (got != "") != unclear {
			t.Errorf("%q: got %q", name, got)
		}
	}
}
