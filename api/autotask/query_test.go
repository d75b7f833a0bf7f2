package autotask

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
)

// link is a small row type with one field of each duty.
type link struct {
	ID      int64     `at:"id"`
	Company int64     `at:"companyID"`
	Name    string    `at:"name,optional"`
	Changed time.Time `at:"stamp,optional"`
	Missing []string
}

// table is a vendor that holds rows 0 to n-1 of one entity and obeys the filters
// that the client writes: id by gt, gte and in.
func table(n int) *vendor {
	return &vendor{answer: func(w http.ResponseWriter, r *http.Request) {
		var q queryBody
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.MaxRecords < 1 || q.MaxRecords > 500 {
			reply(w, 500, `{"errors":["maxCountOfRecordsToReturn must be between 1 and 500"]}`)
			return
		}
		rows := []string{}
		for id := range n {
			if len(rows) < q.MaxRecords && !slices.ContainsFunc(q.Filter, func(f Filter) bool { return !matches(f, id) }) {
				rows = append(rows, fmt.Sprintf(`{"id":%d,"companyID":%d,"userDefinedFields":[]}`, id, id%7))
			}
		}
		reply(w, 200, page(rows...))
	}}
}

func matches(f Filter, id int) bool {
	switch f.Op {
	case opGte:
		return float64(id) >= f.Value.(float64)
	case opGt:
		return float64(id) > f.Value.(float64)
	case opEq:
		return f.Field != idField || float64(id) == f.Value.(float64)
	case opIn:
		return slices.Contains(f.Value.([]any), any(float64(id)))
	}
	return true
}

func page(rows ...string) string {
	return `{"items":[` + strings.Join(rows, ",") + `],"pageDetails":{"count":` + fmt.Sprint(len(rows)) +
		`,"requestCount":500,"prevPageUrl":null,"nextPageUrl":null}}`
}

func collect[T any](ctx context.Context, c *Client, entity string, q Query) (Rows[T], error) {
	var all Rows[T]
	err := Each(ctx, c, entity, q, func(rows Rows[T]) error {
		all.Items = append(all.Items, rows.Items...)
		all.Bad = append(all.Bad, rows.Bad...)
		return nil
	})
	return all, err
}

func TestEachBeginsWithAShortPage(t *testing.T) {
	for n, calls := range map[int]int{0: 1, 24: 1, 25: 2, 524: 2, 525: 3, 1234: 4} {
		v := table(n)
		rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{First: 25})
		if err != nil || len(rows.Items) != n || len(v.sent()) != calls {
			t.Errorf("%d rows: got %d in %d calls, %v, want %d calls", n, len(rows.Items), len(v.sent()), err, calls)
		}
	}
}

func TestEachPagesByID(t *testing.T) {
	for n, calls := range map[int]int{0: 1, 1: 1, 499: 1, 500: 2, 501: 2, 1000: 3, 1234: 3} {
		v := table(n)
		rows, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{})
		if err != nil || len(rows.Items) != n || len(v.sent()) != calls {
			t.Errorf("%d rows: got %d in %d calls, %v, want %d calls", n, len(rows.Items), len(v.sent()), err, calls)
		}
		for i, row := range rows.Items {
			if row.ID != int64(i) {
				t.Fatalf("%d rows: row %d has id %d", n, i, row.ID)
			}
		}
	}
}

