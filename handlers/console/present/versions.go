package present

import (
	"encoding/json"

	v1 "channelsync/api/v1"
)

// CauseWord says why a version was sent, and who asked for it.
func CauseWord(v v1.Version) string { return causeWord(v, func(word string) string { return word }) }

// TenantCauseWord is CauseWord in a tenant's words.
func TenantCauseWord(v v1.Version) string { return causeWord(v, TenantTrigger) }

func causeWord(v v1.Version, say func(string) string) string {
	if v.Kind == v1.VersionEarlier {
		return "Sent before versions were kept"
	}
	why := TriggerWord(v.Trigger)
	if v.Trigger == v1.TriggerManual && v.Job != "" {
		why = "resync"
	}
	why = say(why)
	if v.By != "" {
		why += ", by " + v.By
	}
	switch v.Kind {
	case v1.VersionRepaired:
		return "An edit in Channel Program was put right: " + why
	case v1.VersionRecovered:
		if v.Trigger == "" {
			return "The answer was lost; found at the next push"
		}
		return "The answer was lost; found at the next push: " + why
	}
	return Capital(why)
}

// Pair is one field of two versions.
type Pair struct {
	Label    string
	Old, New string
	Differs  bool
}

// PairsOf sets the fields of two versions side by side; nil where one of them cannot be read.
func PairsOf(first, second json.RawMessage) []Pair {
	if IsNull(first) {
		return nil
	}
	var out []Pair
	for _, f := range SentFields(second, first, nil) {
		p := Pair{Label: f.Label, Old: f.Now, New: f.Now, Differs: f.Change != FieldSame}
		if p.Differs {
			p.Old = f.Before
		}
		out = append(out, p)
	}
	return out
}
