package cli

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/internal/search"
)

func someRecords() []v1.Record {
	changed := time.Now().Add(-4 * time.Minute)
	return []v1.Record{
		{Kind: v1.KindCompany, ID: "7", Name: "Acme GmbH", Outcome: v1.OutcomePushed, ChangedAt: &changed, PushedAt: &changed},
		{Kind: v1.KindCompany, ID: "8", Name: "Acme, \"AG\"", Outcome: v1.OutcomeNotMet, Reasons: []string{"status_inactive"}},
		{Kind: v1.KindCompany, ID: "9", Name: "Beta\x1b[31m Ltd", Outcome: v1.OutcomeRetrying, PushedAt: &changed},
		{Kind: v1.KindCompany, ID: "10", Name: "Never pushed", Outcome: v1.OutcomeDead},
		{Kind: v1.KindCompany, ID: "11", Name: "Gamma, Inc", Outcome: v1.OutcomeWaiting},
		{Kind: v1.KindCompany, ID: "12", Name: "Lake\u00a0Shore", Outcome: v1.OutcomeNotMet},
		{Kind: v1.KindCompany, ID: "13", Name: "Lake\u00a0Shore West", Outcome: v1.OutcomeNotMet},
		{Kind: v1.KindCompany, ID: "14", Name: "O'Brien & Sons", Outcome: v1.OutcomeNotMet},
		{Kind: v1.KindCompany, ID: "15", Name: "\"Quick\" Repair", Outcome: v1.OutcomeNotMet},
		{Kind: v1.KindContract, ID: "7", Name: "Managed backup", Outcome: v1.OutcomeUnchanged, ChangedAt: &changed},
	}
}

// Records has two records on a page when the limit says 2.
func (w *fakeAPI) Records(_ context.Context, _ string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	page := v1.Page[v1.Record]{}
	from, _ := strconv.Atoi(q.Cursor)
	for i, rec := range someRecords() {
		matches := q.Q == "" || rec.ID == q.Q || search.Parse(q.Q).In(search.Fold(rec.Name))
		if i < from || !matches || (q.Kind != "" && q.Kind != rec.Kind) || (q.Outcome != "" && q.Outcome != rec.Outcome) {
			continue
		}
		if len(page.Items) == q.Limit {
			next := strconv.Itoa(i)
			page.NextCursor = &next
			break
		}
		page.Items = append(page.Items, rec)
	}
	return page, w.note("records %+v", q)
}

func (w *fakeAPI) RecordCounts(_ context.Context, _ string, q v1.RecordQuery) (v1.RecordCounts, error) {
	return v1.RecordCounts{Total: len(someRecords())}, w.note("count records %+v", q)
}

func (w *fakeAPI) Record(_ context.Context, _ string, kind v1.Kind, id int64) (v1.RecordDetail, error) {
	at := time.Now().Add(-4 * time.Minute)
	rec := v1.Record{
		Kind: kind, ID: strconv.FormatInt(id, 10), Name: "Acme GmbH", Outcome: v1.OutcomeNotMet,
		Reasons: []string{"status_inactive"}, Detail: "isActive is false", ReconciledAt: &at,
	}
	traceID := ""
	if id == 8 {
		traceID = "0af7651916cd43dd8448eb211c80319c"
	}
	moved := v1.RecordDetail{Record: rec, CompanyID: "9", Projection: json.RawMessage(`{"client":{"externalId":"7","name":"Acme GmbH"}}`)}
	switch {
	case kind == v1.KindContract && id == 20: // to another company since it was sent
		return moved, nil
	case kind == v1.KindContract && id == 21: // to one that was never seen
		moved.CompanyID, moved.Projection = "404", nil
		return moved, nil
	case kind == v1.KindCompany && id == 9:
		rec.Name = "Beta\x1b[31m Ltd"
	case id == 404:
		return v1.RecordDetail{}, v1.NotFound("no company 404 has been seen yet")
	}
	return v1.RecordDetail{
		Record: rec, Sources: sourcesOf(kind), Projection: json.RawMessage(`{"name":"Acme GmbH"}`), Attempts: 2, Fix: "Set the company active in Autotask.", TargetURL: "https://cp.example/c/7",
		Timeline: []v1.TimelineStep{{At: at, Step: "changed", Trigger: v1.TriggerCallback, Millis: 1250, Detail: "isActive", TraceID: traceID}},
	}, w.note("record %s %d", kind, id)
}

