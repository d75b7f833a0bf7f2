package control

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"channelsync/sync/upstream"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// mine panics when an entity of Autotask is asked for.
type mine struct {
	http.RoundTripper
	entity atomic.Value // string
}

func (m *mine) RoundTrip(r *http.Request) (*http.Response, error) {
	if entity, ok := m.entity.Load().(string); ok && entity != "" && strings.Contains(r.URL.Path, "/"+entity+"/") {
		panic("stepped on " + entity)
	}
	return m.RoundTripper.RoundTrip(r)
}

// Polls, checks and jobs run on goroutines of their own. A panic there is the failure of
// that step: it is shown, everything else of the installation goes on, and so does the step.
func TestAPanicInAStepIsThatStepsFailure(t *testing.T) {
	for name, one := range map[string]struct {
		entity string
		begin  func(*desk, *runtime)
	}{
		"poll":  {"Contracts", func(_ *desk, rt *runtime) { notify(rt.pollNow) }},
		"check": {"CompanyWebhooks", func(_ *desk, rt *runtime) { notify(rt.check) }},
		"job": {"Contracts", func(d *desk, rt *runtime) {
			if len(d.Jobs.Running(rt.id)) > 0 {
				return // it is at work still
			}
			_, err := d.Resync(d.t.Context(), rt.id, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindContract}})
			if status(err) != http.StatusConflict { // the one before is still at work
				harness.OK(d.t, err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
			m := &mine{RoundTripper: d.AutotaskTransport}
			d.AutotaskTransport = m
			id := d.customer("Northwind")
			d.run()
			in := d.live(d.create().ID)
			rt := d.runtime(in.ID)
			m.entity.Store(one.entity)
			one.begin(d, rt)
			d.eventually("it is shown", func() error {
				if !rt.issues.Has(upstream.CodeInternal) {
					return fmt.Errorf("issues %v", rt.issues.List())
				}
				return nil
			})
			harness.OK(t, d.at.Edit("Companies", id, atsim.Row{"companyName": "Northwind Traders"}))
			harness.OK(t, d.Reconcile(t.Context(), in.ID, v1.KindCompany, id))
			d.eventually("an edit arrives all the same", func() error {
				c, _ := d.cp.Client(connection, fmt.Sprint(id))
				if c.Data.Name != "Northwind Traders" {
					return fmt.Errorf("it is %q", c.Data.Name)
				}
				return nil
			})
			m.entity.Store("")
			one.begin(d, rt)
			notify(rt.newJob)
			d.eventually("it goes on", func() error {
				if rt.issues.Has(upstream.CodeInternal) {
					return fmt.Errorf("issues %v", rt.issues.List())
				}
				return nil
			})
		})
	}
}
