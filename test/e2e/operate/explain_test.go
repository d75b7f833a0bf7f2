package operate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// asked is one record that somebody asks about, and what the answer must hold.
type asked struct {
	why   string
	kind  v1.Kind
	id    int64
	codes []string // of the conditions that do not hold
	says  []string // in what happens next
	check func(*testing.T, v1.Explanation)
}

// answered asks about each record; nothing may be pushed for it.
func answered(t *testing.T, w *service.Harness, id string, all []asked) {
	t.Helper()
	w.Target.ResetStats()
	for _, a := range all {
		t.Run(a.why, func(t *testing.T) {
			e, err := w.Admin.Explain(t.Context(), id, a.kind, service.Text(a.id))
			harness.OK(t, err)
			t.Log(e.Next)
			codes := []string{}
			for _, c := range e.Conditions {
				if !c.Met {
					codes = append(codes, c.Code)
				}
				if c.Sync == "" || c.Code == "" || c.Value == "" || c.Detail == "" {
					t.Errorf("a condition says too little: %+v", c)
				}
			}
			if !slices.Equal(codes, append([]string{}, a.codes...)) || e.Kind != a.kind || e.ID != service.Text(a.id) {
				t.Errorf("%s %s: codes %v, want %v", e.Kind, e.ID, codes, a.codes)
			}
			if unread := strings.Contains(a.why, "unreadable"); !unread && e.Met != (len(a.codes) == 0) {
				t.Errorf("met %v with %v", e.Met, codes)
			}
			for _, words := range a.says {
				if !strings.Contains(e.Next, words) {
					t.Errorf("next does not say %q: %s", words, e.Next)
				}
			}
			plain(t, e.Next)
			if a.check != nil {
				a.check(t, e)
			}
		})
	}
	for operation, statuses := range w.Target.Stats().Requests {
		if operation != "getClient" && operation != "getContract" {
			t.Errorf("Channel Program was asked %s: %v", operation, statuses)
		}
	}
	nothingPushed(t, w, "explaining")
}

// plain wants sentences that somebody who does not program can read.
func plain(t *testing.T, next string) {
	t.Helper()
	if next == "" || !strings.HasSuffix(next, ".") || strings.TrimSpace(next) != next ||
		strings.Contains(next, "  ") || strings.Contains(next, "..") {
		t.Errorf("no sentence: %q", next)
	}
	next = strings.ReplaceAll(next, "channelsync record reconcile", "") // a command, named as it is typed
	for _, jargon := range []string{
		"nil", "json", "JSON", "error:", "fetch ", "decode", "project ", "%!", "reconcile", "ledger", "batch",
	} {
		if strings.Contains(next, jargon) {
			t.Errorf("%q says %q", next, jargon)
		}
	}
}