func TestEachSendsWhatTheVendorWants(t *testing.T) {
	v := table(501)
	since := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	q := Query{Filter: []Filter{Eq("isActive", true), Or(Gte("stamp", since), NotExist("createDate"))}, From: 1}
	if _, err := collect[link](t.Context(), newTestClient(t, v), "Links", q); err != nil {
		t.Fatal(err)
	}
	const start = `{"MaxRecords":500,"IncludeFields":["id","companyID","name","stamp"],"filter":[` +
		`{"op":"eq","field":"isActive","value":true},{"op":"or","items":[` +
		`{"op":"gte","field":"stamp","value":"2026-01-02T02:04:05.000Z"},{"op":"notExist","field":"createDate"}]},`
	var got []string
	for _, call := range v.sent() {
		if call.method != "POST" || call.path != "/atservicesrest/v1.0/Links/query" || call.host != "webservices3.autotask.net" {
			t.Errorf("asked %s %s %s", call.method, call.host, call.path)
		}
		got = append(got, call.body)
	}
	want := []string{start + `{"op":"gte","field":"id","value":1}]}`, start + `{"op":"gt","field":"id","value":500}]}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestEachAlwaysAsksForTheID(t *testing.T) {
	v := table(1)
	if _, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{Fields: []string{"name"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"id", "name"}, v.sent()[0].query(t).IncludeFields); diff != "" {
		t.Error(diff)
	}
}

func TestEachFieldsNotAskedForAreNotMissed(t *testing.T) {
	v := always(200, page(`{"id":1}`))
	c := newTestClient(t, v)
	partial, err := collect[link](t.Context(), c, "Links", Query{Fields: []string{"ID", "name"}})
	if err != nil || partial.Items[0].Missing != nil {
		t.Errorf("lacks %v, %v, want nothing", partial.Items, err)
	}
	all, err := collect[link](t.Context(), c, "Links", Query{})
	if err != nil || !slices.Equal(all.Items[0].Missing, []string{"companyID"}) {
		t.Errorf("lacks %v, %v, want companyID", all.Items, err)
	}
}

func TestEachEndsOnAnswersThatWouldLoop(t *testing.T) {
	full := func(from, step int) string {
		rows := make([]string, pageSize)
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"id":%d}`, from+i*step)
		}
		return page(rows...)
	}
	noIDs := page(slices.Repeat([]string{`{"id":"odd"}`}, pageSize)...)
	for name, tc := range map[string]struct {
		answer, says string
	}{
		"the filter is ignored":         {full(1, 1), "got 1 after 500, want ascending ids"},
		"also on a short page":          {page(`{"id":0}`), "got 0 after 0, want ascending ids"},
		"descending":                    {full(10_000, -1), "got 9999 after 10000, want ascending ids"},
		"one id for all":                {full(3, 0), "got 3 after 3, want ascending ids"},
		"a full page without any id":    {noIDs, "without one readable id"},
		"a row that is not in its turn": {page(`{"id":7}`, `{"id":6}`), "got 6 after 7, want ascending ids"},
	} {
		v := always(200, tc.answer)
		_, err := collect[link](t.Context(), newTestClient(t, v), "Links", Query{From: 1})
		if KindOf(err) != KindUndecodable || !strings.Contains(err.Error(), tc.says) || len(v.sent()) > 2 {
			t.Errorf("%s: %d calls, error %v", name, len(v.sent()), err)
		}
	}
}

func TestEachEndsWithTheErrorOfThePage(t *testing.T) {
	v := table(2000)
	stop := errors.New("enough")
	err := Each(t.Context(), newTestClient(t, v), "Links", Query{}, func(Rows[link]) error { return stop })
	if !errors.Is(err, stop) || len(v.sent()) != 1 {
		t.Errorf("error %v after %d calls", err, len(v.sent()))
	}
}

func TestEachLeavesOutFieldsTheDatabaseLacks(t *testing.T) {
	v := &vendor{}
	v.answer = func(w http.ResponseWriter, r *http.Request) {
		body := v.sent()[len(v.sent())-1].body
		for _, field := range []string{"stamp", "companyID"} {
			if strings.Contains(body, field) {
				reply(w, 500, fmt.Sprintf(`{"errors":["Unable to find %s in the Link Entity."]}`, field))
				return
			}
		}
		reply(w, 200, page(`{"id":1}`))
	}
	c := newTestClient(t, v)
	rows, err := collect[link](t.Context(), c, "Links", Query{})
	if err != nil || len(v.sent()) != 3 || !slices.Equal(rows.Items[0].Missing, []string{"companyID"}) {
		t.Fatalf("%+v, %v after %d calls", rows, err, len(v.sent()))
	}
	if diff := cmp.Diff([]string{"companyID", "stamp"}, c.Absent("LINKS")); diff != "" {
		t.Errorf("Absent: %s", diff)
	}
	if _, err := collect[link](t.Context(), c, "Links", Query{}); err != nil || len(v.sent()) != 4 {
		t.Errorf("the second query took %d calls, %v, want one", len(v.sent())-3, err)
	}
	if _, err := collect[link](t.Context(), c, "Links", Query{Filter: []Filter{Gt("stamp", "2026-01-01")}}); KindOf(err) != KindInvalid {
		t.Errorf("a filter on an absent field: %v, want invalid", err)
	}
	c.SetCredentials(testCredentials, zone3)
	if got := c.Absent("Links"); len(got) != 0 {
		t.Errorf("other credentials still lack %v", got)
	}
}

