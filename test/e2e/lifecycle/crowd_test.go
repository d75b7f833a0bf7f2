package lifecycle

import (
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

const (
	secondUser       = "second-user@msp-two.example"
	secondConnection = "msp-two"
	secondToken      = "cp-token-of-the-second"
)

// secondTenant is another Autotask behind the same address: whose user asks decides which one answers.
type secondTenant struct{ *atsim.Sim }

func (s *secondTenant) wrap(first http.Handler) http.Handler {
	second := s.Handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("UserName"), secondUser) || strings.EqualFold(r.URL.Query().Get("user"), secondUser) {
			second.ServeHTTP(w, r)
			return
		}
		first.ServeHTTP(w, r)
	})
}

// TestAThrottledInstallationHoldsNobodyBack: one installation's Autotask answers
// 429, with 5,000 records due; another one's changes arrive as fast as before.
// It runs alone, since it measures.
func TestAThrottledInstallationHoldsNobodyBack(t *testing.T) {
	const due, samples = 5000, 15
	other := &secondTenant{atsim.New(atsim.Config{
		Username: secondUser, Secret: "Second-Secret-1", TrackingIdentifier: "SECOND-IDENTIFIER", Modes: service.Unlimited().Modes,
	})}
	t.Cleanup(other.Close)
	w := service.New(t, service.Options{
		Autotask: service.Unlimited(), Wrap: other.wrap, Settings: map[string]string{"coalesce-window": "100ms"},
		Target: cpsim.Config{Connections: []cpsim.Connection{{ID: service.Connection, Token: service.Token}, {ID: secondConnection, Token: secondToken}}},
	})
	id := w.Company("Northwind Dental")
	in := w.Install()
	idle := freshness(w, id, samples, "idle")

	for i := range due {
		other.Put("Companies", atsim.Row{"companyName": fmt.Sprintf("Other %05d", i), "companyType": 1, "isActive": true, "phone": ""})
	}
	if _, err := w.Target.SetFault(cpsim.Fault{Kind: cpsim.FaultUnavailable, Connection: secondConnection, Operation: "writes"}); err != nil {
		t.Fatal(err)
	}
	second, err := w.Admin.CreateInstallation(t.Context(), v1.CreateInstallation{
		Name: "Second MSP", Username: secondUser, Secret: "Second-Secret-1", TrackingIdentifier: "SECOND-IDENTIFIER",
		Syncs: []v1.Sync{v1.SyncActiveCustomers}, ChannelProgram: v1.ChannelProgramTarget{ConnectionID: secondConnection, Token: secondToken},
	})
	harness.OK(t, err)
	w.Until(second.ID, "has 5,000 due", 2*soon, func(in v1.Installation) bool { return in.Backlog == due })
	other.SetFault(atsim.Fault{Kind: fault.Throttle, RetryAfter: 1})
	w.Target.ClearFaults()
	// A batch that was on its way may still get through.
	w.Until(second.ID, "is throttled", 2*soon, func(in v1.Installation) bool {
		return in.Backlog >= due-400 && issuesOf(in, "throttled") == 1 && in.State == v1.StateDegraded && in.ResumesAt != nil
	})
	// What else the machine does passes by; a neighbour who holds others back does so every time.
	const tries, noise = 3, 150 * time.Millisecond
	var crowded percentiles
	delayed := true
	for i := 0; delayed && i < tries; i++ {
		crowded = freshness(w, id, samples, fmt.Sprintf("beside %d", i))
		t.Logf("freshness: idle p50 %s p95 %s; beside a throttled one p50 %s p95 %s", idle.p50, idle.p95, crowded.p50, crowded.p95)
		delayed = crowded.p50 > idle.p50*12/10+noise || crowded.p95 > idle.p95*12/10+noise
	}
	if delayed {
		t.Errorf("beside a throttled installation p50 is %s and p95 %s, idle they are %s and %s", crowded.p50, crowded.p95, idle.p50, idle.p95)
	}
	if shown := is(w, in.ID, v1.StateLive); issuesOf(shown, "throttled") != 0 {
		t.Errorf("issues of the one that is not throttled: %+v", shown.Issues)
	}

	other.ClearFaults(0)
	w.Until(second.ID, "has caught up", 3*soon, func(in v1.Installation) bool { return in.Backlog == 0 && in.State == v1.StateLive })
	if n := len(w.Target.Clients(secondConnection)); n != due {
		t.Errorf("%d clients arrived in the end, want %d", n, due)
	}
}

type percentiles struct{ p50, p95 time.Duration }

// freshness measures how long single edits take to arrive.
func freshness(w *service.Harness, id int64, samples int, what string) percentiles {
	w.T.Helper()
	took := make([]time.Duration, samples)
	for i := range took {
		name := fmt.Sprintf("Northwind %s %02d", what, i)
		began := time.Now()
		w.Rename(id, name)
		w.ClientBecomes(id, "an edit", soon, service.Named(name))
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return percentiles{took[samples/2], took[samples*95/100]}
}
