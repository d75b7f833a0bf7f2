package e2e

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/collector"
	"channelsync/test/harness/files"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// haystack is text that must not hold any of the needles.
type haystack struct {
	t       *testing.T
	needles map[string]string // what it is → the text
}

func (h haystack) search(where string, text []byte) {
	h.t.Helper()
	for what, needle := range h.needles {
		if i := bytes.Index(text, []byte(needle)); i >= 0 {
			h.t.Errorf("%s holds %s: …%s…", where, what, bytes.ReplaceAll(text[max(0, i-80):i], []byte("\n"), []byte(" ")))
		}
	}
}

// TestNoSecretAnywhere runs an installation through good and bad times and then
// looks for its secrets in the logs, in what the admin API says, in error texts
// and in all that lies on disk; and for its clients' data on disk and in what is exported to a collector.
func TestNoSecretAnywhere(t *testing.T) {
	exported := collector.Start(t) // its variables are the process's, so this test runs beside no other
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", exported.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	logFile := filepath.Join(t.TempDir(), "debug.log")
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Log: service.NewLog(t, logFile)})
	id := w.Company("Northwind Dental")
	ann := w.Contact(id, "ann@northwind.example")
	contract := w.Agreement(id, "Northwind project")
	in := w.Install()
	w.Drain(in.ID)
	master, err := os.ReadFile(filepath.Join(w.DataDir, "master-key"))
	harness.OK(t, err)
	secrets := haystack{t, map[string]string{
		"Autotask's secret": service.Secret, "the tracking identifier": service.TrackingID, "Channel Program's token": service.Token,
		"the admin token": service.AdminToken, "the master key": strings.TrimSpace(string(master)),
		"a wrong secret": "Wrong-Secret-4711", "a wrong token": "wrong-token-4711", "another secret": "another-Secret-1",
	}}
	for _, h := range w.Autotask.Webhooks() {
		secrets.needles["the secret of "+h.Collection] = h.Secret
	}

	bridge, err := w.Admin.CreateBridge(t.Context(), in.ID, "")
	harness.OK(t, err)
	secrets.needles["the bridge's secret"] = bridge.Secret
	resync, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	harness.OK(t, err)
	feed := listen(t, w.AdminURL+"/api/v1/installations/"+in.ID+"/feed")
	said := badTimes(t, w, in.ID, id, ann)
	if received := feed(); !bytes.Contains(received, []byte("data:")) {
		t.Errorf("the feed told nothing: %q", received)
	} else {
		secrets.search("the feed", received)
	}
	for _, h := range w.Autotask.Webhooks() {
		secrets.needles["the new secret of "+h.Collection] = h.Secret
	}
	secrets.search("an error text", []byte(said))
	for _, path := range []string{
		"/zones", "/installations", "/installations/" + in.ID, "/installations/" + in.ID + "/records",
		"/installations/" + in.ID + "/records/company/" + service.Text(id),
		"/installations/" + in.ID + "/records/contract/" + service.Text(contract),
		"/installations/" + in.ID + "/records/company/" + service.Text(id) + "/explain", "/installations/" + in.ID + "/dead-letters",
		"/installations/" + in.ID + "/jobs/" + resync.Job, "/status", "/audit", "/openapi.yaml",
	} {
		secrets.search(path, get(t, w.AdminURL+"/api/v1"+path))
	}
	for _, path := range []string{"/metrics", "/readyz", "/"} {
		secrets.search(path, get(t, w.AdminURL+path))
	}
	w.Stop()
	log, err := os.ReadFile(logFile)
	harness.OK(t, err)
	if len(log) < 1000 || !bytes.Contains(log, []byte(`"level":"debug"`)) {
		t.Fatalf("only %d bytes of log", len(log))
	}
	secrets.search("the log", log)

	stored := haystack{t, secrets.needles}
	for what, needle := range map[string]string{
		"a company's name": "Northwind", "an e-mail address": "@northwind.example", "a phone number": "518-555-0100",
		"the user name": service.Username,
	} {
		stored.needles[what] = needle
	}
	if spans := exported.Spans(); len(spans) < 20 || !exported.HasMetric("channelsync_reconciles_total") {
		t.Errorf("only %d spans were exported, or no metrics", len(spans))
	}
	stored.search("what was exported", exported.Bodies())
	searchFiles(stored, w.DataDir)
	searchStreams(stored, w.DataDir)
}

