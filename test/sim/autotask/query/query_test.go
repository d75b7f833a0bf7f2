package query_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"channelsync/test/sim/autotask/query"
	"channelsync/test/sim/autotask/schema"
)

func companies(t testing.TB) *schema.Entity {
	t.Helper()
	s, err := schema.Load(schema.Options{UDFs: map[string][]string{"Companies": {"Tier Level"}}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Must("Companies")
}

func row(e *schema.Entity, id int64, set map[string]any) schema.Record {
	r := make(schema.Record, len(e.Fields))
	r[0] = id
	for name, v := range set {
		r[e.Must(name)] = v
	}
	return r
}

func TestMatch(t *testing.T) {
	e := companies(t)
	day := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	rows := []schema.Record{
		row(e, 0, map[string]any{"companyName": "Own", "companyType": int64(1), "isActive": true, "createDate": day}),
		row(e, 1, map[string]any{
			"companyName": "Café Ltd", "companyType": int64(1), "isActive": false, "city": "Albany",
			"createDate": day.Add(time.Hour), "surveyCompanyRating": decimal.RequireFromString("2.50"),
		}),
		row(e, 2, map[string]any{
			"companyName": "acme", "companyType": int64(7), "isActive": true, "city": "",
			"userDefinedFields": map[string]string{"Tier Level": "Gold"}, "createDate": day.Add(1500 * time.Millisecond),
		}),
	}
	for filter, want := range map[string]string{
		`{"op":"exist","field":"id"}`:                                                                 "0 1 2",
		`{"op":"gte","field":"id","value":0}`:                                                         "0 1 2",
		`{"op":"GT","field":"ID","value":0}`:                                                          "1 2",
		`{"op":"eq","field":"companytype","value":1}`:                                                 "0 1",
		`{"op":"eq","field":"companyType","value":"1"}`:                                               "0 1",
		`{"op":"noteq","field":"companyType","value":1}`:                                              "2",
		`{"op":"eq","field":"isActive","value":true}`:                                                 "0 2",
		`{"op":"eq","field":"isActive","value":true},{"op":"eq","field":"companyType","value":1}`:     "0",
		`{"op":"eq","field":"companyName","value":"ACME"}`:                                            "2",
		`{"op":"contains","field":"companyName","value":"ltd"}`:                                       "1",
		`{"op":"beginsWith","field":"companyName","value":"caf"}`:                                     "1",
		`{"op":"endsWith","field":"companyName","value":"ME"}`:                                        "2",
		`{"op":"exist","field":"city"}`:                                                               "1 2",
		`{"op":"notExist","field":"city"}`:                                                            "0",
		`{"op":"noteq","field":"city","value":"Albany"}`:                                              "2",
		`{"op":"in","field":"id","value":[2,0,9]}`:                                                    "0 2",
		`{"op":"in","field":"id","value":[]}`:                                                         "",
		`{"op":"notIn","field":"id","value":[2,0]}`:                                                   "1",
		`{"op":"notIn","field":"city","value":["ALBANY"]}`:                                            "2",
		`{"op":"gt","field":"createDate","value":"2026-03-01T12:00:01"}`:                              "1 2",
		`{"op":"lte","field":"createDate","value":"2026-03-01T12:00:01.5Z"}`:                          "0 2",
		`{"op":"eq","field":"createDate","value":"2026-03-01T13:00:00+00:00"}`:                        "1",
		`{"op":"eq","field":"surveyCompanyRating","value":2.5}`:                                       "1",
		`{"op":"in","field":"surveyCompanyRating","value":["2.500"]}`:                                 "1",
		`{"op":"eq","field":"Tier level","udf":true,"value":"gold"}`:                                  "2",
		`{"op":"notExist","field":"Tier Level","udf":true}`:                                           "0 1",
		`{"op":"or","items":[{"op":"eq","field":"id","value":1},{"op":"eq","field":"id","value":2}]}`: "1 2",
		`{"op":"and","items":[{"op":"exist","field":"id"},{"op":"or","items":[{"op":"eq","field":"id","value":0},{"op":"lt","field":"id","value":-5}]}]}`: "0",
		`{"op":"noteExist","field":"city"}`: "0 1 2", // observed: a mistyped operator answers everything
	} {
		q, err := query.Parse([]byte(`{"Filter":[`+filter+`]}`), e)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
			continue
		}
		var got []string
		for _, r := range rows {
			if q.Match(r) {
				got = append(got, fmt.Sprint(r.ID()))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", filter, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	e := companies(t)
	many := strings.TrimSuffix(strings.Repeat("1,", 501), ",")
	for body, want := range map[string]string{
		``:                                       "Value cannot be null. Parameter name: queryModel",
		`null`:                                   "Value cannot be null. Parameter name: queryModel",
		`{`:                                      "Unexpected character encountered while parsing value: {",
		`{}`:                                     "filter",
		`{"filter":[]}`:                          "filter",
		`{"filter":null}`:                        "filter",
		`{"filter":{"op":"exist","field":"id"}}`: "Unexpected character encountered while parsing value: {",
		`{"MaxRecords":0,"filter":[{"op":"exist","field":"id"}]}`:                 "maxCountOfRecordsToReturn must be between 1 and 500",
		`{"maxrecords":501,"filter":[{"op":"exist","field":"id"}]}`:               "maxCountOfRecordsToReturn must be between 1 and 500",
		`{"filter":[{"op":"eq","field":"nope","value":1}]}`:                       "Unable to find nope in the Company Entity",
		`{"filter":[{"op":"eq","field":"nope","udf":true,"value":1}]}`:            "Unable to find nope in the Company Entity",
		`{"IncludeFields":["Owner.name"],"filter":[{"op":"exist","field":"id"}]}`: "Unable to find Owner.name in the Company Entity",
		`{"filter":[{"op":"eq","field":"isActive","value":"true"}]}`:              "Unexpected character",
		`{"filter":[{"op":"eq","field":"isActive","value":null}]}`:                "Value cannot be null",
		`{"filter":[{"op":"eq","field":"companyType","value":true}]}`:             "Unexpected character encountered while parsing value: t",
		`{"filter":[{"op":"in","field":"id","value":1}]}`:                         "Unexpected character",
		`{"filter":[{"op":"in","field":"id"}]}`:                                   "Value cannot be null",
		`{"filter":[{"op":"eq","field":"id","value":[1]}]}`:                       "Unexpected character encountered while parsing value: [",
		`{"filter":[{"op":"gt","field":"createDate","value":"last week"}]}`:       "Could not convert string to DateTime",
		`{"filter":[{"op":"and","items":[]}]}`:                                    "items",
		`{"filter":[{"op":"contains","field":"companyType","value":1}]}`:          "Invalid operator",
		`{"filter":[{"op":"gt","field":"assetValue","value":1}]}`:                 "not a queryable field",
		`{"filter":[{"op":"in","field":"id","value":[` + many + `]}]}`:            "Queries are limited to 500 or fewer 'OR' conditions.",
	} {
		if _, err := query.Parse([]byte(body), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q", body, err, want)
		}
	}
}

func TestPageAndFields(t *testing.T) {
	e := companies(t)
	exist := `"filter":[{"op":"exist","field":"id"}]`
	for body, want := range map[string][]int{
		`{"MaxRecords":7,"INCLUDEFIELDS":["ID","companyname"],` + exist + `}`:  {0, e.Must("companyName")},
		`{"MaxRecords":"7","IncludeFields":"city, phone",` + exist + `}`:       {e.Must("city"), e.Must("phone")},
		`{"MaxRecords":7,"includeFields":["Tier Level","city"],` + exist + `}`: {e.Must("city")},
	} {
		q, err := query.Parse([]byte(body), e)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		if q.Max != 7 || !cmp.Equal(q.Include, want) {
			t.Errorf("%s: %d rows of %v", body, q.Max, q.Include)
		}
	}
	if q, err := query.Parse([]byte(`{`+exist+`}`), e); err != nil || q.Max != 500 || q.Include != nil {
		t.Errorf("defaults: %+v, %v", q, err)
	}
}

// Only what every match must satisfy may narrow the search.
func TestHints(t *testing.T) {
	e := companies(t)
	parent := e.Must("parentCompanyID")
	for filter, want := range map[string][]query.Hint{
		`{"op":"in","field":"id","value":[3,4]}`:                    {{Pos: 0, Values: []int64{3, 4}}},
		`{"op":"eq","field":"parentCompanyID","value":9}`:           {{Pos: parent, Values: []int64{9}}},
		`{"op":"and","items":[{"op":"eq","field":"id","value":3}]}`: {{Pos: 0, Values: []int64{3}}},
		`{"op":"or","items":[{"op":"eq","field":"id","value":3}]}`:  nil,
		`{"op":"notIn","field":"id","value":[3]}`:                   nil,
		`{"op":"gt","field":"id","value":3}`:                        nil,
		`{"op":"eq","field":"companyType","value":3}`:               nil,
	} {
		q, err := query.Parse([]byte(`{"filter":[`+filter+`]}`), e)
		if err != nil || !cmp.Equal(q.Hints(), want) {
			t.Errorf("%s: %v, %v", filter, q.Hints(), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"MaxRecords":500,"IncludeFields":["id"],"filter":[{"op":"or","items":[{"op":"in","field":"id","value":[1,"2"]}]}]}`,
		`{"filter":[{"op":"eq","field":"createDate","value":"2026-01-01T00:00:00Z"}]}`,
		`{"filter":[{"op":"contains","field":"companyName","value":"x"},{"op":"eq","field":"assetValue","value":1e400}]}`,
		`{"filter":[{"op":"eq","field":"surveyCompanyRating","value":1e99}]}`, `[]`, `{"filter":[[]]}`, `"`,
	} {
		f.Add([]byte(seed))
	}
	e := companies(f)
	full := row(e, 1, map[string]any{
		"companyName": "x", "companyType": int64(1), "isActive": true, "createDate": time.Unix(0, 0).UTC(),
		"surveyCompanyRating": decimal.NewFromInt(3), "userDefinedFields": map[string]string{"Tier Level": "a"},
	})
	empty := row(e, 2, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := query.Parse(body, e)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		if q.Max < 1 || q.Max > query.MaxPage {
			t.Errorf("page of %d", q.Max)
		}
		q.Match(full)
		q.Match(empty)
	})
}
