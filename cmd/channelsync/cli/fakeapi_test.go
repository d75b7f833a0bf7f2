package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers"
	"channelsync/handlers/admin"
	"channelsync/handlers/health"
)

const (
	acme   = "01jxacmeaaaaaaaaaaaaaaaaaa"
	zenith = "01jxzenithaaaaaaaaaaaaaaaa"
	token  = "right-token-of-this-test-world"
)

// fakeAPI is a service without a sync: the real admin API before a sync side that
// only remembers what it was asked.
type fakeAPI struct {
	*httptest.Server
	admin.Activity // no command asks for it

	mu            sync.Mutex
	installations []v1.Installation
	asked         []string
	refusals      map[string]*v1.Problem // by the operation's first word
	polls         map[string]int         // at each job
	claims        map[string]v1.Claim    // by installation
	notReady      error
	limited, down bool
	blind         bool // at the next comparison
	checks        []v1.Check
}

func newFakeAPI() *fakeAPI {
	w := &fakeAPI{refusals: map[string]*v1.Problem{}, polls: map[string]int{}, claims: map[string]v1.Claim{}}
	w.installations = []v1.Installation{anInstallation(acme, "Acme MSP")}
	w.checks = []v1.Check{
		{Name: "zone", OK: true, Detail: "The zone is UK."},
		{Name: "credentials", OK: true, Detail: "Autotask accepts them."},
		{Name: "webhooks", Detail: "The API user may not create webhooks.", Fix: "Tick \"Can create webhooks\"."},
		{Name: "channel_program", OK: true, Detail: "Channel Program accepts the connection."},
	}
	api := admin.New(admin.Config{
		Installations: w, Setup: w, Settings: w, Webhooks: w, Records: w, Jobs: w, DeadLetters: w, Activity: w,
		Audit: trail{w}, Backups: backupsOf{w}, Tokens: tokens{w},
		Auditor: noAudit{}, Log: zap.NewNop(),
	})
	adminListener, err := handlers.Admin(handlers.AdminConfig{
		API: api, Tokens: rootOnly{}, Key: token, Metrics: prometheus.NewRegistry(), Log: zap.NewNop(),
		Ready: []health.Check{
			{Name: "nats", Probe: func(context.Context) (string, error) { return "server 2.15", w.unready() }},
			{Name: "flush", Probe: func(context.Context) (string, error) { return "warning: the flush setting is 2m", nil }},
		},
	})
	if err != nil {
		panic(err) // the pages are part of the binary
	}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		down := w.down
		w.mu.Unlock()
		if down {
			panic(http.ErrAbortHandler)
		}
		adminListener.ServeHTTP(rw, r)
	}))
	return w
}

// rootOnly knows the one token that the commands have.
type rootOnly struct{}

func (rootOnly) Authenticate(given v1.Secret) (v1.Identity, bool) {
	who, ok := rootOnly{}.Current("root", 0)
	return who, ok && given == token
}

func (rootOnly) Current(id string, _ int) (v1.Identity, bool) {
	return v1.Identity{ID: "root", Name: "root", Role: v1.RoleAdmin}, id == "root"
}

type noAudit struct{}

func (noAudit) Audit(context.Context, v1.AuditEntry) {}

func anInstallation(id, name string) v1.Installation {
	now := time.Now()
	called, p50, p95 := now.Add(-3*time.Minute), 0.4, 2.1
	compared, again := now.Add(-129*time.Minute-30*time.Second), now.Add(90*time.Second)
	return v1.Installation{
		ID: id, Name: name, State: v1.StateLive, CreatedAt: now.Add(-50 * time.Hour),
		Zone: v1.Zone{Name: "UK", URL: "https://webservices16.autotask.net/atservicesrest"},
		Syncs: map[v1.Sync]v1.SyncStatus{
			v1.SyncActiveCustomers: {State: v1.SyncRunning, Counts: v1.Counts{InScope: 3, Pushed: 2, Unchanged: 1, NotMet: 1}},
		},
		Webhooks: []v1.Webhook{{Entity: "Companies", ID: 12, GUID: "g-12", Active: true, LastCallbackAt: &called}},
		Backlog:  2, Freshness: v1.Freshness{P50Seconds: &p50, P95Seconds: &p95},
		Parts:   &v1.PartsFreshness{ComparedSince: &compared, NextAt: &again, EverySeconds: 131 * 60, Contracts: 1900, Requests: 417},
		Options: v1.Options{Emails: "primary", Exclude: []int64{5}},
		Issues: []v1.Issue{{
			Code: "webhook_not_allowed", Severity: v1.SeverityAct, Title: "Autotask does not allow webhooks to be created",
			Detail: "Changes are found by polling.", Fix: "Tick the box.", FirstAt: now.Add(-3 * time.Hour), LastAt: now,
		}},
	}
}

