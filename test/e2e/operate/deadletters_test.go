package operate

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// problemIs wants a refusal of the API.
func problemIs(t *testing.T, err error, status int, code string) {
	t.Helper()
	p, ok := errors.AsType[*v1.Problem](err)
	if !ok || p.Status != status || p.Code != code || p.Detail == "" {
		t.Errorf("got %v, want %d %s", err, status, code)
	}
}

// deadLetters are the dead letters of an installation by id.
func deadLetters(t *testing.T, w *service.Harness, id string) map[string]v1.DeadLetter {
	t.Helper()
	out := map[string]v1.DeadLetter{}
	for d, err := range w.Admin.AllDeadLetters(t.Context(), id) {
		harness.OK(t, err)
		out[d.ID] = d
	}
	return out
}

// deadLettersBecome waits until exactly these records have dead letters.
func deadLettersBecome(t *testing.T, w *service.Harness, id string, want ...int64) {
	t.Helper()
	names := []string{}
	for _, rec := range want {
		names = append(names, "company-"+service.Text(rec))
	}
	slices.Sort(names)
	w.Eventually("dead letters", soon, func() error {
		got := []string{}
		for name := range deadLetters(t, w, id) {
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, names) {
			return fmt.Errorf("%v, want %v", got, names)
		}
		return nil
	})
}

// TestDeadLettersAreNamedAndBroughtBack goes through the life of records that
// Channel Program does not take.
func TestDeadLettersAreNamedAndBroughtBack(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	ids := make([]int64, 6)
	names := make([]string, len(ids))
	for i := range ids {
		ids[i] = w.Company(fmt.Sprintf("Client %d", i))
		names[i] = service.Text(ids[i])
	}
	unwanted := func(records []string, code string) {
		w.Refuse(cpsim.Fault{
			Kind: cpsim.FaultRejectItems, ExternalIDs: records, Code: code, Pointer: "/name",
			Detail: "is on the list of names that nobody may have",
		})
	}
	unwanted(names[:4], "invalid")
	unwanted(names[4:5], "ambiguous_match")
	in := w.Install(customers)
	deadLettersBecome(t, w, in.ID, ids[:5]...)
	w.Quiesce(in.ID)

	t.Run("the list names record, field and cause", func(t *testing.T) {
		d := deadLetters(t, w, in.ID)["company-"+names[0]]
		if d.Kind != "company" || d.RecordID != names[0] || d.Code != "rejected" || d.Attempts != 1 ||
			d.FirstAt.IsZero() || d.LastAt.IsZero() ||
			!strings.Contains(d.Detail, "name: is on the list of names that nobody may have") {
			t.Errorf("got %+v", d)
		}
		if d := deadLetters(t, w, in.ID)["company-"+names[4]]; d.Code != "ambiguous_match" {
			t.Errorf("code %q, want ambiguous_match", d.Code)
		}
		page, err := w.Admin.DeadLetters(t.Context(), in.ID, "", 2)
		if err != nil || len(page.Items) != 2 || page.NextCursor == nil {
			t.Errorf("a page of two: %+v, %v", page, err)
		}
		if i := w.HasIssue(in.ID, "rejected"); i.Records != 4 || i.Severity != v1.SeverityAct || i.Fix == "" {
			t.Errorf("issue %+v", i)
		}
	})
	t.Run("what is requeued and refused again comes back", func(t *testing.T) {
		harness.OK(t, w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{All: true}))
		w.Eventually("five second attempts", soon, func() error {
			all := deadLetters(t, w, in.ID)
			for _, d := range all {
				if d.Attempts != 2 {
					return fmt.Errorf("%s: attempts %d", d.ID, d.Attempts)
				}
			}
			if len(all) != 5 {
				return fmt.Errorf("%d letters", len(all))
			}
			return nil
		})
		w.Quiesce(in.ID)
		deadLettersBecome(t, w, in.ID, ids[:5]...)
	})
	w.Target.ClearFaults()
	t.Run("one by its id", func(t *testing.T) {
		harness.OK(t, w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{IDs: []string{"company-" + names[0]}}))
		w.ClientBecomes(ids[0], "there", soon, service.Named("Client 0"))
		deadLettersBecome(t, w, in.ID, ids[1:5]...)
		err := w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{IDs: []string{"company-" + names[0]}})
		problemIs(t, err, http.StatusNotFound, v1.CodeNotFound)
	})
	t.Run("all of a cause", func(t *testing.T) {
		harness.OK(t, w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{Code: "ambiguous_match"}))
		w.ClientBecomes(ids[4], "there", soon, service.Named("Client 4"))
		deadLettersBecome(t, w, in.ID, ids[1:4]...)
	})
	t.Run("a change that goes well takes it off", func(t *testing.T) {
		w.Edit("Companies", ids[1], atsim.Row{"companyName": "Welcome at last"})
		w.ClientBecomes(ids[1], "there", soon, service.Named("Welcome at last"))
		deadLettersBecome(t, w, in.ID, ids[2:4]...)
	})
	t.Run("dismissed", func(t *testing.T) {
		harness.OK(t, w.Admin.Dismiss(t.Context(), in.ID, "company-"+names[2]))
		deadLettersBecome(t, w, in.ID, ids[3])
		problemIs(t, w.Admin.Dismiss(t.Context(), in.ID, "company-"+names[2]), http.StatusNotFound, v1.CodeNotFound)
		if c := w.Client(ids[2]); c.ExternalID != "" {
			t.Errorf("a dismissed one was pushed: %+v", c)
		}
		w.Edit("Companies", ids[2], atsim.Row{"phone": "518-555-0102"})
		w.ClientBecomes(ids[2], "there after its next change", soon, service.Named("Client 2"))
	})
	t.Run("a cause is dismissed as far as it was seen", func(t *testing.T) {
		before := deadLetters(t, w, in.ID)["company-"+names[3]].LastAt.Add(-time.Second)
		harness.OK(t, w.Admin.DismissAll(t.Context(), in.ID, v1.DismissRequest{Code: "rejected", Until: &before}))
		harness.OK(t, w.Admin.DismissAll(t.Context(), in.ID, v1.DismissRequest{Code: "ambiguous_match"}))
		deadLettersBecome(t, w, in.ID, ids[3])
	})
	t.Run("all", func(t *testing.T) {
		harness.OK(t, w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{All: true}))
		deadLettersBecome(t, w, in.ID)
		w.Agree(soon, customers)
		w.HasNoIssue(in.ID, "rejected")
	})
}

