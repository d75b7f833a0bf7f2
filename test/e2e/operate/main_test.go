// Package operate holds the end-to-end tests of what operators do with a live
// installation (bridges, dead letters, replay, resync, explain, options, the feed)
// and of contracts, which no webhook tells of. It drives a whole service between
// two simulated vendors (test/harness/service) from the outside.
package operate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
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

const (
	customers = v1.SyncActiveCustomers
	contracts = v1.SyncActiveCustomerContracts
)

// start starts a harness in which bursts are gathered for a moment only.
func start(t *testing.T, opts service.Options) *service.Harness {
	t.Helper()
	opts.Autotask.Modes.CalloutsPerHour, opts.Autotask.Modes.HourlyThreshold = -1, -1
	settings := map[string]string{"coalesce-window": "20ms"}
	for k, v := range opts.Settings {
		settings[k] = v
	}
	opts.Settings = settings
	return service.New(t, opts)
}

// seeded starts a harness with a believable tenant.
func seeded(t *testing.T, companies int, opts service.Options) *service.Harness {
	t.Helper()
	w := start(t, opts)
	w.Autotask.Seed(atsim.SeedSpec{Companies: companies, Seed: 7, UnitPeriods: 3})
	return w
}

// put stores a row at Autotask and returns its id.
func put(w *service.Harness, entity string, fields atsim.Row) int64 {
	return w.Autotask.Put(entity, fields)
}

// company puts an active customer and returns its id.
func company(w *service.Harness, name string) int64 {
	return put(w, "Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100"})
}

// agreement puts a fixed price contract of a company and returns its id.
func agreement(w *service.Harness, company int64, name string) int64 {
	now := time.Now()
	return put(w, "Contracts", atsim.Row{
		"companyID": company, "contractName": name, "contractType": 3, "status": 1, "estimatedCost": 1250,
		"startDate": now, "endDate": now.AddDate(1, 0, 0),
	})
}

// edit changes a row at Autotask as a person would.
func edit(w *service.Harness, entity string, id int64, fields atsim.Row) {
	w.T.Helper()
	if err := w.Autotask.Edit(entity, id, fields); err != nil {
		w.T.Fatal(err)
	}
}

// text is an id as our JSON has it.
func text(id int64) string { return strconv.FormatInt(id, 10) }

// settled waits until every callout is delivered and nothing is due any more.
func settled(w *service.Harness, id string) {
	w.T.Helper()
	w.DeliverAll(60 * time.Second)
	w.Until(id, "is at rest", 30*time.Second, func(in v1.Installation) bool { return in.Backlog == 0 && len(in.Jobs) == 0 })
}

// pushed is what Channel Program was sent since the last reset.
func pushed(w *service.Harness) []cpsim.Push { return w.Target.Pushes(service.Connection) }

// nothingPushed says so when something was.
func nothingPushed(t *testing.T, w *service.Harness, why string) {
	t.Helper()
	if p := pushed(w); len(p) > 0 {
		t.Errorf("%s: %d pushes, the first one %s %s: %s", why, len(p), p[0].Entity, p[0].ExternalID, p[0].Body)
	}
}

// ended waits until a job has ended.
func ended(t *testing.T, w *service.Harness, id string, ref v1.JobRef, err error) v1.Job {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var j v1.Job
	w.Eventually("job "+ref.Job+" ends", 40*time.Second, func() error {
		var err error
		if j, err = w.Admin.Job(t.Context(), id, ref.Job); err == nil && j.State == v1.JobRunning {
			err = fmt.Errorf("it runs: %+v", j)
		}
		return err
	})
	return j
}

// named wants a client's name.
func named(name string) func(cpsim.ClientInput) bool {
	return func(c cpsim.ClientInput) bool { return c.Name == name }
}

// called wants a contract's name.
func called(name string) func(cpsim.ContractInput) bool {
	return func(c cpsim.ContractInput) bool { return c.Name != nil && *c.Name == name }
}

// had wants a record's outcome.
func had(o v1.Outcome) func(v1.RecordDetail) bool {
	return func(r v1.RecordDetail) bool { return r.Outcome == o }
}

// refuse puts a fault in force at Channel Program.
func refuse(t *testing.T, w *service.Harness, f cpsim.Fault) {
	t.Helper()
	if _, err := w.Target.SetFault(f); err != nil {
		t.Fatal(err)
	}
}

// post sends a body signed with a secret, and returns the status.
func post(ctx context.Context, t *testing.T, url, secret string, body []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set(callout.SignatureHeader, callout.Sign(secret, body))
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// hook is the registration for companies.
func hook(t *testing.T, w *service.Harness) atsim.Webhook {
	t.Helper()
	for _, h := range w.Autotask.Webhooks() {
		if h.Collection == "CompanyWebhooks" {
			return h
		}
	}
	t.Fatal("companies have no registration")
	return atsim.Webhook{}
}

// issue finds the issue of a code.
func issue(in v1.Installation, code string) (v1.Issue, bool) {
	for _, i := range in.Issues {
		if i.Code == code {
			return i, true
		}
	}
	return v1.Issue{}, false
}

// hasIssue waits until an installation has an issue and returns it.
func hasIssue(w *service.Harness, id, code string) v1.Issue {
	w.T.Helper()
	var found v1.Issue
	w.Until(id, "has the issue "+code, soon, func(in v1.Installation) bool {
		var ok bool
		found, ok = issue(in, code)
		return ok
	})
	return found
}

func hasNoIssue(w *service.Harness, id, code string) {
	w.T.Helper()
	w.Until(id, "has no issue "+code, soon, func(in v1.Installation) bool {
		_, ok := issue(in, code)
		return !ok
	})
}

// reconcile syncs a record now and waits for it to come out as wanted.
func reconcile(w *service.Harness, id string, kind v1.Kind, record int64, want v1.Outcome) v1.RecordDetail {
	w.T.Helper()
	before := time.Now()
	if err := w.Admin.ReconcileRecord(w.T.Context(), id, kind, text(record)); err != nil {
		w.T.Fatal(err)
	}
	return w.RecordBecomes(id, kind, record, soon, func(r v1.RecordDetail) bool {
		return r.Outcome == want && r.ReconciledAt != nil && r.ReconciledAt.After(before)
	})
}