// note remembers what was asked, and refuses it when a script says so.
func (w *fakeAPI) note(format string, args ...any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	line := fmt.Sprintf(format, args...)
	w.asked = append(w.asked, line)
	op, _, _ := strings.Cut(line, " ")
	if p := w.refusals[op]; p != nil {
		return p
	}
	return nil
}

func (w *fakeAPI) unready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.notReady
}

func (w *fakeAPI) tried() []v1.Check {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.checks)
}

func (w *fakeAPI) get(id string) (v1.Installation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.installations {
		if in.ID == id {
			return in, nil
		}
	}
	return v1.Installation{}, v1.NotFound("There is no such installation.")
}

func (w *fakeAPI) Create(_ context.Context, in v1.CreateInstallation) (v1.Installation, error) {
	err := w.note("create %s user=%s secret=%s tracking=%s zone=%q syncs=%v connection=%s token=%s options=%+v",
		in.Name, in.Username, in.Secret.Reveal(), in.TrackingIdentifier.Reveal(), in.Zone, in.Syncs,
		in.ChannelProgram.ConnectionID, in.ChannelProgram.Token.Reveal(), in.Options)
	made := anInstallation(w.madeID(in), in.Name)
	made.State = v1.StateBackfilling
	made.Jobs = []v1.Job{{ID: "j-1", Type: "backfill", State: v1.JobRunning, Total: 10, Done: 4}}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.installations = append(w.installations, made)
	return made, err
}

func (w *fakeAPI) PreviewCreate(_ context.Context, in v1.CreateInstallation) (v1.SetupPreview, error) {
	out := v1.SetupPreview{Checks: w.tried(), Complete: in.Zone != "slow"}
	out.Companies = v1.PreviewCounts{Total: 412, WillSync: 187, WillNot: 225, Reasons: []v1.PreviewReason{
		{Code: v1.ReasonTypeNotCustomer, Count: 200, Detail: "company type is not Customer"},
		{Code: v1.ReasonStatusInactive, Count: 25, Detail: "company is not active"},
	}}
	out.Contracts.PreviewCounts = v1.PreviewCounts{Total: 240, WillSync: 240}
	out.Contracts.WithoutVendor, out.Contracts.WithoutCost = 31, 7
	return out, w.note("preview %s", in.Name)
}

func (w *fakeAPI) List(context.Context) ([]v1.Installation, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.installations), nil
}

// Get shows a backfill as done from the second look on.
func (w *fakeAPI) Get(_ context.Context, id string) (v1.Installation, error) {
	in, err := w.get(id)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polls[id]++; w.polls[id] > 1 && in.State == v1.StateBackfilling {
		in.State, in.Jobs = v1.StateLive, nil
	}
	return in, err
}

func (w *fakeAPI) TryCreate(_ context.Context, in v1.CreateInstallation) (v1.Checks, error) {
	return v1.Checks{Checks: w.tried()}, w.note("try %s", in.Name)
}

// ChoicesOf knows one name of each kind.
func (w *fakeAPI) ChoicesOf(_ context.Context, in v1.CreateInstallation, _ v1.ChoiceQuery) (v1.SetupChoices, error) {
	out := v1.SetupChoices{Options: *in.Options}
	var wrong []v1.FieldError
	for _, name := range in.Names.ContractTypes {
		if name == "Recurring Service" {
			out.Options.ContractTypes = append(out.Options.ContractTypes, 7)
			continue
		}
		wrong = append(wrong, v1.FieldError{Pointer: "#/options/contractTypes", Code: "unknown_name", Detail: `no contract type is called "` + name + `"; near: Recurring Service (7)`})
	}
	for _, name := range in.Names.Exclude {
		if name == "Acme, Inc." {
			out.Options.Exclude = append(out.Options.Exclude, 9)
			continue
		}
		wrong = append(wrong, v1.FieldError{Pointer: "#/options/exclude", Code: "ambiguous_name", Detail: `"` + name + `" is the name of several: ` + name + ` (1), ` + name + ` (2); give the id`})
	}
	if len(wrong) > 0 {
		return v1.SetupChoices{}, v1.Invalid("Some names are not known in Autotask.", wrong...)
	}
	return out, w.note("choices of %s", in.Name)
}