// sourcesOf are those of a contract with 14 rows behind its cost and three lines.
func sourcesOf(kind v1.Kind) json.RawMessage {
	if kind != v1.KindContract {
		return json.RawMessage(`[]`)
	}
	c := v1.ContractSources{
		Vendor: v1.VendorSource{Sentence: "Veeam is the only vendor of the lines in force.", Notes: []string{"passed over vendor 9"}, Candidates: []v1.VendorCandidate{
			{ID: 4, Name: "Veeam", Sum: "60.00", Rows: []v1.AmountRow{{Entity: "ContractServiceBundleUnits", ID: 21, Amount: new("60.00"), How: "the share of service 3"}}},
			{ID: 6, Name: "Acronis", Sum: "24.00", Rows: []v1.AmountRow{{Entity: "ContractServiceUnits", ID: 12, Amount: new("24.00")}}},
		}},
		Cost: v1.CostSource{
			Sentence: "84.00 USD is what the line in force costs a month.", Count: 14,
			Rows: []v1.AmountRow{{Entity: "ContractServiceUnits", ID: 12, Amount: new("84.00"), How: "10 units × 8.40 a month"}, {Entity: "ContractCharges", ID: 13}},
		},
		Lines: v1.ContractLines{Reason: "29 November 2026 is today", InForce: 1, Count: 3, Lines: []v1.ContractLine{
			{
				ID: 5, Name: "Server backup", InForce: true, Reason: "in force with 10 units", Row: &v1.UnitRow{ID: 12},
				PassedOver: []v1.PassedRow{{ID: 11, Rows: 1, Reason: "ended by the adjustment of 16 November 2026"}, {Rows: 3, Reason: "ended before that"}, {Rows: 1, Reason: "starts after that"}},
			},
			{Name: "Firewall", Reason: "no units since 30 November 2025"},
		}},
	}
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return b
}

func (w *fakeAPI) Reconcile(_ context.Context, id string, kind v1.Kind, rec int64) error {
	return w.note("reconcile %s %s %d", id, kind, rec)
}

func (w *fakeAPI) Versions(_ context.Context, _ string, kind v1.Kind, rec int64, q v1.VersionQuery) (v1.VersionPage, error) {
	at := time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)
	versions := []v1.Version{
		{
			Number: 3, SentAt: at.AddDate(0, 0, 20), Kind: v1.VersionRepaired, Cause: v1.Cause{Trigger: v1.TriggerManual, Job: "j-1", By: "ann"}, Answer: "updated",
			Projection: json.RawMessage(`{"name":"Acme GmbH","phones":[{"value":"518-555-0100"}]}`), Changes: []v1.Difference{},
			Edited: []v1.DriftField{{Field: "name", Theirs: new("ACME\x1b[31m"), Due: "Acme GmbH"}, {Field: "websites"}},
		},
		{
			Number: 2, SentAt: at.AddDate(0, 0, 3), Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerCallback, EventID: "journal/7/0"}, Answer: "updated",
			Projection: json.RawMessage(`{"name":"Acme GmbH","phones":[{"value":"518-555-0100"}]}`),
			Changes:    []v1.Difference{{Field: "name", From: "Acme", To: "Acme GmbH"}, {Field: "phones[0].value", To: "518-555-0100"}},
		},
		{Number: 1, SentAt: at, Kind: v1.VersionEarlier, Projection: json.RawMessage(`{"name":"Acme"}`), Changes: []v1.Difference{}},
	}
	page := v1.VersionPage{Items: versions, KnownSince: at}
	switch n, _ := strconv.Atoi(q.Cursor); {
	case rec == 404:
		return v1.VersionPage{}, v1.NotFound("no company 404 has been seen yet")
	case rec == 8: // never sent
		page.Items = nil
	case q.At == "2026-11-10":
		page.Items, page.Held = versions[1:2], &v1.Held{At: at.AddDate(0, 0, 9), TimeZone: "UTC", State: v1.HeldVersion, Detail: "Channel Program held version 2.", Edited: &v1.HeldEdit{
			Since: at.AddDate(0, 0, 8), Fields: []v1.DriftField{{Field: "name", Theirs: new("ACME"), Due: "Acme GmbH"}, {Field: "websites"}},
		}}
	case q.At == "2026-11-29":
		return v1.VersionPage{}, v1.Invalid("The query of the request is not valid.", v1.FieldError{Pointer: "?at", Code: "future", Detail: "got a time to come"})
	case q.At == "2020-01-01":
		page.Items, page.Held = nil, &v1.Held{At: at, TimeZone: "UTC", State: v1.HeldUnknown, Detail: "The oldest version that is kept was sent later."}
	case q.At != "":
		page.Items, page.Held = versions[1:2], &v1.Held{At: at.AddDate(0, 0, 4), TimeZone: "UTC", State: v1.HeldVersion, Detail: "Channel Program held version 2."}
	case n > 0:
		page.Items = versions[min(3, max(0, 4-n)):]
		page.Items = page.Items[:min(len(page.Items), q.Limit)]
	}
	return page, w.note("versions of %s %d %+v", kind, rec, q)
}

