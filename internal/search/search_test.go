package search

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"channelsync/test/harness"
)

func record() string {
	var t Text
	t.Add("Café Müller & Søn, O’Brien-Smith Ltd.", "Straße des 17. Juni 135, 10623 Berlin")
	t.AddPhone("+49 (0)30 / 3140-0123")
	t.AddPhone("0171 2345678")
	t.Add("Jane.Doe@Example.com")
	t.AddWebsite("https://www.Example-Systems.de/start")
	return t.String()
}

func TestWhatPeopleTypeIsFound(t *testing.T) {
	text := record()
	harness.Table(t, func(typed string) bool { return Parse(typed).In(text) }, map[string]bool{
		"": true, "  \u00a0": true,
		"cafe muller": true, "CAFÉ MÜLLER": true, "Cafe\u0301": true, "ｃａｆｅ": true, "müller\u00a0café": true,
		"son": true, "obrien": true, "O'Brien": true, "o'brien smith": true, "brien smith": true, "l.t.d": true,
		"strasse": true, "STRASSE DES 17 JUNI": true, "berlin müller": true, "135, 10623": true,
		"+49 30 31400123": true, "(030) 3140 0123": true, "0049 30 3140-0123": true, "030/31400123": true, "3140-0123": true,
		"0171/234 56 78": true, "+49 171 2345678": true, "004901712345678": true, "+49 171 2345679": false, "0171 2345679": false,
		"jane.doe@example.com": true, "JANE DOE": true, "doe@example": true,
		"example-systems.de": true, "www.example-systems.de": true, "https://example-systems.de/": true, "HTTP://WWW.EXAMPLE": true,
		"muller paris": false, "berlinx": false, "&": false, "...": false, "& muller": true,
	})
}

func TestNumberIsDigitsAlone(t *testing.T) {
	for typed, want := range map[string]string{"174": "174", " #174 ": "174", "１７４": "174", "174 5": "", "a174": "", "": "", "-": ""} {
		if got := Parse(typed).Number(); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestATextIsBounded(t *testing.T) {
	var text Text
	for range 1000 {
		text.Add(strings.Repeat("x", 100))
	}
	text.Add("last")
	if n := len(text.String()); n > maxText {
		t.Errorf("%d bytes", n)
	}
}

// TestEveryTextIsFoundByItself: in any Unicode form, in either case where it has
// one counterpart, and with signs between its words.
func TestEveryTextIsFoundByItself(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.String().Draw(rt, "text")
		var text Text
		text.Add(s)
		if Fold(s) == "" {
			return
		}
		for _, typed := range []string{s, norm.NFD.String(s), norm.NFKC.String(s), strings.Join(strings.FieldsFunc(s, unicode.IsSpace), " - ")} {
			if !Parse(typed).In(text.String()) {
				rt.Errorf("%q does not find %q", typed, s)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("café", "Café")
	f.Add("+49 (0)30", "(0)")
	f.Fuzz(func(_ *testing.T, typed, value string) {
		var text Text
		text.Add(value)
		text.AddPhone(value)
		text.AddWebsite(value)
		Parse(typed).In(text.String())
	})
}
