package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/ledger"
	"channelsync/sync/projection"
)

// TestAFailureAtAutotaskNamesTheRecordAndWhatToDo by its cause.
func TestAFailureAtAutotaskNamesTheRecordAndWhatToDo(t *testing.T) {
	it := &item{due: events.DueEntry{ID: 12}, entry: &ledger.Entry{Kind: v1.KindCompany, ID: 12, Name: "Northwind"}}
	const (
		others = ", while it answers for others. \"Sync now\" asks again at once. If the problem persists, open this record in Autotask, and report its id and the time (2026-11-30 00:40:00 UTC) to Autotask's support"
		ofRow  = ", while it answers for others. \"Sync now\" asks again at once. If the problem persists, open Contacts 7 in Autotask, and report its id and the time (2026-11-30 00:40:00 UTC) to Autotask's support"
		start  = "Northwind (company 12) cannot be read. Autotask "
		asked  = start + "was asked for it (query Companies) and "
	)
	failed := func(e autotask.Error) error {
		e.Operation, e.Entity = "query", "Companies"
		return fmt.Errorf("fetch: %w", &e)
	}
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a field": {
			autotask.RowError{Entity: "Companies", ID: 12, Field: "isActive", Got: "a string", Want: "true or false"},
			start + "answered for Companies 12 in the field isActive: got a string, want true or false. Correct isActive of Companies 12 in Autotask: saving it tries this record again, and \"Sync now\" does so at once.",
		},
		"no answer": {
			failed(autotask.Error{Kind: autotask.KindUnavailable, Cause: context.DeadlineExceeded}),
			asked + "did not answer: context deadline exceeded" + others + ".",
		},
		"a cut answer":          {failed(autotask.Error{Kind: autotask.KindUnavailable, Cause: io.ErrUnexpectedEOF}), asked + "cut the connection: unexpected EOF" + others + "."},
		"500":                   {failed(autotask.Error{Kind: autotask.KindUnknown, Status: 500, Texts: []string{"boom."}}), asked + "answered HTTP 500: boom" + others + "."},
		"500 without a text":    {failed(autotask.Error{Kind: autotask.KindUnavailable, Status: 500}), asked + "answered HTTP 500" + others + "."},
		"a firewall":            {failed(autotask.Error{Kind: autotask.KindPermission, Status: 403}), asked + "answered HTTP 403" + others + ", or to whoever runs a firewall or gateway in between."},
		"no answer of this API": {failed(autotask.Error{Kind: autotask.KindUndecodable, Status: 200, Cause: io.EOF}), asked + "answered with something that is not from its API: EOF" + others + ", or to whoever runs a firewall or gateway in between."},
		"a row that hangs on it": {
			autotask.RowError{Entity: "Contacts", ID: 7, Cause: &autotask.Error{Kind: autotask.KindUnknown, Status: 500, Operation: "query", Entity: "Contacts", Texts: []string{"boom"}}},
			start + "was asked for it (query Contacts, for Contacts 7) and answered HTTP 500: boom" + ofRow + ".",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unreadText(it.named(), tc.err, time.Date(2026, 11, 30, 0, 40, 0, 0, time.UTC)); got != tc.want {
				t.Errorf("\n got %s\nwant %s", got, tc.want)
			}
		})
	}
	for want, err := range map[string]error{
		"Northwind (company 12) cannot be sent: Companies.companyName has 300 characters, and the target takes at most 255. Shorten it in Autotask: it is sent when it changes.": &projection.FieldError{Field: "Companies.companyName", Reason: "has 300 characters, and the target takes at most 255", Do: "Shorten it"},
		"Northwind (company 12) cannot be sent: why": errors.New("why"),
	} {
		if got := unsendable(it.named(), err); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
	it.entry.Name = ""
	if got := it.named(); got != "This record (company 12)" {
		t.Error(got)
	}
}
