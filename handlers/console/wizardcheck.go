package console

import (
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/present"
)

// installCheckData is the second step: what the test found, and what would sync.
type installCheckData struct {
	Draft    string // sealed
	Name     string
	Syncs    []present.SyncText
	Checks   []v1.Check
	Warnings int
	Loaded   bool // the preview was asked for
	Preview  *v1.SetupPreview
	Sections []previewSection
}

// previewSection is what would become of the records of one kind.
type previewSection struct {
	Title   string
	Line    string
	Notes   []string
	Reasons []v1.PreviewReason
	Noun    string
}

func (v *visit) installChecks(d draft, preview *v1.SetupPreview, problem *v1.Problem) (*page, error) {
	data := installCheckData{Name: d.Name, Checks: slices.Clone(d.Checks), Preview: preview, Loaded: preview != nil || problem != nil}
	for _, s := range d.Syncs {
		data.Syncs = append(data.Syncs, present.SyncWords(s))
	}
	for _, c := range d.Checks {
		if !c.OK {
			data.Warnings++
		}
	}
	slices.SortStableFunc(data.Checks, func(a, b v1.Check) int { return rank(present.CheckTone(a)) - rank(present.CheckTone(b)) })
	if preview != nil {
		data.Sections = previewSections(*preview, d.has(v1.SyncActiveCustomerContracts))
	}
	var err error
	if data.Draft, err = v.sealer.seal(d); err != nil {
		return nil, err
	}
	return &page{Title: "Check and preview", Nav: "integrations", Problem: problem, Data: data}, nil
}

// previewSections puts a preview in words.
func previewSections(p v1.SetupPreview, contracts bool) []previewSection {
	out := []previewSection{{
		Title: "Clients", Line: previewLine(p.Companies, "company", p.Complete), Reasons: p.Companies.Reasons, Noun: "Companies",
	}}
	if !contracts {
		return out
	}
	c := previewSection{
		Title: "Contracts", Line: previewLine(p.Contracts.PreviewCounts, "contract", p.Complete), Reasons: p.Contracts.Reasons, Noun: "Contracts",
	}
	if n := p.Contracts.WithoutVendor; n > 0 {
		c.Notes = append(c.Notes, present.Num(n)+" will be sent as “MSP Managed Services”, because Autotask names no vendor for "+them(n)+".")
	}
	if n := p.Contracts.WithoutCost; n > 0 {
		c.Notes = append(c.Notes, present.Num(n)+" will be sent without an overall cost, because Autotask has none for "+them(n)+".")
	}
	return append(out, c)
}

// previewLine is the whole of a preview in a sentence: "412 companies: 187 will
// sync, 225 will not."
func previewLine(c v1.PreviewCounts, noun string, complete bool) string {
	if c.Total == 0 {
		if complete {
			return "Autotask shows this API user no " + plural(noun) + "."
		}
		return "No " + noun + " could be read."
	}
	line := present.Count(c.Total, noun) + ": " + present.Num(c.WillSync) + " will sync, " + present.Num(c.WillNot) + " will not"
	if !complete {
		line = "At least " + line
	}
	if open := c.Total - c.WillSync - c.WillNot; open > 0 {
		line += ", " + present.Num(open) + " not checked yet"
	}
	return line + "."
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// plural is the noun that count writes for several.
func plural(noun string) string { return present.Count(0, noun)[len("0 "):] }

// rank orders tones: what is worst comes first.
func rank(t present.Tone) int {
	return slices.Index([]present.Tone{present.ToneBad, present.ToneWarn, present.ToneBusy, present.ToneGood, present.ToneOff}, t)
}
