package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/collector"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
)

// soon is how long anything may take that a user would call immediate; generous, since tests share their machine.
const soon = 45 * time.Second

const (
	senders     = "0af7651916cd43dd8448eb211c80319c"
	sendersSpan = "b7ad6b7169203331"
)

// below says which span each one of a callback's trace is a child of.
var below = map[string]string{
	"publish change": "callback", "store round": "publish change", "dispatch change": "publish change",
	"reconcile record": "dispatch change", "reconcile batch": "reconcile record",
	"fetch": "reconcile batch", "decide": "reconcile batch", "project": "reconcile batch", "commit": "reconcile batch",
	"push": "reconcile record", "Channel Program: put contract": "push", "Autotask: query Contracts": "fetch",
}

// TestOneCallbackIsOneTrace follows an edit from the sender of its callback to Channel Program's
// answer: no poll comes to the rescue, and Autotask itself says nothing.
func TestOneCallbackIsOneTrace(t *testing.T) {
	received := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "250")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
	logFile := filepath.Join(t.TempDir(), "log")
	w := service.New(t, service.Options{
		Log: service.NewLog(t, logFile), Settings: map[string]string{"contract-poll-interval": "1h", "contract-parts-interval": "1h"},
	})
	contract := w.Agreement(w.Company("Northwind Dental"), "Care one")
	in := w.Install()
	w.Agree(soon)
	w.Quiesce(in.ID)
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Lose})
	bridge, err := w.Admin.CreateBridge(t.Context(), in.ID, "")
	harness.OK(t, err)

	w.Edit("Contracts", contract, atsim.Row{"contractName": "Care two"})
	notice := callout.Envelope{Action: "Update", GUID: bridge.GUID, EntityType: "Contract", ID: contract, EventTime: time.Now(), Sequence: 1}.Encode()
	traced := func(r *http.Request) { r.Header.Set("traceparent", "00-"+senders+"-"+sendersSpan+"-01") }
	if got := service.Post(t, bridge.URL, "forged", notice, traced); got != http.StatusUnauthorized {
		t.Fatalf("a forged callback: %d, want 401", got)
	}
	if got := service.Post(t, bridge.URL, bridge.Secret, notice, traced); got != http.StatusAccepted {
		t.Fatalf("the callback: %d, want 202", got)
	}
	w.ContractBecomes(contract, "the edit", soon, service.Called("Care two"))
	w.Idle(in.ID, soon)
	w.Eventually("metrics are received", soon, func() error {
		for _, name := range []string{"channelsync_deliveries_total", "channelsync_freshness_seconds", "go_goroutines"} {
			if !received.HasMetric(name) {
				return fmt.Errorf("no %s", name)
			}
		}
		return nil
	})
	record := w.Record(in.ID, v1.KindContract, contract)
	w.Stop() // hands over the rest

	spans := received.Trace(senders)
	names := map[string]string{sendersSpan: "the sender's"}
	for _, s := range spans {
		names[s.ID] = s.Name
	}
	found := map[string]int{}
	for _, s := range spans {
		found[s.Name]++
		if want, known := below[s.Name]; known && names[s.Parent] != want {
			t.Errorf("%q is below %q, want %q", s.Name, names[s.Parent], want)
		}
		if names[s.Parent] == "" {
			t.Errorf("%q has a parent that was not received", s.Name)
		}
		if s.Name == "callback" && s.Parent != sendersSpan {
			t.Errorf("the callback is below %s, want the sender's span: the forged one is not traced", s.Parent)
		}
		if s.Failed {
			t.Errorf("%q failed", s.Name)
		}
	}
	for name := range below {
		if found[name] != 1 {
			t.Errorf("%d spans %q, want 1", found[name], name)
		}
	}
	if found["callback"] != 1 {
		t.Errorf("%d callbacks are traced, want the authentic one", found["callback"])
	}
	for _, s := range spans {
		if s.Name == "reconcile record" && (s.Attributes["channelsync.outcome"] != "pushed" || s.Attributes["channelsync.target.outcome"] != "updated") {
			t.Errorf("the record's span says %v", s.Attributes)
		}
	}
	if received.About("service.name") != "channelsync" || received.About("service.version") != "test" || received.About("deployment.environment.name") != "test" {
		t.Error("the service is not named as it should be")
	}
	if len(record.Timeline) == 0 || record.Timeline[len(record.Timeline)-1].TraceID != senders {
		t.Errorf("the timeline does not end with the trace: %+v", record.Timeline)
	}
	logged(t, logFile, "callback", names)
	logged(t, logFile, "reconciled", names)
}

