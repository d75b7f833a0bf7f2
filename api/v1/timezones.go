package v1

import (
	_ "embed"
	"strings"
	"unicode"
)

// timeZones is UTC and a zone for each country and region of the tz database (its table zone.tab), by name.
//
//go:embed timezones.txt
var timeZones string

// TimeZones are the names to choose option timeZone from. Aliases that the tz database keeps for old names, such as
// US/Eastern, are accepted too and not listed.
func TimeZones() []string { return strings.Fields(timeZones) }

// mostSimilar is how many names SimilarTimeZones returns.
const mostSimilar = 3

// SimilarTimeZones are up to three names that a text may mean: those that contain it, case and
// everything but letters aside. "new york" means America/New_York.
func SimilarTimeZones(text string) []string {
	wanted := lettersOf(text)
	if len(wanted) < 3 {
		return nil
	}
	var similar []string
	for _, name := range TimeZones() {
		if strings.Contains(lettersOf(name), wanted) && len(similar) < mostSimilar {
			similar = append(similar, name)
		}
	}
	return similar
}

// WantTimeZone says what is expected instead of a text that names no time zone.
func WantTimeZone(text string) string {
	if similar := SimilarTimeZones(text); len(similar) > 0 {
		return "want an IANA time zone, perhaps " + strings.Join(similar, " or ")
	}
	return "want an IANA time zone such as America/New_York"
}

func lettersOf(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, text)
}
