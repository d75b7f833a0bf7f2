package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

const (
	companyAt  = recordsAt + "/company/29683580"
	contractAt = recordsAt + "/contract/41"
)

func aCompany() v1.RecordDetail {
	return v1.RecordDetail{
		Record:     aRecord("29683580", "Northwind Dental", v1.OutcomePushed),
		Projection: json.RawMessage(`{"name":"Northwind Dental","address":{"line1":"77 Wolf Road","city":"Albany","country":"US"},"emails":[{"value":"ann.lee@northwind.example"}],"phones":[{"value":"518-555-0142"}],"websites":[]}`),
		Previous:   json.RawMessage(`{"name":"Northwind Ltd","address":{"line1":"77 Wolf Road","city":"Albany","country":"US"},"emails":[],"phones":[],"websites":[{"value":"northwind.example"}]}`),
		Sources:    json.RawMessage(`[{"field":"name","value":"Northwind Dental","from":"Companies.companyName"},{"field":"emails[0]","value":"ann.lee@northwind.example","from":"Contacts 12 emailAddress"}]`),
		Timeline: []v1.TimelineStep{
			{At: clockNow().Add(-200 * time.Second), Step: "changed", Trigger: v1.TriggerCallback, Detail: "companyName, Wolf Road field"},
			{At: clockNow().Add(-190 * time.Second), Step: "fetched"},
			{At: clockNow().Add(-180 * time.Second), Step: "pushed", Outcome: v1.OutcomePushed, Detail: "518-555-0142 was taken"},
		},
		SourceURL: "https://ww3.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=OpenAccount&AccountID=29683580",
		TargetURL: "https://channelprogram.example/clients/northwind-dental",
	}
}

func aContract() v1.RecordDetail {
	r := aRecord("41", "Backup", v1.OutcomePushed)
	r.Kind = v1.KindContract
	return v1.RecordDetail{
		Record: r, CompanyID: "29683580",
		Projection: json.RawMessage(`{"client":{"externalId":"29683580","name":"Northwind Dental"},"vendorName":"MSP Managed Services","vendorNameDefaulted":true,"name":"Backup","overallCost":null}`),
		Sources: json.RawMessage(`{"fields":[{"field":"vendorName","value":"MSP Managed Services","from":"default, the contract has no vendor"}],
			"vendor":{"rule":"default","id":null,"name":"MSP Managed Services","defaulted":true,"sentence":"Neither a line in force on 23 November 2026 nor a charge names a vendor, so it is the default.","candidates":[],"notes":["passed over vendor 5: its company has no name that can be read and used"]},
			"cost":{"option":"auto","rule":"none","amount":null,"sentence":"The overall cost is not known: no source for it is above zero.","rows":[],"count":0,
				"notes":["cost of all unit rows comes to 0.00, which is not above zero"],"issues":["cost_unknown"]}}`),
	}
}

func anExplanation() v1.Explanation {
	return v1.Explanation{
		Kind: v1.KindCompany, ID: "29683580", Name: "Northwind Dental", Met: false, Next: "Not synced: company type is Vendor (7). Set the type.",
		Conditions: []v1.Condition{
			{Sync: v1.SyncActiveCustomers, Code: v1.ReasonTypeNotCustomer, Name: "Type is Customer", Value: "Vendor (7)", Detail: "company type is Vendor (7); only Customer (1) syncs"},
			{Sync: v1.SyncActiveCustomers, Code: v1.ReasonStatusInactive, Name: "Status is Active", Met: true, Value: "Active", Detail: "company status is Active"},
			{Sync: v1.SyncActiveCustomers, Code: v1.ReasonFiltered, Met: true, Value: "Wolf Road group", Detail: "company group is Wolf Road group"},
		},
		Projection:  json.RawMessage(`null`),
		Differences: []v1.Difference{{Field: "name", From: "Northwind Ltd", To: "Northwind Dental"}, {Field: "phones[0].value", To: "518-555-0142"}},
	}
}

