package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/sim"
)

func TestWriteCompany(t *testing.T) {
	tn := start(t, nil)
	for body, want := range map[string]string{
		``:                    "Value cannot be null",
		`[1]`:                 "Unexpected character encountered while parsing value: [",
		`{"companyName":"x"}`: "companyType is a required field",
		`{"companyName":"","companyType":1,"phone":""}`:                                 "companyName is a required field",
		`{"companyName":"x","companyType":1}`:                                           "phone is a required field",
		`{"companyName":"x","companyType":5,"phone":""}`:                                "Picklist value [5] does not exist for companyType. ; on record number [1].",
		`{"companyName":"x","companyType":1,"phone":"","isActive":"yes"}`:               "Unexpected character",
		`{"companyName":"x","companyType":1,"phone":"","parentCompanyID":77}`:           "parentCompanyID [77] does not exist",
		`{"companyName":"` + strings.Repeat("é", 101) + `","companyType":1,"phone":""}`: "companyName must be less than or equal to 100 characters",
	} {
		if r := tn.do("POST", "Companies", body); r.status != 500 || !strings.Contains(r.text(), want) {
			t.Errorf("%.60s: %d %s", body, r.status, r.raw)
		}
	}
	id := tn.must("POST", "Companies", `{"CompanyName":"New","COMPANYTYPE":1,"phone":"","webAddress":"new.example","createDate":"1999-01-01"}`).id()
	row := tn.must("GET", fmt.Sprint("Companies/", id), "").item()
	if row["companyName"] != "New" || row["isActive"] != true || row["createDate"] != "2026-11-23T09:00:00.123" {
		t.Errorf("created %v", row)
	}
	tn.clock.Add(time.Hour)
	tn.must("PATCH", "Companies", fmt.Sprintf(`{"id":%d,"webAddress":null}`, id))
	row = tn.must("GET", fmt.Sprint("Companies/", id), "").item()
	if row["webAddress"] != nil || row["companyName"] != "New" || row["lastTrackedModifiedDateTime"] != "2026-11-23T10:00:00.123" {
		t.Errorf("edited %v", row)
	}
	for body, want := range map[string]string{
		`{"webAddress":"x"}`:                            "id is a required field",
		`{"id":99,"webAddress":"x"}`:                    "No matching records found",
		fmt.Sprintf(`{"id":%d,"currencyID":2}`, id):     "currencyID cannot be changed",
		fmt.Sprintf(`{"id":%d,"companyName":null}`, id): "companyName is a required field",
	} {
		if r := tn.do("PATCH", "Companies", body); r.status != 500 || !strings.Contains(r.text(), want) {
			t.Errorf("%s: %d %s", body, r.status, r.raw)
		}
	}
}

func TestWriteContract(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1)
	body := func(end string) string {
		return `{"companyID":0,"contractName":"c","contractType":7,"status":1,"startDate":"2026-01-01T00:00:00Z","endDate":"` + end + `"}`
	}
	if r := tn.do("POST", "Contracts", body("2025-01-01")); r.status != 500 || !strings.Contains(r.text(), "startDate must be before endDate") {
		t.Errorf("backwards: %d %s", r.status, r.raw)
	}
	id := tn.must("POST", "Contracts", body("2026-12-31")).id()
	if r := tn.do("PATCH", "Contracts", fmt.Sprintf(`{"id":%d,"companyID":5}`, id)); r.status != 500 {
		t.Errorf("moved to another company: %d", r.status)
	}
	tn.clock.Add(time.Hour)
	tn.Put("ContractServiceUnits", sim.Row{"contractID": id, "units": 3, "cost": "10.5"})
	row := tn.must("GET", fmt.Sprint("Contracts/", id), "").item()
	if row["lastModifiedDateTime"] != "2026-11-23T09:00:00.1234567Z" || row["estimatedCost"] != 0.0 {
		t.Errorf("a new part moved the contract's stamp: %v", row)
	}
	tn.must("PATCH", "contracts", fmt.Sprintf(`{"id":%d,"estimatedCost":12.5}`, id))
	if got := tn.must("GET", fmt.Sprint("Contracts/", id), ""); !strings.Contains(got.raw, `"estimatedCost":12.5000`) ||
		!strings.Contains(got.raw, `"lastModifiedDateTime":"2026-11-23T10:00:00.1234567Z"`) {
		t.Errorf("edited %s", got.raw)
	}
}

func TestOnePrimaryContact(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 2)
	a := tn.Put("Contacts", sim.Row{"companyID": 0, "firstName": "a", "primaryContact": true})
	other := tn.Put("Contacts", sim.Row{"companyID": 1, "firstName": "o", "primaryContact": true})
	b := tn.Put("Contacts", sim.Row{"companyID": 0, "firstName": "b", "primaryContact": true})
	for id, want := range map[int64]bool{a: false, b: true, other: true} {
		if row, _ := tn.Get("Contacts", id); row["primaryContact"] != want {
			t.Errorf("contact %d: primary %v", id, row["primaryContact"])
		}
	}
}

