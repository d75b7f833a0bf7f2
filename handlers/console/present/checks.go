package present

import (
	"strings"

	v1 "channelsync/api/v1"
)

// CheckTone marks a check: what a sync can do without is a warning.
func CheckTone(c v1.Check) Tone {
	switch {
	case c.OK:
		return ToneGood
	case CheckMeans(c.Name) != "":
		return ToneWarn
	}
	return ToneBad
}

// CheckMeans says what it means to do without something that a sync does not need
// to work; empty for what it does need.
func CheckMeans(name string) string {
	switch name {
	case "webhooks":
		return "Without webhooks, changes arrive within about a minute instead of at once. None is missed."
	case "costs of services":
		return "Without this permission, the overall cost of recurring contracts cannot be computed. It is taken from the contract's estimate if there is one."
	case "costs of charges":
		return "Without this permission, the overall cost of contracts that have only charges is left empty."
	}
	return ""
}

// CheckDetail is what a check found, with the word that the form has for a zone.
func CheckDetail(c v1.Check) string {
	return strings.NewReplacer("The zone is ", "The region is ", " in zone ", " in region ").Replace(c.Detail)
}

// CheckName is the title of a check of a set-up test.
func CheckName(name string) string {
	switch name {
	case "zone":
		return "Region"
	case "credentials":
		return "Log-in at Autotask"
	case "webhooks":
		return "Webhooks"
	case "channel_program":
		return "Channel Program"
	}
	return "Reading " + name
}
