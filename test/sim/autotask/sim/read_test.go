package sim_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"channelsync/test/sim/autotask/sim"
)

const every = `"filter":[{"op":"exist","field":"id"}]`

func ids(rows []map[string]any) string {
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprintf("%.0f", row["id"]))
	}
	return strings.Join(list, " ")
}

// numbered puts companies with ids 0 to n-1.
func numbered(tn *tenant, n int) {
	for id := range n {
		tn.Put("Companies", sim.Row{"id": id, "companyName": fmt.Sprintf("Company %d", id), "companyType": 1})
	}
}

func TestErrorRows(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1)
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{"GET", "Companies/999", "", 404, ""},
		{"GET", "Companies/abc", "", 404, "No HTTP resource"},
		{"GET", "Nonsense/1", "", 404, "No HTTP resource"},
		{"GET", "ContractWebhooks/1", "", 404, "No HTTP resource"},
		{"GET", "Contracts/1/Nonsense", "", 404, "No HTTP resource"},
		{"POST", "Companies/0/Contacts/query", "{" + every + "}", 404, "No HTTP resource"},
		{"POST", "ContractServices", "{}", 404, ""},
		{"GET", "Companies", "", 405, "The requested resource does not support http method 'GET'."},
		{"PATCH", "Companies/0", "{}", 405, "The requested resource does not support http method 'PATCH'."},
		{"DELETE", "Companies/0", "", 405, "The requested resource does not support http method 'DELETE'."},
		{"POST", "Services", "{}", 405, "method 'POST'"},
		{"POST", "Companies/query", "", 500, "Value cannot be null. Parameter name: queryModel"},
		{"POST", "Companies/query", `{"MaxRecords":501,` + every + `}`, 500, "maxCountOfRecordsToReturn must be between 1 and 500"},
		{"POST", "Companies/query", `{"filter":[{"op":"eq","field":"foo","value":1}]}`, 500, "Unable to find foo in the Company Entity"},
		{"POST", "Contacts/query", `{"filter":[{"op":"eq","field":"isActive","value":true}]}`, 500, "Unexpected character encountered while parsing value: t"},
		{"DELETE", "CompanyWebhooks/5", "", 500, "No message. No matching records found."},
		{"GET", "Companies/query?search=" + strings.Repeat("x", 2100), "", 404, "No HTTP resource"},
	} {
		r := tn.do(c.method, c.path, c.body)
		if r.status != c.status || !strings.Contains(r.text(), c.text) {
			t.Errorf("%s %.60s: %d %q, want %d %q", c.method, c.path, r.status, r.text(), c.status, c.text)
		}
	}
	tn.header.Set("ImpersonationResourceId", "5")
	if r := tn.do("GET", "Companies/0", ""); r.status != 500 || !strings.Contains(r.text(), "adequate permissions to query") {
		t.Errorf("impersonation: %d %s", r.status, r.raw)
	}
}

func TestPathsInAnyForm(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1)
	for _, path := range []string{
		"/atservicesrest/v1.0/Companies/0", "/ATServicesRest/V1.0/companies/0", "//atservicesrest//v1.0//COMPANIES//0",
	} {
		if r := tn.do("GET", tn.server.URL+path, ""); r.status != 200 || r.item()["companyName"] != "Company 0" {
			t.Errorf("%s: %d %s", path, r.status, r.raw)
		}
	}
}

func TestPostPaging(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 7)
	body := `{"MaxRecords":3,"IncludeFields":["id"],"filter":[{"op":"noteq","field":"id","value":3}]}`
	first := tn.must("POST", "Companies/query", body)
	if ids(first.items()) != "0 1 2" || first.page("prevPageUrl") != "" {
		t.Fatalf("first page %s", first.raw)
	}
	next := first.page("nextPageUrl")
	if !strings.HasPrefix(next, tn.server.URL+"/atservicesrest/V1.0/Companies/query/next?paging=%7b%22pageSize%22%3a3%2c") {
		t.Errorf("next page URL %s", next)
	}
	if r := tn.do("GET", next, ""); r.status != 405 || r.text() != "The requested resource does not support http method 'GET'." {
		t.Errorf("GET on a POST cursor: %d %s", r.status, r.raw)
	}
	if r := tn.do("POST", next, ""); r.status != 500 || r.text() != "Value cannot be null. Parameter name: queryModel" {
		t.Errorf("POST without the body: %d %s", r.status, r.raw)
	}
	second := tn.must("POST", next, body)
	if ids(second.items()) != "4 5 6" || second.page("nextPageUrl") != "" {
		t.Errorf("second page %s", second.raw)
	}
	if back := tn.must("POST", second.page("prevPageUrl"), body); ids(back.items()) != "0 1 2" {
		t.Errorf("page before: %s", back.raw)
	}
	details, _ := second.body["pageDetails"].(map[string]any)
	if details["count"] != 3.0 || details["requestCount"] != 3.0 {
		t.Errorf("page details %v", details)
	}
}

