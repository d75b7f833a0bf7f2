package lifecycle

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/files"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// traces are texts that must not lie on disk once the installation is erased.
func traces(w *service.Harness) map[string]string {
	found := map[string]string{
		"the secret": service.Secret, "the user name": service.Username, "the tracking identifier": service.TrackingID, "the token": service.Token,
		"the installation's name": "Example MSP", "the connection": service.Connection,
		"a client's name": "Northwind Dental", "its new name": "Northwind Group", "an e-mail address": "ann@northwind.example",
		"a new e-mail address": "ann.lee@northwind.example", "a phone number": "518-555-0100", "a street": "17 Lilac Lane",
		"a contract's name": "Northwind project", "a rejected client's name": "Southwind Dental", "a body that could not be read": "lorem ipsum dolor",
	}
	for _, h := range w.Autotask.Webhooks() {
		found["the secret of "+h.Collection], found["the GUID of "+h.Collection] = h.Secret, ""
	}
	maps.DeleteFunc(found, func(_, text string) bool { return text == "" })
	return found
}

// searchDisk looks for the traces in every byte below a directory.
func searchDisk(t *testing.T, dir string, traces map[string]string) {
	t.Helper()
	n := files.Each(t, dir, func(path string, text []byte) {
		for what, trace := range traces {
			if i := bytes.Index(text, []byte(trace)); i >= 0 {
				t.Errorf("%s holds %s: …%q…", filepath.Base(path), what, text[max(0, i-60):min(len(text), i+60)])
			}
		}
	})
	if n < 5 {
		t.Errorf("looked at %d files", n)
	}
}

// eventful is a harness whose installation has gone through much: pushes, edits, a
// rejected record, a dead letter, a rotated secret, new credentials, jobs.
func eventful(t *testing.T, opts service.Options) (*service.Harness, v1.Installation, map[string]string) {
	t.Helper()
	opts.Autotask = service.Unlimited()
	w := service.New(t, opts)
	id := w.Autotask.Put("Companies", atsim.Row{
		"companyName": "Northwind Dental", "companyType": 1, "isActive": true, "phone": "518-555-0100", "address1": "17 Lilac Lane",
	})
	ann := w.Contact(id, "ann@northwind.example")
	w.Agreement(id, "Northwind project")
	rejected := w.Company("Southwind Dental")
	if _, err := w.Target.SetFault(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{service.Text(rejected)}, Code: "invalid", Pointer: "/name", Detail: "Southwind Dental is not welcome",
	}); err != nil {
		t.Fatal(err)
	}
	in := w.Install()
	found := traces(w)
	w.Rename(id, "Northwind Group")
	w.Edit("Contacts", ann, atsim.Row{"emailAddress": "ann.lee@northwind.example"})
	w.ClientBecomes(id, "edited", soon, service.Named("Northwind Group"))
	hook := w.Hook("CompanyWebhooks")
	if status := service.Post(t, hook.URL, hook.Secret, []byte(`{"Note":"lorem ipsum dolor","Guid":"`+hook.GUID+`"}`)); status != http.StatusBadRequest {
		t.Errorf("an authentic body that is no envelope was answered %d", status)
	}
	w.HasIssue(in.ID, "rejected")
	harness.OK(t, w.Admin.RotateWebhookSecret(t.Context(), in.ID))
	for what, trace := range traces(w) {
		found["later, "+what] = trace
	}
	if _, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{}); err != nil {
		t.Fatal(err)
	}
	name := "Example MSP, renamed"
	if _, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Name: &name}); err != nil {
		t.Fatal(err)
	}
	w.Drain(in.ID)
	return w, in, found
}