// badTimes lets everything go wrong that speaks of secrets, and returns what callers received.
func badTimes(t *testing.T, w *service.Harness, installation string, company, contact int64) string {
	t.Helper()
	ctx := t.Context()
	var said []string
	want := func(what string, err error) {
		t.Helper()
		if err == nil {
			t.Errorf("%s: no error", what)
			return
		}
		said = append(said, err.Error())
	}
	w.Edit("Contacts", contact, atsim.Row{"emailAddress": "ann.lee@northwind.example"})
	w.ClientBecomes(company, "an edit", soon, emails("ann.lee@northwind.example"))

	wrong := v1.Credentials{Username: service.Username, Secret: "Wrong-Secret-4711", TrackingIdentifier: service.TrackingID}
	_, err := w.Admin.SetCredentials(ctx, installation, wrong)
	want("wrong credentials", err)
	target := v1.ChannelProgramTarget{ConnectionID: service.Connection, Token: "wrong-token-4711"}
	_, err = w.Admin.SetChannelProgram(ctx, installation, target)
	want("a wrong token", err)
	again := service.Create()
	_, err = w.Admin.CreateInstallation(ctx, again)
	want("a second installation", err)
	again.Username, again.Secret = "somebody@else.example", "Wrong-Secret-4711"
	_, err = w.Admin.CreateInstallation(ctx, again)
	want("an unknown user", err)

	// Signed, but no callback: kept as a dead letter, with a client's data in it.
	hook := w.Hook("CompanyWebhooks")
	odd := []byte(`{"Id":"none","Name":"Northwind Dental","Mail":"ann@northwind.example"}`)
	if status := service.Post(t, hook.URL, hook.Secret, odd); status != http.StatusBadRequest {
		t.Errorf("a signed body that is no callback: %d", status)
	}
	if err := w.Admin.RotateWebhookSecret(ctx, installation); err != nil {
		t.Error(err)
	}
	w.Refuse(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{service.Text(company)}, Code: "invalid", Pointer: "/name", Detail: "No.",
	})
	w.Edit("Companies", company, atsim.Row{"companyName": "Northwind Group"})
	w.RecordBecomes(installation, v1.KindCompany, company, soon, func(r v1.RecordDetail) bool {
		return r.Outcome == v1.OutcomeDead
	})
	w.Target.ClearFaults()

	w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnauthenticated})
	w.Edit("Companies", company, atsim.Row{"companyName": "Northwind Holding"})
	hasIssue(w, installation, "channel_program_refused")
	w.Target.ClearFaults()
	w.Autotask.SetSecret("another-Secret-1")
	w.Edit("Companies", company, atsim.Row{"companyName": "Northwind Dental"})
	hasIssue(w, installation, "credentials_refused")
	checks, err := w.Admin.TestInstallation(ctx, installation)
	if err != nil {
		t.Error(err)
	}
	for _, c := range checks.Checks {
		said = append(said, c.Name, c.Detail, c.Fix)
	}
	return strings.Join(said, "\n")
}

// get reads whatever a path answers.
func get(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	harness.OK(t, err)
	req.Header.Set("Authorization", "Bearer "+service.AdminToken)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	harness.OK(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	// Explaining asks an Autotask that refuses us: that is an answer, too.
	if err != nil || resp.StatusCode != http.StatusOK && !strings.HasSuffix(url, "/explain") {
		t.Errorf("%s: %d, %v: %s", url, resp.StatusCode, err, body)
	}
	return body
}

// listen reads a stream of events until the returned function is called, which returns what came.
func listen(t *testing.T, url string) (received func() []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	harness.OK(t, err)
	req.Header.Set("Authorization", "Bearer "+service.AdminToken)
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	harness.OK(t, err)
	body := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(resp.Body) // it ends when it is cancelled
		_ = resp.Body.Close()
		body <- all
	}()
	return func() []byte {
		cancel()
		return <-body
	}
}

// searchFiles looks through every file as it lies on disk, but the generated keys' own.
func searchFiles(h haystack, dir string) {
	h.t.Helper()
	n := files.Each(h.t, dir, func(path string, raw []byte) {
		if name := filepath.Base(path); name != "master-key" && name != "admin-token" {
			h.search(strings.TrimPrefix(path, dir), raw)
		}
	})
	if n < 5 {
		h.t.Errorf("%d files searched", n)
	}
}

// searchStreams looks through every message of every stream, as streams may be compressed on disk.
func searchStreams(h haystack, dir string) {
	h.t.Helper()
	ns, err := server.NewServer(&server.Options{
		JetStream: true, StoreDir: filepath.Join(dir, "nats"), DontListen: true, NoSigs: true,
	})
	harness.OK(h.t, err)
	ns.Start()
	defer func() { ns.Shutdown(); ns.WaitForShutdown() }()
	if !ns.ReadyForConnections(10 * time.Second) {
		h.t.Fatal("the store does not open")
	}
	nc, err := nats.Connect("", nats.InProcessServer(ns))
	harness.OK(h.t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	harness.OK(h.t, err)
	messages := 0
	for name := range js.StreamNames(h.t.Context()).Name() {
		messages += searchStream(h, js, name)
	}
	if messages < 10 {
		h.t.Errorf("only %d messages searched", messages)
	}
}

func searchStream(h haystack, js jetstream.JetStream, name string) (messages int) {
	h.t.Helper()
	stream, err := js.Stream(h.t.Context(), name)
	harness.OK(h.t, err)
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ { // 0 of a stream that nothing was stored in yet
		msg, err := stream.GetMsg(h.t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		harness.OK(h.t, err)
		messages++
		h.search(name+" "+msg.Subject, msg.Data)
		for key, values := range msg.Header {
			h.search(name+" header "+key, []byte(strings.Join(values, "\n")))
		}
	}
	return messages
}
