package store

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/callout"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

var keepStore = flag.String("make-store", "", "keep a store that this code makes in testdata, as that of `VERSION`")

// releaseKey sealed the stores that are kept. Nothing in them is anybody's.
const releaseKey = "cmVsZWFzZS1rZXktcmVsZWFzZS1rZXktcmVsZWFzZSE="

// held is what a store was known to hold when it was kept, one fact a line.
type held struct {
	MadeAt       time.Time
	Installation string // its id
	Companies    []int64
	Token        string   // of a viewer
	Journal      []string // by the order of storing
	Facts        []string // that the admin API tells
}

// TestStoresOfReleasesOpen: a store that a release left is opened by this code, holds what it held, and goes on working.
//
// To keep the store of another release, from its commit:
//
//	go test ./test/e2e/store -run '^TestStoresOfReleasesOpen$' -make-store 0.9.0
func TestStoresOfReleasesOpen(t *testing.T) {
	if *keepStore != "" {
		keep(t, filepath.Join("testdata", "store-"+*keepStore))
	}
	stores, err := filepath.Glob(filepath.Join("testdata", "store-*.tar.gz"))
	if err != nil || len(stores) == 0 {
		t.Fatalf("no store of a release is kept: %v", err)
	}
	for _, file := range stores {
		name := strings.TrimSuffix(file, ".tar.gz")
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			opens(t, name)
		})
	}
}

// releaseSettings keep what is in a store from being dropped for its age.
func releaseSettings() map[string]string {
	return map[string]string{"master-key": releaseKey, "retention": "876000h"}
}

// msp makes the records that every store that is kept is of, in their last state.
func msp(w *service.Harness) (companies []int64) {
	companies = w.Companies(12)
	w.Edit("Companies", companies[10], atsim.Row{"companyType": 2})
	w.Edit("Companies", companies[11], atsim.Row{"isActive": false})
	for i, id := range companies[:4] {
		w.Contact(id, fmt.Sprintf("ann%d@client.example", i))
		w.Agreement(id, fmt.Sprintf("Managed services %d", i))
	}
	return companies
}

const renamed = "Renamed by a callback"

// keep makes a store by what people and Autotask do with a service, and writes it with what it holds.
func keep(t *testing.T, name string) {
	t.Helper()
	w := service.New(t, service.Options{Autotask: service.Unlimited(), Settings: releaseSettings(), Version: strings.TrimPrefix(filepath.Base(name), "store-")})
	made := held{Companies: msp(w)}
	in := w.Install()
	made.Installation = in.ID
	w.Agree(soon)
	w.Until(in.ID, "is called", soon, func(in v1.Installation) bool {
		return len(in.Webhooks) == 2 && in.Webhooks[0].Ready && in.Webhooks[1].Ready
	})
	w.Rename(made.Companies[0], renamed)
	w.Agree(soon)
	token, err := w.Admin.CreateToken(t.Context(), v1.CreateToken{Name: "reader", Role: v1.RoleViewer})
	harness.OK(t, err)
	made.Token = token.Token
	unreadable(w, in.ID)
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Name: new("MSP of a release")}); err != nil {
		t.Fatal(err)
	}
	w.Quiesce(in.ID)
	made.Facts = facts(w, in.ID)
	w.Stop()
	made.Journal = journal(w, in.ID)
	made.MadeAt = time.Now().UTC()
	text, err := json.MarshalIndent(made, "", " ")
	if err == nil {
		err = errors.Join(os.WriteFile(name+".json", append(text, '\n'), 0o644), pack(w.DataDir, name+".tar.gz"))
	}
	harness.OK(t, err)
}

// unreadable posts what a bridge's owner signed and nobody can read: a dead letter.
func unreadable(w *service.Harness, installation string) {
	w.T.Helper()
	bridge, err := w.Admin.CreateBridge(w.T.Context(), installation, "workflow")
	harness.OK(w.T, err)
	body := fmt.Sprintf(`{"Guid":%q,"EntityType":"Contract","Action":"Update","Id":"seven"}`, bridge.GUID)
	req, err := http.NewRequestWithContext(w.T.Context(), http.MethodPost, w.CallbackURL+"/callbacks/autotask/"+installation, strings.NewReader(body))
	harness.OK(w.T, err)
	req.Header.Set("X-Hook-Signature", callout.Sign(bridge.Secret, []byte(body)))
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: soon}).Do(req)
	harness.OK(w.T, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		w.T.Fatalf("an unreadable callback is answered %s", resp.Status)
	}
}

// facts are what the admin API tells of what was kept: no more than every version can tell.
func facts(w *service.Harness, installation string) (all []string) {
	w.T.Helper()
	say := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	must := func(err error) {
		w.T.Helper()
		harness.OK(w.T, err)
	}
	in, err := w.Admin.Installation(w.T.Context(), installation)
	must(err)
	say("installation %s, syncs %d", in.Name, len(in.Syncs))
	for rec, err := range w.Admin.AllRecords(w.T.Context(), installation, v1.RecordQuery{}) {
		must(err)
		state := "synced"
		if rec.Outcome != v1.OutcomePushed && rec.Outcome != v1.OutcomeUnchanged {
			state = fmt.Sprintf("%s %v", rec.Outcome, rec.Reasons)
		}
		say("record %s %s %s: %s", rec.Kind, rec.ID, rec.Name, state)
	}
	for d, err := range w.Admin.AllDeadLetters(w.T.Context(), installation) {
		must(err)
		say("dead letter %s %s %s", d.ID, d.Kind, d.Code)
	}
	bridges, err := w.Admin.Bridges(w.T.Context(), installation)
	must(err)
	for _, b := range bridges {
		say("bridge %s %s", b.GUID, b.Name)
	}
	tokens, err := w.Admin.Tokens(w.T.Context())
	must(err)
	for _, t := range tokens {
		say("token %s %s", t.Name, t.Role)
	}
	audit, err := w.Admin.Audit(w.T.Context(), v1.AuditQuery{Limit: 200})
	must(err)
	for _, e := range audit.Items {
		say("audit %s %s by %s, ok %v", e.At.Format(time.RFC3339Nano), e.Action, e.Who, e.OK)
	}
	slices.Sort(all)
	return all
}

