package bundle

import (
	"strings"
	"testing"
)

func TestMask(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Northwind": "N… (9)", "ann@x.example": "a… (13)", "8412.50": "… (7)", "+1 518": "… (6)", "Ä": "… (1)", "US": "… (2)", "Ärzte": "Ä… (5)",
	} {
		if got := mask(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, seed := range []string{"", "Northwind", "8412.50", "\u202eabc", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r := []rune(s); len(r) > 6 && strings.Contains(mask(s), string(r[1:])) {
			t.Errorf("%q stands in %q", s, mask(s))
		}
	})
}