// gone wants nothing to be left of an installation on the API and on callbacks.
func gone(t *testing.T, w *service.Harness, id string, hook atsim.Webhook) {
	t.Helper()
	for _, path := range []string{"", "/records", "/records/company/1", "/records/company/1/versions", "/dead-letters", "/jobs/01"} {
		if status, body := raw(t, w, http.MethodGet, "/installations/"+id+path, ""); status != http.StatusNotFound {
			t.Errorf("GET %s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/stop", "/erase", "/webhooks/repair", "/resyncs"} {
		if status, body := raw(t, w, http.MethodPost, "/installations/"+id+path, "{}"); status != http.StatusNotFound {
			t.Errorf("POST %s: %d %s", path, status, body)
		}
	}
	for _, url := range []string{hook.URL, hook.DeactivationURL} {
		for _, secret := range []string{hook.Secret, "", "wrong"} {
			if status := service.Post(t, url, secret, changeOf(hook, 1, 5)); status != http.StatusNotFound {
				t.Errorf("a callback to %s was answered %d", url, status)
			}
		}
	}
	all, err := w.Admin.Installations(t.Context())
	if err != nil || len(all) != 0 {
		t.Errorf("installations %+v, %v", all, err)
	}
}

// TestEraseLeavesNothing neither on the API nor in any byte of the data directory,
// at once, after a restart, and also when it was uninstalled or stopped before.
func TestEraseLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "uninstall", "stop"} {
		t.Run("after "+before, func(t *testing.T) {
			t.Parallel()
			w, in, found := eventful(t, service.Options{})
			hook := w.Hook("CompanyWebhooks")
			if before != "" {
				act(w, in.ID, "", before)
			}
			clients := len(w.Target.Clients(service.Connection))
			act(w, in.ID, "", "erase")
			gone(t, w, in.ID, hook)
			if hooks := w.Autotask.Webhooks(); len(hooks) != 0 {
				t.Errorf("webhooks are left at Autotask: %+v", hooks)
			}
			if n := len(w.Target.Clients(service.Connection)); n != clients {
				t.Errorf("%d clients are left at Channel Program, want %d", n, clients)
			}
			searchDisk(t, w.DataDir, found)
			w.Stop()
			searchDisk(t, w.DataDir, found)
			w.Start()
			gone(t, w, in.ID, hook)
			w.Target.ClearFaults()
			again := w.Install() // the same account may come back, as a new installation
			if again.ID == in.ID {
				t.Errorf("the new installation has the old id %s", in.ID)
			}
			w.Agree(soon)
		})
	}
}

// TestEraseCutShort: the service is killed while it erases, sooner and later; what
// is left undone is finished at the next start.
func TestEraseCutShort(t *testing.T) {
	t.Parallel()
	binary := service.Build(t)
	for _, wait := range []time.Duration{0, 4 * time.Millisecond, 20 * time.Millisecond} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			t.Parallel()
			w, in, found := eventful(t, service.Options{Binary: binary})
			hook := w.Hook("CompanyWebhooks")
			answered := make(chan error, 1)
			go func() { answered <- w.Admin.Act(t.Context(), in.ID, "", "erase") }()
			w.Eventually("the webhooks are gone", soon, func() error {
				if hooks := w.Autotask.Webhooks(); len(hooks) > 0 {
					return fmt.Errorf("%d are left", len(hooks))
				}
				return nil
			})
			<-time.After(wait)
			w.Kill()
			err := <-answered
			w.Start()
			if _, there := w.Admin.Installation(t.Context(), in.ID); there == nil {
				if err == nil {
					t.Error("the erasing was answered, and the installation is there again")
				}
				t.Log("killed before the erasing was decided")
			}
			erased(t, w, in.ID)
			gone(t, w, in.ID, hook)
			w.Stop()
			searchDisk(t, w.DataDir, found)
		})
	}
}

// erased waits until nothing is left to erase; asked for while it is at work, it is accepted once more.
func erased(t *testing.T, w *service.Harness, id string) {
	t.Helper()
	w.Eventually("erased", soon, func() error {
		if status, _ := raw(t, w, http.MethodPost, "/installations/"+id+"/erase", ""); status != http.StatusNotFound {
			return fmt.Errorf("answered %d", status)
		}
		return nil
	})
}

// TestEraseIsFinishedAtTheNextStart after it was decided, or after the key was destroyed, and nothing more was done.
func TestEraseIsFinishedAtTheNextStart(t *testing.T) {
	t.Parallel()
	for _, keyless := range []bool{false, true} {
		t.Run(fmt.Sprintf("key destroyed %v", keyless), func(t *testing.T) {
			t.Parallel()
			w, in, found := eventful(t, service.Options{})
			hook := w.Hook("CompanyWebhooks")
			w.Stop()
			w.Store(func(bus *events.Bus) { beginErasing(t, w, bus, in.ID, keyless) })
			w.Start()
			w.Eventually("finished without being asked", soon, func() error {
				_, err := w.Admin.Installation(t.Context(), in.ID)
				if err == nil {
					return fmt.Errorf("still there")
				}
				return nil
			})
			erased(t, w, in.ID)
			gone(t, w, in.ID, hook)
			w.Stop()
			searchDisk(t, w.DataDir, found)
			w.Store(func(bus *events.Bus) {
				for _, name := range []string{"installations", "jobs", "ledger", "keys"} {
					if keys := keysOf(t, bus, name); len(keys) > 1 || len(keys) == 1 && keys[0] != "master" {
						t.Errorf("table %s keeps %v", name, keys)
					}
				}
			})
		})
	}
}

// beginErasing does the first steps of an erasure that a crash ends.
func beginErasing(t *testing.T, w *service.Harness, bus *events.Bus, id string, keyless bool) {
	t.Helper()
	store, vault := storeOf(t, w, bus)
	harness.OK(t, store.Leave(t.Context(), id))
	if !keyless {
		return
	}
	harness.OK(t, vault.Destroy(t.Context(), id))
}