func (w *fakeAPI) DriftList(_ context.Context, _ string, q v1.DriftQuery) (v1.Page[v1.Drift], error) {
	page := v1.Page[v1.Drift]{Items: []v1.Drift{{
		Kind: v1.KindCompany, ID: "7", Name: "Acme\x1b[31m GmbH", State: v1.DriftOpen, FoundAt: time.Now().Add(-4 * time.Minute),
		Fields: []v1.DriftField{{Field: "name", Theirs: new("ACME"), Due: "Acme GmbH"}, {Field: "phones"}},
	}}}
	return page, w.note("drift %+v", q)
}

func (w *fakeAPI) PushOurs(_ context.Context, id string, kind v1.Kind, rec int64) error {
	return w.note("push ours %s %s %d", id, kind, rec)
}

func (w *fakeAPI) Explain(_ context.Context, _ string, kind v1.Kind, rec int64) (v1.Explanation, error) {
	return v1.Explanation{
		Kind: kind, ID: strconv.FormatInt(rec, 10), Name: "Acme GmbH", Met: true,
		Conditions: []v1.Condition{{
			Sync: v1.SyncActiveCustomers, Code: "type_not_customer", Name: "Type is Customer", Met: true, Value: "Customer (1)", Detail: "company type is Customer (1)",
		}, {
			Sync: v1.SyncActiveCustomers, Code: "status_inactive", Name: "Status is Active", Value: "Inactive", Detail: "company status is Inactive; only Active syncs",
		}},
		Projection: json.RawMessage(`{"name":"Acme GmbH"}`), Sources: sourcesOf(kind),
		Differences: []v1.Difference{{Field: "name", From: "Acme", To: "Acme GmbH"}}, Next: "The name would be pushed.",
	}, w.note("explain %s %d", kind, rec)
}

func (w *fakeAPI) Resync(_ context.Context, id string, req v1.ResyncRequest) (v1.JobRef, error) {
	job := "j-resync"
	if req.DryRun {
		job = "j-dry"
	}
	return v1.JobRef{Job: job}, w.note("resync %s %+v", id, req)
}

func (w *fakeAPI) Replay(_ context.Context, id string, req v1.ReplayRequest) (v1.JobRef, error) {
	from := "-"
	if req.From != nil {
		from = req.From.UTC().Format(time.RFC3339)
	}
	return v1.JobRef{Job: "j-fails"}, w.note("replay %s from=%s seq=%d %s/%s force=%v dry=%v",
		id, from, req.FromSequence, req.Kind, req.ID, req.Force, req.DryRun)
}

// Job is done, or failed when its name says so, from the third look on.
func (w *fakeAPI) JobList(context.Context, string) ([]v1.Job, error) { return nil, w.note("jobs") }