// TestExplainSaysWhyARecordIsOrIsNotSynced asks about one record of each kind of answer.
func TestExplainSaysWhyARecordIsOrIsNotSynced(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{Settings: map[string]string{"contract-poll-interval": "1h", "webhook-check-interval": "1h"}})
	var included []int64
	with := func(name string, fields atsim.Row) int64 {
		row := atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100", "classification": 1}
		for k, v := range fields {
			row[k] = v
		}
		id := w.Autotask.Put("Companies", row)
		included = append(included, id)
		return id
	}
	w.Autotask.Put("Companies", atsim.Row{
		"id": 0, "companyName": "The MSP itself", "companyType": 1, "isActive": true, "classification": 1,
	})
	w.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "USD", "isInternalCurrency": true})
	fine, drifted := with("Fine", nil), with("Drifted", nil)
	lead, prospect := with("Lead", atsim.Row{"companyType": 2}), with("Prospect", atsim.Row{"companyType": 3})
	asleep, excluded := with("Asleep", atsim.Row{"isActive": false}), with("Excluded", nil)
	classified, gone := with("Classified", atsim.Row{"classification": 2}), with("Gone", nil)
	spoiled, rejected := with("Spoiled", nil), with("Rejected", nil)
	retried, nameless := with("Retried", nil), with("", nil)
	unlisted := w.Company("Unlisted")
	deal := func(owner int64, name string, fields atsim.Row) int64 {
		now := time.Now()
		row := atsim.Row{
			"companyID": owner, "contractName": name, "contractType": 3, "status": 1, "estimatedCost": 1250,
			"startDate": now, "endDate": now.AddDate(1, 0, 0),
		}
		for k, v := range fields {
			row[k] = v
		}
		return w.Autotask.Put("Contracts", row)
	}
	defaulted, unpriced := deal(fine, "Defaulted", nil), deal(fine, "Unpriced", atsim.Row{"estimatedCost": 0})
	ended, hourly := deal(fine, "Ended", atsim.Row{"status": 0}), deal(fine, "Hourly", atsim.Row{"contractType": 1})
	ofLead, torn := deal(lead, "Of a lead", nil), deal(fine, "Torn up", nil)

	w.Refuse(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{service.Text(rejected)}, Code: "invalid", Pointer: "/phones/0",
		Detail: "is no phone number",
	})
	w.Refuse(cpsim.Fault{
		Kind: cpsim.FaultFailItems, ExternalIDs: []string{service.Text(retried)}, Code: "busy", Detail: "another import is at work on it",
	})
	req := service.Create()
	req.Options = &v1.Options{
		Include: included, Exclude: []int64{excluded}, CompanyClassifications: []int64{1},
		ContractStatus: "active", ContractTypes: []int64{3, 7},
	}
	in, err := w.Admin.CreateInstallation(t.Context(), req)
	harness.OK(t, err)
	w.Until(in.ID, "live", soon, func(in v1.Installation) bool { return in.State == v1.StateLive && len(in.Jobs) == 0 })

	w.Autotask.Remove("Companies", gone)
	w.Autotask.Remove("Contracts", torn)
	w.DeliverAll(soon)
	w.RecordBecomes(in.ID, v1.KindCompany, gone, soon, had(v1.OutcomeNotMet))
	w.RecordBecomes(in.ID, v1.KindCompany, rejected, soon, had(v1.OutcomeDead))
	w.RecordBecomes(in.ID, v1.KindCompany, retried, soon, had(v1.OutcomeRetrying))
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose})
	w.Edit("Companies", included[len(included)-1], atsim.Row{"fax": "518-555-0111"})
	newcomer := with("Nobody told of it", nil)
	edited := req.Options
	edited.Include = included
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: edited}); err != nil {
		t.Fatal(err)
	}
	w.Until(in.ID, "has taken the options", soon, func(in v1.Installation) bool { return len(in.Jobs) == 0 })
	late := with("Nobody told of it either", nil)
	drift(t, w, drifted, map[string]any{"name": "Edited by hand", "phones": []any{}})
	w.Autotask.SetFault(atsim.Fault{
		Kind: fault.BadValue, Entity: "Companies", Record: spoiled, Field: "isActive", Value: json.RawMessage(`"maybe"`),
	})

	const co, ct = v1.KindCompany, v1.KindContract
	answered(t, w, in.ID, []asked{
		{"a lead", co, lead, []string{"type_not_customer"}, []string{"Lead (2)", "Set the company's type to Customer"}, nil},
		{"a prospect", co, prospect, []string{"type_not_customer"}, []string{"Prospect (3)"}, nil},
		{"inactive", co, asleep, []string{"status_inactive"}, []string{"Inactive", "Set the company to Active"}, nil},
		{"the provider itself", co, 0, []string{"own_company", "excluded"}, []string{"your own organization"}, nil},
		{"excluded", co, excluded, []string{"excluded"}, []string{"exclude list", "options"}, nil},
		{"not on the include list", co, unlisted, []string{"excluded", "filtered"}, []string{"not on the include list"}, nil},
		{"filtered by classification", co, classified, []string{"filtered"}, []string{"classification is Silver (2)"}, nil},
		{"deleted", co, gone, []string{"deleted_at_source"}, []string{"no longer exists in Autotask", "Nothing is removed"}, func(t *testing.T, e v1.Explanation) {
			if string(e.Target) == "null" || e.Name != "Gone" {
				t.Errorf("name %q, target %s", e.Name, e.Target)
			}
		}},
		{"an id that never was", co, 99999999, []string{"excluded", "deleted_at_source"}, []string{"no longer exists"}, nil},
		{"its row is unreadable", co, spoiled, nil, []string{"isActive", "is retried"}, nil},
		{"rejected", co, rejected, nil, []string{"phones/0", "is no phone number", "no longer retried automatically", "an edit in Autotask", "Sync now"}, nil},
		{"retrying", co, retried, nil, []string{"times", "another import is at work", "is retried"}, nil},
		{"without a name", co, nameless, nil, []string{"companyName is empty", "Fill it in in Autotask", "company "}, nil},
		{"up to date", co, fine, nil, []string{"up to date", "Nothing to do"}, func(t *testing.T, e v1.Explanation) {
			if len(e.Differences) != 0 || string(e.Projection) == "null" || e.Record == nil || e.Record.Outcome != v1.OutcomeUnchanged {
				t.Errorf("differences %v, projection %s, record %+v", e.Differences, e.Projection, e.Record)
			}
		}},
		{"edited at the target", co, drifted, nil, []string{"other values", "Sync now"}, func(t *testing.T, e v1.Explanation) {
			fields := map[string]string{}
			for _, d := range e.Differences {
				fields[d.Field] = d.From + " → " + d.To
			}
			if fields["name"] != "Edited by hand → Drifted" || fields["phones[0].value"] != " → 518-555-0100" {
				t.Errorf("differences %v", fields)
			}
		}},
		{"added by the options' resync", co, newcomer, nil, []string{"up to date"}, nil},
		{"nobody told of it", co, late, []string{"excluded"}, []string{"not on the include list"}, func(t *testing.T, e v1.Explanation) {
			if e.Record != nil {
				t.Errorf("it is remembered: %+v", e.Record)
			}
		}},
		{"an ended contract", ct, ended, []string{"contract_inactive"}, []string{"Inactive (0)", "contractStatus"}, nil},
		{"a contract of another type", ct, hourly, []string{"filtered"}, []string{"Time & Materials (1)"}, nil},
		{"a contract of a lead", ct, ofLead, []string{"client_out_of_scope"}, []string{"Lead (2)", "active Customer"}, nil},
		{"a torn up contract", ct, torn, []string{"deleted_at_source"}, []string{"no longer exists in Autotask"}, nil},
		{"a contract without a vendor", ct, defaulted, nil, []string{"up to date"}, func(t *testing.T, e v1.Explanation) {
			var sources struct{ Vendor struct{ Rule, Name string } }
			err := json.Unmarshal(e.Sources, &sources)
			if err != nil || sources.Vendor.Rule != "default" || sources.Vendor.Name != "MSP Managed Services" {
				t.Errorf("sources %s, %v", e.Sources, err)
			}
		}},
		{"a contract whose cost is not known", ct, unpriced, nil, []string{"cost", "unknown", "estimated cost"}, func(t *testing.T, e v1.Explanation) {
			var projection struct{ OverallCost any }
			if err := json.Unmarshal(e.Projection, &projection); err != nil || projection.OverallCost != nil {
				t.Errorf("projection %s, %v", e.Projection, err)
			}
		}},
	})
}