// journal is every change that a stopped service has stored.
func journal(w *service.Harness, installation string) (all []string) {
	w.T.Helper()
	w.Store(func(bus *events.Bus) {
		err := bus.Journal().Read(w.T.Context(), events.ReadFrom{Installation: installation}, func(c events.StoredChange) error {
			all = append(all, fmt.Sprintf("%d/%d %s %s %d, %s", c.Sequence, c.Place, c.Trigger, c.Kind, c.ID, c.StoredAt.UTC().Format(time.RFC3339Nano)))
			return nil
		})
		harness.OK(w.T, err)
	})
	return all
}

// opens starts this code on a store of a release, at the time when it was kept: nothing is too old then.
func opens(t *testing.T, name string) {
	t.Helper()
	var was held
	text, err := os.ReadFile(name + ".json")
	if err == nil {
		err = json.Unmarshal(text, &was)
	}
	dir := t.TempDir()
	if err = errors.Join(err, unpack(name+".tar.gz", dir)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	now := func() time.Time { return was.MadeAt.Add(time.Since(began)) }
	tenant := service.Unlimited()
	tenant.Now = now
	w := service.New(t, service.Options{Autotask: tenant, DataDir: dir, Settings: releaseSettings(), Now: now})
	ids := msp(w)
	w.Rename(ids[0], renamed)
	if diff := cmp.Diff(was.Companies, ids); diff != "" {
		t.Fatalf("the simulated MSP has other records than then (-):\n%s", diff)
	}

	present := facts(w, was.Installation) // and what this version has to add
	for _, fact := range was.Facts {
		if !slices.Contains(present, fact) {
			t.Errorf("gone: %s", fact)
		}
	}
	if t.Failed() {
		t.Logf("there is:\n%s", strings.Join(present, "\n"))
	}
	verified, err := w.Admin.VerifyAudit(t.Context())
	if err != nil || !verified.OK || verified.Entries == 0 {
		t.Errorf("the audit: %+v, %v", verified, err)
	}
	reader, err := client.New(client.Config{URL: w.AdminURL, Token: v1.Secret(was.Token), Transport: &http.Transport{DisableKeepAlives: true}})
	harness.OK(t, err)
	if _, err := reader.Installation(t.Context(), was.Installation); err != nil {
		t.Errorf("a token from then: %v", err)
	}

	// Its Autotask has another address by now, as a tenant that has moved: nothing was asked of it so far.
	_, err = w.Admin.SetCredentials(t.Context(), was.Installation, v1.Credentials{
		Username: service.Username, Secret: service.Secret, TrackingIdentifier: service.TrackingID,
		Zone: strings.TrimPrefix(w.AutotaskURL, "http://"),
	})
	harness.OK(t, err)

	// It works on: by callback once its webhooks are there, on what was there and what is new.
	w.Until(was.Installation, "is called again", soon, func(in v1.Installation) bool {
		return in.State == v1.StateLive && len(in.Webhooks) == 2 && in.Webhooks[0].Ready && in.Webhooks[1].Ready
	})
	w.Rename(ids[1], "Renamed by this version")
	w.ClientBecomes(ids[1], "has its new name", soon, service.Named("Renamed by this version"))
	added := w.Company("New in this version")
	w.ClientBecomes(added, "is there", soon, func(c cpsim.ClientInput) bool { return c.Name != "" })
	resync, err := w.Admin.Resync(t.Context(), was.Installation, v1.ResyncRequest{}) // this Channel Program is empty
	done(w, was.Installation, resync, err)
	w.Agree(soon)
	replay, err := w.Admin.Replay(t.Context(), was.Installation, v1.ReplayRequest{})
	if job := done(w, was.Installation, replay, err); job.Total == 0 {
		t.Errorf("a replay of the journal: %+v", job)
	}
	w.Stop()
	if now := journal(w, was.Installation); len(now) <= len(was.Journal) || !slices.Equal(now[:len(was.Journal)], was.Journal) {
		t.Errorf("the journal then and now:\n%s", cmp.Diff(was.Journal, now[:min(len(now), len(was.Journal))]))
	}
}

// done waits for the end of a job that was asked for.
func done(w *service.Harness, installation string, ref v1.JobRef, err error) (job v1.Job) {
	w.T.Helper()
	harness.OK(w.T, err)
	w.Eventually("the job is done", soon, func() error {
		if job, err = w.Admin.Job(w.T.Context(), installation, ref.Job); err == nil && job.State != v1.JobDone {
			err = fmt.Errorf("%+v", job)
		}
		return err
	})
	return job
}

// pack writes a data directory as an archive.
func pack(dir, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(f)
	archive := tar.NewWriter(zipped)
	return errors.Join(archive.AddFS(os.DirFS(dir)), archive.Close(), zipped.Close(), f.Close())
}

// unpack is the way back.
func unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	zipped, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	archive := tar.NewReader(zipped)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if h.FileInfo().IsDir() {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = write(path, archive)
		}
		if err != nil {
			return err
		}
	}
}

func write(path string, from io.Reader) error {
	content, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600))
}
