package control

import (
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/ledger"
)

func TestFixOf(t *testing.T) {
	for name, tc := range map[string]struct {
		entry ledger.Entry
		want  string // a part of it; empty: nothing is to be done
	}{
		"synced":                {ledger.Entry{Outcome: v1.OutcomePushed}, ""},
		"unchanged":             {ledger.Entry{Outcome: v1.OutcomeUnchanged}, ""},
		"out of scope":          {ledger.Entry{Outcome: v1.OutcomeNotMet, Reasons: []string{v1.ReasonTypeNotCustomer, v1.ReasonStatusInactive}}, "Set the company's type to Customer in Autotask to sync it. Set the company to Active"},
		"nothing changes that":  {ledger.Entry{Outcome: v1.OutcomeNotMet, Reasons: []string{v1.ReasonTypeNotCustomer, v1.ReasonOwnCompany}}, "Your own organization never syncs."},
		"its sync is stopped":   {ledger.Entry{Outcome: v1.OutcomeWaiting}, "Start the sync"},
		"dead":                  {ledger.Entry{Outcome: v1.OutcomeDead, Reasons: []string{"not_pushable"}}, "fill in or shorten the field"},
		"dead of an outage":     {ledger.Entry{Outcome: v1.OutcomeDead, Reasons: []string{"autotask_unavailable"}}, "Try it once more"},
		"retrying":              {ledger.Entry{Outcome: v1.OutcomeRetrying, Reasons: []string{"target_failed"}}, "it shows the answer"},
		"held with many others": {ledger.Entry{Outcome: v1.OutcomePushed, PendingApproval: true}, "approve it"},
		"discarded with others": {ledger.Entry{Outcome: v1.OutcomePushed, Discarded: true}, "stays as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			got := fixOf(&tc.entry)
			if tc.want == "" && got != "" || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}
