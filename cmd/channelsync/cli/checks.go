package cli

import (
	"slices"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// Verdicts of a check.
const (
	checkOK      = "ok"
	checkWarning = "warning"
	checkRefused = "refused"
)

// verdict says how a check came out. Without the right to make webhooks changes
// are polled, and without the rights to costs these are not known: the API makes
// an issue of them and no refusal, so they are warnings here too.
func verdict(c v1.Check) string {
	switch {
	case c.OK && strings.HasPrefix(c.Detail, "warning"):
		return checkWarning
	case c.OK:
		return checkOK
	case c.Name == "webhooks" || strings.HasPrefix(c.Name, "costs "):
		return checkWarning
	}
	return checkRefused
}

// anyRefused says whether something that is needed does not work.
func anyRefused(checks []v1.Check) bool {
	return slices.ContainsFunc(checks, func(c v1.Check) bool { return verdict(c) == checkRefused })
}

// showChecks writes what was tried and fails when something needed was refused.
func (s *session) showChecks(checks v1.Checks, closing string) error {
	if s.json {
		if err := s.writeJSON(checks); err != nil {
			return err
		}
	} else {
		t := screen.Table{Header: []string{"CHECK", "RESULT", "DETAIL"}, Fold: 1}
		for _, c := range checks.Checks {
			t.Add(c.Name, verdict(c), c.Detail)
		}
		if err := s.writeTable(t); err != nil {
			return err
		}
		s.showFixes(checks.Checks)
		if closing != "" {
			s.say("%s", closing)
		}
	}
	if anyRefused(checks.Checks) {
		return errShown
	}
	return nil
}

// showFixes tells the way out of whatever is not ok.
func (s *session) showFixes(checks []v1.Check) {
	for _, c := range checks {
		if verdict(c) != checkOK && c.Fix != "" {
			s.say("")
			s.para("", "%s: %s", c.Name, c.Fix)
		}
	}
}