func TestMerge(t *testing.T) {
	for _, deletes := range []bool{false, true} {
		tn := start(t, func(c *sim.Config) { c.Modes.MergeDeletes = deletes })
		numbered(tn, 3)
		contract := tn.Put("Contracts", sim.Row{"companyID": 1, "contractName": "c"})
		contact := tn.Put("Contacts", sim.Row{"companyID": 1, "firstName": "c"})
		tn.must("POST", "/sim/merge", `{"source":1,"destination":2}`)
		for entity, id := range map[string]int64{"Contracts": contract, "Contacts": contact} {
			if row, _ := tn.Get(entity, id); row["companyID"] != int64(2) {
				t.Errorf("%s stayed with company %v", entity, row["companyID"])
			}
		}
		source, there := tn.Get("Companies", 1)
		if there == deletes || there && source["isActive"] != false {
			t.Errorf("deletes %v: source %v", deletes, source)
		}
		if r := tn.do("POST", "/sim/merge", `{"source":1,"destination":77}`); r.status != 404 {
			t.Errorf("into nothing: %d", r.status)
		}
	}
}

func TestControl(t *testing.T) {
	tn := start(t, nil)
	created := tn.must("POST", "/sim/Companies", `{"companyName":"Via control","companyType":1,"assetValue":12.5}`)
	id := int64(created.body["id"].(float64))
	tn.must("POST", "/sim/companies", fmt.Sprintf(`{"id":%d,"city":"Troy"}`, id))
	row, _ := tn.Get("Companies", id)
	if row["companyName"] != "Via control" || row["city"] != "Troy" || !row["assetValue"].(decimal.Decimal).Equal(decimal.RequireFromString("12.5")) {
		t.Errorf("row %v", row)
	}
	if r := tn.must("GET", fmt.Sprintf("/sim/Companies/%d", id), ""); r.body["city"] != "Troy" {
		t.Errorf("read back: %s", r.raw)
	}
	for path, body := range map[string]string{
		"/sim/Nonsense": `{}`, "/sim/Companies": `{"nope":1}`, "/sim/Contacts": `{"firstName":5}`, "/sim/Contracts": `[]`,
	} {
		if r := tn.do("POST", path, body); r.status != 400 || r.body["error"] == "" {
			t.Errorf("%s %s: %d %s", path, body, r.status, r.raw)
		}
	}
	state := tn.must("GET", "/sim/state", "")
	if list, _ := state.body["Companies"].([]any); len(list) != 1 || state.body["ContractCharges"] == nil {
		t.Errorf("state %.200s", state.raw)
	}
	tn.must("DELETE", fmt.Sprintf("/sim/Companies/%d", id), "")
	if r := tn.do("GET", fmt.Sprintf("/sim/Companies/%d", id), ""); r.status != 404 {
		t.Errorf("after the delete: %d", r.status)
	}
	tn.do("GET", "Companies/1", "")
	tn.must("POST", "Companies/query", "{"+every+"}")
	if s := tn.Stats(); s.Total != 2 || s.Requests["Companies"]["query"] != 1 || s.Statuses[404] != 1 || s.Statuses[200] != 1 {
		t.Errorf("stats %+v", s)
	}
	tn.must("POST", "/sim/stats/reset", "")
	if s := tn.Stats(); s.Total != 0 || len(s.Requests) != 0 {
		t.Errorf("stats after the reset %+v", s)
	}
	tn.must("POST", "/sim/callouts/wait", "")
	tn.must("POST", "/sim/seed", `{"companies":5}`)
	if r := tn.must("GET", "/sim/state?entity=Companies", ""); len(r.body) != 1 || len(tn.All("Companies")) < 6 {
		t.Errorf("seeded %d companies", len(tn.All("Companies")))
	}
}

func TestPage(t *testing.T) {
	tn, h := start(t, nil), receive(t, func(int) int { return 500 })
	tn.Seed(sim.SeedSpec{Companies: 150})
	tn.register("CompanyWebhooks", h.URL, "CompanyName")
	tn.Put("Companies", sim.Row{"companyName": "<script>alert(1)</script>"})
	tn.SetFault(sim.Fault{Kind: "slow", Entity: "Contacts"})
	tn.waitCallouts()
	page := tn.must("GET", "/", "").raw
	for _, want := range []string{
		`http-equiv="refresh"`, "&lt;script&gt;alert(1)", "CompanyWebhooks 1", "and 60 more", "Create ", "slow", "Managed services",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if found := tn.must("GET", tn.server.URL+"/?still&q=alert", "").raw; strings.Contains(found, "Northwind") || strings.Contains(found, "http-equiv") {
		t.Error("the search or the stillness has no effect")
	}
}

func TestRandomEdits(t *testing.T) {
	tn := start(t, nil)
	if said := tn.RandomEdit(); !strings.Contains(said, "nothing") {
		t.Errorf("on an empty tenant: %q", said)
	}
	tn.Seed(sim.SeedSpec{Companies: 20})
	before, err := tn.StateJSON("")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for range 60 {
		said[strings.Fields(tn.RandomEdit())[0]] = true
	}
	after, err := tn.StateJSON("")
	if err != nil {
		t.Fatal(err)
	}
	if string(before) == string(after) || !said["company"] || !said["contract"] || !said["contact"] {
		t.Errorf("sixty edits were only %v", said)
	}
}
