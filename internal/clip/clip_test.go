package clip

import "testing"

func TestText(t *testing.T) {
	for _, one := range []struct {
		text string
		n    int
		want string
	}{
		{"", 0, ""},
		{"abc", 3, "abc"},
		{"abcd", 3, "abc…"},
		{"aüb", 2, "a…"}, // the ü is two bytes
		{"aüb", 3, "aü…"},
		{"ü", 1, "…"},
		{"\xff\xfe\xfd", 2, "\xff\xfe…"},
		{"\x80\x80\x80", 2, "…"}, // no edge anywhere
	} {
		if got := Text(one.text, one.n); got != one.want {
			t.Errorf("%q to %d bytes: %q, want %q", one.text, one.n, got, one.want)
		}
	}
}
