package reconcile

import (
	"fmt"

	"channelsync/sync/projection"
)

// maxRows is how many rows of Autotask are kept of what a figure was made from. Nobody
// reads more, and thousands of them would not fit into the ledger.
const maxRows = 200

// contractSources is what the record page shows of "how computed".
type contractSources struct {
	Fields []projection.Source     `json:"fields"`
	Vendor projection.VendorReport `json:"vendor"`
	Cost   projection.CostReport   `json:"cost"`
}

// sourcesOf are the sources of a contract, of many rows and vendors the first ones, with a
// note that says how many there are.
func sourcesOf(p projection.ContractProjection) contractSources {
	s := contractSources{p.Sources, p.Vendor, p.Cost}
	var note string
	if s.Cost.Rows, note = first(s.Cost.Rows, maxRows, "row"); note != "" {
		s.Cost.Notes = append(s.Cost.Notes[:len(s.Cost.Notes):len(s.Cost.Notes)], note)
	}
	notes := s.Vendor.Notes[:len(s.Vendor.Notes):len(s.Vendor.Notes)]
	if s.Vendor.Candidates, note = first(s.Vendor.Candidates, maxRows, "vendor"); note != "" {
		notes = append(notes, note)
	}
	left, all := maxRows, 0
	candidates := make([]projection.VendorCandidate, len(s.Vendor.Candidates))
	for i, c := range s.Vendor.Candidates {
		all += len(c.Rows)
		c.Rows = c.Rows[:min(len(c.Rows), left)]
		left -= len(c.Rows)
		candidates[i] = c
	}
	if all > maxRows {
		notes = append(notes, someOf(maxRows, all, "row"))
	}
	s.Vendor.Candidates, s.Vendor.Notes = candidates, notes
	return s
}

// first is the beginning of a list and, of a longer one, a note on the rest.
func first[T any](list []T, most int, word string) (shown []T, note string) {
	if len(list) <= most {
		return list, ""
	}
	return list[:most], someOf(most, len(list), word)
}

func someOf(shown, all int, word string) string {
	return fmt.Sprintf("the first %d of %d %ss are shown", shown, all, word)
}
