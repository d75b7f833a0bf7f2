package measure

import (
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/bed"
	"channelsync/test/bench/report"
	atsim "channelsync/test/sim/autotask/sim"
)

// freshness measures how soon an edit in Autotask is in Channel Program.
func (r *run) freshness() (err error) {
	b, err := r.start(1, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	t := b.Tenants[0]
	t.FillCompanies(pick(r, 10_000, 1_000))
	if err := b.Install(r.ctx, t, v1.SyncActiveCustomers); err != nil {
		return err
	}
	if err := b.Live(r.ctx, t); err != nil {
		return err
	}
	s := report.Section{
		Title: "From a change in Autotask to Channel Program", Columns: []string{"changes/s", "for", "p50", "p95", "p99", "Autotask requests each", "CPU"},
	}
	for _, c := range []struct {
		rate, seconds int
		p95           float64 // ms; 0 makes no claim
	}{{1, pick(r, 10, 1), 0}, {50, pick(r, 10, 1), 1000}, {500, pick(r, 10, 1), 2000}} {
		t.Autotask.ResetStats()
		before, err := b.Product.Usage()
		if err != nil {
			return err
		}
		var took []time.Duration
		err = r.profiled(b, fmt.Sprint(c.rate), profileFor, func() error {
			took, err = r.paced(b, t, c.rate, c.rate*c.seconds)
			return err
		})
		if err != nil {
			return err
		}
		after, err := b.Product.Usage()
		if err != nil {
			return err
		}
		at := func(percent int) time.Duration { return took[(len(took)-1)*percent/100] }
		s.Row(fmt.Sprint(c.rate), fmt.Sprintf("%d s", c.seconds), ms(at(50)), ms(at(95)), ms(at(99)),
			report.Number(float64(t.Requests())/float64(len(took))),
			report.Number(100*(after.CPU-before.CPU).Seconds()/float64(c.seconds))+" % of a core")
		r.say("%d a second: p95 %s", c.rate, ms(at(95)))
		if c.p95 > 0 {
			r.out.AtMost(fmt.Sprintf("change to target at %d a second, p95", c.rate), float64(at(95).Milliseconds()), c.p95, " ms")
		}
		if err := b.Live(r.ctx, t); err != nil {
			return err
		}
	}
	s.Note("From the moment of the edit, its callout by the simulator included, with the default coalesce window. Each change is of another company.")
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

// paced edits n companies at a rate and returns how long each took to arrive, sorted.
func (r *run) paced(b *bed.Bed, t *bed.Tenant, rate, n int) ([]time.Duration, error) {
	edited := map[string]time.Time{}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for i := range n {
		select {
		case <-tick.C:
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		}
		id := t.Companies[i%len(t.Companies)]
		edited[bed.ExternalID(id)] = time.Now()
		err := t.Autotask.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Paced %d %05d", rate, i)})
		if err != nil {
			return nil, fmt.Errorf("edit a company: %w", err)
		}
	}
	if err := b.Named(r.ctx, t, fmt.Sprintf("Paced %d ", rate), len(edited)); err != nil {
		return nil, err
	}
	arrived := map[string]time.Time{}
	for _, p := range b.Target.Pushes(t.Connection) {
		if _, ok := arrived[p.ExternalID]; !ok && p.At.After(edited[p.ExternalID]) {
			arrived[p.ExternalID] = p.At
		}
	}
	var took []time.Duration
	for id, at := range edited {
		took = append(took, arrived[id].Sub(at))
	}
	slices.Sort(took)
	return took, nil
}
