package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/identity"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	one     = "01jxoneaaaaaaaaaaaaaaaaaaa"
	nowhere = "01jxnowhereaaaaaaaaaaaaaaa"
)

// fake is the sync side: it notes what it is asked, and fails when told to.
type fake struct {
	checks  []v1.Check
	asked   []string
	err     error
	audited []v1.AuditEntry
	created v1.CreateInstallation
	panics  string // with what, once it is asked
}

func (f *fake) note(format string, args ...any) error {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
	if f.panics != "" {
		panic(f.panics)
	}
	return f.err
}

func (f *fake) known(id string) error {
	if id != one {
		return v1.NotFound("There is no such installation.")
	}
	return f.err
}

func (f *fake) installation() v1.Installation {
	resumes := time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC)
	return v1.Installation{ID: one, Name: "Acme MSP", State: v1.StateLive, ResumesAt: &resumes}
}

func (f *fake) Create(_ context.Context, in v1.CreateInstallation) (v1.Installation, error) {
	f.created = in
	return f.installation(), f.note("create %s", in.Name)
}

func (f *fake) List(context.Context) ([]v1.Installation, error) {
	return []v1.Installation{f.installation()}, f.note("list")
}

func (f *fake) Get(_ context.Context, id string) (v1.Installation, error) {
	_ = f.note("get")
	return f.installation(), f.known(id)
}

func (f *fake) TryCreate(_ context.Context, in v1.CreateInstallation) (v1.Checks, error) {
	return v1.Checks{Checks: []v1.Check{{Name: "zone", OK: true}}}, f.note("try %s", in.Name)
}

func (f *fake) PreviewCreate(_ context.Context, in v1.CreateInstallation) (v1.SetupPreview, error) {
	out := v1.SetupPreview{Checks: []v1.Check{{Name: "zone", OK: true}}, Complete: true}
	out.Companies = v1.PreviewCounts{
		Total: 3, WillSync: 1, WillNot: 2, Reasons: []v1.PreviewReason{{Code: v1.ReasonTypeNotCustomer, Count: 2, Detail: "d"}},
	}
	out.Contracts.Total, out.Contracts.WillSync, out.Contracts.WithoutVendor = 1, 1, 1
	return out, f.note("preview %s", in.Name)
}

func (f *fake) ChoicesOf(_ context.Context, in v1.CreateInstallation, q v1.ChoiceQuery) (v1.SetupChoices, error) {
	out := v1.SetupChoices{Options: v1.Options{ContractTypes: []int64{7}}}
	if q.Company != "" {
		out.Companies = []v1.Choice{{ID: 9, Name: q.Company}}
	}
	return out, f.note("choices of %s, counted %v", in.Name, q.Counted)
}

func (f *fake) Compare(_ context.Context, claims []v1.Claim) ([]v1.Comparison, error) {
	return []v1.Comparison{{Installation: one, Differs: []v1.Different{v1.DiffersSecret}}},
		f.note("compare %s with %s", claims[0].Name, claims[0].Secret.Reveal())
}

func (f *fake) Test(_ context.Context, id string) (v1.Checks, error) {
	_ = f.note("test")
	return v1.Checks{Checks: slices.Clone(f.checks)}, f.known(id)
}

func (f *fake) FindZone(_ context.Context, username string) (v1.Zone, bool, error) {
	return v1.Zone{Name: "UK", URL: "https://uk/atservicesrest"}, username != "nobody", f.note("find zone of %s", username)
}

func (f *fake) Zones() []v1.Zone { return []v1.Zone{{Name: "UK", URL: "https://uk/atservicesrest"}} }

func (f *fake) Update(_ context.Context, id string, in v1.UpdateInstallation) (v1.Installation, error) {
	_ = f.note("update %s", updated(in))
	return f.installation(), f.known(id)
}

func (f *fake) SetCredentials(_ context.Context, id string, in v1.Credentials) (v1.Installation, error) {
	_ = f.note("credentials %s", in.Secret.Reveal())
	return f.installation(), f.known(id)
}

func (f *fake) SetChannelProgram(
	_ context.Context, id string, in v1.ChannelProgramTarget,
) (v1.Installation, error) {
	_ = f.note("channel program %s", in.Token.Reveal())
	return f.installation(), f.known(id)
}

