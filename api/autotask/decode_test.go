package autotask

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"channelsync/api/autotask/internal/lenient"
)

// decimals compares by value, so that 0.0000 is 0.
var decimals = cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })

func TestDecodeCompanyAsCaptured(t *testing.T) {
	const row = `{"id":174,"userDefinedFields":[],"address1":"26 Tech Valley Drive","address2":"Suite 2",
		"alternatePhone1":"","alternatePhone2":null,"city":"East Greenbush","createDate":"2012-10-24T05:00:00.000Z",
		"lastActivityDate":"2016-03-30T13:10:35.563","companyName":"Autotask Corporation","phone":"555-555-5566",
		"postalCode":12061,"state":"NY","companyType":"7","webAddress":"www.autotask.com","ISACTIVE":true,
		"additionalAddressInformation":"","countryID":237,"classification":""}`
	got, err := decodeRow[Company](EntityCompanies, json.RawMessage(row))
	want := Company{
		ID: 174, CompanyName: "Autotask Corporation", CompanyType: 7, IsActive: true,
		Address1: "26 Tech Valley Drive", Address2: "Suite 2", City: "East Greenbush", State: "NY",
		PostalCode: "12061", CountryID: ptr(int64(237)), Phone: "555-555-5566", WebAddress: "www.autotask.com",
		CreateDate:       time.Date(2012, 10, 24, 5, 0, 0, 0, time.UTC),
		LastActivityDate: time.Date(2016, 3, 30, 13, 10, 35, 563e6, time.UTC),
		Missing:          []string{"currencyID"}, // that database has one currency only
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestDecodeContractKeepsDecimalsExact(t *testing.T) {
	const row = `{"id":1,"companyID":0,"contractName":" a ","contractType":7.0,"contractCategory":null,"status":1,
		"estimatedCost":0.0000,"estimatedRevenue":"5795.10"}`
	got, err := decodeRow[Contract](EntityContracts, json.RawMessage(row))
	want := Contract{
		ID: 1, CompanyID: 0, ContractName: " a ", ContractType: 7, Status: 1,
		EstimatedCost: ptr(decimal.Zero), EstimatedRevenue: ptr(decimal.RequireFromString("5795.1")),
	}
	if diff := cmp.Diff(want, got, decimals); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
	const precise = `{"id":1,"contractID":1,"contractServiceID":1,"serviceID":1,"cost":12345678901234567.8901}`
	unit, err := decodeRow[ContractServiceUnit](EntityContractServiceUnits, json.RawMessage(precise))
	if err != nil || unit.Cost.String() != "12345678901234567.8901" {
		t.Errorf("cost %v, %v", unit.Cost, err)
	}
}

func TestDecodeNamesMissingKeysOnly(t *testing.T) {
	got, err := decodeRow[Contact](EntityContacts, json.RawMessage(`{"id":5,"companyID":1,"emailAddress":null,"isActive":1}`))
	want := []string{"emailAddress2", "emailAddress3", "primaryContact"} // no stamps, nothing optional
	if diff := cmp.Diff(want, got.Missing); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestDecodeScalars(t *testing.T) {
	type all struct {
		ID    int64            `at:"id"`
		Text  string           `at:"text,optional"`
		Int   int64            `at:"int,optional"`
		IntP  *int64           `at:"intP,optional"`
		Bool  bool             `at:"bool,optional"`
		BoolP *bool            `at:"boolP,optional"`
		Dec   decimal.Decimal  `at:"dec,optional"`
		DecP  *decimal.Decimal `at:"decP,optional"`
		Time  time.Time        `at:"time,optional"`
		TimeP *time.Time       `at:"timeP,optional"`
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]all{
		`"text":"x\u00e9"`:                     {Text: "xé"},
		`"text":null`:                          {},
		`"text":12061`:                         {Text: "12061"},
		`"text":1.50`:                          {Text: "1.50"},
		`"int":7`:                              {Int: 7},
		`"int":"7"`:                            {Int: 7},
		`"int":7.000`:                          {Int: 7},
		`"int":-7`:                             {Int: -7},
		`"int":9223372036854775807`:            {Int: 9223372036854775807},
		`"intP":null`:                          {},
		`"intP":""`:                            {},
		`"intP":0`:                             {IntP: ptr(int64(0))},
		`"bool":true`:                          {Bool: true},
		`"bool":1`:                             {Bool: true},
		`"bool":"True"`:                        {Bool: true},
		`"bool":"1"`:                           {Bool: true},
		`"bool":0`:                             {},
		`"bool":"false"`:                       {},
		`"bool":null`:                          {},
		`"boolP":null`:                         {},
		`"boolP":false`:                        {BoolP: ptr(false)},
		`"dec":12.3400`:                        {Dec: decimal.RequireFromString("12.34")},
		`"dec":1e3`:                            {Dec: decimal.NewFromInt(1000)},
		`"decP":""`:                            {},
		`"decP":0`:                             {DecP: ptr(decimal.Zero)},
		`"time":null`:                          {},
		`"time":""`:                            {},
		`"time":"2026-01-02T03:04:05"`:         {Time: at},
		`"time":"2026-01-02T03:04:05Z"`:        {Time: at},
		`"time":"2026-01-01T23:04:05-04:00"`:   {Time: at},
		`"time":"2026-01-02T03:04:05.1234567"`: {Time: at.Add(123456700)},
		`"timeP":null`:                         {},
		`"timeP":"2026-01-02T03:04:05Z"`:       {TimeP: &at},
		`"TEXT":"any case"`:                    {Text: "any case"},
	} {
		want.ID = 1
		got, err := decodeRow[all]("Things", json.RawMessage(`{"id":1,`+value+`}`))
		if diff := cmp.Diff(want, got, decimals); err != nil || diff != "" {
			t.Errorf("%s: error %v, difference (-want +got):\n%s", value, err, diff)
		}
	}
	for value, want := range map[string]RowError{
		`"text":{}`:                   {Field: "text", Got: "object", Want: "text"},
		`"text":true`:                 {Field: "text", Got: "bool", Want: "text"},
		`"int":null`:                  {Field: "int", Got: "null", Want: "a whole number"},
		`"int":true`:                  {Field: "int", Got: "bool", Want: "a whole number"},
		`"int":1.5`:                   {Field: "int", Got: "number that is not whole or not a number", Want: "a whole number"},
		`"int":"m"`:                   {Field: "int", Got: "text that is not whole or not a number", Want: "a whole number"},
		`"int":9223372036854775808`:   {Field: "int", Got: "number that is not whole or not a number", Want: "a whole number"},
		`"intP":[]`:                   {Field: "intP", Got: "list", Want: "a whole number"},
		`"bool":"maybe"`:              {Field: "bool", Got: "text that is neither", Want: "true, false, 1 or 0"},
		`"bool":2`:                    {Field: "bool", Got: "number that is neither", Want: "true, false, 1 or 0"},
		`"dec":null`:                  {Field: "dec", Got: "null", Want: "a decimal number"},
		`"dec":"x"`:                   {Field: "dec", Got: "text that is not a decimal in range", Want: "a decimal number"},
		`"decP":1e999999999`:          {Field: "decP", Got: "number that is not a decimal in range", Want: "a decimal number"},
		`"dec":1e41`:                  {Field: "dec", Got: "number that is not a decimal in range", Want: "a decimal number"},
		`"dec":1e-41`:                 {Field: "dec", Got: "number that is not a decimal in range", Want: "a decimal number"},
		`"time":"yesterday in words"`: {Field: "time", Got: "text that is not a time", Want: "a time"},
		`"time":5`:                    {Field: "time", Got: "number that is not a time", Want: "a time"},
	} {
		want.Entity, want.ID = "Things", 77
		_, err := decodeRow[all]("Things", json.RawMessage(`{`+value+`,"id":77}`))
		var got RowError
		if !errors.As(err, &got) || got != want {
			t.Errorf("%s: error %v, want %v", value, err, want)
		}
	}
}

func TestDecodeRowsCostsOnlyTheBadRow(t *testing.T) {
	rows := decodeAll[ServiceBundleService](t, `{"id":1,"serviceBundleID":2,"serviceID":3}`,
		`{"id":2,"serviceBundleID":"secret text","serviceID":3}`, `{"serviceID":3}`, `{"id":"x"}`, `null`, `[1]`,
		`{"ID":"9","serviceBundleID":2,"serviceID":3,"Id":9}`)
	if diff := cmp.Diff([]ServiceBundleService{
		{ID: 1, ServiceBundleID: 2, ServiceID: 3}, {ID: 9, ServiceBundleID: 2, ServiceID: 3},
	}, rows.Items); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	const entity, integer = "ServiceBundleServices", "a whole number"
	if diff := cmp.Diff([]RowError{
		{entity, 2, 0, "serviceBundleID", "text that is not whole or not a number", integer, nil},
		{entity, 0, 0, "id", "nothing", integer, nil},
		{entity, 0, 0, "id", "text that is not whole or not a number", integer, nil},
		{entity, 0, 0, "id", "null", "an object", nil},
		{entity, 0, 0, "id", "list", "an object", nil},
	}, rows.Bad); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
	if strings.Contains(rows.Bad[0].Error(), "secret text") {
		t.Errorf("the error shows the value: %v", rows.Bad[0])
	}
}

// TestUnitRowsAsRealTenantsHaveThem: ids of lines are null on some rows, and dates come in several forms.
func TestUnitRowsAsRealTenantsHaveThem(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC) }
	full := ContractServiceUnit{
		ID: 1, ContractID: 2, ContractServiceID: ptr(int64(3)), ServiceID: ptr(int64(4)), Units: ptr(decimal.NewFromInt(5)),
		Cost: ptr(decimal.NewFromInt(6)), Price: ptr(decimal.NewFromInt(7)), InternalCurrencyPrice: ptr(decimal.NewFromInt(8)),
		StartDate: day(16), EndDate: day(30), VendorCompanyID: ptr(int64(9)),
	}
	with := func(edit func(*ContractServiceUnit)) ContractServiceUnit {
		row := full
		edit(&row)
		return row
	}
	const keys = `"id":1,"contractID":2,"contractServiceID":3,"serviceID":4,"units":5,"cost":6,"price":7,"internalCurrencyPrice":8,` +
		`"startDate":"2026-11-16T00:00:00Z","endDate":"2026-11-30T00:00:00Z","vendorCompanyID":9`
	for name, row := range map[string]struct {
		keys string
		want ContractServiceUnit
	}{
		"whole":                      {keys, full},
		"no line":                    {keys + `,"contractServiceID":null`, with(func(u *ContractServiceUnit) { u.ContractServiceID = nil })},
		"no service":                 {keys + `,"serviceID":null`, with(func(u *ContractServiceUnit) { u.ServiceID = nil })},
		"numbers as text":            {keys + `,"units":"5","cost":"6.0000","contractServiceID":"3"`, full},
		"no units":                   {keys + `,"units":null`, with(func(u *ContractServiceUnit) { u.Units = nil })},
		"no vendor":                  {keys + `,"vendorCompanyID":""`, with(func(u *ContractServiceUnit) { u.VendorCompanyID = nil })},
		"no end":                     {keys + `,"endDate":null`, with(func(u *ContractServiceUnit) { u.EndDate = time.Time{} })},
		"an empty end":               {keys + `,"endDate":""`, with(func(u *ContractServiceUnit) { u.EndDate = time.Time{} })},
		"a day alone":                {keys + `,"startDate":"2026-11-16"`, full},
		"an hour of the day":         {keys + `,"startDate":"2026-11-16T23:59:59.997"`, full},
		"a zone is not converted":    {keys + `,"startDate":"2026-11-16T00:00:00+02:00"`, full},
		"nor one that is behind UTC": {keys + `,"endDate":"2026-11-30T20:00:00-05:00"`, full},
	} {
		// The last of several keys counts, so that each case says only what differs.
		got, err := decodeRow[ContractServiceUnit](EntityContractServiceUnits, json.RawMessage(`{`+row.keys+`}`))
		if diff := cmp.Diff(row.want, got, decimals); err != nil || diff != "" {
			t.Errorf("%s: error %v, difference (-want +got):\n%s", name, err, diff)
		}
	}
	for name, row := range map[string]struct {
		keys string
		want RowError
	}{
		"a cost":  {keys + `,"cost":"n/a"`, RowError{Field: "cost", Got: "text that is not a decimal in range", Want: "a decimal number"}},
		"units":   {keys + `,"units":{}`, RowError{Field: "units", Got: "object", Want: "a decimal number"}},
		"a start": {keys + `,"startDate":"16.11.2026"`, RowError{Field: "startDate", Got: "text that is not a date", Want: "a date"}},
		"an end":  {keys + `,"endDate":20261130`, RowError{Field: "endDate", Got: "number that is not a date", Want: "a date"}},
	} {
		row.want.Entity, row.want.ID, row.want.Parent = EntityContractServiceUnits, 1, 2
		_, err := decodeRow[ContractServiceUnit](EntityContractServiceUnits, json.RawMessage(`{`+row.keys+`}`))
		if got, ok := errors.AsType[RowError](err); !ok || got != row.want {
			t.Errorf("%s that is needed: error %v, want %v", name, err, row.want)
		}
	}
	got, err := decodeRow[ContractServiceUnit](EntityContractServiceUnits, json.RawMessage(`{`+keys+`,"price":[]}`))
	want := with(func(u *ContractServiceUnit) {
		u.Price = nil
		u.Unread = []RowError{{Entity: EntityContractServiceUnits, ID: 1, Parent: 2, Field: "price", Got: "list", Want: "a decimal number"}}
	})
	if diff := cmp.Diff(want, got, decimals); err != nil || diff != "" {
		t.Errorf("a price that only one option needs: error %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestShapeRefusesTypesThatAreNoRows(t *testing.T) {
	type withoutID struct {
		Name string `at:"name"`
	}
	type withFloat struct {
		ID   int64   `at:"id"`
		Cost float64 `at:"cost"`
	}
	if _, err := decodeRow[withoutID]("X", json.RawMessage(`{}`)); err == nil {
		t.Error("a type without an id was accepted")
	}
	if _, err := decodeRow[withFloat]("X", json.RawMessage(`{}`)); err == nil {
		t.Error("a type with a float was accepted")
	}
	if _, err := decodeRow[int]("X", json.RawMessage(`{}`)); err == nil {
		t.Error("an int was accepted")
	}
}

func FuzzDecodeRow(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"companyID":2,"isActive":1}`, `{"id":"1","estimatedCost":1e99}`, `{"id":1,"status":null}`,
		`{"ID":1,"Id":2,"startDate":"2026-01-01"}`, `[]`, `null`, `{"id":1,"contractName":{"a":[]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		first, err := decodeRow[Contract](EntityContracts, raw)
		second, again := decodeRow[Contract](EntityContracts, raw)
		if (err == nil) != (again == nil) || (err == nil && !cmp.Equal(first, second, decimals)) {
			t.Fatalf("read twice differently: %+v (%v), %+v (%v)", first, err, second, again)
		}
		if first.EstimatedCost != nil && len(first.EstimatedCost.String()) > 200 {
			t.Fatalf("a decimal of %d digits came through", len(first.EstimatedCost.String()))
		}
	})
}

func BenchmarkDecodeRow(b *testing.B) {
	raw := json.RawMessage(`{"id":29683616,"companyName":"Northwind Dental","companyType":1,"isActive":true,` +
		`"address1":"1 High St","address2":null,"city":"Albany","state":"NY","postalCode":"12207","countryID":237,` +
		`"phone":"518-555-0100","createDate":"2025-01-10T14:00:00.563","userDefinedFields":[]}`)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeRow[Company](EntityCompanies, raw); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzUnquote: the short cut for texts without escapes reads what the decoder reads.
func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{`"a"`, `""`, `"`, `"a\u0041"`, "\"\xff\"", "\"\n\"", ` "a"`, `"a"b"`, `"Ärzte"`, `7`, `null`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want string
		valid := json.Unmarshal(raw, &want) == nil
		if got, ok := lenient.Unquote(raw); ok != valid || valid && got != want {
			t.Fatalf("%q: got %q, %v, want %q, %v", raw, got, ok, want, valid)
		}
	})
}
