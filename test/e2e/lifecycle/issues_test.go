package lifecycle

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// scene is a small tenant in which an issue is provoked.
type scene struct {
	*service.Harness
	t                          *testing.T
	in                         v1.Installation
	company, contact, contract int64
	service, vendor            int64
}

// trouble is an issue, what brings it about, and what takes its cause away.
type trouble struct {
	code     string
	severity string
	options  service.Options
	before   func(*scene) // the installation is made after it
	begin    func(*scene)
	end      func(*scene)
}

// rec asks for a reconcile, as a person does who does not want to wait for the next attempt.
func (s *scene) rec(kind v1.Kind, id int64) {
	s.t.Helper()
	if err := s.Admin.ReconcileRecord(s.t.Context(), s.in.ID, kind, service.Text(id)); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) edit(entity string, id int64, fields atsim.Row) { s.Edit(entity, id, fields) }

func (s *scene) target(f cpsim.Fault) {
	s.t.Helper()
	if _, err := s.Target.SetFault(f); err != nil {
		s.t.Error(err)
	}
}

// spoiled makes a field of a row unreadable.
func (s *scene) spoiled(entity string, id int64, field string) {
	s.Autotask.SetFault(atsim.Fault{Kind: fault.BadValue, Entity: entity, Record: id, Field: field, Value: json.RawMessage(`"maybe"`)})
}

func (s *scene) options(o v1.Options) {
	s.t.Helper()
	if _, err := s.Admin.UpdateInstallation(s.t.Context(), s.in.ID, v1.UpdateInstallation{Options: &o}); err != nil {
		s.t.Error(err)
	}
}

// restart starts the service with another setting.
func (s *scene) restart(flag, value string) {
	s.Stop()
	s.Set(flag, value)
	s.Start()
}

func renamed(s *scene) { s.edit("Companies", s.company, atsim.Row{"companyName": "Northwind Group"}) }

func repaired(s *scene) { s.Autotask.ClearFaults(0); s.Target.ClearFaults() }

func repairedCompany(s *scene) { repaired(s); s.rec(v1.KindCompany, s.company) }

func repairedContract(s *scene) { repaired(s); s.rec(v1.KindContract, s.contract) }