func TestByIDsAsksInChunks(t *testing.T) {
	v := table(2000)
	ids := make([]int64, 0, 2100)
	for i := range int64(1050) {
		ids = append(ids, 1999-i, 1999-i) // backwards and twice
	}
	ids = append(ids, 5_000_000) // of no record
	rows, err := ByIDs[link](t.Context(), newTestClient(t, v), "Links", "id", ids, Eq("x", 1))
	if err != nil || len(rows.Items) != 1050 || len(v.sent()) != 3 {
		t.Fatalf("%d rows in %d calls, %v, want 1050 in 3", len(rows.Items), len(v.sent()), err)
	}
	for _, call := range v.sent() {
		q := call.query(t)
		if n := len(q.Filter[0].Value.([]any)); n > 400 || q.Filter[1].Field != "x" {
			t.Errorf("a chunk of %d ids, filter %v", n, q.Filter[1])
		}
	}
	if rows, err := ByIDs[link](t.Context(), newTestClient(t, v), "Links", "id", nil); err != nil || len(rows.Items) != 0 || len(v.sent()) != 3 {
		t.Errorf("no ids: %v, %v after %d more calls", rows, err, len(v.sent())-3)
	}
}

func TestByIDsPagesWithinAChunk(t *testing.T) {
	v := &vendor{}
	v.answer = func(w http.ResponseWriter, _ *http.Request) {
		rows := []string{}
		if len(v.sent()) == 1 {
			for i := range pageSize {
				rows = append(rows, fmt.Sprintf(`{"id":%d,"companyID":1}`, i))
			}
		} else {
			rows = append(rows, `{"id":700,"companyID":2}`, `{"id":701,"companyID":"odd"}`)
		}
		reply(w, 200, page(rows...))
	}
	rows, err := ByIDs[link](t.Context(), newTestClient(t, v), "Links", "companyID", []int64{1, 2})
	if err != nil || len(rows.Items) != 501 || len(rows.Bad) != 1 || rows.Bad[0].ID != 701 || len(v.sent()) != 2 {
		t.Errorf("%d rows, bad %v, %d calls, %v", len(rows.Items), rows.Bad, len(v.sent()), err)
	}
}