// TestExplainOfWhatIsStoppedOrHeld asks about records that wait for a person.
func TestExplainOfWhatIsStoppedOrHeld(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	ids := make([]int64, 12)
	for i := range ids {
		ids[i] = w.Company("Client " + service.Text(int64(i)))
	}
	contract := w.Agreement(ids[0], "Care")
	in := w.Install(customers)
	w.Quiesce(in.ID)
	const co = v1.KindCompany

	t.Run("a sync that is not installed", func(t *testing.T) {
		answered(t, w, in.ID, []asked{
			{"its contract", v1.KindContract, contract, []string{"sync_not_installed"}, []string{"Install the sync"}, nil},
		})
	})
	t.Run("a stopped sync", func(t *testing.T) {
		harness.OK(t, w.Admin.Act(t.Context(), in.ID, customers, "stop"))
		w.Edit("Companies", ids[0], atsim.Row{"companyName": "Edited meanwhile"})
		w.RecordBecomes(in.ID, co, ids[0], soon, had(v1.OutcomeWaiting))
		answered(t, w, in.ID, []asked{
			{"an edited one", co, ids[0], nil, []string{"stopped", "Start it"}, func(t *testing.T, e v1.Explanation) {
				if e.Record == nil || e.Record.Outcome != v1.OutcomeWaiting || len(e.Differences) != 1 {
					t.Errorf("differences %v, record %+v", e.Differences, e.Record)
				}
			}},
		})
		harness.OK(t, w.Admin.Act(t.Context(), in.ID, customers, "start"))
		w.Agree(soon, customers)
	})
	t.Run("a stopped installation", func(t *testing.T) {
		harness.OK(t, w.Admin.Act(t.Context(), in.ID, "", "stop"))
		// Nobody tells of the edit, so that it arrives with the look at what was missed, which
		// comes a while after the start: nothing else is looked for later in this test.
		w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose, Next: 1})
		w.Edit("Companies", ids[0], atsim.Row{"companyName": "Edited once more"})
		w.DeliverAll(soon)
		answered(t, w, in.ID, []asked{{"an edited one", co, ids[0], nil, []string{"The installation is stopped", "Start it"}, nil}})
		harness.OK(t, w.Admin.Act(t.Context(), in.ID, "", "start"))
		w.Agree(soon, customers)
	})
	t.Run("one that nobody told of", func(t *testing.T) {
		w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose, Next: 1})
		late := w.Company("Late")
		answered(t, w, in.ID, []asked{{"not there yet", co, late, nil, []string{"does not have it yet", "Sync now"}, nil}})
		reconcile(w, in.ID, co, late, v1.OutcomePushed)
		answered(t, w, in.ID, []asked{{"there", co, late, nil, []string{"up to date"}, nil}})
	})
	t.Run("a mass change", func(t *testing.T) {
		// A lost right looks like a deletion of everything.
		w.Autotask.SetModes(func(m *atsim.Modes) { m.Hidden = []string{"Companies"} })
		ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
		if j := ended(t, w, in.ID, ref, err); j.State != v1.JobDone {
			t.Fatalf("%+v", j)
		}
		if i := w.HasIssue(in.ID, "mass_change_held"); i.Records != len(ids)+1 {
			t.Errorf("issue %+v, want %d records", i, len(ids)+1)
		}
		answered(t, w, in.ID, []asked{
			{"one that waits for approval", co, ids[3], []string{"deleted_at_source"}, []string{"waits for approval", "approve", "discard"}, nil},
		})
		w.Autotask.SetModes(func(m *atsim.Modes) { m.Hidden = nil })
		harness.OK(t, w.Admin.DecideMassChange(t.Context(), in.ID, false))
		w.HasNoIssue(in.ID, "mass_change_held")
		w.Quiesce(in.ID)
		nothingPushed(t, w, "what waits for approval")
		answered(t, w, in.ID, []asked{{"the same, discarded", co, ids[3], nil, []string{"up to date"}, nil}})
	})
}