func (w *fakeAPI) Job(_ context.Context, _, job string) (v1.Job, error) {
	err := w.note("job %s", job)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.polls[job]++
	began := time.Now().Add(-12 * time.Second)
	j := v1.Job{ID: job, Type: "resync", State: v1.JobRunning, Total: 40, Done: 10 * w.polls[job], StartedAt: began}
	if job == "j-endless" || w.polls[job] < 3 {
		return j, err
	}
	ended := began.Add(12 * time.Second)
	j.State, j.Done, j.Pushed, j.Unchanged, j.NotMet, j.FinishedAt = v1.JobDone, 40, 12, 27, 1, &ended
	switch job {
	case "j-fails":
		j.State, j.Type, j.Failed, j.Detail = v1.JobFailed, "replay", 3, "the journal was purged"
	case "j-dry":
		j.DryRun = true
	default:
		j.Drift = 4
	}
	return j, err
}

func (w *fakeAPI) CancelJob(_ context.Context, _, job string) error { return w.note("cancel %s", job) }

func exampleDeadLetters() []v1.DeadLetter {
	now := time.Now()
	return []v1.DeadLetter{
		{
			ID: "company-10", Kind: "company", RecordID: "10", Code: "rejected", Detail: "The name is too long.", Attempts: 8,
			FirstAt: now.Add(-12 * time.Hour), LastAt: now.Add(-5 * time.Minute),
		},
		{
			ID: "callback-abc", Kind: "callback", Code: "callback_unreadable", Detail: "not JSON", Attempts: 1,
			FirstAt: now.Add(-time.Hour), LastAt: now.Add(-time.Hour), Raw: "hello\x1b\nworld",
		},
	}
}

func (w *fakeAPI) DeadLetterList(_ context.Context, _, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	err := w.note("letters %q %d", cursor, limit)
	all := exampleDeadLetters()
	if limit == 1 && cursor == "" {
		next := "l-1"
		return v1.Page[v1.DeadLetter]{Items: all[:1], NextCursor: &next}, err
	}
	return v1.Page[v1.DeadLetter]{Items: all}, err
}

func (w *fakeAPI) Requeue(_ context.Context, _ string, req v1.RequeueRequest) error {
	return w.note("requeue %+v", req)
}

func (w *fakeAPI) Dismiss(_ context.Context, _ string, req v1.DismissRequest) error {
	return w.note("dismiss %s", strings.Join(req.IDs, " "))
}

func (w *fakeAPI) ReconcileRecords(_ context.Context, _ string, req v1.BulkRecords) (v1.BulkResult, error) {
	return w.bulk(req.Filter != nil, req.DryRun, req.Expect, len(req.Records), "bulk reconcile %v", req.Filter)
}

func (w *fakeAPI) ExcludeRecords(_ context.Context, _ string, req v1.BulkRecords) (v1.BulkResult, error) {
	return w.bulk(false, req.DryRun, req.Expect, len(req.Records), "bulk exclude %v %v", req.Records, req.Filter)
}

func (w *fakeAPI) BulkDeadLetters(_ context.Context, _ string, req v1.BulkDeadLetters) (v1.BulkResult, error) {
	asOf := ""
	if req.AsOf != nil {
		asOf = " as of " + req.AsOf.Format(time.RFC3339)
	}
	return w.bulk(req.Filter != nil, req.DryRun, req.Expect, len(req.IDs), "bulk %s %v %v%s", req.Action, req.IDs, req.Filter, asOf)
}

// bulk finds 123 by a filter, one of which is left alone.
func (w *fakeAPI) bulk(filtered, dryRun bool, expect *int, named int, format string, args ...any) (v1.BulkResult, error) {
	out := v1.BulkResult{Count: named, Done: named}
	switch {
	case dryRun:
		out = v1.BulkResult{
			Count: 123, NotPossible: []v1.NotPossible{{Count: 1, Reason: "it is no longer on the list"}},
			Sample: []v1.BulkItem{{ID: "7", Kind: "company", Name: "Acme\x1b[31m GmbH"}},
		}
		format += " dry"
	case filtered:
		out = v1.BulkResult{Count: *expect, Job: "j-resync"}
		format += " expecting " + strconv.Itoa(*expect)
	}
	return out, w.note(format, args...)
}
