package measure

import (
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/report"
	atsim "channelsync/test/sim/autotask/sim"
)

// source is a program with the tenant whose edits it carries, and what came of them.
type source struct {
	*env.Env
	tenant *env.Tenant
	rounds []arrivals
}

// arrivals are those of one round.
type arrivals struct {
	took     []time.Duration // sorted
	requests int             // of Autotask
	cpu      time.Duration   // of the program
}

func (a arrivals) at(percent int) time.Duration { return a.took[(len(a.took)-1)*percent/100] }

// freshness measures how soon an edit in Autotask is in Channel Program, and in turns with
// an earlier revision of the program when there is one.
func (r *run) freshness() (err error) {
	binaries := []string{r.Binary}
	s := report.Section{
		Title: "From a change in Autotask to Channel Program", Columns: []string{"changes/s", "duration", "p50", "p95", "p99", "Autotask requests per change", "CPU"},
	}
	rounds := 1
	if r.Former != "" {
		binaries = append(binaries, r.Former)
		s.Columns = append(s.Columns, "p50, ÷ former", "p95, ÷ former", "CPU, ÷ former")
		rounds = pick(r, 3, 2)
	}
	var all []*source
	for _, binary := range binaries {
		b, err := r.startOf(binary, 1, nil)
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
		all = append(all, &source{Env: b, tenant: t})
	}
	for _, c := range []struct {
		rate, seconds int
		p95           float64 // ms; 0 makes no claim
	}{{1, pick(r, 10, 1), 0}, {50, pick(r, 10, 1), 1000}, {500, pick(r, 10, 1), 2000}} {
		for _, of := range all {
			of.rounds = nil
		}
		for i := range rounds {
			order := slices.Clone(all)
			if i%2 == 1 {
				slices.Reverse(order)
			}
			for _, of := range order {
				if err := r.freshRound(of, c.rate, c.seconds, i); err != nil {
					return err
				}
			}
		}
		r.freshRow(&s, c.rate, c.seconds, all)
		p95 := all[0].middle(func(a arrivals) float64 { return float64(a.at(95).Milliseconds()) })
		if c.p95 > 0 {
			r.out.AtMost(fmt.Sprintf("from edit to target at %d changes/s, p95", c.rate), p95, c.p95, " ms")
		}
	}
	s.Note("Measured from the moment of the edit, including the callout by the simulator, with the default coalesce window. Each change edits a different company.")
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

// middle is the median of a source's rounds.
func (s *source) middle(of func(arrivals) float64) float64 {
	var values []float64
	for _, a := range s.rounds {
		values = append(values, of(a))
	}
	return median(values)
}

// freshRound edits at a rate, and waits until all of it has arrived.
func (r *run) freshRound(of *source, rate, seconds, n int) error {
	of.tenant.Autotask.ResetStats()
	before, err := of.Product.Usage()
	if err != nil {
		return err
	}
	var got arrivals
	err = r.profiled(of.Env, fmt.Sprint(rate), profileFor, func() error {
		got.took, err = r.paced(of.Env, of.tenant, fmt.Sprintf("%d-%d", rate, n), rate, rate*seconds)
		return err
	})
	if err != nil {
		return err
	}
	after, err := of.Product.Usage()
	if err != nil {
		return err
	}
	got.cpu, got.requests = after.CPU-before.CPU, of.tenant.Requests()
	of.rounds = append(of.rounds, got)
	return of.Live(r.ctx, of.tenant)
}

// freshRow writes one line of the table.
func (r *run) freshRow(s *report.Section, rate, seconds int, all []*source) {
	product := all[0]
	at := func(percent int) func(arrivals) float64 {
		return func(a arrivals) float64 { return float64(a.at(percent)) }
	}
	cpu := func(a arrivals) float64 { return a.cpu.Seconds() }
	took := func(percent int) string { return ms(time.Duration(product.middle(at(percent)))) }
	row := []string{
		fmt.Sprint(rate), fmt.Sprintf("%d s", seconds), took(50), took(95), took(99),
		report.Number(product.middle(func(a arrivals) float64 { return float64(a.requests) / float64(len(a.took)) })),
		report.Number(100*product.middle(cpu)/float64(seconds)) + " % of a core",
	}
	if len(all) > 1 {
		for _, of := range []func(arrivals) float64{at(50), at(95), cpu} {
			var ratios []float64
			for i := range product.rounds {
				ratios = append(ratios, of(product.rounds[i])/of(all[1].rounds[i]))
			}
			row = append(row, report.Number(median(ratios)))
		}
	}
	s.Row(row...)
	r.say("%v", row)
}

// paced edits n companies at a rate and returns how long each took to arrive, sorted.
func (r *run) paced(b *env.Env, t *env.Tenant, name string, rate, n int) ([]time.Duration, error) {
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
		edited[env.ExternalID(id)] = time.Now()
		err := t.Autotask.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Paced %s %05d", name, i)})
		if err != nil {
			return nil, fmt.Errorf("edit a company: %w", err)
		}
	}
	if err := b.Named(r.ctx, t, fmt.Sprintf("Paced %s ", name), len(edited)); err != nil {
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
