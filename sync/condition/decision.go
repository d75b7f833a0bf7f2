package condition

import (
	"slices"
	"strings"

	v1 "channelsync/api/v1"
)

// Decision is whether one record belongs to one sync, with every condition
// looked at. The conditions stand in the order in which the reason codes are listed.
type Decision struct {
	Met        bool
	Conditions []v1.Condition
	// HandsOff is set when the operator's own lists or filters, or the rule
	// about the MSP's own organization, keep the record (or a contract's company) out.
	HandsOff bool
}

// Reasons returns the codes of the conditions that do not hold, each once, in
// the order in which the codes are listed; empty, never nil, when all hold.
func (d Decision) Reasons() []string {
	codes := []string{}
	for _, c := range d.Conditions {
		if !c.Met && !slices.Contains(codes, c.Code) {
			codes = append(codes, c.Code)
		}
	}
	return codes
}

// Detail is one plain sentence, for example
// "Not synced: company type is Prospect (3); only Customer (1) syncs."
func (d Decision) Detail() string {
	if d.Met {
		return "Synced: every condition holds."
	}
	return "Not synced: " + strings.Join(d.why(), "; also, ") + "."
}

// why is the detail of each condition that does not hold.
func (d Decision) why() []string {
	var details []string
	for _, c := range d.Conditions {
		if !c.Met {
			details = append(details, c.Detail)
		}
	}
	return details
}

// ArchivedReason picks, from the words that the target takes for the kind of
// record (allowed), the first one that stands here. It is empty when none does,
// when the sync is not installed, and with HandsOff: a list or a filter says
// "leave it alone", not "archive it".
func (d Decision) ArchivedReason(allowed []string) string {
	reasons := d.Reasons()
	if d.HandsOff || slices.Contains(reasons, v1.ReasonSyncNotInstalled) {
		return ""
	}
	for _, r := range reasons {
		if slices.Contains(allowed, r) {
			return r
		}
	}
	return ""
}

// decide gives the conditions their sync and draws the verdict.
func decide(sync v1.Sync, conditions []v1.Condition) Decision {
	d := Decision{Met: true, Conditions: conditions}
	for i := range conditions {
		c := &conditions[i]
		c.Sync = sync
		if c.Met {
			continue
		}
		d.Met = false
		switch c.Code {
		case v1.ReasonExcluded, v1.ReasonFiltered, v1.ReasonOwnCompany:
			d.HandsOff = true
		}
	}
	return d
}