// logged wants a line of the log that names the trace and one of its spans.
func logged(t *testing.T, path, message string, names map[string]string) {
	t.Helper()
	text, err := os.ReadFile(path)
	harness.OK(t, err)
	for line := range bytes.Lines(text) {
		var l struct {
			Msg   string `json:"msg"`
			Trace string `json:"trace_id"`
			Span  string `json:"span_id"`
		}
		if json.Unmarshal(line, &l) == nil && l.Msg == message && l.Trace == senders && names[l.Span] != "" {
			return
		}
	}
	t.Errorf("no line %q names the trace and a span of it", message)
}

// TestOperatorsShareHoldsWhateverASenderAsks has a sender that wants every callback recorded.
func TestOperatorsShareHoldsWhateverASenderAsks(t *testing.T) {
	received := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", received.URL+"/v1/traces")
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	w := service.New(t, service.Options{})
	company := w.Company("Northwind Dental")
	in := w.Install(v1.SyncActiveCustomers)
	hook := w.Hook("CompanyWebhooks")
	for n := range int64(20) {
		notice := callout.Envelope{Action: "Update", GUID: hook.GUID, EntityType: "Account", ID: company, EventTime: time.Now(), Sequence: 1000 + n}.Encode()
		traced := func(r *http.Request) { r.Header.Set("traceparent", "00-"+senders+"-"+sendersSpan+"-01") }
		if got := service.Post(t, hook.URL, hook.Secret, notice, traced); got != http.StatusAccepted {
			t.Fatalf("callback %d: %d", n, got)
		}
	}
	w.Idle(in.ID, soon)
	w.Stop()
	if spans := received.Spans(); len(spans) != 0 {
		t.Errorf("%d spans were received, want none: %v", len(spans), spans[0])
	}
}

// TestCollectorThatHangsHoldsNothingUp has one that takes requests and answers none, and a queue
// that is full at once.
func TestCollectorThatHangsHoldsNothingUp(t *testing.T) {
	hanging, release := collector.StartHanging(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", hanging.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	t.Setenv("OTEL_BSP_MAX_QUEUE_SIZE", "4")
	t.Setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2")
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(20)
	w.Install(v1.SyncActiveCustomers)
	for _, id := range ids {
		w.Rename(id, fmt.Sprintf("Renamed %d", id))
	}
	w.Agree(soon, v1.SyncActiveCustomers)
	<-hanging.Arrived()
	for _, id := range ids { // while an export hangs and the queue is full
		w.Rename(id, fmt.Sprintf("Renamed again %d", id))
	}
	w.Agree(soon, v1.SyncActiveCustomers)
	began := time.Now()
	w.Stop()
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the stop took %s", took)
	}
	release()
}

// TestStopHandsOverTheLastMetrics ends long before metrics are due.
func TestStopHandsOverTheLastMetrics(t *testing.T) {
	received := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.URL+"/v1/metrics")
	logFile := filepath.Join(t.TempDir(), "log")
	w := service.New(t, service.Options{Log: service.NewLog(t, logFile)})
	w.Company("Northwind Dental")
	w.Install(v1.SyncActiveCustomers)
	w.Stop()
	if !received.HasMetric("channelsync_reconciles_total") {
		text, _ := os.ReadFile(logFile)
		t.Errorf("they were not received; the log ends with %s", text[max(0, len(text)-2000):])
	}
	if received.HasMetric("channelsync_freshness_seconds") && len(received.Spans()) != 0 {
		t.Error("spans were received, too, although nobody asked for traces")
	}
}
