package cli

import (
	"encoding/json"
	"fmt"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// mostRows is how many rows behind a figure are listed; --json has more.
const mostRows = 12

// showFigures says how a contract's vendor and overall cost came about, and which of its
// lines are in force; nothing of documents that do not say it.
func (s *session) showFigures(title string, sources json.RawMessage) error {
	var c v1.ContractSources
	if json.Unmarshal(sources, &c) != nil || c.Vendor.Sentence == "" || c.Cost.Sentence == "" {
		return nil
	}
	s.say("\n%s", title)
	for _, one := range []struct {
		sentence string
		notes    []string
	}{{c.Vendor.Sentence, c.Vendor.Notes}, {v1.Trim(c.Cost.Sentence + " " + c.Cost.Fix), c.Cost.Notes}} {
		s.say("  %s", text(one.sentence))
		for _, note := range one.notes {
			s.say("    %s", text(note))
		}
	}
	if err := s.showCandidates(c.Vendor); err != nil {
		return err
	}
	if err := s.showAmounts(c.Cost); err != nil {
		return err
	}
	return s.showLines(c.Lines)
}

// showCandidates lists the vendors that were weighed, each with its sum and the rows behind it.
func (s *session) showCandidates(v v1.VendorSource) error {
	if len(v.Candidates) == 0 {
		return nil
	}
	s.say("")
	t := screen.Table{Header: []string{"VENDOR", "COMPANY", "SUM", "ROW", "ID", "COUNTS", "HOW"}}
	for _, c := range v.Candidates {
		t.Add(c.Name, strconv.FormatInt(c.ID, 10), c.Sum, "", "", "", "")
		shown := c.Rows[:min(len(c.Rows), mostRows)]
		for _, r := range shown {
			t.Add("", "", "", r.Entity, strconv.FormatInt(r.ID, 10), amountOf(r), r.How)
		}
		if n := len(c.Rows) - len(shown); n > 0 {
			t.Add("", "", "", fmt.Sprintf("and %d more", n), "", "", "")
		}
	}
	return s.writeTable(t)
}

func amountOf(r v1.AmountRow) string {
	if r.Amount == nil {
		return "none"
	}
	return *r.Amount
}

func (s *session) showAmounts(c v1.CostSource) error {
	if len(c.Rows) == 0 {
		return nil
	}
	s.say("")
	t := screen.Table{Header: []string{"ROW", "ID", "COUNTS", "HOW"}}
	shown := c.Rows[:min(len(c.Rows), mostRows)]
	for _, r := range shown {
		t.Add(r.Entity, strconv.FormatInt(r.ID, 10), amountOf(r), r.How)
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	if n := c.Count - len(shown); n > 0 {
		s.say("and %d more", n)
	}
	return nil
}

func (s *session) showLines(l v1.ContractLines) error {
	if len(l.Lines) == 0 {
		return nil
	}
	s.say("\nLines in force: %d of %d", l.InForce, l.Count)
	if l.Reason != "" {
		s.say("  %s", text(l.Reason))
	}
	t := screen.Table{Header: []string{"LINE", "ID", "IN FORCE", "ROW", "WHY"}}
	shown := l.Lines[:min(len(l.Lines), mostRows)]
	for _, one := range shown {
		id, row := "none", "none"
		if one.ID != 0 {
			id = strconv.FormatInt(one.ID, 10)
		}
		if one.Row != nil {
			row = strconv.FormatInt(one.Row.ID, 10)
		}
		t.Add(one.Name, id, yesNo(one.InForce), row, one.Reason)
		for _, passed := range one.PassedOver {
			row := plural(passed.Rows, "other")
			if passed.ID != 0 {
				row = strconv.FormatInt(passed.ID, 10)
			}
			t.Add("", "", "", row, passed.Reason)
		}
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	if n := l.Count - len(shown); n > 0 {
		s.say("and %d more", n)
	}
	return nil
}
