package present

import (
	"testing"

	v1 "channelsync/api/v1"
)

func TestAuditInWords(t *testing.T) {
	for _, tc := range []struct{ action, detail, want string }{
		{"installation.update", "name, options", "Changed the name and the options of X"},
		{"installation.set-credentials", "", "Changed the Autotask credentials of X"},
		{"installation.set-channel-program", "", "Changed the connection to Channel Program of X"},
		{"installation.test", "", "Tested X"},
		{"installation.stop", "", "Stopped X"},
		{"installation.start", "", "Started X"},
		{"installation.uninstall", "", "Uninstalled X"},
		{"installation.reinstall", "", "Reinstalled X"},
		{"installation.erase", "", "Erased X"},
		{"sync.stop", "active_customers", "Stopped the sync Active Customers of X"},
		{"sync.install", "active_customer_contracts", "Installed the sync Active Customer Contracts of X"},
		{"webhook.repair", "", "Asked to check and repair the webhooks of X"},
		{"webhook.rotate-secret", "", "Gave new secrets to the webhooks of X"},
		{"bridge.create", "", "Made a bridge for X"},
		{"held.approve", "", "Approved the mass change of X"},
		{"held.discard", "", "Discarded the mass change of X"},
		{"record.reconcile", "contract/7", "Synced contract 7 of X"},
		{"dead-letter.requeue", "all", "Retried dead letters of X (all)"},
		{"dead-letter.requeue", "company-7", "Retried dead letters of X (client 7)"},
		{"dead-letter.requeue", "code rejected", "Retried dead letters of X (code rejected)"},
		{"dead-letter.dismiss", "company-7", "Dismissed the dead letter of client 7 of X"},
		{"dead-letter.dismiss", "code rejected", "Dismissed dead letters of X (code rejected)"},
		{"dead-letter.dismiss", "2 of them", "Dismissed dead letters of X (2 of them)"},
		{"dead-letter.dismiss", "callback-abc", "Dismissed the dead letter of a callback of X"},
		{"job.cancel", "j-1", "Cancelled a job of X (j-1)"},
		{"resync", "company, contract, dry run", "Started a resync of X (clients, contracts, dry run)"},
		{"resync", "", "Started a resync of X"},
		{"replay", "from 2026-11-23T14:00:00Z, company/7, force", "Started a replay of X (from 2026-11-23T14:00:00Z, client 7, even what has not changed)"},
		{"something.new", "a/b", "something.new X (a/b)"},
	} {
		row := AuditWords(v1.AuditEntry{Action: tc.action, Detail: tc.detail, OK: true})
		got := row.What + " X"
		if row.More != "" {
			got += " (" + row.More + ")"
		}
		if got != tc.want || row.Code != "" {
			t.Errorf("%s %s: got %q, code %q; want %q", tc.action, tc.detail, got, row.Code, tc.want)
		}
	}
	for detail, want := range map[string]string{"conflict": "Stopped|conflict", "": "Stopped|", "a: b: internal": "Stopped|internal"} {
		row := AuditWords(v1.AuditEntry{Action: "installation.stop", Detail: detail})
		if got := row.What + "|" + row.Code; got != want {
			t.Errorf("refused with %q: got %s, want %s", detail, got, want)
		}
	}
	if row := AuditWords(v1.AuditEntry{Action: "sync.stop", Detail: "active_customers: conflict"}); row.What != "Stopped the sync Active Customers of" || row.Code != "conflict" {
		t.Errorf("got %+v", row)
	}
}
