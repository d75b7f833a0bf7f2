package control

import (
	"encoding/json"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/reconcile"
)

// The option "overallCost" says what counts, so what to enter depends on it; the cause of
// a single record goes before that.
func TestWhatGivesACostDependsOnTheOption(t *testing.T) {
	for option, c := range map[string]struct{ says, not string }{
		"":        {"an estimated cost on the contract", "price"},
		"auto":    {"an estimated cost on the contract", "price"},
		"monthly": {"do not count with the option \"overallCost\" \"monthly\"", "price"},
		"annual":  {"do not count with the option \"overallCost\" \"annual\"", "price"},
		"price":   {"an estimated revenue", "estimated cost"},
	} {
		o := v1.Options{OverallCost: option}
		general := describeWith("cost_unknown", o).Fix
		if !strings.Contains(general, c.says) || strings.Contains(general, c.not) || !strings.Contains(general, "nothing is to be done for") {
			t.Errorf("%q: %q", option, general)
		}
		for sources, want := range map[string]string{
			`{"cost":{"fix":"That is right."}}`: "The cost of contracts is not known: That is right.",
			`{"cost":{"sentence":"old"}}`:       "The cost of contracts is not known: " + general,
			`null`:                              "The cost of contracts is not known: " + general,
		} {
			if got := known(reconcile.Looked{Notes: []string{"cost_unknown"}, Sources: json.RawMessage(sources)}, o); got != want {
				t.Errorf("%q, %s: %q, want %q", option, sources, got, want)
			}
		}
		if got := describeWith("rejected", o); got != describe("rejected") {
			t.Errorf("%q: other words of another issue: %+v", option, got)
		}
	}
}