func (w *fakeAPI) Test(_ context.Context, id string) (v1.Checks, error) {
	return v1.Checks{Checks: w.tried()}, w.note("test %s", id)
}

func (w *fakeAPI) Zones() []v1.Zone {
	return []v1.Zone{{Name: "UK", URL: "https://webservices16.autotask.net/atservicesrest"}}
}

func (w *fakeAPI) FindZone(_ context.Context, username string) (v1.Zone, bool, error) {
	return v1.Zone{}, false, w.note("find zone of %s", username)
}

func (w *fakeAPI) Update(_ context.Context, id string, in v1.UpdateInstallation) (v1.Installation, error) {
	name := "-"
	if in.Name != nil {
		name = *in.Name
	}
	names := ""
	if in.Names != nil {
		names = fmt.Sprintf(" names=%+v", *in.Names)
	}
	if err := w.note("update name=%s options=%+v%s", name, in.Options, names); err != nil {
		return v1.Installation{}, err
	}
	w.updated(id, in)
	return w.get(id)
}

func (w *fakeAPI) Choices(context.Context, string) (v1.Choices, error) {
	return v1.Choices{ContractTypes: []v1.Choice{{ID: 7, Name: "Recurring Service", Records: new(12)}}}, w.note("choices")
}

func (w *fakeAPI) Preview(_ context.Context, _ string, in v1.UpdateInstallation) (v1.Preview, error) {
	return v1.Preview{Enter: 1, Leave: 2, Change: 3, Sample: []v1.PreviewRecord{
		{Kind: v1.KindCompany, ID: "5", Name: "Five", Effect: "enter"},
		{Kind: v1.KindCompany, ID: "7", Name: "Acme GmbH", Effect: "change", Differences: []v1.Difference{{Field: "emails", From: "a", To: "b"}}},
	}}, w.note("preview options=%+v", in.Options)
}

func (w *fakeAPI) SetCredentials(_ context.Context, id string, in v1.Credentials) (v1.Installation, error) {
	if err := w.note("credentials %s %s %s", in.Username, in.Secret.Reveal(), in.TrackingIdentifier.Reveal()); err != nil {
		return v1.Installation{}, err
	}
	return w.get(id)
}

func (w *fakeAPI) SetChannelProgram(_ context.Context, id string, in v1.ChannelProgramTarget) (v1.Installation, error) {
	if err := w.note("target %s %s", in.ConnectionID, in.Token.Reveal()); err != nil {
		return v1.Installation{}, err
	}
	return w.get(id)
}

func (w *fakeAPI) Do(_ context.Context, id string, sync v1.Sync, action string) error {
	return w.note("do %s %s %s", action, id, sync)
}

func (w *fakeAPI) RepairWebhooks(_ context.Context, id string) error { return w.note("repair %s", id) }

func (w *fakeAPI) RotateSecrets(_ context.Context, id string) error { return w.note("rotate %s", id) }

func (w *fakeAPI) Bridges(context.Context, string) ([]v1.BridgeStatus, error) {
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.BridgeStatus{{GUID: "g-b", Name: "Workflow rule", CreatedAt: at}, {GUID: "g-c", CreatedAt: at, LastUsedAt: &at}}, nil
}

func (w *fakeAPI) RotateBridge(_ context.Context, id, guid string, now bool) (v1.Bridge, error) {
	return v1.Bridge{GUID: guid, Secret: "b-again", URL: "https://cs.example/callbacks/autotask/" + id}, w.note("rotate bridge %s %v", guid, now)
}

func (w *fakeAPI) EndBridge(_ context.Context, _, guid string) error {
	return w.note("end bridge %s", guid)
}

func (w *fakeAPI) CreateBridge(_ context.Context, id, name string) (v1.Bridge, error) {
	return v1.Bridge{GUID: "g-b", Secret: "b-secret", URL: "https://cs.example/callbacks/autotask/" + id}, w.note("bridge %s %s", id, name)
}

