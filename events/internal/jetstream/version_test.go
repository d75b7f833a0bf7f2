package jetstream

import (
	"strings"
	"testing"
)

func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		version string
		level   int
		refused string
	}{
		{"2.15.0", 5, ""},
		{"2.15.2", 4, ""},
		{"v2.16.0-RC.1", 6, ""},
		{"3.0.0+build.7", 9, ""},
		{"2.14.9", 4, "nats server 2.14.9 is too old: channelsync needs 2.15.0 or newer"},
		{"2.9.25", 0, "too old"},
		{"1.99.99", 9, "too old"},
		{"2.15.2", 3, "API level is 3"},
		{"", 5, "major.minor.patch"},
		{"2.15", 5, "major.minor.patch"},
		{"two.15.0", 5, "major.minor.patch"},
	} {
		err := checkVersion(c.version, c.level)
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%q level %d: %v", c.version, c.level, err)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{"2.15.2", "v2.15.0-RC.1", "1.2", "a.b.c", "2.15.2+x", "99999999999.0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := parseVersion(s)
		if err == nil && (v[0] < 0 || v[1] < 0 || v[2] < 0) {
			t.Fatalf("%q: %v", s, v)
		}
	})
}