var troubles = []trouble{
	// Records of their own.
	{
		code: "row_unreadable", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.spoiled("Companies", s.company, "isActive"); renamed(s) }, end: repairedCompany,
	},
	{
		code: "contact_unreadable", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.spoiled("Contacts", s.contact, "companyID"); renamed(s) }, end: repairedCompany,
	},
	{
		code: "company_unreadable", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.spoiled("Companies", s.company, "isActive"); s.rec(v1.KindContract, s.contract) }, end: repairedContract,
	},
	{
		code: "parts_unreadable", severity: v1.SeverityRetrying,
		begin: func(s *scene) {
			part := s.Autotask.All("ContractServices")[0]["id"].(int64)
			s.spoiled("ContractServices", part, "serviceID")
			s.rec(v1.KindContract, s.contract)
		},
		end: repairedContract,
	},
	{
		code: "rejected", severity: v1.SeverityAct,
		begin: func(s *scene) {
			s.target(cpsim.Fault{Kind: cpsim.FaultRejectItems, ExternalIDs: []string{service.Text(s.company)}, Code: "invalid", Pointer: "/name", Detail: "no"})
			renamed(s)
		},
		end: repairedCompany,
	},
	{
		code: "target_failed", severity: v1.SeverityRetrying,
		options: service.Options{Settings: map[string]string{"coalesce-window": "3s"}}, // the edits go in one batch on a busy machine too
		begin: func(s *scene) {
			s.target(cpsim.Fault{Kind: cpsim.FaultFailItems, ExternalIDs: []string{service.Text(s.company)}})
			renamed(s)
			s.edit("Companies", s.vendor, atsim.Row{"companyType": 1}) // so that both go in one batch
		},
		end: repairedCompany,
	},
	{
		code: "ambiguous_match", severity: v1.SeverityAct,
		begin: func(s *scene) {
			for range 2 {
				if _, err := s.Target.AddUnlinkedClient(service.Connection, "Southwind Dental"); err != nil {
					s.t.Error(err)
				}
			}
			s.company = s.Company("Southwind Dental")
		},
		end: renamed,
	},
	{
		code: "not_pushable", severity: v1.SeverityAct,
		begin: func(s *scene) { s.edit("Companies", s.company, atsim.Row{"companyName": " "}) }, end: renamed,
	},
	{
		code: "cost_unknown", severity: v1.SeverityAct,
		begin: func(s *scene) { s.edit("Contracts", s.contract, atsim.Row{"estimatedCost": 0}) },
		end:   func(s *scene) { s.edit("Contracts", s.contract, atsim.Row{"estimatedCost": 10}) },
	},
	{
		code: "cost_out_of_range", severity: v1.SeverityAct,
		begin: func(s *scene) {
			s.edit("Contracts", s.contract, atsim.Row{"estimatedCost": "99999999999999999999999999"})
		},
		end: func(s *scene) { s.edit("Contracts", s.contract, atsim.Row{"estimatedCost": 10}) },
	},
	{
		code: "period_unknown", severity: v1.SeverityAct,
		before: func(s *scene) { s.edit("Services", s.service, atsim.Row{"periodType": nil}) },
		begin: func(s *scene) {
			day := time.Now().UTC().Truncate(24 * time.Hour)
			s.Autotask.Put("ContractServiceUnits", atsim.Row{
				"contractID": s.contract, "contractServiceID": s.Autotask.All("ContractServices")[0]["id"], "serviceID": s.service,
				"units": 1, "cost": 10, "startDate": day, "endDate": day.AddDate(0, 1, 0),
			})
			s.options(v1.Options{OverallCost: "monthly"})
		},
		end: func(s *scene) { s.edit("Services", s.service, atsim.Row{"periodType": 2}) },
	},
	{
		code: "price_currency_unknown", severity: v1.SeverityAct,
		before: func(s *scene) {
			s.edit("Companies", s.company, atsim.Row{"currencyID": s.Autotask.Put("Currencies", atsim.Row{"name": "EUR"})})
			s.edit("Contracts", s.contract, atsim.Row{"estimatedRevenue": 900})
		},
		begin: func(s *scene) { s.options(v1.Options{OverallCost: "price"}) },
		end:   func(s *scene) { s.options(v1.Options{}) },
	},
	{
		code: "vendor_name_unknown", severity: v1.SeverityAct,
		begin: func(s *scene) { s.edit("Companies", s.vendor, atsim.Row{"companyName": " "}) },
		end:   func(s *scene) { s.edit("Companies", s.vendor, atsim.Row{"companyName": "Contoso"}) },
	},
	{
		code: "currency_assumed_usd", severity: v1.SeverityAct,
		before: func(s *scene) { s.Autotask.Remove("Currencies", 1) },
		begin:  func(*scene) {},
		end:    func(s *scene) { s.options(v1.Options{Currency: "USD"}) },
	},
	{
		code: "currency_unsupported", severity: v1.SeverityAct,
		options: service.Options{
			Target: cpsim.Config{Connections: []cpsim.Connection{{ID: service.Connection, Token: service.Token, Currencies: []string{"EUR"}}}},
		},
		before: func(s *scene) { s.Autotask.Remove("Currencies", 1) },
		begin:  func(*scene) {},
		end:    func(s *scene) { s.options(v1.Options{Currency: "EUR"}) },
	},
	// The installation as a whole.
	{
		code: "permission_missing", severity: v1.SeverityAct,
		begin: func(s *scene) {
			s.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{"Contracts"} })
			s.rec(v1.KindContract, s.contract)
		},
		end: func(s *scene) { s.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = nil }) },
	},
	{
		code: "throttled", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.Autotask.SetFault(atsim.Fault{Kind: fault.Throttle, RetryAfter: 1}); renamed(s) }, end: repaired,
	},
	{
		code: "autotask_unavailable", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.Autotask.SetFault(atsim.Fault{Kind: fault.Away}); renamed(s) }, end: repaired,
	},
	{
		code: "autotask_query_refused", severity: v1.SeverityRetrying,
		begin: func(s *scene) {
			s.Autotask.SetFault(atsim.Fault{
				Kind: fault.Status, Entity: "Contracts", Verb: "query", Status: 500, Text: "Unable to find colour in the Contract Entity.",
			})
			s.rec(v1.KindContract, s.contract)
		},
		end: repaired,
	},
	{
		code: "channel_program_refused", severity: v1.SeverityAct,
		begin: func(s *scene) { s.target(cpsim.Fault{Kind: cpsim.FaultUnauthenticated}); renamed(s) }, end: repaired,
	},
	{
		code: "channel_program_subscription", severity: v1.SeverityAct,
		begin: func(s *scene) { s.target(cpsim.Fault{Kind: cpsim.FaultSubscription}); renamed(s) }, end: repaired,
	},
	{
		code: "channel_program_throttled", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.target(cpsim.Fault{Kind: cpsim.FaultRateLimited, RetryAfter: 1}); renamed(s) }, end: repaired,
	},
	{
		code: "channel_program_unavailable", severity: v1.SeverityRetrying,
		begin: func(s *scene) { s.target(cpsim.Fault{Kind: cpsim.FaultUnavailable}); renamed(s) }, end: repaired,
	},
	{
		code: "channel_program_url_missing", severity: v1.SeverityAct,
		begin: func(s *scene) { s.restart("channel-program-url", ""); renamed(s) },
		end:   func(s *scene) { s.restart("channel-program-url", s.TargetURL) },
	},
	{
		code: "no_public_url", severity: v1.SeverityAct, options: service.Options{NoWebhooks: true},
		begin: func(*scene) {}, end: func(s *scene) { s.restart("public-url", s.CallbackURL) },
	},
	{
		code: "webhook_not_allowed", severity: v1.SeverityAct,
		options: service.Options{
			Autotask: atsim.Config{Modes: atsim.Modes{NoWebhookRight: http.StatusForbidden}}, Settings: map[string]string{"webhook-check-interval": "1s"},
		},
		begin: func(*scene) {}, end: func(s *scene) { s.Autotask.SetModes(func(m *atsim.Modes) { m.NoWebhookRight = 0 }) },
	},
	{
		code: "credentials_refused", severity: v1.SeverityAct,
		begin: func(s *scene) { s.Autotask.SetSecret("Rotated-Secret-2"); renamed(s) },
		end: func(s *scene) {
			if _, err := s.Admin.SetCredentials(s.t.Context(), s.in.ID, credentials("Rotated-Secret-2")); err != nil {
				s.t.Error(err)
			}
		},
	},
}

