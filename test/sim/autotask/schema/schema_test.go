package schema_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/schema"
)

func load(t testing.TB, o schema.Options) *schema.Schema {
	t.Helper()
	s, err := schema.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the vendor's pages say about entities, against the tables.
func TestTables(t *testing.T) {
	s := load(t, schema.Options{})
	want := []string{
		"Companies", "Contacts", "Contracts", "ContractServices", "ContractServiceUnits", "ContractServiceBundles",
		"ContractServiceBundleUnits", "ContractCharges", "Services", "ServiceBundles", "ServiceBundleServices", "Products",
		"ProductVendors", "Currencies", "Countries", "CompanyWebhooks", "ContactWebhooks", "CompanyWebhookFields",
		"ContactWebhookFields", "CompanyWebhookUdfFields", "ContactWebhookUdfFields", "WebhookEventErrorLogs",
	}
	for _, name := range want {
		if _, ok := s.Entity(strings.ToUpper(name)); !ok {
			t.Errorf("no entity %s", name)
		}
	}
	for _, e := range s.Entities {
		if hooks := e.Wire != ""; hooks != (e.Name == "Companies" || e.Name == "Contacts") {
			t.Errorf("%s: webhooks %v", e.Name, hooks)
		}
		if e.Name != "Contacts" && !strings.Contains(e.Name, "Webhook") && e.CanDelete() {
			t.Errorf("%s can be deleted over REST", e.Name)
		}
		for _, f := range e.Fields {
			if _, known := s.Picklists[f.Picklist]; f.Picklist != "" && !known && !strings.HasPrefix(f.Picklist, "fieldID:") && !strings.HasPrefix(f.Picklist, "udfFieldID:") {
				t.Errorf("%s.%s: no picklist %q", e.Name, f.Name, f.Picklist)
			}
			if f.Ref != "" && f.Ref != "Resources" {
				if _, known := s.Entity(f.Ref); !known {
					t.Errorf("%s.%s: no entity %q", e.Name, f.Name, f.Ref)
				}
			}
		}
	}
	for _, absent := range []string{"Companies.emailAddress", "Contracts.vendorCompanyID", "Contracts.createDate", "ContractServices.units"} {
		entity, field, _ := strings.Cut(absent, ".")
		if _, ok := s.Must(entity).Pos(field); ok {
			t.Errorf("%s does not exist at the vendor", absent)
		}
	}
}

func TestWithoutContractStamp(t *testing.T) {
	e := load(t, schema.Options{Without: []string{"Contracts.lastModifiedDateTime"}}).Must("Contracts")
	if _, ok := e.Pos("lastModifiedDateTime"); ok || len(e.Modified) != 0 {
		t.Errorf("the field is still there: %v", e.Modified)
	}
}

func TestUnknownEntityOfUDFs(t *testing.T) {
	if _, err := schema.Load(schema.Options{UDFs: map[string][]string{"Services": {"x"}}}); err == nil {
		t.Error("user-defined fields on an entity that takes none were accepted")
	}
}

func TestHookFieldIDs(t *testing.T) {
	one, two := load(t, schema.Options{Seed: 1}), load(t, schema.Options{Seed: 2})
	labels := func(s *schema.Schema) map[string]int64 {
		ids := map[string]int64{}
		fields := s.Must("CompanyWebhookFields")
		for _, c := range s.Choices(fields.Fields[fields.Must("fieldID")]) {
			if ids[c.Label] != 0 {
				t.Errorf("%s is on the picklist twice", c.Label)
			}
			ids[c.Label] = c.Value
		}
		return ids
	}
	a, b := labels(one), labels(two)
	if a["CompanyName"] != 7 || a["CompanyType"] != 24 || b["CompanyName"] != 7 || b["CompanyType"] != 24 {
		t.Errorf("pinned ids: %d %d %d %d", a["CompanyName"], a["CompanyType"], b["CompanyName"], b["CompanyType"])
	}
	if cmp.Equal(a, b) {
		t.Error("two tenants have the same ids")
	}
	if a["CreateDate"] != 0 || a["Id"] != 0 || a["IsActive"] == 0 {
		t.Errorf("wrong fields on the picklist: %v", a)
	}
	if pos, ok := one.Must("Companies").HookField(a["Phone"]); !ok || one.Must("Companies").Fields[pos].Name != "phone" {
		t.Errorf("id %d does not lead back to phone", a["Phone"])
	}
}

func TestDecode(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		kind, raw string
		want      any
		fail      string
	}{
		{schema.Boolean, `true`, true, ""},
		{schema.Boolean, `"true"`, nil, `value: "`},
		{schema.Boolean, `1`, nil, "value: 1"},
		{schema.Integer, `7`, int64(7), ""},
		{schema.Integer, `"7"`, int64(7), ""},
		{schema.Integer, `true`, nil, "Unexpected character encountered while parsing value: t"},
		{schema.Integer, `7.5`, nil, "value: 7"},
		{schema.Integer, `"x"`, nil, "Could not convert string to integer: x"},
		{schema.Integer, `1e300`, nil, "value: 1"},
		{schema.Integer, `99999999999999999999`, nil, "value: 9"},
		{schema.Decimal, `1.250`, decimal.RequireFromString("1.25"), ""},
		{schema.Decimal, `1e999999999`, nil, "value: 1"},
		{schema.Decimal, `1e-999999999`, nil, "value: 1"},
		{schema.String, `"Caf\u00e9"`, "Café", ""},
		{schema.String, `5`, "5", ""},
		{schema.String, `{"a":1}`, nil, "value: {"},
		{schema.DateTime, `"2026-01-02T03:04:05"`, when, ""},
		{schema.DateTime, `"02/01/2026"`, nil, "Could not convert string to DateTime: 02/01/2026"},
		{schema.DateTime, `5`, nil, "DateTime"},
		{schema.Short, `null`, nil, ""},
	} {
		v, err := schema.Field{Name: "f", Type: c.kind}.Decode(json.RawMessage(c.raw))
		switch {
		case c.fail == "" && err != nil, c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)):
			t.Errorf("%s %s: error %v, want %q", c.kind, c.raw, err, c.fail)
		case c.fail == "" && !cmp.Equal(v, c.want):
			t.Errorf("%s %s: %v, want %v", c.kind, c.raw, v, c.want)
		}
	}
}

