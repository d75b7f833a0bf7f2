package control

import (
	"encoding/json"

	v1 "channelsync/api/v1"
)

// costUnknown is the code of contracts of which nothing gives a cost above zero.
const costUnknown = "cost_unknown"

// costFixes are what gives an overall cost, by the option that says what counts.
var costFixes = map[string]string{
	"auto":    "In Autotask, enter unit costs on the contract's services (these count on recurring service contracts), an estimated cost on the contract, or the cost of a charge.",
	"monthly": "In Autotask, enter unit costs on the contract's services, or on its services and bundles in the catalogue, and see that they have units. Estimated costs and charges do not count with the option \"overallCost\" \"monthly\".",
	"annual":  "In Autotask, enter unit costs on the contract's services, or on its services and bundles in the catalogue, and see that they have units. Estimated costs and charges do not count with the option \"overallCost\" \"annual\".",
	"price":   "In Autotask, enter unit prices on the contract's services (these count on recurring service contracts), an estimated revenue on the contract, or the billable amount of a charge.",
}

// rightlyUnknown ends the fix of several contracts, each of which has a cause of its own.
const rightlyUnknown = " The record says which of it applies: nothing is to be done for a contract whose credits are meant to take up its cost, or whose services are cancelled."

// describeWith is describe where the words depend on the installation's options.
func describeWith(code string, o v1.Options) v1.Issue {
	i := describe(code)
	if fix, there := costFixes[o.OverallCost]; there && code == costUnknown {
		i.Fix = fix + rightlyUnknown
	}
	return i
}

// fixOfNote is what to do about something that a record lacks that is sent all the same.
func fixOfNote(code string, o v1.Options, sources json.RawMessage) string {
	var of v1.ContractSources
	if code == costUnknown && json.Unmarshal(sources, &of) == nil && of.Cost.Fix != "" {
		return of.Cost.Fix // by its cause
	}
	return describeWith(code, o).Fix
}
