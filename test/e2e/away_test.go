package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	"channelsync/test/sim/autotask/fault"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// outage is a side that goes away and comes back.
type outage struct {
	name   string
	code   string   // of the one issue that it makes
	act    bool     // somebody must act on it
	state  v1.State // degraded when empty
	begin  func(*testing.T, *service.Harness)
	end    func(*testing.T, *service.Harness, v1.Installation)
	probes bool // only the handshake may be asked: to be sure, again first after 5 s, then once a minute
}

// at is an outage of Channel Program's that a fault makes.
func at(kind cpsim.FaultKind) func(*testing.T, *service.Harness) {
	return func(t *testing.T, w *service.Harness) { w.Refuse(cpsim.Fault{Kind: kind}) }
}

func clearTarget(_ *testing.T, w *service.Harness, _ v1.Installation) { w.Target.ClearFaults() }

func clearAutotask(_ *testing.T, w *service.Harness, _ v1.Installation) { w.Autotask.ClearFaults(0) }

var outages = []outage{
	{
		name: "Autotask answers 503", code: "autotask_unavailable",
		begin: func(_ *testing.T, w *service.Harness) { w.Autotask.SetFault(atsim.Fault{Kind: fault.Away}) },
		end:   clearAutotask,
	},
	{
		name: "Autotask resets", code: "autotask_unavailable",
		begin: func(_ *testing.T, w *service.Harness) { w.Autotask.SetFault(atsim.Fault{Kind: fault.Away, Status: -1}) },
		end:   clearAutotask,
	},
	{
		name: "Autotask refuses the credentials", code: "credentials_refused", act: true,
		state: v1.StateNeedsCredentials,
		begin: func(_ *testing.T, w *service.Harness) { w.Autotask.SetSecret("another-Secret-1") },
		end: func(t *testing.T, w *service.Harness, in v1.Installation) {
			credentials := v1.Credentials{
				Username: service.Username, Secret: "another-Secret-1", TrackingIdentifier: service.TrackingID,
			}
			if _, err := w.Admin.SetCredentials(t.Context(), in.ID, credentials); err != nil {
				t.Error(err)
			}
		},
	},
	{
		name: "Channel Program answers 503", code: "channel_program_unavailable",
		begin: at(cpsim.FaultUnavailable), end: clearTarget,
	},
	{
		name: "Channel Program answers writes 503", code: "channel_program_unavailable",
		begin: func(t *testing.T, w *service.Harness) {
			w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable, Operation: "writes"})
		}, end: clearTarget,
	},
	{
		name: "Channel Program cuts writes", code: "channel_program_unavailable",
		begin: func(t *testing.T, w *service.Harness) {
			w.Refuse(cpsim.Fault{Kind: cpsim.FaultReset, Operation: "writes"})
		}, end: clearTarget,
	},
	{
		name: "Channel Program resets", code: "channel_program_unavailable",
		begin: at(cpsim.FaultReset), end: clearTarget,
	},
	{
		name: "Channel Program revokes the token", code: "channel_program_refused", act: true,
		probes: true,
		begin: func(t *testing.T, w *service.Harness) {
			if err := w.Target.SetTokens(service.Connection, "a-new-token", ""); err != nil {
				t.Error(err)
			}
		},
		end: func(t *testing.T, w *service.Harness, in v1.Installation) {
			target := v1.ChannelProgramTarget{ConnectionID: service.Connection, Token: "a-new-token"}
			if _, err := w.Admin.SetChannelProgram(t.Context(), in.ID, target); err != nil {
				t.Error(err)
			}
		},
	},
	{
		name: "Channel Program answers 401", code: "channel_program_refused", act: true,
		begin: at(cpsim.FaultUnauthenticated), end: clearTarget,
	},
	{
		name: "Channel Program requires a subscription", code: "channel_program_subscription", act: true,
		begin: at(cpsim.FaultSubscription), end: clearTarget,
	},
	{
		name: "Channel Program pauses the connection", code: "channel_program_refused", act: true,
		begin: func(t *testing.T, w *service.Harness) { setState(t, w, "paused") },
		end:   func(t *testing.T, w *service.Harness, _ v1.Installation) { setState(t, w, "active") },
	},
}

func setState(t *testing.T, w *service.Harness, state string) {
	t.Helper()
	if err := w.Target.SetState(service.Connection, state); err != nil {
		t.Error(err)
	}
}

// TestAnOutageCostsNothingButTime: whichever side goes away, the edits made
// meanwhile are kept without an attempt counted or a dead letter made, one issue
// says so, and all of them arrive when it is back.
func TestAnOutageCostsNothingButTime(t *testing.T) {
	t.Parallel()
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			o.run(t)
		})
	}
}