func (f *fake) Choices(_ context.Context, _ string) (v1.Choices, error) {
	return v1.Choices{ContractTypes: []v1.Choice{{ID: 7, Name: "Recurring Service"}}}, f.note("choices")
}

func (f *fake) Preview(_ context.Context, id string, in v1.UpdateInstallation) (v1.Preview, error) {
	_ = f.note("preview %s", updated(in))
	return v1.Preview{Enter: 1, Leave: 2, Change: 3}, f.known(id)
}

func (f *fake) Do(_ context.Context, id string, sync v1.Sync, action string) error {
	_ = f.note("do %s %q", action, sync)
	return f.known(id)
}

func (f *fake) Records(_ context.Context, id string, q v1.RecordQuery) (v1.Page[v1.Record], error) {
	_ = f.note("records %+v", q)
	next := "c2"
	items := []v1.Record{{Kind: v1.KindCompany, ID: "7", Outcome: v1.OutcomePushed}}
	return v1.Page[v1.Record]{Items: items, NextCursor: &next}, f.known(id)
}

func (f *fake) RecordCounts(_ context.Context, id string, q v1.RecordQuery) (v1.RecordCounts, error) {
	_ = f.note("count records %+v", q)
	return v1.RecordCounts{
		Total: 3, Kinds: map[v1.Kind]int{v1.KindCompany: 3}, Outcomes: map[v1.Outcome]int{v1.OutcomeNotMet: 3},
		Reasons: map[string]int{v1.ReasonTypeNotCustomer: 3},
	}, f.known(id)
}

func (f *fake) Record(_ context.Context, id string, kind v1.Kind, record int64) (v1.RecordDetail, error) {
	_ = f.note("record %s %d", kind, record)
	r := v1.Record{Kind: kind, ID: fmt.Sprint(record), Outcome: v1.OutcomeNotMet}
	return v1.RecordDetail{Record: r}, f.known(id)
}

func (f *fake) Reconcile(_ context.Context, id string, kind v1.Kind, record int64) error {
	_ = f.note("reconcile %s %d", kind, record)
	return f.known(id)
}

func (f *fake) Versions(_ context.Context, id string, kind v1.Kind, record int64, q v1.VersionQuery) (v1.VersionPage, error) {
	_ = f.note("versions of %s %d %+v", kind, record, q)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	page := v1.VersionPage{Items: []v1.Version{{
		Number: 2, SentAt: at, Kind: v1.VersionSent, Cause: v1.Cause{Trigger: v1.TriggerManual, By: "ann"}, Projection: json.RawMessage(`{"name":"Acme"}`),
	}}, KnownSince: at}
	if q.At != "" {
		page.Held = &v1.Held{At: at, TimeZone: "UTC", State: v1.HeldVersion, Detail: "Channel Program held version 2.", Edited: &v1.HeldEdit{Since: at, Fields: []v1.DriftField{{Field: "name"}}}}
	}
	return page, f.known(id)
}

func (f *fake) DriftList(_ context.Context, id string, q v1.DriftQuery) (v1.Page[v1.Drift], error) {
	return v1.Page[v1.Drift]{Items: []v1.Drift{{Kind: v1.KindCompany, ID: "7", State: v1.DriftOpen}}}, f.note("drift %+v", q)
}

func (f *fake) PushOurs(_ context.Context, id string, kind v1.Kind, record int64) error {
	return f.note("push ours %s %d", kind, record)
}

func (f *fake) Job(_ context.Context, id, job string) (v1.Job, error) {
	_ = f.note("job %s", job)
	return v1.Job{ID: job, State: v1.JobRunning}, f.known(id)
}

func (f *fake) JobList(_ context.Context, id string) ([]v1.Job, error) {
	_ = f.note("jobs")
	from := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return []v1.Job{
		{ID: "j-2", Type: "replay", State: v1.JobRunning, DryRun: true, Replay: &v1.ReplayRequest{From: &from, DryRun: true}},
		{ID: "j-1", Type: "resync", State: v1.JobDone, Kinds: []v1.Kind{v1.KindCompany}},
	}, f.known(id)
}

func (f *fake) CancelJob(_ context.Context, id, job string) error {
	_ = f.note("cancel %s", job)
	return f.known(id)
}

func (f *fake) RepairWebhooks(_ context.Context, id string) error {
	_ = f.note("repair")
	return f.known(id)
}