// TestIssuesClearByThemselves: whatever is wrong has an issue that says so and how
// to put it right, and the issue goes when its cause is gone.
func TestIssuesClearByThemselves(t *testing.T) {
	t.Parallel()
	for _, tr := range troubles {
		t.Run(tr.code, func(t *testing.T) {
			t.Parallel()
			tr.run(t)
		})
	}
}

func (tr trouble) run(t *testing.T) {
	tr.options.Autotask.Modes.CalloutsPerHour, tr.options.Autotask.Modes.HourlyThreshold = -1, -1
	s := &scene{Harness: service.New(t, tr.options), t: t}
	dollars(s.Harness)
	// Each entity counts its ids by itself, and a fault at Channel Program goes by the id alone: the client must not have
	// that of its contract, which would fail with it whenever it came to be sent meanwhile.
	s.vendor = s.Autotask.Put("Companies", atsim.Row{"companyName": "Contoso", "companyType": 7, "isActive": true, "phone": ""})
	s.company = s.Company("Northwind Dental")
	s.contact = s.Contact(s.company, "ann@northwind.example")
	s.service = s.Autotask.Put("Services", atsim.Row{
		"name": "Backup", "periodType": 2, "vendorCompanyID": s.vendor, "unitPrice": 5, "unitCost": 3, "billingCodeID": 1, "isActive": true,
	})
	s.contract = s.Agreement(s.company, "Northwind project")
	s.Autotask.Put("ContractServices", atsim.Row{"contractID": s.contract, "serviceID": s.service, "unitCost": 3, "unitPrice": 5})
	if tr.before != nil {
		tr.before(s)
	}
	s.in = s.Install()
	tr.begin(s)
	issue := s.HasIssue(s.in.ID, tr.code)
	if issue.Severity != tr.severity || strings.Contains(issue.Title, "Something went wrong") {
		t.Errorf("issue %+v, want severity %s", issue, tr.severity)
	}
	status, err := s.Admin.Status(t.Context())
	if err != nil || len(status.Installations) != 1 || len(status.Installations[0].Issues) == 0 {
		t.Errorf("the status does not show it: %+v, %v", status, err)
	}
	tr.end(s)
	shown := s.Until(s.in.ID, "is live without issues", soon, func(in v1.Installation) bool {
		return len(in.Issues) == 0 && in.State == v1.StateLive && in.Backlog == 0
	})
	if shown.ResumesAt != nil {
		t.Errorf("it still waits: %v", shown.ResumesAt)
	}
}
