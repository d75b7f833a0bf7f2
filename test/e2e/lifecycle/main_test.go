// Package lifecycle holds the end-to-end tests of installations that look after
// themselves: how one is set up and refused, how its webhooks are kept right, and
// how it comes through outages, stops, erasure and changed credentials. It drives
// a whole service between two simulated vendors (test/harness/service) from the outside.
package lifecycle

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestMain lets many tests wait at once: most of what they do is waiting.
func TestMain(m *testing.M) {
	harness.Parallel(8)
	harness.Main(m)
}

// soon is how long anything may take that a user would call immediate; generous,
// since tests share their machine.
const soon = 60 * time.Second

// company puts an active customer and returns its id.
func company(w *service.Harness, name string) int64 {
	return w.Autotask.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100"})
}

// companies puts n of them.
func companies(w *service.Harness, n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = company(w, fmt.Sprintf("Client %04d", i))
	}
	return ids
}

// contact puts an active contact of a company and returns its id.
func contact(w *service.Harness, company int64, email string) int64 {
	return w.Autotask.Put("Contacts", atsim.Row{
		"companyID": company, "firstName": "Ann", "lastName": "Lee", "emailAddress": email, "isActive": 1,
	})
}

// agreement puts a fixed price contract of a company and returns its id.
func agreement(w *service.Harness, company int64, name string) int64 {
	now := time.Now()
	return w.Autotask.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": name, "contractType": 3, "status": 1, "startDate": now, "endDate": now.AddDate(1, 0, 0),
		"estimatedCost": 1250,
	})
}

// dollars gives the tenant its internal currency.
func dollars(w *service.Harness) {
	w.Autotask.Put("Currencies", atsim.Row{"id": 1, "name": "USD", "displaySymbol": "$", "exchangeRate": "1", "isInternalCurrency": true})
}

// edit changes a row at Autotask as a person would.
func edit(w *service.Harness, entity string, id int64, fields atsim.Row) {
	w.T.Helper()
	if err := w.Autotask.Edit(entity, id, fields); err != nil {
		w.T.Fatal(err)
	}
}

// rename gives a company a name.
func rename(w *service.Harness, id int64, name string) {
	w.T.Helper()
	edit(w, "Companies", id, atsim.Row{"companyName": name})
}

// renameAll gives every company a name of its own.
func renameAll(w *service.Harness, ids []int64, name string) {
	w.T.Helper()
	for i, id := range ids {
		rename(w, id, fmt.Sprintf("%s %04d", name, i))
	}
}

// named wants a client's name.
func named(name string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool { return c.Name == name }
}

// unlimited lifts the hourly threshold of callouts and the one of requests.
func unlimited() atsim.Config {
	return atsim.Config{Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}}
}

// settled waits until every callout is delivered and nothing is due any more.
func settled(w *service.Harness, id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Idle(id, 30*time.Second)
}

// text is an id as our JSON has it.
func text(id int64) string { return strconv.FormatInt(id, 10) }

// issueOf finds the issue of a code.
func issueOf(in v1.Installation, code string) (v1.Issue, bool) {
	i := slices.IndexFunc(in.Issues, func(i v1.Issue) bool { return i.Code == code })
	if i < 0 {
		return v1.Issue{}, false
	}
	return in.Issues[i], true
}

// hasIssue waits for the issue of a code and wants its words to be complete.
func hasIssue(w *service.Harness, id, code string) v1.Issue {
	w.T.Helper()
	var issue v1.Issue
	w.Until(id, "has the issue "+code, soon, func(in v1.Installation) bool {
		var there bool
		issue, there = issueOf(in, code)
		return there
	})
	if issue.Title == "" || issue.Detail == "" || issue.Fix == "" || issue.FirstAt.IsZero() || issue.LastAt.IsZero() {
		w.T.Errorf("issue %s is not complete: %+v", code, issue)
	}
	return issue
}

// noIssue waits until the issue of a code is gone.
func noIssue(w *service.Harness, id, code string) {
	w.T.Helper()
	w.Until(id, "has no issue "+code, soon, func(in v1.Installation) bool {
		_, there := issueOf(in, code)
		return !there
	})
}

// act does stop, start, uninstall, reinstall or erase.
func act(w *service.Harness, id string, sync v1.Sync, action string) {
	w.T.Helper()
	if err := w.Admin.Act(w.T.Context(), id, sync, action); err != nil {
		w.T.Fatal(err)
	}
}

// is waits for a state.
func is(w *service.Harness, id string, state v1.State) v1.Installation {
	w.T.Helper()
	return w.Until(id, "is "+string(state), soon, func(in v1.Installation) bool { return in.State == state })
}

// problemOf is the problem that an error of the admin API carries.
func problemOf(t *testing.T, err error) *v1.Problem {
	t.Helper()
	p, ok := errors.AsType[*v1.Problem](err)
	if !ok {
		t.Fatalf("got %v, want a problem", err)
	}
	return p
}

// repair asks for a check of the registrations.
func repair(w *service.Harness, id string) {
	w.T.Helper()
	if err := w.Admin.RepairWebhooks(w.T.Context(), id); err != nil {
		w.T.Fatal(err)
	}
}

// hookOf is the registration of a collection.
func hookOf(t *testing.T, w *service.Harness, collection string) atsim.Webhook {
	t.Helper()
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == collection {
			return h
		}
	}
	t.Fatalf("no registration in %s", collection)
	return atsim.Webhook{}
}

// post sends a body as Autotask would, signed unless secret is empty, and returns the status.
func post(t testing.TB, url, secret string, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if secret != "" {
		req.Header.Set(callout.SignatureHeader, callout.Sign(secret, body))
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// changeOf is the body of a callout that says that a company may have changed.
func changeOf(hook atsim.Webhook, id, sequence int64) []byte {
	return callout.Envelope{
		Action: "Update", GUID: hook.GUID, EntityType: "Account", ID: id, EventTime: time.Now(), Sequence: sequence, PersonID: 1,
	}.Encode()
}