func TestRecordPageNamesTheTraceOfARun(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	w := newEnv(t)
	r := aCompany()
	w.answer("GET "+companyAt, r)
	if got := w.get(companyAt).text("#timeline > ol > li > p"); strings.Contains(got, "trace") {
		t.Errorf("a run that was not traced says %q", got)
	}
	for i := range r.Timeline {
		r.Timeline[i].TraceID = id
	}
	w.answer("GET "+companyAt, r)
	if got := w.get(companyAt).text("#timeline > ol > li > p"); !strings.HasSuffix(got, "· trace "+id) {
		t.Errorf("a run that was traced says %q", got)
	}
}

func TestRecordPage(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	a := w.get(companyAt)
	if a.StatusCode != 200 || a.text("h1") != "Northwind Dental" || a.doc.Find("h1").Length() != 1 {
		t.Fatalf("%d: %s", a.StatusCode, a.html)
	}
	for selector, want := range map[string]string{
		"#verdict .lead":                     "Synced. Channel Program has it as of 3 minutes ago.",
		"#sent tbody tr:nth-child(1)":        "Name Northwind Dental Northwind Ltd Company: company name",
		"#sent tbody tr:last-child":          "Website cleared northwind.example –",
		"#timeline > ol > li > p":            "Sent; Channel Program accepted it 3 minutes ago · took 20.0 s in total",
		".substeps li:nth-child(2)":          "Read from Autotask 10.0 s later",
		".record-actions form":               "Sync now",
		".record-actions a[rel~=noreferrer]": "Open in Autotask (new tab)Open in Channel Program (new tab)",
	} {
		if got := a.text(selector); got != want {
			t.Errorf("%s: got %q, want %q", selector, got, want)
		}
	}
	if a.doc.Find("#explain").Length() != 0 || len(w.reads(companyAt+"/explain")) != 0 {
		t.Error("Autotask was asked although nobody wanted it")
	}
	if got := a.doc.Find(".record-actions a[href*=AccountID]").AttrOr("href", ""); got != aCompany().SourceURL {
		t.Errorf("the link to Autotask is %q", got)
	}
}

// TestContractPageNamesThePresentClient: the name and the link are of one company, also after the contract moved.
func TestContractPageNamesThePresentClient(t *testing.T) {
	w := newEnv(t)
	r, company := aContract(), aCompany()
	r.Projection = json.RawMessage(`{"client":{"externalId":"7","name":"Café Lumière"},"name":"Backup"}`)
	w.answer("GET "+contractAt, r)
	w.answer("GET "+companyAt, company)
	if got := w.get(contractAt).text("dd a[href$='/records/company/29683580']"); got != "Northwind Dental" {
		t.Errorf("the client is %q", got)
	}
}