func TestCoerce(t *testing.T) {
	for _, c := range []struct {
		field schema.Field
		in    any
		want  any
		fails bool
	}{
		{schema.Field{Type: schema.Integer}, 5, int64(5), false},
		{schema.Field{Type: schema.Integer}, json.Number("5"), int64(5), false},
		{schema.Field{Type: schema.Integer}, 5.5, nil, true},
		{schema.Field{Type: schema.Integer, Picklist: "activeFlag"}, true, int64(1), false},
		{schema.Field{Type: schema.Integer}, true, nil, true},
		{schema.Field{Type: schema.Decimal}, "1.10", decimal.RequireFromString("1.1"), false},
		{schema.Field{Type: schema.Decimal}, 2.5, decimal.RequireFromString("2.5"), false},
		{schema.Field{Type: schema.Boolean}, "true", nil, true},
		{schema.Field{Type: schema.String}, 5, nil, true},
		{schema.Field{Type: schema.DateTime}, "2026-01-02", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC), false},
		{schema.Field{Type: schema.DateTime}, "soon", nil, true},
		{schema.Field{Type: schema.String}, nil, nil, false},
	} {
		v, err := c.field.Coerce(c.in)
		if (err != nil) != c.fails || !c.fails && !cmp.Equal(v, c.want) {
			t.Errorf("%s from %v (%T): %v, %v", c.field.Type, c.in, c.in, v, err)
		}
	}
}

