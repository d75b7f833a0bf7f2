package service

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// Unlimited lifts Autotask's hourly threshold of callouts and the one of requests.
func Unlimited() atsim.Config {
	return atsim.Config{Modes: atsim.Modes{CalloutsPerHour: -1, HourlyThreshold: -1}}
}

// Company puts an active customer and returns its id.
func (w *Harness) Company(name string) int64 {
	return w.Autotask.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100"})
}

// Companies puts n of them.
func (w *Harness) Companies(n int) []int64 {
	ids := make([]int64, n)
	for i := range ids {
		ids[i] = w.Company(fmt.Sprintf("Client %04d", i))
	}
	return ids
}

// Contact puts an active contact of a company and returns its id.
func (w *Harness) Contact(company int64, email string) int64 {
	return w.Autotask.Put("Contacts", atsim.Row{
		"companyID": company, "firstName": "Ann", "lastName": "Lee", "emailAddress": email, "isActive": 1,
	})
}

// Agreement puts a fixed price contract of a company and returns its id.
func (w *Harness) Agreement(company int64, name string) int64 {
	now := time.Now()
	return w.Autotask.Put("Contracts", atsim.Row{
		"companyID": company, "contractName": name, "contractType": 3, "status": 1, "estimatedCost": 1250,
		"startDate": now, "endDate": now.AddDate(1, 0, 0),
	})
}

// Edit changes a row at Autotask as a person would.
func (w *Harness) Edit(entity string, id int64, fields atsim.Row) {
	w.T.Helper()
	harness.OK(w.T, w.Autotask.Edit(entity, id, fields))
}

// Rename gives a company a name.
func (w *Harness) Rename(id int64, name string) {
	w.T.Helper()
	w.Edit("Companies", id, atsim.Row{"companyName": name})
}

// Refuse puts a fault in force at Channel Program.
func (w *Harness) Refuse(f cpsim.Fault) {
	w.T.Helper()
	if _, err := w.Target.SetFault(f); err != nil {
		w.T.Fatal(err)
	}
}

// Drain waits until every callout is delivered and nothing of an installation is due.
func (w *Harness) Drain(id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Idle(id, 30*time.Second)
}

// Quiesce is Drain that also waits for the end of jobs.
func (w *Harness) Quiesce(id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Until(id, "without work and jobs", 30*time.Second, func(in v1.Installation) bool { return in.Backlog == 0 && len(in.Jobs) == 0 })
}

// Named wants a client's name.
func Named(name string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool { return c.Name == name }
}

// Called wants a contract's name.
func Called(name string) func(cpsim.ContractInput) bool {
	return func(c cpsim.ContractInput) bool { return c.Name != nil && *c.Name == name }
}

// Text is an id as our JSON has it, and as people enter it.
func Text(id int64) string { return strconv.FormatInt(id, 10) }

// IssueOf finds the issue of a code.
func IssueOf(in v1.Installation, code string) (v1.Issue, bool) {
	i := slices.IndexFunc(in.Issues, func(i v1.Issue) bool { return i.Code == code })
	if i < 0 {
		return v1.Issue{}, false
	}
	return in.Issues[i], true
}

// HasIssue waits for the issue of a code and wants its words to be complete.
func (w *Harness) HasIssue(id, code string) v1.Issue {
	w.T.Helper()
	var issue v1.Issue
	w.Until(id, "has the issue "+code, 60*time.Second, func(in v1.Installation) bool {
		var there bool
		issue, there = IssueOf(in, code)
		return there
	})
	if issue.Title == "" || issue.Detail == "" || issue.Fix == "" || issue.FirstAt.IsZero() || issue.LastAt.IsZero() {
		w.T.Errorf("issue %s is not complete: %+v", code, issue)
	}
	return issue
}

// HasNoIssue waits until the issue of a code is gone.
func (w *Harness) HasNoIssue(id, code string) {
	w.T.Helper()
	w.Until(id, "has no issue "+code, 60*time.Second, func(in v1.Installation) bool {
		_, there := IssueOf(in, code)
		return !there
	})
}

// Hook is Autotask's registration of a collection.
func (w *Harness) Hook(collection string) atsim.Webhook {
	w.T.Helper()
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == collection {
			return h
		}
	}
	w.T.Fatalf("no registration in %s", collection)
	return atsim.Webhook{}
}

// Post sends a body as Autotask would, signed unless secret is empty, and returns the status.
func Post(t testing.TB, url, secret string, body []byte, edits ...func(*http.Request)) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	harness.OK(t, err)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if secret != "" {
		req.Header.Set(callout.SignatureHeader, callout.Sign(secret, body))
	}
	req.Close = true
	for _, edit := range edits {
		edit(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