func (o outage) run(t *testing.T) {
	const companies = 12
	w := service.New(t, service.Options{Autotask: service.Unlimited()})
	ids := w.Companies(companies)
	in := w.Install(v1.SyncActiveCustomers)
	w.Drain(in.ID)

	state, severity := v1.StateDegraded, v1.SeverityRetrying
	if o.state != "" {
		state = o.state
	}
	if o.act {
		severity = v1.SeverityAct
	}
	o.begin(t, w)
	w.Target.ResetStats()
	for i, id := range ids {
		w.Edit("Companies", id, atsim.Row{"companyName": newName(i)})
	}
	added := w.Company("Came meanwhile")
	w.DeliverAll(soon)
	shown := w.Until(in.ID, "shows the outage", soon, func(in v1.Installation) bool {
		_, ok := service.IssueOf(in, o.code)
		return ok && in.State == state
	})
	began := time.Now()
	if i := shown.Issues[0]; len(shown.Issues) != 1 || i.Code != o.code || i.Severity != severity || i.Fix == "" {
		t.Errorf("issues %+v, want one of code %s and severity %s", shown.Issues, o.code, severity)
	}
	if shown.Backlog < 1 {
		t.Errorf("backlog %d while changes wait", shown.Backlog)
	}
	if o.probes {
		o.countProbes(t, w, began)
	}
	for _, id := range ids {
		rec := w.Record(in.ID, v1.KindCompany, id)
		if rec.Attempts != 0 || rec.Outcome == v1.OutcomeRetrying || rec.Outcome == v1.OutcomeDead {
			t.Errorf("company %d during the outage: %s, %d attempts", id, rec.Outcome, rec.Attempts)
		}
	}

	o.end(t, w, in)
	w.Agree(soon, v1.SyncActiveCustomers)
	w.Until(in.ID, "live again without issues", soon, func(in v1.Installation) bool {
		return in.State == v1.StateLive && len(in.Issues) == 0 && in.Backlog == 0
	})
	for _, id := range append(ids, added) {
		if rec := w.Record(in.ID, v1.KindCompany, id); rec.Attempts != 0 {
			t.Errorf("company %d after the outage: %d attempts", id, rec.Attempts)
		}
	}
	deadLetters(t, w, in.ID)
}

// countProbes looks on for as long as a second probe would be due if they came every 5 s.
func (o outage) countProbes(t *testing.T, w *service.Harness, began time.Time) {
	t.Helper()
	refused := writes(w)
	w.Eventually("the first probe, and none after it", soon, func() error {
		if n := w.Handshakes(); n > 2 {
			t.Errorf("%d handshakes within %s of the outage", n, time.Since(began))
			return nil
		}
		if took := time.Since(began); took < 11*time.Second {
			return fmt.Errorf("still looking on after %s", took)
		}
		return nil
	})
	if n := w.Handshakes(); n != 2 {
		t.Errorf("%d handshakes in the first seconds, want one to be sure and one after 5 s", n)
	}
	if n := writes(w); n != refused {
		t.Errorf("%d writes were tried meanwhile", n-refused)
	}
}

// writes counts the requests to Channel Program other than handshakes.
func writes(w *service.Harness) int { return w.Target.Stats().Total - w.Handshakes() }

// TestOneSideAfterTheOther: while both are away, and when only one is back, the
// issues name exactly the side that is away.
func TestOneSideAfterTheOther(t *testing.T) {
	t.Parallel()
	w, in, id := live(t)
	away := func(codes ...string) {
		t.Helper()
		w.Until(in.ID, fmt.Sprintf("has the issues %v", codes), soon, func(in v1.Installation) bool {
			got := []string{}
			for _, i := range in.Issues {
				got = append(got, i.Code)
			}
			return slices.Equal(got, codes)
		})
	}
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Away})
	w.Edit("Companies", id, atsim.Row{"companyName": "While Autotask is away"})
	away("autotask_unavailable")
	w.Refuse(cpsim.Fault{Kind: cpsim.FaultUnavailable})
	w.Autotask.ClearFaults(0)
	away("channel_program_unavailable")
	w.Autotask.SetFault(atsim.Fault{Kind: fault.Away})
	w.Target.ClearFaults()
	w.Edit("Companies", id, atsim.Row{"companyName": "While Autotask is away again"})
	away("autotask_unavailable")
	w.Autotask.ClearFaults(0)
	w.ClientBecomes(id, "what was edited meanwhile", soon, service.Named("While Autotask is away again"))
	away()
	deadLetters(t, w, in.ID)
}