func TestGet(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		kind   Kind
	}{
		"found":             {200, `{"item":{"id":5,"companyID":3}}`, ""},
		"as a collection":   {200, page(`{"id":5,"companyID":3}`), ""},
		"404":               {404, ``, KindNotFound},
		"404 in JSON":       {404, `{"errors":["not there"]}`, KindNotFound},
		"404 of a firewall": {404, "<html><body>Not found</body></html>", KindUnavailable},
		"404 of text":       {404, "Not found", KindUnavailable},
		"404 of other JSON": {404, `{"ok":false,"code":5}`, KindUnavailable},
		"404 of a list":     {404, `[]`, KindUnavailable},
		"404 of the path":   {404, `{"Message":"No HTTP resource was found that matches the request URI 'x'."}`, KindUnavailable},
		"404 of a gateway":  {404, `{"message":"no Route matched with those values"}`, KindUnavailable},
		"page":              {200, "<html><body>Sign in</body></html>", KindUndecodable},
		"other JSON":        {200, `{"ok":true}`, KindUndecodable},
		"null":              {200, `null`, KindUndecodable},
		"item null":         {200, `{"item":null}`, KindNotFound},
		"empty collection":  {200, page(), KindNotFound},
		"list of null":      {200, `{"items":[null]}`, KindNotFound},
		"no item":           {200, `{}`, KindUndecodable},
		"items odd":         {200, `{"items":{}}`, KindUndecodable},
		"cut off":           {200, `{"item":{"id":5,`, KindUndecodable},
		"empty body":        {200, ``, KindUndecodable},
		"a bad row":         {200, `{"item":{"id":5,"companyID":"odd"}}`, KindBadRow},
		"permission":        {500, `{"errors":["... does not have the adequate permissions ..."]}`, KindPermission},
		"unknown 500":       {500, `{"errors":["odd"]}`, KindUnknown},
		"wrong case of key": {200, `{"Item":{"ID":5,"CompanyId":3}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := always(tc.status, tc.body)
			got, err := Get[link](t.Context(), newTestClient(t, v), "Links", 5)
			if KindOf(err) != tc.kind || (err == nil) != (tc.kind == "") {
				t.Fatalf("error %v of kind %q, want %q", err, KindOf(err), tc.kind)
			}
			if err == nil && (got.ID != 5 || got.Company != 3) {
				t.Errorf("got %+v", got)
			}
			if call := v.sent()[0]; call.method != "GET" || call.path != "/atservicesrest/v1.0/Links/5" || call.body != "" {
				t.Errorf("asked %+v", call)
			}
		})
	}
}

func TestCount(t *testing.T) {
	v := always(200, `{"queryCount":7}`)
	c := newTestClient(t, v)
	if n, err := c.Count(t.Context(), "Links", Eq("companyType", 1)); n != 7 || err != nil {
		t.Errorf("Count = %d, %v", n, err)
	}
	if _, err := c.Count(t.Context(), "Links"); err != nil {
		t.Error(err)
	}
	calls := v.sent()
	if calls[0].path != "/atservicesrest/v1.0/Links/query/count" ||
		calls[0].body != `{"filter":[{"op":"eq","field":"companyType","value":1}]}` ||
		calls[1].body != `{"filter":[{"op":"gte","field":"id","value":0}]}` {
		t.Errorf("asked %+v", calls)
	}
	if _, err := newTestClient(t, always(200, `{"queryCount":null}`)).Count(t.Context(), "Links"); KindOf(err) != KindUndecodable {
		t.Errorf("no count: %v", err)
	}
}

func TestWrongFiltersAreNeverSent(t *testing.T) {
	v := table(1)
	c := newTestClient(t, v)
	for name, f := range map[string]Filter{
		"a misspelt operator":   {Op: "noteExist", Field: "id"},
		"no operator":           {Field: "id"},
		"no field":              Eq("", 1),
		"null":                  Eq("a", nil),
		"a float":               Eq("a", 1.5),
		"a list for eq":         Eq("a", []int64{1}),
		"notExist with a value": {Op: opNotExist, Field: "a", Value: 1},
		"in of nothing":         In("a", []int64{}),
		"in of too many":        In("a", make([]int64, 401)),
		"in of one value":       {Op: opIn, Field: "a", Value: 5},
		"an empty group":        Or(),
		"wrong within a group":  Or(Eq("a", 1), Or(Eq("a", nil))),
	} {
		_, err := collect[link](t.Context(), c, "Links", Query{Filter: []Filter{f}})
		if _, counted := c.Count(t.Context(), "Links", f); KindOf(err) != KindInvalid || KindOf(counted) != KindInvalid {
			t.Errorf("%s: %v, %v, want invalid", name, err, counted)
		}
	}
	if len(v.sent()) != 0 {
		t.Errorf("%d calls were made", len(v.sent()))
	}
}

func TestFilterForms(t *testing.T) {
	got, err := json.Marshal([]Filter{
		Eq("a", false), Lt("a", 1), Gte("a", int64(0)), BeginsWith("a", "<&>"),
		NotExist("a"), In("a", []string{"x", "y"}), NotIn("a", []int64{1}), Gt("a", decimal.RequireFromString("1.50")),
	})
	want := `[{"op":"eq","field":"a","value":false},{"op":"lt","field":"a","value":1},{"op":"gte","field":"a","value":0},` +
		`{"op":"beginsWith","field":"a","value":"\u003c\u0026\u003e"},{"op":"notExist","field":"a"},` +
		`{"op":"in","field":"a","value":["x","y"]},{"op":"notIn","field":"a","value":[1]},{"op":"gt","field":"a","value":1.5}]`
	if err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s (%v)", got, want, err)
	}
}

// Every row type of the package must be readable and name its id first.
func TestEveryRowTypeHasAShape(t *testing.T) {
	for _, err := range []error{
		shapeless[Company](), shapeless[Contact](), shapeless[Contract](), shapeless[ContractService](),
		shapeless[ContractServiceUnit](), shapeless[ContractServiceBundle](), shapeless[ContractServiceBundleUnit](),
		shapeless[ContractCharge](), shapeless[Service](), shapeless[ServiceBundle](), shapeless[ServiceBundleService](),
		shapeless[Product](), shapeless[ProductVendor](), shapeless[Currency](), shapeless[Country](),
		shapeless[Webhook](), shapeless[WebhookField](), shapeless[MissedCallout](),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}

func shapeless[T any]() error {
	_, err := decodeRow[T]("X", json.RawMessage(`{"id":1}`))
	return err
}