type tokens struct{ *fakeAPI }

func (w tokens) List() []v1.Token {
	used := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return []v1.Token{
		{ID: "t-1", Name: "Acme ops", Role: v1.RoleOperator, Installations: []string{acme}, CreatedAt: used, LastUsedAt: &used},
		{ID: "t-2", Name: "monitoring", Role: v1.RoleViewer, Installations: []string{}, CreatedAt: used},
	}
}

func (w tokens) Create(_ context.Context, in v1.CreateToken) (v1.NewToken, error) {
	until := "never"
	if in.ExpiresAt != nil {
		until = in.ExpiresAt.Format(time.RFC3339)
	}
	return v1.NewToken{ID: "t-3", Token: "cst_new"}, w.note("token %s %s %v %s", in.Name, in.Role, in.Installations, until)
}

func (w tokens) Rotate(_ context.Context, id string, now bool) (v1.NewToken, error) {
	return v1.NewToken{ID: id, Token: "cst_again"}, w.note("rotate token %s %v", id, now)
}

func (w tokens) Delete(_ context.Context, id string) error { return w.note("delete token %s", id) }

func (w *fakeAPI) DecideMassChange(_ context.Context, id string, approve bool) error {
	return w.note("held %v %s", approve, id)
}

func (w *fakeAPI) Status(context.Context) (v1.Status, error) {
	st := v1.Status{Version: "v1.2.3", Ready: w.unready() == nil}
	all, _ := w.List(context.Background())
	for _, in := range all {
		st.Installations = append(st.Installations, v1.InstallationStatus{
			ID: in.ID, Name: in.Name, State: in.State, Backlog: in.Backlog, Freshness: in.Freshness, Parts: in.Parts, Issues: in.Issues,
		})
	}
	return st, w.note("status")
}

type trail struct{ *fakeAPI }

func (w trail) List(q v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	next := "a-2"
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return v1.Page[v1.AuditEntry]{
		Items:      []v1.AuditEntry{{At: at, Who: "root", Actor: "cli", Address: "127.0.0.1", Action: "installation.stop", Installation: acme, OK: true}},
		NextCursor: &next,
	}, w.note("audit %q %d", q.Cursor, q.Limit)
}

func (w trail) Verify(context.Context) (v1.AuditVerification, error) {
	v := v1.AuditVerification{OK: true, Entries: 3, First: 1, Last: 3, Before: 2}
	err := w.note("verify")
	if p, refused := errors.AsType[*v1.Problem](err); refused && p.Code == "gap" {
		return v1.AuditVerification{Entries: 2, First: 1, Last: 3, Findings: []string{"Entry 2 is missing."}}, nil
	}
	return v, err
}

// script is what a script may change of it.
func (w *fakeAPI) script(args []string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case args[0] == "none":
		w.installations = nil
	case args[0] == "second":
		w.installations = append(w.installations, anInstallation(zenith, "Zenith IT"))
	case args[0] == "twin":
		w.installations = append(w.installations, anInstallation(zenith, "Acme MSP"))
	case args[0] == "state" && len(args) == 2:
		w.installations[0].State = v1.State(args[1])
	case args[0] == "blind":
		w.blind = true
	case args[0] == "limited":
		w.limited = true
	case args[0] == "down", args[0] == "up": // it cuts every connection
		w.down = args[0] == "down"
	case args[0] == "not-ready":
		w.notReady = errors.New("no connection")
	case args[0] == "unchecked":
		w.checks = append(w.checks, v1.Check{Name: "companies", Detail: "The API user may not read companies.", Fix: "Allow it."})
	case args[0] == "refuse" && len(args) >= 4: // refuse <operation> <status> <code> [detail] [hint]
		status, err := strconv.Atoi(args[2])
		if err != nil {
			return fmt.Errorf("read status: %w", err)
		}
		p := v1.NewProblem(status, args[3], "It is refused.", "Do something else.")
		p.Errors = []v1.FieldError{{Pointer: "#/zone", Code: "zone", Detail: "got X, want a zone"}}
		p.Checks = w.checks[2:3]
		w.refusals[args[1]] = p
	default:
		return fmt.Errorf("the fake API knows no %q", args)
	}
	return nil
}

func (w *fakeAPI) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.asked, "\n")
}

// broken answers everything as no channelsync would.
func broken() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
}