func TestParseDate(t *testing.T) {
	for text, want := range map[string]string{
		"2016-03-30T13:10:35.563":      "2016-03-30T13:10:35.563Z",
		"2018-11-13T17:32:34":          "2018-11-13T17:32:34Z",
		"2020-12-31T00:00:00Z":         "2020-12-31T00:00:00Z",
		"2012-10-24T05:00:00.1234567Z": "2012-10-24T05:00:00.1234567Z",
		"2012-10-24T05:00:00+02:00":    "2012-10-24T03:00:00Z",
		"2012-10-24":                   "2012-10-24T00:00:00Z",
	} {
		got, err := schema.ParseDate(text)
		if err != nil || got.Format(time.RFC3339Nano) != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "yesterday", "2012-13-01", "2012-10-24 05:00:00", "2012-10-24T05:00:00.123456789Z", "2012-10-24T05:00:00."} {
		if got, err := schema.ParseDate(text); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func FuzzParseDate(f *testing.F) {
	for _, text := range []string{"2016-03-30T13:10:35.563", "2020-12-31T00:00:00Z", "2012-10-24", "x", "9999-12-31T23:59:59.9999999+14:00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		when, err := schema.ParseDate(text)
		if err != nil {
			return
		}
		again, err := schema.ParseDate(when.Format("2006-01-02T15:04:05.9999999Z"))
		if when.Year() >= 0 && when.Year() <= 9999 && (err != nil || !again.Equal(when)) {
			t.Errorf("%q: %v does not survive: %v, %v", text, when, again, err)
		}
	})
}

func TestAppendJSON(t *testing.T) {
	s := load(t, schema.Options{UDFs: map[string][]string{"Companies": {"Color"}}})
	render := func(entity string, set map[string]any, v schema.View) map[string]any {
		t.Helper()
		e := s.Must(entity)
		r := make(schema.Record, len(e.Fields))
		r[0] = int64(5)
		for name, value := range set {
			r[e.Must(name)] = value
		}
		var out map[string]any
		raw := e.AppendJSON(nil, r, v)
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return out
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 120_000_000, time.UTC)

	company := render("Companies", map[string]any{"createDate": at, "companyName": `a "b"`, "userDefinedFields": map[string]string{"Color": "red"}}, schema.View{})
	for field, want := range map[string]any{
		"address2": nil, "additionalAddressInformation": "", "createDate": "2026-01-02T03:04:05.12", "companyName": `a "b"`,
		"userDefinedFields": []any{map[string]any{"name": "Color", "value": "red"}},
	} {
		if got, has := company[field]; !has || !cmp.Equal(got, want) {
			t.Errorf("company %s: %v (%v), want %v", field, got, has, want)
		}
	}
	if got := render("Contracts", map[string]any{"lastModifiedDateTime": at}, schema.View{})["lastModifiedDateTime"]; got != "2026-01-02T03:04:05.12Z" {
		t.Errorf("contract modified at %v", got)
	}
	services := s.Must("ContractServices")
	if _, has := render("ContractServices", nil, schema.View{Query: true})["adjustedPrice"]; has {
		t.Error("a query returned adjustedPrice")
	}
	cost := map[string]any{"unitCost": decimal.RequireFromString("2.5")}
	if got := render("ContractServices", cost, schema.View{Costs: "zero"})["unitCost"]; got != 0.0 {
		t.Errorf("hidden cost %v", got)
	}
	if got, has := render("ContractServices", cost, schema.View{Costs: "null"})["unitCost"]; got != nil || !has {
		t.Errorf("hidden cost %v", got)
	}
	included := render("ContractServices", cost, schema.View{Include: []int{services.Must("unitCost")}})
	if want := map[string]any{"id": 5.0, "unitCost": 2.5, "userDefinedFields": []any{}}; !cmp.Equal(included, want) {
		t.Errorf("include: %v", included)
	}
	odd := render("ContractServices", cost, schema.View{
		Drop: []int{services.Must("serviceID")}, Override: map[int]json.RawMessage{services.Must("unitCost"): json.RawMessage(`"x"`)},
	})
	if _, has := odd["serviceID"]; has || odd["unitCost"] != "x" {
		t.Errorf("faults: %v", odd)
	}
	if got := render("CompanyWebhooks", map[string]any{"secretKey": "s3cret"}, schema.View{})["secretKey"]; got != nil {
		t.Errorf("the secret came back: %v", got)
	}
}
