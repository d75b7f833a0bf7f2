package v1

import (
	"slices"
	"testing"
	"time"
)

// Every name that is offered can be chosen: the zones that the program has of its own know it.
func TestTimeZonesAreKnown(t *testing.T) {
	t.Setenv("ZONEINFO", t.TempDir())
	names := TimeZones()
	for _, name := range names {
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(names) < 400 || !slices.Contains(names, "UTC") || !slices.Contains(names, "America/New_York") {
		t.Errorf("%d time zones", len(names))
	}
	if sorted := slices.Sorted(slices.Values(names[1:])); !slices.Equal(sorted, names[1:]) || names[0] != "UTC" {
		t.Error("they are not UTC and then by name")
	}
}

func TestWantTimeZone(t *testing.T) {
	const plain = "want an IANA time zone such as America/New_York"
	for text, want := range map[string]string{
		"new york":         "want an IANA time zone, perhaps America/New_York",
		"America/NewYork":  "want an IANA time zone, perhaps America/New_York",
		"europe/berlin":    "want an IANA time zone, perhaps Europe/Berlin",
		"Kentucky":         "want an IANA time zone, perhaps America/Kentucky/Louisville or America/Kentucky/Monticello",
		"America":          "want an IANA time zone, perhaps America/Adak or America/Anchorage or America/Anguilla",
		"EST5PM":           plain,
		"Local":            plain,
		"":                 plain,
		"PT":               plain,
		"Europe/Gotham":    plain,
		"+05:30":           plain,
		"../../etc/passwd": plain,
	} {
		if got := WantTimeZone(text); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