// TestACallbackThatNobodyCanReadIsKept: its signature vouches for it, so its body
// is there to look at.
func TestACallbackThatNobodyCanReadIsKept(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	w.Company("Northwind Dental")
	in := w.Install(customers)
	w.Quiesce(in.ID)
	h := w.Hook("CompanyWebhooks")
	bodies := []string{
		`{"Action":"Update","EntityType":"Account","Guid":"` + h.GUID + `","Id":"twelve"}`,
		`not json at all ` + h.GUID,
	}
	for _, body := range bodies {
		for range 2 { // the same body twice is one letter
			if got := service.Post(t, h.URL, h.Secret, []byte(body)); got != http.StatusBadRequest {
				t.Errorf("%s: %d, want 400", body, got)
			}
		}
	}
	all := deadLetters(t, w, in.ID)
	if len(all) != len(bodies) {
		t.Fatalf("%d letters, want %d: %v", len(all), len(bodies), all)
	}
	var raws, names []string
	for id, d := range all {
		raws, names = append(raws, d.Raw), append(names, id)
		if d.Kind != "callback" || d.Code != "callback_unreadable" || d.Detail == "" || d.Attempts != 2 {
			t.Errorf("got %+v", d)
		}
	}
	slices.Sort(raws)
	slices.Sort(bodies)
	if !slices.Equal(raws, bodies) {
		t.Errorf("bodies %q, want %q", raws, bodies)
	}
	if got := service.Post(t, h.URL, "another secret", []byte(bodies[0]+" ")); got != http.StatusUnauthorized {
		t.Errorf("signed by a stranger: %d, want 401", got)
	}
	w.Target.ResetStats()
	harness.OK(t, w.Admin.Requeue(t.Context(), in.ID, v1.RequeueRequest{IDs: names[:1]}))
	harness.OK(t, w.Admin.Dismiss(t.Context(), in.ID, names[1]))
	if all := deadLetters(t, w, in.ID); len(all) != 0 {
		t.Errorf("letters %v, want none", all)
	}
	w.Quiesce(in.ID)
	nothingPushed(t, w, "an unreadable callback")
}

// TestAFailureOfTheUpstreamIsNoDeadLetter: what stops an installation as a whole is
// no record's fault.
func TestAFailureOfTheUpstreamIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*testing.T, *service.Harness){
		"the token is refused":     func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnauthenticated}) },
		"no subscription":          func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultSubscription}) },
		"forbidden":                func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultForbidden}) },
		"the connection is paused": func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultPaused}) },
		"it was uninstalled":       func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultUninstalled}) },
		"Channel Program is away":  func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable}) },
		"Autotask is away":         func(_ *testing.T, w *service.Harness) { w.Autotask.SetFault(atsim.Fault{Kind: fault.Away}) },
		"Autotask takes no log-in": func(_ *testing.T, w *service.Harness) { w.Autotask.SetSecret("another-Secret-1") },
		"a right in Autotask is gone": func(_ *testing.T, w *service.Harness) {
			w.Autotask.SetModes(func(m *atsim.Modes) { m.Denied = []string{"Companies"} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, service.Options{})
			ids := []int64{w.Company("One"), w.Company("Two"), w.Company("Three")}
			in := w.Install(customers)
			w.Quiesce(in.ID)
			spoil(t, w)
			for i, id := range ids {
				w.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Edited %d", i)})
			}
			w.DeliverAll(soon)
			shown := w.Until(in.ID, "names the cause", soon, func(in v1.Installation) bool {
				return len(in.Issues) > 0 && in.Backlog == len(ids)
			})
			if len(shown.Issues) != 1 {
				said, _ := json.Marshal(shown.Issues)
				t.Errorf("issues %s, want one", said)
			}
			if all := deadLetters(t, w, in.ID); len(all) != 0 {
				t.Errorf("dead letters %v", all)
			}
			for _, id := range ids {
				rec := w.Record(in.ID, v1.KindCompany, id)
				if rec.Attempts != 0 || rec.Outcome == v1.OutcomeDead || rec.Outcome == v1.OutcomeRetrying {
					t.Errorf("record %d: outcome %s after %d attempts", id, rec.Outcome, rec.Attempts)
				}
			}
		})
	}
}
