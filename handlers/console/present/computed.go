package present

import (
	"encoding/json"

	v1 "channelsync/api/v1"
)

// Computed is how a contract's vendor and overall cost were found, with words for the page.
type Computed struct {
	Lines  v1.ContractLines
	Vendor v1.VendorSource
	Cost   costComputed
}

type costComputed struct{ v1.CostSource }

// ComputedOf reads a contract's sources; nil when there are none, or none in sentences: an
// older version of this service kept them so, and the next sync replaces them.
func ComputedOf(sources json.RawMessage) *Computed {
	var c v1.ContractSources
	if IsNull(sources) || json.Unmarshal(sources, &c) != nil || c.Vendor.Sentence == "" || c.Cost.Sentence == "" {
		return nil
	}
	return &Computed{c.Lines, c.Vendor, costComputed{c.Cost}}
}

// Hidden is how many rows took part but are not listed.
func (c costComputed) Hidden() int { return max(0, c.Count-len(c.Rows)) }

// Hidden is how many lines are not listed.
func (c Computed) Hidden() int { return max(0, c.Lines.Count-len(c.Lines.Lines)) }