func (f *fake) RotateSecrets(_ context.Context, id string) error {
	_ = f.note("rotate")
	return f.known(id)
}

func (f *fake) Status(context.Context) (v1.Status, error) {
	return v1.Status{Version: "1", Installations: []v1.InstallationStatus{{ID: one, State: v1.StateLive}}}, f.note("status")
}

type trail struct{ *fake }

func (f trail) List(q v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	return v1.Page[v1.AuditEntry]{}, f.note("audit %+v", q)
}

func (f trail) Verify(context.Context) (v1.AuditVerification, error) {
	return v1.AuditVerification{OK: true, Entries: 7, First: 1, Last: 7}, f.note("verify audit")
}

func (f *fake) Explain(_ context.Context, id string, kind v1.Kind, rec int64) (v1.Explanation, error) {
	_ = f.note("explain %s %d", kind, rec)
	r := v1.Record{Kind: kind, ID: fmt.Sprint(rec), Outcome: v1.OutcomeUnchanged}
	return v1.Explanation{Kind: kind, ID: r.ID, Met: true, Record: &r}, f.known(id)
}

func (f *fake) Resync(_ context.Context, id string, req v1.ResyncRequest) (v1.JobRef, error) {
	_ = f.note("resync %+v", req)
	return v1.JobRef{Job: "j-1"}, f.known(id)
}

func (f *fake) Replay(_ context.Context, id string, req v1.ReplayRequest) (v1.JobRef, error) {
	_ = f.note("replay %s", describeReplay(req))
	return v1.JobRef{Job: "j-2"}, f.known(id)
}

func (f *fake) DeadLetterList(_ context.Context, id, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	_ = f.note("dead letters %q %d", cursor, limit)
	return v1.Page[v1.DeadLetter]{Items: []v1.DeadLetter{{ID: "company-7", Kind: "company", RecordID: "7"}}}, f.known(id)
}

func (f *fake) Requeue(_ context.Context, id string, req v1.RequeueRequest) error {
	_ = f.note("requeue %+v", req)
	return f.known(id)
}

func (f *fake) Dismiss(_ context.Context, id string, req v1.DismissRequest) error {
	if req.Code != "" {
		_ = f.note("dismiss code %s until %s", req.Code, req.Until.Format(time.TimeOnly))
	} else {
		_ = f.note("dismiss %s", strings.Join(req.IDs, " "))
	}
	return f.known(id)
}

func (f *fake) Bridges(_ context.Context, id string) ([]v1.BridgeStatus, error) {
	_ = f.note("bridges")
	return []v1.BridgeStatus{{GUID: "g", Name: "rule"}}, f.known(id)
}

func (f *fake) RotateBridge(_ context.Context, id, guid string, now bool) (v1.Bridge, error) {
	_ = f.note("rotate bridge %s %v", guid, now)
	return v1.Bridge{GUID: guid, Secret: "shown once", URL: "https://cs.example/callbacks"}, f.known(id)
}

func (f *fake) EndBridge(_ context.Context, id, guid string) error {
	_ = f.note("end bridge %s", guid)
	return f.known(id)
}

func (f *fake) CreateBridge(_ context.Context, id, name string) (v1.Bridge, error) {
	_ = f.note("%s", strings.TrimSpace("bridge "+name))
	return v1.Bridge{GUID: "g", Secret: "shown once", URL: "https://cs.example/callbacks"}, f.known(id)
}

func (f *fake) DecideMassChange(_ context.Context, id string, approve bool) error {
	_ = f.note("held %v", approve)
	return f.known(id)
}

// Feed tells of one outcome and ends.
func (f *fake) Feed(_ context.Context, id string) (<-chan v1.FeedEvent, error) {
	_ = f.note("feed")
	events := make(chan v1.FeedEvent, 1)
	events <- v1.FeedEvent{
		At: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Kind: v1.KindCompany, ID: "7", Name: "A\nB",
		Outcome: v1.OutcomePushed, Trigger: v1.TriggerCallback, Pushed: true,
	}
	close(events)
	return events, f.known(id)
}

func (f *fake) Recent(_ context.Context, id string, limit int) ([]v1.FeedEvent, error) {
	_ = f.note("activity %d", limit)
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.FeedEvent{{At: at, Kind: v1.KindContract, ID: "8", Outcome: v1.OutcomeNotMet, Trigger: v1.TriggerPoll}}, f.known(id)
}

