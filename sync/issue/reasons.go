package issue

import (
	"slices"
	"strings"

	v1 "channelsync/api/v1"
)

// Reason says why many records together do not sync, by reason code; the detail of a single
// record comes from its condition.
func Reason(code string) string {
	switch code {
	case v1.ReasonTypeNotCustomer:
		return "company type is not Customer"
	case v1.ReasonStatusInactive:
		return "company is not active"
	case v1.ReasonOwnCompany:
		return "company is your own organization"
	case v1.ReasonNoContract:
		return "company has no contract"
	case v1.ReasonContractInactive:
		return "contract is not active"
	case v1.ReasonExcluded:
		return "excluded by the include or exclude list"
	case v1.ReasonFiltered:
		return "excluded by the filters for classification, contract type or category"
	case v1.ReasonDeletedAtSource:
		return "no longer exists in Autotask"
	case v1.ReasonClientOutOfScope:
		return "the contract's company does not sync"
	case v1.ReasonSyncNotInstalled:
		return "the sync is not installed"
	case "not_pushable":
		return "a name is missing or too long for Channel Program"
	default: // a row that cannot be read
		return "Autotask's answer for it cannot be read"
	}
}

// FixOfReasons is what to do for a record to sync, by the reason codes of its conditions that
// do not hold.
func FixOfReasons(reasons []string) string {
	fixes := map[string]string{
		v1.ReasonTypeNotCustomer:  "Set the company's type to Customer in Autotask to sync it.",
		v1.ReasonStatusInactive:   "Set the company to Active in Autotask to sync it.",
		v1.ReasonExcluded:         "Change the include or exclude list in the installation's options to sync it.",
		v1.ReasonFiltered:         "Change the filters in the installation's options to sync it.",
		v1.ReasonContractInactive: "Set the contract's status to In Effect, or the option contractStatus to any.",
		v1.ReasonClientOutOfScope: "Check the contract's company: it must be an active Customer.",
		v1.ReasonSyncNotInstalled: "Install the sync.",
		v1.ReasonNoContract:       "Add a contract in Autotask.",
		v1.ReasonOwnCompany:       "Your own organization never syncs.",
		v1.ReasonDeletedAtSource:  "Nothing is removed at Channel Program.",
	}
	for _, final := range []string{v1.ReasonOwnCompany, v1.ReasonDeletedAtSource} {
		if slices.Contains(reasons, final) {
			return fixes[final] // no list or filter changes that
		}
	}
	var out []string
	for _, code := range reasons {
		out = append(out, fixes[code])
	}
	return strings.Join(out, " ")
}
