package callback

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/stores"
)

// Whatever a body holds beside its record, one that is authentic is answered for good:
// stored, ignored, or kept as a dead letter. None is refused again and again, and none
// becomes a message that the stream cannot take.
func TestOddCallbacksAreAnsweredForGood(t *testing.T) {
	bus := stores.In(t, t.TempDir())
	defer stores.Close(t, bus)
	huge := strings.Repeat("x", 160<<10)
	var fields strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&fields, `,"f%d":%d`, i, i)
	}
	nested := func(depth int) string {
		return `Fields={"a":` + strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) + `}`
	}
	for i, tc := range []struct {
		name   string
		body   string
		status int
	}{
		{"a field name of 160 kB", envelope(`Fields={"` + huge + `":1}`), 202},
		{"a field value of 160 kB", envelope(`Fields={"a":"` + huge + `"}`), 202},
		{"a field name of 160 kB in a list", envelope(`Fields=[{"name":"` + huge + `","value":1}]`), 202},
		{"10,000 fields", envelope(`Fields={` + fields.String()[1:] + `}`), 202},
		{"100 fields whose names grow sixfold", envelope(`Fields={` + controls(100) + `}`), 202},
		{"fields nested 9,000 deep", envelope(nested(9_000)), 202},
		{"fields nested 11,000 deep", envelope(nested(11_000)), 400}, // encoding/json reads no deeper
		{"a list nested 100,000 deep", strings.Repeat(`[`, 100_000), 400},
		{"fields of invalid UTF-8", envelope("Fields={\"a\xff\":\"\xfe\"}"), 202},
		{"an action of 160 kB", envelope(`Action="` + huge + `"`), 204},
		{"an entity of 160 kB", envelope(`EntityType="` + huge + `"`), 204},
		{"an action of invalid UTF-8", envelope("Action=\"Upd\xffate\""), 204},
		{"a guid of 160 kB", envelope(`Guid="` + huge + `"`), 401},
		{"an id of 160 kB", envelope(`Id="` + huge + `"`), 400},
		{"an id of 160,000 digits", envelope(`Id=` + strings.Repeat("1", 160_000)), 400},
		{"an id beyond 64 bits", envelope(`Id=9223372036854775808`), 400},
		{"the largest id", envelope(`Id=9223372036854775807`), 202},
		{"an id as a power", envelope(`Id=1e3`), 202},
		{"an id with a fraction of zero", envelope(`Id=12.0`), 202},
		{"an id as decimal text", envelope(`Id="1302"`), 202},
		{"an id below zero", envelope(`Id=-1`), 400},
		{"a sequence number of 160,000 digits", envelope(`SequenceNumber=` + strings.Repeat("1", 160_000)), 202},
		{"a sequence number beyond 64 bits", envelope(`SequenceNumber=9223372036854775808`), 202},
		{"the largest sequence number", envelope(`SequenceNumber=9223372036854775807`), 202},
		{"a sequence number of 160 kB of text", envelope(`SequenceNumber="` + huge + `"`), 202},
		{"a sequence number that is a list", envelope(`SequenceNumber=[1]`), 202},
		{"a person of 160 kB", envelope(`PersonId="` + huge + `"`), 202},
		{"an event time of 160 kB", envelope(`EventTime="`+huge+`"`, "Id=1"), 202},
		{"an event time in year 20000", envelope(`EventTime="20000-01-01T00:00:00Z"`, "Id=2"), 202},
		{"an event time that is year 10000 in UTC", envelope(`EventTime="9999-12-31T23:59:59-01:00"`, "Id=3"), 202},
		{"an event time before year 0 in UTC", envelope(`EventTime="0000-01-01T00:00:00+01:00"`, "Id=4"), 202},
		{"an event time in year 9999", envelope(`EventTime="9999-12-31T23:59:59Z"`, "Id=5"), 202},
		{"one key twice", `{"Id":6,` + envelope("Id=7")[1:], 202},
		{"one key in two cases", `{"id":8,` + envelope("Id=9")[1:], 202},
		{"10,000 keys of no meaning", "{" + fields.String()[1:] + "," + envelope("Id=10")[1:], 202},
		{"a key of 160 kB", `{"` + huge + `":1,` + envelope("Id=11")[1:], 202},
		{"256 KiB of spaces around it", strings.Repeat(" ", 100<<10) + envelope("Id=13") + strings.Repeat("\n", 100<<10), 202},
		{"UTF-16", "\xff\xfe{\x00}\x00", 400},
		{"256 KiB of anything", strings.Repeat("x", 256<<10), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newEnv()
			cfg := w.config()
			cfg.Journal = bus.Journal()
			h := w.handler(cfg)
			before := journalOf(t, bus)
			body := strings.Replace(tc.body, `"SequenceNumber":32`, fmt.Sprintf(`"SequenceNumber":%d`, 1000+i), 1) // no duplicates
			r := request(main(live), companySecret, body)
			r.Header.Set("Traceparent", strings.Repeat("0", 8<<10))
			if resp := serve(h, r); resp.StatusCode != tc.status {
				t.Fatalf("answered %d, want %d", resp.StatusCode, tc.status)
			}
			if kept := len(w.rejected); kept != 0 != (tc.status == 400) {
				t.Errorf("%d dead letters are kept", kept)
			}
			for _, c := range journalOf(t, bus)[len(before):] {
				b, err := json.Marshal(c.Change)
				if err != nil || len(b) > 64<<10 {
					t.Errorf("stored %d bytes, %v", len(b), err)
				}
			}
		})
	}
}

// controls are fields with names of 100 characters that JSON writes with six bytes each.
func controls(n int) string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf(`"%02d%s":1`, i, strings.Repeat(`\u0001`, 98)))
	}
	return strings.Join(fields, ",")
}

func journalOf(t *testing.T, bus *events.Bus) []events.StoredChange {
	t.Helper()
	var all []events.StoredChange
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: live}, func(c events.StoredChange) error {
		all = append(all, c)
		return nil
	})
	harness.OK(t, err)
	return all
}

// An event time is shown and never decided by; one that is far off must not harm what
// comes after it.
func TestFarEventTimeIsKept(t *testing.T) {
	w := newEnv()
	if resp := serve(w.handler(w.config()), request(main(live), companySecret, envelope(`EventTime="9999-12-31T23:59:59Z"`))); resp.StatusCode != 202 {
		t.Fatalf("answered %d", resp.StatusCode)
	}
	if want := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC); !w.published[0].EventTime.Equal(want) {
		t.Errorf("stored %s", w.published[0].EventTime)
	}
}

// Sent again it would be the same: Autotask would repeat it until it gives up, and count
// it towards switching the webhook off.
func TestChangeThatTheJournalCannotNameIsADeadLetter(t *testing.T) {
	w := newEnv()
	w.publish = func(context.Context) error { return fmt.Errorf("message id: %w", events.ErrBadName) }
	if resp := serve(w.handler(w.config()), request(main(live), companySecret, envelope())); resp.StatusCode != 400 || len(w.rejected) != 1 {
		t.Errorf("answered %d, %d dead letters kept; want 400 and one", resp.StatusCode, len(w.rejected))
	}
}