func TestContractPageSaysHowItWasComputed(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+contractAt, aContract())
	if client := w.get(contractAt).doc.Find(`#facts a[href$="/records/company/29683580"]`).Text(); client != "Northwind Dental" {
		t.Errorf("the contract's client is called %q", client)
	}
	unsent := aContract()
	unsent.Projection = nil
	w.answer("GET "+contractAt, unsent)
	w.answer("GET "+companyAt, aCompany())
	if client := w.get(contractAt).doc.Find(`#facts a[href$="/records/company/29683580"]`).Text(); client != "Northwind Dental" {
		t.Errorf("the client of a contract that was never sent is called %q", client)
	}
	w.answer("GET "+contractAt, aContract())
	got := w.get(contractAt).text("#sent")
	for _, want := range []string{
		"No vendor was found, so it is the default.", "Neither a line in force on 23 November 2026 nor a charge names a vendor", "Passed over vendor 5",
		"Not known, so none is sent: an unknown cost is never sent as 0.", "The overall cost is not known: no source", "comes to 0.00",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	w.answer("GET "+contractAt, aPricedContract(t))
	got = w.get(contractAt).text("#sent")
	for _, want := range []string{
		"Veeam costs most of the vendors of the lines in force.", "Acronis (company 9): 24.00", "84.00 USD is what the 2 lines in force cost a month.",
		"60 rows of Autotask behind the cost", "Contract service unit1160.0010 units × 6.00 a month", "Contract service unit1224.00–", "And 58 more.",
		"1 of 3 lines in force", "23 November 2026 is today.", "Server backup Contract service 7 Yes In force with 10 units (row 11, 60 in all)",
		"Row 10: ended by the adjustment of 16 November 2026", "4 other rows: ended before that",
		"service 9 Contract service, rows without its id No No units since 30 November 2025", "And 1 more.",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	// Documents of older versions have no sentences; the next sync writes them.
	old := aContract()
	old.Sources = json.RawMessage(`{"fields":[],"vendor":{"rule":"units","name":"Veeam","candidates":[]},"cost":{"rule":"units","amount":"84.00","rows":[]}}`)
	w.answer("GET "+contractAt, old)
	if a := w.get(contractAt); a.StatusCode != 200 || strings.Contains(a.text("#sent"), "How the") {
		t.Errorf("%d: %s", a.StatusCode, a.text("#sent"))
	}
}

// aPricedContract is one whose vendor and cost come with their rows and lines.
func aPricedContract(t *testing.T) v1.RecordDetail {
	t.Helper()
	c := aContract()
	c.Projection = json.RawMessage(`{"client":{"externalId":"7","name":"N"},"vendorName":"Veeam","name":"B","overallCost":{"amount":"84.00","currency":"USD"}}`)
	c.Sources = encode(t, v1.ContractSources{
		Fields: []v1.Source{{Field: "overallCost.amount", Value: "84.00", From: "cost of the lines in force, 2 rows"}},
		Vendor: v1.VendorSource{
			Rule: "lines", ID: new(int64(5)), Name: "Veeam", Sentence: "Veeam costs most of the vendors of the lines in force.",
			Candidates: []v1.VendorCandidate{{ID: 5, Name: "Veeam", Sum: "60.00"}, {ID: 9, Name: "Acronis", Sum: "24.00"}},
		},
		Cost: v1.CostSource{
			Option: "monthly", Rule: "lines", Amount: new("84.00"), Currency: "USD", Sentence: "84.00 USD is what the 2 lines in force cost a month.", Count: 60,
			Rows: []v1.AmountRow{
				{Entity: "ContractServiceUnits", ID: 11, Amount: new("60.00"), How: "10 units × 6.00 a month"}, {Entity: "ContractServiceUnits", ID: 12, Amount: new("24.00")},
			},
		},
		Lines: v1.ContractLines{
			Day: "2026-11-23", Reason: "23 November 2026 is today", InForce: 1, Count: 3, Lines: []v1.ContractLine{
				{
					Entity: "ContractServices", ID: 7, Name: "Server backup", InForce: true, Reason: "in force with 10 units",
					Row:        &v1.UnitRow{Entity: "ContractServiceUnits", ID: 11, Cost: "60"},
					PassedOver: []v1.PassedRow{{ID: 10, Rows: 1, Reason: "ended by the adjustment of 16 November 2026"}, {Rows: 4, Reason: "ended before that"}},
				},
				{Entity: "ContractServices", Name: "service 9", Reason: "no units since 30 November 2025"},
			},
		},
	})
	return c
}

func TestRecordPageAsksAutotaskOnDemand(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+companyAt+"/explain", anExplanation())
	a := w.get(companyAt + "?explain=1")
	got := a.text("#explain")
	for _, want := range []string{
		"Not synced: company type is Vendor (7). Set the type.", "Type is CustomerNo, it is Vendor (7)Not met",
		"Status is ActiveYes, it is ActiveMet", "Company group is Wolf Road groupYes, it is Wolf Road groupMet", "NameNorthwind LtdNorthwind Dental", "Phone numbernothing518-555-0142",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	if a.doc.Find("#live #explain").Length() != 0 {
		t.Error("what was asked once is part of what is streamed")
	}
	w.answer("GET "+companyAt+"/explain", v1.NewProblem(503, v1.CodeUnavailable, "Autotask does not answer.", "Try again later."))
	a = w.get(companyAt + "?explain=1")
	if a.StatusCode != 200 || a.text("#explain .note") != "Autotask does not answer. Try again later." || a.text("#verdict .badge") != "Synced" {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
}

// TestAPageThatIsOpenNeverAsksAutotask: it must not spend requests of Autotask's every two seconds.
func TestAPageThatIsOpenNeverAsksAutotask(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, aCompany())
	w.answer("GET "+companyAt+"/explain", anExplanation())
	if a := w.poll(w.cookie(), companyAt+"?explain=1", ""); !strings.Contains(a.html, "Channel Program has it as of") || strings.Contains(a.html, "explain") {
		t.Errorf("got %s", a.html)
	}
	if got := w.reads(companyAt + "/explain"); len(got) > 0 {
		t.Errorf("Autotask was asked %d times", len(got))
	}
}

func TestRecordThatWasNeverSeen(t *testing.T) {
	w := newEnv(t)
	w.answer("GET "+companyAt, v1.NotFound("no company 29683580 has been seen yet"))
	a := w.get(companyAt)
	if a.StatusCode != 200 || a.text("h1") != "Client 29683580" || !strings.Contains(a.text("#verdict"), "No company with this id has been seen here so far. It may still exist") {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	e := anExplanation()
	e.SourceURL = aCompany().SourceURL
	w.answer("GET "+companyAt+"/explain", e)
	a = w.get(companyAt + "?explain=1")
	if a.text("h1") != "Northwind Dental" || !strings.Contains(a.text("#verdict"), "What Autotask says about it now is shown below.") ||
		!strings.Contains(a.text("#explain"), "Not synced: company type is Vendor (7).") ||
		a.doc.Find(".record-actions a[href*=AccountID]").Length() != 1 {
		t.Errorf("%d: %s", a.StatusCode, a.text("main"))
	}
	for _, path := range []string{recordsAt + "/contact/5", recordsAt + "/company/x", recordsAt + "/company/007"} {
		if a := w.get(path); a.StatusCode != 404 || a.text("h1") != "There is nothing here" {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.text("h1"))
		}
	}
}

func TestRecordsThatNeedSomebody(t *testing.T) {
	w := newEnv(t)
	c := aCompany()
	c.Outcome, c.Reasons, c.Detail, c.Attempts, c.Fix = v1.OutcomeDead, []string{"rejected"}, "Channel Program says: name: too long", 8, "Correct the field."
	w.answer("GET "+companyAt, c)
	a := w.get(companyAt)
	if got := a.text("#verdict"); !strings.Contains(got, "What to do: Correct the field.") || a.doc.Find(`#verdict a[href="/installations/`+one+`/dead-letters/company-29683580"]`).Length() != 1 {
		t.Errorf("dead: %s", got)
	}
	c.Outcome, c.Held = v1.OutcomePushed, true
	w.answer("GET "+companyAt, c)
	if a := w.get(companyAt); !strings.Contains(a.text("#verdict"), "Pending approval") || a.doc.Find(`#verdict a[href="/installations/`+one+`"]`).Length() != 1 {
		t.Errorf("held: %s", a.text("#verdict"))
	}
	for state, want := range map[v1.State]string{
		v1.StateStopped: "The installation is stopped", v1.StateNeedsCredentials: "Autotask refuses the credentials", v1.StateUninstalled: "nothing is synced any more",
	} {
		in := anInstallation()
		in.State = state
		w.installed(in)
		if got := w.get(companyAt).text("#verdict"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", state, got)
		}
	}
}

func TestSyncNow(t *testing.T) {
	w := newEnv(t)
	w.answer("POST "+companyAt+"/reconcile", struct{}{})
	a := w.post(companyAt+"/reconcile", url.Values{"back": {companyAt}})
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != companyAt || a.flash(t).Problem || a.flash(t).Text == "" {
		t.Errorf("%d to %s: %+v", a.StatusCode, a.Header.Get("Location"), a.flash(t))
	}
	if diff := cmp.Diff([]string{"POST " + companyAt + "/reconcile"}, w.wrote()); diff != "" {
		t.Error(diff)
	}
	w.answer("POST "+companyAt+"/reconcile", v1.NewProblem(409, v1.CodeConflict, "The installation is uninstalled.", "Reinstall it first."))
	a = w.post(companyAt+"/reconcile", url.Values{"back": {companyAt}})
	if f := a.flash(t); a.Header.Get("Location") != companyAt || !f.Problem || f.Hint != "Reinstall it first." {
		t.Errorf("%d to %s: %+v", a.StatusCode, a.Header.Get("Location"), f)
	}
}

func TestRecordPageEscapesEverything(t *testing.T) {
	w := newEnv(t)
	in := anInstallation()
	in.Name = mean
	w.installed(in)
	m := string(encode(t, mean))
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		at := recordsAt + "/" + string(kind) + "/7"
		r := v1.RecordDetail{
			Record:     v1.Record{Kind: kind, ID: mean, Name: mean, Outcome: v1.Outcome(mean), Reasons: []string{mean}, Detail: mean, Fingerprint: mean},
			Projection: json.RawMessage(`{"name":` + m + `,"emails":[{"value":` + m + `}],"address":{"city":` + m + `}}`), Previous: json.RawMessage(`{"name":"x","phones":[{"value":` + m + `}]}`),
			Sources: json.RawMessage(`[{"field":"name","value":` + m + `,"from":` + m + `}]`), Fix: mean, CompanyID: mean,
			SourceURL: `javascript:alert(1)//https://`, TargetURL: `https://x.example/"><script>alert(1)</script>`,
			Timeline: []v1.TimelineStep{{At: clockNow(), Step: mean, Trigger: v1.Trigger(mean), Outcome: v1.Outcome(mean), Detail: mean}, {Step: "changed", Trigger: v1.Trigger(mean), Detail: mean}},
		}
		if kind == v1.KindContract {
			r.Projection = json.RawMessage(`{"client":{"name":` + m + `,"externalId":` + m + `},"vendorName":` + m + `,"name":` + m + `,"overallCost":{"amount":` + m + `,"currency":` + m + `},"lifecycle":"archived","archivedReason":` + m + `}`)
			r.Sources = json.RawMessage(`{"vendor":{"rule":` + m + `,"name":` + m + `,"sentence":` + m + `,"candidates":[{"id":1,"name":` + m + `,"sum":` + m + `},{"id":2,"name":` + m + `}],"notes":[` + m + `]},
				"cost":{"rule":"units","field":` + m + `,"amount":` + m + `,"currency":` + m + `,"currencyFrom":` + m + `,"sentence":` + m + `,"rows":[{"entity":` + m + `,"id":1,"amount":` + m + `,"how":` + m + `}],"notes":[` + m + `]},
				"lines":{"reason":` + m + `,"lines":[{"entity":` + m + `,"name":` + m + `,"reason":` + m + `,"row":{"id":1,"cost":` + m + `},"passedOver":[{"id":1,"reason":` + m + `}]}]}}`)
		}
		w.answer("GET "+at, r)
		w.answer("GET "+at+"/explain", v1.Explanation{
			Kind: kind, ID: mean, Name: mean, Next: mean, Projection: r.Projection, Sources: r.Sources,
			Conditions:  []v1.Condition{{Sync: v1.Sync(mean), Code: mean, Value: mean, Detail: mean}},
			Differences: []v1.Difference{{Field: mean, From: mean, To: mean}},
		})
		a := w.get(at + "?explain=1")
		a.clean(t)
		if a.StatusCode != 200 || a.text("h1") == "" || !strings.Contains(a.text("h1"), "<script>") {
			t.Errorf("%s: %d %s", kind, a.StatusCode, a.text("h1"))
		}
		if n := a.doc.Find(`a[href^="javascript"], a[href^="#ZgotmplZ"]`).Length(); n > 0 {
			t.Errorf("%s: %d links that run", kind, n)
		}
	}
}