func TestGetPaging(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 3)
	search := url.QueryEscape(`{"MaxRecords":2,` + every + `}`)
	first := tn.must("GET", "Companies/query?search="+search, "")
	next := first.page("nextPageUrl")
	if ids(first.items()) != "0 1" || !strings.Contains(next, "&search=") {
		t.Fatalf("first page %s", first.raw)
	}
	if second := tn.must("GET", next, ""); ids(second.items()) != "2" {
		t.Errorf("second page %s", second.raw)
	}
	if r := tn.do("POST", next, "{"+every+"}"); r.status != 405 {
		t.Errorf("POST on a GET cursor: %d", r.status)
	}
	if r := tn.do("POST", "Companies/query/next?paging=nonsense", "{"+every+"}"); r.status != 500 {
		t.Errorf("nonsense cursor: %d %s", r.status, r.raw)
	}
}

// A page is 500 rows, and walking by id sees every row once.
func TestDefaultPageAndKeyset(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1203)
	last, seen := -1.0, 0
	for {
		r := tn.must("POST", "Companies/query", fmt.Sprintf(`{"filter":[{"op":"gt","field":"id","value":%.0f}]}`, last))
		for _, row := range r.items() {
			if id := row["id"].(float64); id != last+1 {
				t.Fatalf("%v follows %v", id, last)
			} else {
				last, seen = id, seen+1
			}
		}
		if len(r.items()) < 500 {
			break
		}
	}
	if seen != 1203 {
		t.Errorf("%d rows", seen)
	}
	if r := tn.must("POST", "Companies/query/count", "{"+every+"}"); r.raw != `{"queryCount":1203}` {
		t.Errorf("count %s", r.raw)
	}
	if r := tn.must("GET", "Companies/query/count?search="+url.QueryEscape(`{"filter":[{"op":"lt","field":"id","value":3}]}`), ""); r.raw != `{"queryCount":3}` {
		t.Errorf("count by GET %s", r.raw)
	}
}

func TestChildren(t *testing.T) {
	tn := start(t, nil)
	a := tn.Put("Contracts", sim.Row{"contractName": "a"})
	b := tn.Put("Contracts", sim.Row{"contractName": "b"})
	one := tn.Put("ContractServices", sim.Row{"contractID": a, "unitCost": "1.5"})
	two := tn.Put("ContractServices", sim.Row{"contractID": a})
	tn.Put("ContractServices", sim.Row{"contractID": b})
	if r := tn.must("GET", fmt.Sprintf("Contracts/%d/services", a), ""); ids(r.items()) != fmt.Sprint(one, " ", two) {
		t.Errorf("children %s", r.raw)
	}
	r := tn.must("GET", fmt.Sprintf("Contracts/%d/Services/%d", a, one), "")
	if ids(r.items()) != fmt.Sprint(one) || !strings.Contains(r.raw, `"unitCost":1.5000`) {
		t.Errorf("child by id answers a collection: %s", r.raw)
	}
	if strings.Contains(r.raw, "adjustedPrice\"") {
		t.Errorf("a query returned adjustedPrice: %s", r.raw)
	}
	for range 600 {
		tn.Put("ContractCharges", sim.Row{"contractID": b, "name": "x"})
	}
	first := tn.must("GET", fmt.Sprintf("Contracts/%d/Charges", b), "")
	second := tn.must("GET", first.page("nextPageUrl"), "")
	if len(first.items()) != 500 || len(second.items()) != 100 {
		t.Errorf("pages of %d and %d", len(first.items()), len(second.items()))
	}
}