func (f *fake) Hours(_ context.Context, id string) ([]v1.HistoryHour, error) {
	_ = f.note("history")
	from := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.HistoryHour{{From: from, Changes: 4, Pushed: 2, Unchanged: 1, Failed: 3}}, f.known(id)
}

type tokens struct{ *fake }

func (f tokens) List() []v1.Token {
	return []v1.Token{{ID: "t-1", Name: "ops", Role: v1.RoleOperator, Installations: []string{one}}}
}

func (f tokens) Create(_ context.Context, in v1.CreateToken) (v1.NewToken, error) {
	return v1.NewToken{ID: "t-1", Token: "shown once"}, f.note("create token %s %s %v %v", in.Name, in.Role, in.Installations, in.ExpiresAt)
}

func (f tokens) Rotate(_ context.Context, id string, now bool) (v1.NewToken, error) {
	return v1.NewToken{ID: id, Token: "shown once"}, f.note("rotate token %s %v", id, now)
}

func (f tokens) Delete(_ context.Context, id string) error { return f.note("delete token %s", id) }

type auditor struct{ *fake }

func (f auditor) Audit(_ context.Context, e v1.AuditEntry) { f.audited = append(f.audited, e) }

func (f *fake) config() Config {
	return Config{
		Installations: f, Setup: f, Settings: f, Webhooks: f, Records: f, Jobs: f, DeadLetters: f, Activity: f,
		Audit: trail{f}, Backups: backupOf{f, ""}, Tokens: tokens{f},
		Auditor: auditor{f}, Log: zap.NewNop(),
		Now: func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) },
	}
}

// served is the API as the admin listener has it, asked by whoever has --admin-token.
func served(cfg Config) http.Handler {
	return servedTo(cfg, v1.Identity{ID: "root", Name: "root", Role: v1.RoleAdmin})
}

// servedTo is the API asked by somebody.
func servedTo(cfg Config, who v1.Identity) http.Handler {
	api := New(cfg)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := identity.Caller{Identity: who, Actor: access.Actor(r), Address: "203.0.113.9", Request: "r-1"}
		api.ServeHTTP(w, r.WithContext(identity.With(r.Context(), caller)))
	})
}

// send makes a request of h, and holds the answer to the document of the API.
func send(t *testing.T, h http.Handler, method, path, body string, header ...string) *http.Response {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, path, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	documented(t, r, w)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	harness.OK(t, err)
	return strings.TrimSpace(string(b))
}

// problem reads a refusal, and checks what every one of them must have.
func problem(t *testing.T, resp *http.Response) v1.Problem {
	t.Helper()
	var p v1.Problem
	body := text(t, resp)
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if p.Status != resp.StatusCode || p.Code == "" || p.Title == "" || p.Type == "" || p.Detail == "" ||
		resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("incomplete problem for %d (%s): %s", resp.StatusCode, resp.Header.Get("Content-Type"), body)
	}
	return p
}

const goodCreate = `{"name":"Acme MSP","username":"api@acme.example","secret":"s3cr3t","trackingIdentifier":"TRACK",
"syncs":["active_customers"],"channelProgram":{"connectionId":"c1","token":"t0k3n"},"options":{"emails":"primary"}}`

func (f *fake) ReconcileRecords(_ context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error) {
	return f.bulk(id, "reconcile", len(req.Records), req.Filter != nil, req.Expect, fmt.Sprint(req.Filter))
}

func (f *fake) ExcludeRecords(_ context.Context, id string, req v1.BulkRecords) (v1.BulkResult, error) {
	return f.bulk(id, "exclude", len(req.Records), req.Filter != nil, req.Expect, fmt.Sprint(req.Filter, req.DryRun))
}

func (f *fake) BulkDeadLetters(_ context.Context, id string, req v1.BulkDeadLetters) (v1.BulkResult, error) {
	return f.bulk(id, req.Action, len(req.IDs), req.Filter != nil, req.Expect, fmt.Sprint(req.Filter))
}

func (f *fake) bulk(id, action string, named int, filtered bool, expect *int, filter string) (v1.BulkResult, error) {
	_ = f.note("bulk %s %d %s", action, named, filter)
	out := v1.BulkResult{Count: named, Done: named}
	if filtered && expect != nil {
		out = v1.BulkResult{Count: *expect, Job: "j-9"}
	}
	return out, f.known(id)
}
