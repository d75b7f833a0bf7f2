package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// TestOneBadRecordHoldsNobodyUp: of four hundred companies one cannot be read and
// one is rejected; both are named, the others arrive at once, and both are right
// as soon as their cause is gone.
func TestOneBadRecordHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	t.Run("a value that cannot be read", func(t *testing.T) {
		t.Parallel()
		w := service.New(t, service.Options{Autotask: service.Unlimited()})
		oneBadRecord(t, w, "isActive", func(id int64) {
			if w.Autotask.ClearFaults(0); id == 0 {
				return
			}
			w.Autotask.SetFault(atsim.Fault{
				Kind: fault.BadValue, Entity: "Companies", Record: id, Field: "isActive", Value: json.RawMessage(`"maybe"`),
			})
		})
	})
	t.Run("answers that it is in break off", func(t *testing.T) {
		t.Parallel()
		var breaker breakOff
		w := service.New(t, service.Options{Autotask: service.Unlimited(), Wrap: breaker.wrap})
		oneBadRecord(t, w, "", breaker.record.Store)
	})
}

// breakOff cuts every answer short that tells a certain company's name.
type breakOff struct{ record atomic.Int64 }

func (b *breakOff) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := b.record.Load()
		if id == 0 {
			next.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		body := answer.Body.Bytes()
		if bytes.Contains(body, fmt.Appendf(nil, `"id":%d,`, id)) && bytes.Contains(body, []byte("companyName")) {
			body = body[:len(body)/2]
		}
		_, _ = w.Write(body) // a client that has gone is none of our business
	})
}

func oneBadRecord(t *testing.T, w *service.Harness, field string, spoil func(id int64)) {
	ids := w.Companies(400)
	unreadable, unwanted := ids[123], ids[321]
	spoil(unreadable)
	w.Refuse(cpsim.Fault{
		Kind: cpsim.FaultRejectItems, ExternalIDs: []string{strconv.FormatInt(unwanted, 10)},
		Code: "invalid", Pointer: "/name", Detail: "is on the list of names that nobody may have",
	})
	in := w.Install(v1.SyncActiveCustomers)
	w.Eventually("398 clients", soon, func() error {
		if n := len(w.Target.Clients(service.Connection)); n != len(ids)-2 {
			return fmt.Errorf("%d clients", n)
		}
		return nil
	})

	rec := w.Record(in.ID, v1.KindCompany, unreadable)
	if rec.Outcome != v1.OutcomeRetrying || len(rec.Reasons) != 1 || rec.Reasons[0] != "row_unreadable" || rec.Attempts < 1 {
		t.Errorf("unreadable: %+v", rec)
	}
	if !strings.Contains(rec.Detail, field) {
		t.Errorf("unreadable: detail %q does not name %s", rec.Detail, field)
	}
	rec = w.Record(in.ID, v1.KindCompany, unwanted)
	if rec.Outcome != v1.OutcomeDead || len(rec.Reasons) != 1 || rec.Reasons[0] != "rejected" ||
		!strings.Contains(rec.Detail, "name") || !strings.Contains(rec.Detail, "nobody may have") {
		t.Errorf("rejected: %+v", rec)
	}
	dead := deadLetters(t, w, in.ID, unwanted)[0]
	if dead.Code != "rejected" || dead.Attempts != 1 || !strings.Contains(dead.Detail, "name") {
		t.Errorf("dead letter %+v", dead)
	}
	shown := w.Until(in.ID, "shows both issues", soon, func(in v1.Installation) bool {
		_, a := service.IssueOf(in, "row_unreadable")
		_, b := service.IssueOf(in, "rejected")
		return a && b
	})
	if counts := shown.Syncs[v1.SyncActiveCustomers].Counts; counts.Failed != 2 || counts.InScope != 398 {
		t.Errorf("counts %+v", counts)
	}

	spoil(0)
	w.Target.ClearFaults()
	w.Edit("Companies", unreadable, atsim.Row{"companyName": "Readable again"})
	w.Edit("Companies", unwanted, atsim.Row{"companyName": "Welcome at last"})
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Idle(in.ID, soon)
	for _, id := range []int64{unreadable, unwanted} {
		w.RecordBecomes(in.ID, v1.KindCompany, id, soon, func(r v1.RecordDetail) bool {
			return (r.Outcome == v1.OutcomePushed || r.Outcome == v1.OutcomeUnchanged) && r.Attempts == 0 && len(r.Reasons) == 0
		})
	}
	deadLetters(t, w, in.ID)
}

// deadLetters wants exactly the dead letters of these records.
func deadLetters(t *testing.T, w *service.Harness, installation string, want ...int64) []v1.DeadLetter {
	t.Helper()
	var found []v1.DeadLetter
	w.Eventually("dead letters", soon, func() error {
		found = nil
		got, wanted := []string{}, []string{}
		for d, err := range w.Admin.AllDeadLetters(t.Context(), installation) {
			if err != nil {
				return err
			}
			found, got = append(found, d), append(got, d.RecordID)
		}
		for _, id := range want {
			wanted = append(wanted, service.Text(id))
		}
		if !slices.Equal(got, wanted) {
			return fmt.Errorf("of the records %v, want %v", got, wanted)
		}
		return nil
	})
	return found
}
