package projection

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/shopspring/decimal"

	"channelsync/api/channelprogram"
)

// DefaultVendorName stands where a contract has no vendor.
const DefaultVendorName = "MSP Managed Services"

// VendorReport says which vendor a contract got, from which level, and whom it was chosen over.
type VendorReport struct {
	Rule       VendorRule        `json:"rule"`
	ID         *int64            `json:"id"` // company id; nil with the default
	Name       string            `json:"name"`
	Defaulted  bool              `json:"defaulted"`
	Candidates []VendorCandidate `json:"candidates"` // of the level, the chosen one first
	Notes      []string          `json:"notes,omitempty"`
}

// VendorCandidate is a vendor of the level that decided.
type VendorCandidate struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
	Sum  string `json:"sum"`
	Rows []Row  `json:"rows"`
}

// VendorRule is the level on which a vendor was found.
type VendorRule string

// The levels, in the order in which they are asked.
const (
	VendorOfUnits    VendorRule = "units"    // vendor stamped on the service unit rows of today
	VendorOfServices VendorRule = "services" // vendor of the services on the contract
	VendorOfBundles  VendorRule = "bundles"  // vendor of the services in the contract's bundles
	VendorOfCharges  VendorRule = "charges"  // vendor of the charges' products
	VendorDefault    VendorRule = "default"
)

// vendorOf takes the first level that has a vendor with a name. Of several on
// that level the one with the highest sum wins, and of equal ones the lowest id,
// so that the same rows always give the same vendor.
//
// A vendor whose company cannot be read (deleted, hidden, without a name) is
// passed over with a note: its id alone would be no name, and calling the
// contract the MSP's own while another vendor is on it would be wrong.
func vendorOf(p ContractParts) VendorReport {
	var notes []string
	for _, level := range vendorLevels {
		candidates, passed := weigh(level.shares(p), p.VendorNames)
		notes = append(notes, passed...)
		if len(candidates) == 0 {
			continue
		}
		chosen := candidates[0]
		return VendorReport{
			Rule: level.rule, ID: &chosen.ID, Name: chosen.Name, Candidates: candidates, Notes: notes,
		}
	}
	return VendorReport{
		Rule: VendorDefault, Name: DefaultVendorName, Defaulted: true,
		Candidates: []VendorCandidate{}, Notes: notes,
	}
}

// weighed keeps the exact sum beside what is shown of it.
type weighed struct {
	VendorCandidate
	sum decimal.Decimal
}

// weigh adds up each vendor's rows; the heaviest comes first.
func weigh(shares []share, names map[int64]string) (candidates []VendorCandidate, notes []string) {
	if len(shares) == 0 {
		return nil, nil
	}
	rows := make(map[int64][]amountRow)
	for _, s := range shares {
		rows[s.vendor] = append(rows[s.vendor], s.row)
	}
	sums := make([]weighed, 0, len(rows))
	for id, of := range rows {
		name := strings.TrimSpace(names[id])
		if name == "" || utf8.RuneCountInString(name) > channelprogram.MaxName {
			notes = append(notes, fmt.Sprintf("passed over vendor %d: its company has no name that can be read and used", id))
			continue
		}
		total, _ := sum(of)
		sums = append(sums, weighed{VendorCandidate{ID: id, Name: name, Sum: plain(total), Rows: shown(of)}, total})
	}
	slices.Sort(notes)
	slices.SortFunc(sums, func(a, b weighed) int {
		return cmp.Or(b.sum.Cmp(a.sum), cmp.Compare(a.ID, b.ID))
	})
	for _, w := range sums {
		candidates = append(candidates, w.VendorCandidate)
	}
	return candidates, notes
}

func (v VendorReport) issues() []string {
	if len(v.Notes) > 0 {
		return []string{IssueVendorUnnamed}
	}
	return nil
}

// from says in one line where the vendor's name came from.
func (v VendorReport) from() string {
	if v.Defaulted {
		return "default, the contract has no vendor"
	}
	return fmt.Sprintf("Companies %d companyName, by %s", *v.ID, v.Rule)
}