func TestMetadata(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.UDFs = map[string][]string{"Companies": {"Tier"}} })
	for entity, want := range map[string]bool{"Companies": true, "Contacts": true, "Contracts": false, "Services": false} {
		info, _ := tn.must("GET", entity+"/entityInformation", "").body["info"].(map[string]any)
		if info["supportsWebhookCallouts"] != want || info["canQuery"] != true {
			t.Errorf("%s: %v", entity, info)
		}
	}
	fields := map[string]map[string]any{}
	list, _ := tn.must("GET", "Companies/entityInformation/fields", "").body["fields"].([]any)
	for _, entry := range list {
		f, _ := entry.(map[string]any)
		fields[f["name"].(string)] = f
	}
	kind := fields["companyType"]
	first, _ := kind["picklistValues"].([]any)[0].(map[string]any)
	if kind["isPickList"] != true || first["value"] != "1" || first["label"] != "Customer" || first["isSystem"] != true {
		t.Errorf("companyType %v", kind)
	}
	if fields["assetValue"]["isQueryable"] != false || fields["countryID"]["referenceEntityType"] != "Country" ||
		fields["companyName"]["isSupportedWebhookField"] != true || fields["createDate"]["isSupportedWebhookField"] != false {
		t.Errorf("fields %v", fields)
	}
	if udfs := tn.must("GET", "Companies/entityInformation/userDefinedFields", ""); !strings.Contains(udfs.raw, `"name":"Tier"`) {
		t.Errorf("user-defined fields %s", udfs.raw)
	}
	if r := tn.must("GET", "Contracts/entityInformation/userDefinedFields", ""); r.raw != `{"fields":[]}` {
		t.Errorf("no user-defined fields: %s", r.raw)
	}
}

func TestModesOfReading(t *testing.T) {
	tn := start(t, nil)
	numbered(tn, 1)
	tn.Put("Services", sim.Row{"id": 5, "name": "x", "unitCost": 3, "unitPrice": 4})

	tn.must("POST", "/sim/modes", `{"notFound":"null","costs":"zero","denied":["companies"]}`)
	if r := tn.must("GET", "Services/99", ""); r.raw != `{"item":null}` {
		t.Errorf("not found: %s", r.raw)
	}
	if row := tn.must("GET", "Services/5", "").item(); row["unitCost"] != 0.0 || row["unitPrice"] != 4.0 {
		t.Errorf("hidden costs: %v", row)
	}
	for _, path := range []string{"Companies/0", "Companies/query?search={" + every + "}"} {
		if r := tn.do("GET", path, ""); r.status != 500 ||
			r.text() != "The logged in Resource does not have the adequate permissions to query this entity type." {
			t.Errorf("denied: %d %s", r.status, r.raw)
		}
	}
	if r := tn.must("GET", "Companies/entityInformation", ""); !strings.Contains(r.raw, `"userAccessForQuery":"None"`) {
		t.Errorf("denied: %s", r.raw)
	}
	tn.SetModes(func(m *sim.Modes) { m.Denied, m.Hidden = nil, []string{"Companies"} })
	if r := tn.must("POST", "Companies/query", "{"+every+"}"); len(r.items()) != 0 {
		t.Errorf("hidden: %s", r.raw)
	}
	if r := tn.do("POST", "/sim/modes", `{"nonsense":1}`); r.status != 400 {
		t.Errorf("nonsense mode: %d", r.status)
	}
	if !slices.Equal(tn.Modes().Hidden, []string{"Companies"}) {
		t.Errorf("a refused change of modes had an effect: %+v", tn.Modes())
	}
}

func TestDates(t *testing.T) {
	for _, zone := range []bool{false, true} {
		tn := start(t, func(c *sim.Config) { c.DatesWithZone = zone })
		numbered(tn, 1)
		tn.Put("Contracts", sim.Row{"id": 1, "contractName": "x"})
		created, _ := tn.must("GET", "Companies/0", "").item()["createDate"].(string)
		if want := map[bool]string{false: "2026-11-23T09:00:00.123", true: "2026-11-23T09:00:00.1234567Z"}[zone]; created != want {
			t.Errorf("company: %s, want %s", created, want)
		}
		if modified := tn.must("GET", "Contracts/1", "").item()["lastModifiedDateTime"]; modified != "2026-11-23T09:00:00.1234567Z" {
			t.Errorf("contract: %v", modified)
		}
		body := fmt.Sprintf(`{"filter":[{"op":"eq","field":"createDate","value":%q}]}`, created)
		if r := tn.must("POST", "Companies/query", body); len(r.items()) != 1 {
			t.Errorf("a date that was answered is not found again: %s", created)
		}
	}
}

func TestOlderBuildHasNoContractStamp(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.Undated = true })
	tn.Put("Contracts", sim.Row{"id": 1, "contractName": "x"})
	if r := tn.must("GET", "Contracts/1", ""); strings.Contains(r.raw, "lastModifiedDateTime") {
		t.Errorf("%s", r.raw)
	}
	if r := tn.do("POST", "Contracts/query", `{"filter":[{"op":"exist","field":"lastModifiedDateTime"}]}`); r.status != 500 {
		t.Errorf("filter: %d", r.status)
	}
}
