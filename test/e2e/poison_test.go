package e2e

import (
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

const poisoned = "Poison & Sons"

// TestPoisonedRecordAtTheTarget: whatever Channel Program answers when one record is sent
// to it, that record fails alone and says what to do, 20 others that are edited with it
// arrive within 20 seconds, nothing is paused, and it heals.
func TestPoisonedRecordAtTheTarget(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		fault cpsim.Fault
		says  string
	}{
		"400":             {cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 400, ContentType: "application/problem+json", Body: `{"type":"about:blank","title":"Bad","status":400,"code":"invalid_request","detail":"no ampersands"}`}, "HTTP 400 invalid_request: no ampersands"},
		"403 with a page": {cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 403, Body: "<html><title>Request blocked</title></html>"}, `"Request blocked"`},
		"500":             {cpsim.Fault{Kind: cpsim.FaultServerError}, "HTTP 500"},
		"a cut answer":    {cpsim.Fault{Kind: cpsim.FaultLostResponse}, "cut connection"},
		"a late answer":   {cpsim.Fault{Kind: cpsim.FaultSlow, DelayMillis: 36_000}, "no answer within 30s"},
		"another API":     {cpsim.Fault{Kind: cpsim.FaultAnswer, Status: 200, ContentType: "application/json", Body: `{"ok":true}`}, "breaks the API's contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := service.New(t, service.Options{Autotask: service.Unlimited()})
			ids := w.Companies(21)
			in := w.Install(v1.SyncActiveCustomers)
			w.Drain(in.ID)
			one.fault.Contains = poisoned
			w.Refuse(one.fault)
			began := time.Now()
			bad, others := ids[0], ids[1:]
			w.Edit("Companies", bad, atsim.Row{"companyName": poisoned})
			for i, id := range others {
				w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
			}
			for i, id := range others {
				w.ClientBecomes(id, "edited with the poisoned one", 20*time.Second-time.Since(began), service.Named(newName(i)))
			}
			// One that is not answered is given up after 4 s with the others, and after 30 s alone.
			rec := w.RecordBecomes(in.ID, v1.KindCompany, bad, 2*soon, func(r v1.RecordDetail) bool { return r.Outcome == v1.OutcomeRetrying })
			if len(rec.Reasons) != 1 || rec.Reasons[0] != "target_failed" || rec.Attempts != 1 || rec.NextAttemptAt == nil || rec.Fix == "" {
				t.Errorf("the record: %v, %d attempts, next at %v, fix %q", rec.Reasons, rec.Attempts, rec.NextAttemptAt, rec.Fix)
			}
			x, err := w.Admin.Explain(t.Context(), in.ID, v1.KindCompany, service.Text(bad))
			harness.OK(t, err)
			for _, says := range []string{one.says, poisoned, service.Text(bad), "sends it at once"} {
				if !strings.Contains(rec.Detail, says) || !strings.Contains(x.Next, says) {
					t.Errorf("%q is missing in %q or %q", says, rec.Detail, x.Next)
				}
			}
			shown := w.Until(in.ID, "live, with one issue that names one record", soon, func(in v1.Installation) bool {
				return in.State == v1.StateLive && len(in.Issues) == 1
			})
			if i := shown.Issues[0]; i.Code != "target_failed" || i.Records != 1 || i.Fix == "" {
				t.Errorf("issue %+v", i)
			}
			for _, id := range others {
				if r := w.Record(in.ID, v1.KindCompany, id); r.Attempts != 0 || r.Outcome == v1.OutcomeRetrying {
					t.Errorf("another: %s, %d attempts", r.Outcome, r.Attempts)
				}
			}
			deadLetters(t, w, in.ID)

			w.Target.ClearFaults()
			w.Edit("Companies", bad, atsim.Row{"phone": "518-555-0199"})
			w.ClientBecomes(bad, "healed", soon, service.Named(poisoned))
			w.Until(in.ID, "live without issues", soon, func(in v1.Installation) bool {
				return in.State == v1.StateLive && len(in.Issues) == 0 && in.Backlog == 0
			})
			if o := w.Target.Overlaps(); len(o) > 0 {
				t.Errorf("one record, two hands: %+v", o)
			}
		})
	}
}
