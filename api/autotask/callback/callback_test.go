package callback

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestDecodeCallbackAsCaptured(t *testing.T) {
	got, err := Decode([]byte(vectorEscaped))
	want := Event{
		Action: ActionUpdate, GUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb", EntityType: "Account", ID: 1301,
		Fields:         []string{"CompanyName"},
		EventTime:      time.Date(2025, 9, 15, 14, 57, 50, 0, time.UTC),
		SequenceNumber: pointer(int64(33)),
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
}

func TestDecodeCallbackIsLenient(t *testing.T) {
	base := Event{Action: ActionUpdate, EntityType: "Account", ID: 5}
	with := func(change func(*Event)) Event {
		c := base
		change(&c)
		return c
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, tc := range map[string]struct {
		more string // after Action, EntityType and Id
		want Event
	}{
		"nothing else":       {``, base},
		"keys of no meaning": {`,"Extra":{"a":[1]}`, base},
		"keys in any case":   {`,"SEQUENCENUMBER":7`, with(func(c *Event) { c.SequenceNumber = pointer(int64(7)) })},
		"Fields null":        {`,"Fields":null`, base},
		"Fields a text":      {`,"Fields":"x"`, base},
		"Fields empty":       {`,"Fields":{}`, base},
		"Fields values of any type": {
			`,"Fields":{"d":{"x":[1]},"a label with spaces":null,"b":1,"c":true,"":0}`,
			with(func(c *Event) { c.Fields = []string{"a label with spaces", "b", "c", "d"} }),
		},
		"Fields an array": {
			`,"Fields":[{"Name":"Phone"},{"name":"CompanyName","value":"x"},"odd",{},{"name":7},{"name":"Phone"}]`,
			with(func(c *Event) { c.Fields = []string{"CompanyName", "Phone"} }),
		},
		"sequence as text":     {`,"SequenceNumber":"32"`, with(func(c *Event) { c.SequenceNumber = pointer(int64(32)) })},
		"sequence null":        {`,"SequenceNumber":null`, base},
		"sequence odd":         {`,"SequenceNumber":"x"`, base},
		"sequence zero":        {`,"SequenceNumber":0`, with(func(c *Event) { c.SequenceNumber = pointer(int64(0)) })},
		"time with a fraction": {`,"EventTime":"2026-01-02T03:04:05.1234567Z"`, with(func(c *Event) { c.EventTime = at.Add(123456700) })},
		"time without a zone":  {`,"EventTime":"2026-01-02T03:04:05"`, with(func(c *Event) { c.EventTime = at })},
		"time with an offset":  {`,"EventTime":"2026-01-01T23:04:05-04:00"`, with(func(c *Event) { c.EventTime = at })},
		"time odd":             {`,"EventTime":"soon"`, base},
		"time in year 20000":   {`,"EventTime":"20000-01-01T00:00:00Z"`, base},
		"time after year 9999": {`,"EventTime":"9999-12-31T23:59:59-01:00"`, base},
		"time before year 0":   {`,"EventTime":"0000-01-01T00:00:00+01:00"`, base},
		"time in year 9999":    {`,"EventTime":"9999-12-31T23:59:59Z"`, with(func(c *Event) { c.EventTime = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) })},
		"time a number":        {`,"EventTime":5`, base},
		"guid in another case": {`,"guid":"AB"`, with(func(c *Event) { c.GUID = "AB" })},
		"guid null":            {`,"Guid":null`, base},
		"guid that is no text": {`,"Guid":7`, with(func(c *Event) { c.GUID = guidNoText })},
		"one key twice":        {`,"id":9`, base},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"Action":"update","EntityType":"Account","Id":5` + tc.more + "}\r\n "
			got, err := Decode([]byte(body))
			harness.OK(t, err)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeCallbackID(t *testing.T) {
	for id, want := range map[string]int64{
		`0`: 0, `1301`: 1301, `12.0`: 12, `1e3`: 1000, `-0`: 0, `9223372036854775807`: 9223372036854775807,
		`"1301"`: 1301, `" 1301 "`: 1301, `"0"`: 0, `"007"`: 7, `"9223372036854775807"`: 9223372036854775807,
	} {
		got, err := Decode([]byte(`{"Action":"Update","EntityType":"Account","Id":` + id + `}`))
		if err != nil || got.ID != want {
			t.Errorf("Id %s: got %d, %v; want %d", id, got.ID, err, want)
		}
	}
}

// What a callback tells beside its record has a bound, however much it tells.
func TestCallbackWordsAreBounded(t *testing.T) {
	long := strings.Repeat("é", maxWord)
	names := []string{strings.Repeat("x", 160<<10), long + "é", long, "A"}
	var fields []string
	for _, name := range names {
		fields = append(fields, `"`+name+`":1`)
	}
	got, err := Decode([]byte(`{"Action":"` + long + `ee","EntityType":"` + strings.Repeat("y", 160<<10) + `","Id":1,"Fields":{` + strings.Join(fields, ",") + `}}`))
	harness.OK(t, err)
	if want := strings.Repeat("y", maxWord) + "…"; got.EntityType != want || got.Action != long+"…" {
		t.Errorf("got %q and %q", got.EntityType, got.Action)
	}
	if diff := cmp.Diff([]string{"A", long}, got.Fields); diff != "" {
		t.Errorf("field names (-want +got):\n%s", diff)
	}
	fields = nil
	for i := range 10_000 {
		fields = append(fields, fmt.Sprintf(`"f%05d":0`, 9999-i))
	}
	if names := fieldNames([]byte("{" + strings.Join(fields, ",") + "}")); len(names) != maxFieldNames || names[0] != "f00000" || names[99] != "f00099" {
		t.Errorf("of 10,000 fields %d are named, from %s to %s", len(names), names[0], names[len(names)-1])
	}
}

func TestDecodeCallbackRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want Error
	}{
		"nothing":             {``, Error{"", "nothing", "one JSON object"}},
		"not JSON":            {`id=7865&number=T2`, Error{"", "text that is not JSON", "one JSON object"}},
		"cut off":             {`{"Action":"Update","Id":1`, Error{"", "JSON that is cut off", "one JSON object"}},
		"a list":              {`[{"Id":1}]`, Error{"", "JSON array", "one JSON object"}},
		"null":                {`null`, Error{"", "null", "one JSON object"}},
		"more after it":       {`{"Action":"Update","EntityType":"Account","Id":1}{}`, Error{"", "more after the JSON object", "one JSON object"}},
		"no Id":               {`{"Action":"Update","EntityType":"Account"}`, Error{"Id", "nothing", "a whole number"}},
		"Id null":             {`{"Action":"Update","EntityType":"Account","Id":null}`, Error{"Id", "null", "a whole number"}},
		"Id a word":           {`{"Action":"Update","EntityType":"Account","Id":"Acme"}`, Error{"Id", `text "Acme"`, "a whole number"}},
		"Id an empty text":    {`{"Action":"Update","EntityType":"Account","Id":""}`, Error{"Id", `text ""`, "a whole number"}},
		"Id a power as text":  {`{"Action":"Update","EntityType":"Account","Id":"1e3"}`, Error{"Id", `text "1e3"`, "a whole number"}},
		"Id a sum as text":    {`{"Action":"Update","EntityType":"Account","Id":"-1"}`, Error{"Id", `text "-1"`, "a whole number"}},
		"Id too large a text": {`{"Action":"Update","EntityType":"Account","Id":"9223372036854775808"}`, Error{"Id", `text "9223372036854775808"`, "a whole number"}},
		"Id a fraction":       {`{"Action":"Update","EntityType":"Account","Id":1.5}`, Error{"Id", "1.5", "a whole number"}},
		"Id too large":        {`{"Action":"Update","EntityType":"Account","Id":9223372036854775808}`, Error{"Id", "9223372036854775808", "a whole number"}},
		"Id an endless power": {`{"Action":"Update","EntityType":"Account","Id":1e999999999}`, Error{"Id", "1e999999999", "a whole number"}},
		"Id an object":        {`{"Action":"Update","EntityType":"Account","Id":{}}`, Error{"Id", "object", "a whole number"}},
		"Id negative":         {`{"Action":"Update","EntityType":"Account","Id":-1}`, Error{"Id", "-1", "a whole number from 0 up"}},
		"no Action":           {`{"EntityType":"Account","Id":1}`, Error{"Action", "nothing", "text"}},
		"Action empty":        {`{"Action":" ","EntityType":"Account","Id":1}`, Error{"Action", "nothing", "text"}},
		"no EntityType":       {`{"Action":"Update","Id":1}`, Error{"EntityType", "nothing", "text"}},
		"Guid endless":        {`{"Action":"Update","EntityType":"Account","Id":1,"Guid":"` + strings.Repeat("x", 101) + `"}`, Error{"Guid", "longer text", "at most 100 characters"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(tc.body))
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error %v (%T), want a *CallbackError", err, err)
			}
			if *got != tc.want {
				t.Errorf("got %+v, want %+v", *got, tc.want)
			}
			if !strings.Contains(err.Error(), tc.want.Got) {
				t.Errorf("%q does not say what came", err)
			}
		})
	}
}

func TestDecodeCallbackDeactivatedNeedsOnlyTheAction(t *testing.T) {
	got, err := Decode([]byte(`{"Action":"DEACTIVATED"}`))
	if diff := cmp.Diff(Event{Action: ActionDeactivated}, got); err != nil || diff != "" {
		t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
	}
	if _, err := Decode([]byte("\xef\xbb\xbf" + `{"Action":"Deactivated"}`)); err != nil {
		t.Errorf("with a byte order mark: %v", err)
	}
}

func TestActionOfAnyBody(t *testing.T) {
	harness.Table(t, func(body string) string { return OpenEnvelope([]byte(body)).Action() }, map[string]string{
		`{"Action":"Deactivated"}`: ActionDeactivated,
		`{"Guid":"x","a":{"Action":"no"},"action":"deactivated","Id":"odd"}`: ActionDeactivated,
		`{"Action":"Deactivated","Fields":{"cut`:                             ActionDeactivated,
		`{"Action":"Purge"}`:                                                 "Purge",
		`{"Action":7}`:                                                       "7",
		`{"Action":null}`:                                                    "",
		`{"Id":1}`:                                                           "",
		`["Action","Deactivated"]`:                                           "",
		`Action=Deactivated`:                                                 "",
		``:                                                                   "",
	})
}

func TestKindOfEntity(t *testing.T) {
	for entity, want := range map[string]v1.Kind{
		"Account": v1.KindCompany, "company": v1.KindCompany, "COMPANIES": v1.KindCompany,
		"Contact": v1.KindContact, "contacts": v1.KindContact,
		"Contract": v1.KindContract, "Contracts": v1.KindContract,
	} {
		if got, ok := KindOfEntity(entity); got != want || !ok {
			t.Errorf("KindOfEntity(%s) = %s, %v, want %s", entity, got, ok, want)
		}
	}
	for _, entity := range []string{"", "Ticket", "InstalledProduct", "Accounts", "ContractService"} {
		if got, ok := KindOfEntity(entity); ok {
			t.Errorf("KindOfEntity(%s) = %s, want none", entity, got)
		}
	}
}

func FuzzDecodeCallback(f *testing.F) {
	for _, seed := range []string{
		vectorPlain, vectorEscaped, `{"Action":"Deactivated"}`, `{"Id":1e9,"Action":"Create","EntityType":"x"}`,
		`{"Id":1,"Fields":[{"name":"x"}]}`, `{"Action":"Update","EntityType":"Account","Id":1,"SequenceNumber":"-0"}`,
		`[]`, `null`, "\xef\xbb\xbf{}", `{"Id":1}{"Id":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := Decode(body)
		if err != nil {
			var typed *Error
			if !errors.As(err, &typed) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if c.ID < 0 || c.Action == "" || (c.EntityType == "" && c.Action != ActionDeactivated) {
			t.Fatalf("accepted %+v", c)
		}
		if again, err := Decode(body); err != nil || !cmp.Equal(c, again) {
			t.Fatalf("read twice differently: %+v, %+v (%v)", c, again, err)
		}
	})
}

func BenchmarkDecodeCallback(b *testing.B) {
	body := []byte(vectorPlain)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func pointer[T any](v T) *T { return &v }
