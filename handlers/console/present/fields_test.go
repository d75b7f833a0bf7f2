package present

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

func TestFieldsOfAClient(t *testing.T) {
	now := `{"name":"Northwind","address":{"line1":"1 Main St","country":"US"},"emails":[{"value":"new@n.example"},{"value":"ann@n.example"}],"phones":[],"websites":[]}`
	before := `{"name":"Northwind Ltd","address":{"line1":"1 Main St","city":"Albany","country":"US"},"emails":[{"value":"ann@n.example"}],"phones":[{"value":"555-0100"}],"websites":[]}`
	sources := `[{"field":"name","value":"Northwind","from":"Companies.companyName"},{"field":"emails[0]","from":"Contacts 12 emailAddress2"}]`
	for name, tc := range map[string]struct {
		previous string
		want     []Field
	}{
		"the first push": {"", []Field{
			{Label: "Name", Now: "Northwind", From: "Company: company name"},
			{Label: "Street", Now: "1 Main St"},
			{Label: "Country", Now: "US"},
			{Label: "E-mail address", Now: "new@n.example", From: "Contact 12: email address 2"},
			{Label: "E-mail address 2", Now: "ann@n.example"},
		}},
		"a later one": {before, []Field{
			{Label: "Name", Now: "Northwind", Before: "Northwind Ltd", Change: fieldChanged, From: "Company: company name"},
			{Label: "Street", Now: "1 Main St"},
			{Label: "City", Before: "Albany", Change: fieldCleared},
			{Label: "Country", Now: "US"},
			{Label: "E-mail address", Now: "new@n.example", Change: fieldAdded, From: "Contact 12: email address 2"},
			{Label: "E-mail address 2", Now: "ann@n.example"},
			{Label: "Phone number", Before: "555-0100", Change: fieldCleared},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := SentFields(json.RawMessage(now), json.RawMessage(tc.previous), json.RawMessage(sources))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFieldsOfAContract(t *testing.T) {
	now := `{"client":{"externalId":"7","name":"Northwind"},"vendorName":"MSP Managed Services","vendorNameDefaulted":true,"name":null,"overallCost":null,"lifecycle":"archived","archivedReason":"status_inactive"}`
	before := `{"client":{"externalId":"7","name":"Northwind"},"vendorName":"Veeam","vendorNameDefaulted":false,"name":"Backup","overallCost":{"amount":"120.00","currency":"USD"}}`
	sources := `{"fields":[{"field":"vendorName","value":"x","from":"default, the contract has no vendor"},{"field":"overallCost.amount","from":"sum of cost of all unit rows, 1 row(s)"}]}`
	want := []Field{
		{Label: "Client", Now: "Northwind"},
		{Label: "Client's Autotask id", Now: "7"},
		{Label: "Vendor", Now: "MSP Managed Services", Before: "Veeam", Change: fieldChanged, From: "default, the contract has no vendor", Note: "No vendor was found, so it is the default."},
		{Label: "Name", Before: "Backup", Change: fieldCleared, Note: "It has no name in Autotask; Channel Program shows the vendor's."},
		{Label: "Overall cost", Before: "120.00 USD", Change: fieldCleared, From: "sum of cost of all unit rows, 1 row", Note: "Not known, so none is sent: an unknown cost is never sent as 0."},
		{Label: "Lifecycle", Now: "archived: company is inactive", Change: fieldAdded},
	}
	if diff := cmp.Diff(want, SentFields(json.RawMessage(now), json.RawMessage(before), json.RawMessage(sources))); diff != "" {
		t.Error(diff)
	}
}

func TestFieldWord(t *testing.T) {
	harness.Table(t, FieldWord, map[string]string{
		"name": "Name", "address.postalCode": "Postal code", "emails[0].value": "E-mail address", "phones[2].value": "Phone number 3",
		"websites[0]": "Website", "emails[0].label": "emails[0].label", "unknown[1].value": "unknown[1].value", "x": "x", "": "",
	})
}

func TestSourceWord(t *testing.T) {
	harness.Table(t, sourceWord, map[string]string{
		"Companies.companyName": "Company: company name",
		"Companies.address2, Companies.additionalAddressInformation": "Company: address 2, Company: additional address information",
		"Contacts 12 emailAddress3":                                  "Contact 12: email address 3",
		"Companies 5 companyName, by units":                          "Company 5: company name, by units",
		"Contracts.estimatedCost, 1 row(s)":                          "Contract: estimated cost, 1 row",
		"sum of extendedCost of the charges, 11 row(s)":              "sum of extendedCost of the charges, 11 rows",
		"Currencies.name of the internal currency":                   "Currency: name of the internal currency",
		"option currency":                                            "option currency",
		"":                                                           "",
	})
}

// FuzzSentFields: whatever was stored, a page can be made of it.
func FuzzSentFields(f *testing.F) {
	for _, seed := range [][3]string{
		{"null", "", ""},
		{`{"name":"a"}`, "{}", "[]"},
		{`{"client":{}}`, `{"client":null}`, `{"fields":[]}`},
		{"[", "1", `"x"`},
		{`{"emails":[{"value":"a"},{"value":"a"}]}`, `{"emails":[{"value":"a"}]}`, `{"vendor":{"rule":"units","candidates":null},"cost":{"rows":[{"id":1}]}}`},
		{`{"client":{}}`, `{}`, `{"vendor":{"sentence":"a"},"cost":{"sentence":"b","rows":[{}],"count":-1},"lines":{"lines":[{"row":{}}]}}`},
		{`{"name":5}`, `{"overallCost":{"amount":"1"}}`, `{"cost":{"amount":1}}`},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, projection, previous, sources string) {
		for _, field := range SentFields(json.RawMessage(projection), json.RawMessage(previous), json.RawMessage(sources)) {
			if field.Label == "" || field.Change == fieldCleared && field.Now != "" {
				t.Errorf("field %+v", field)
			}
		}
		if c := ComputedOf(json.RawMessage(sources)); c != nil && (c.Cost.Hidden() < 0 || c.Hidden() < 0 || c.Vendor.Sentence == "") {
			t.Errorf("computed %+v", c)
		}
	})
}
