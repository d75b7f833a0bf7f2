package measure

import (
	"errors"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/report"
	atsim "channelsync/test/sim/autotask/sim"
)

// records measures what records cost in requests and how many are processed in a
// second: the backfills, bursts of changes, a resync and a replay of one large tenant.
func (r *run) records() (err error) {
	b, err := r.start(1, map[string]string{"log-level": "warn"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	t := b.Tenants[0]
	n := pick(r, 20_000, 500)
	t.FillCompanies(n)
	s := &section{run: r, env: b, tenant: t, table: report.Section{
		Title: "What records cost, and how fast they are processed",
		Columns: []string{
			"", "records", "time", "records/s", "Autotask requests", "per record", "Channel Program requests", "per record", "CPU per record",
		},
	}}
	each, err := s.measure(fmt.Sprintf("backfill of %d companies", n), n, func() error {
		if err := b.Install(r.ctx, t, v1.SyncActiveCustomers); err != nil {
			return err
		}
		return b.Live(r.ctx, t)
	})
	if err != nil {
		return err
	}
	if n >= 20_000 { // registering the webhooks costs the same whatever the number
		r.out.AtMost(fmt.Sprintf("backfill of %d companies, Autotask requests per record", n), each, 0.012, "")
	}
	if err := s.bursts(pick(r, []int{1, 100, 2_000, 20_000}, []int{1, 100})); err != nil {
		return err
	}
	if err := s.jobs(n); err != nil {
		return err
	}
	t.FillContracts(n)
	_, err = s.measure(fmt.Sprintf("backfill of %d contracts and their companies", n), n, func() error {
		if err := b.Admin.Act(r.ctx, t.Installation, v1.SyncActiveCustomerContracts, "install"); err != nil {
			return err
		}
		return s.arrived("contracts", n, func() int { return len(b.Target.Contracts(t.Connection)) })
	})
	if err != nil {
		return err
	}
	s.table.Note("One tenant, whose companies have one or two contacts each. The simulators answer at once and do not throttle callouts. " +
		"Contract polls during a measurement are counted.")
	r.out.Sections = append(r.out.Sections, s.table)
	return r.heap(b, "after")
}

// section is a table of measurements of one tenant.
type section struct {
	*run
	env    *env.Env
	tenant *env.Tenant
	table  report.Section
	named  int // how many times every company was renamed
}

// measure runs work and writes what it cost; it returns the Autotask requests of each record.
func (s *section) measure(what string, records int, work func() error) (each float64, err error) {
	s.say("%s", what)
	s.tenant.Autotask.ResetStats()
	target := s.env.Target.Stats().Total
	before, err := s.env.Product.Usage()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := s.profiled(s.env, fmt.Sprint(len(s.table.Rows)), profileFor, work); err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	took := time.Since(began)
	after, err := s.env.Product.Usage()
	if err != nil {
		return 0, err
	}
	s.say("%s: %v", what, s.tenant.Autotask.Stats().Requests)
	requests, pushes := s.tenant.Requests(), s.env.Target.Stats().Total-target
	n := float64(records)
	each = float64(requests) / n
	s.table.Row(what, fmt.Sprint(records), took.Round(10*time.Millisecond).String(), fmt.Sprintf("%.0f", n/took.Seconds()),
		fmt.Sprint(requests), report.Number(each), fmt.Sprint(pushes), report.Number(float64(pushes)/n),
		report.Number(float64((after.CPU-before.CPU).Microseconds())/1000/n)+" ms")
	return each, nil
}

// bursts edits so many companies at once and waits for the last to arrive.
func (s *section) bursts(sizes []int) error {
	for _, n := range sizes {
		s.named++
		name := fmt.Sprintf("Burst %d", s.named)
		what := fmt.Sprintf("burst of %d", n)
		each, err := s.measure(what, n, func() error {
			for i, id := range s.tenant.Companies[:n] {
				if err := s.tenant.Autotask.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("%s %05d", name, i)}); err != nil {
					return fmt.Errorf("edit a company: %w", err)
				}
			}
			return s.env.Named(s.ctx, s.tenant, name, n)
		})
		if err != nil {
			return err
		}
		switch {
		case n >= 20_000:
			s.out.AtMost(what+", Autotask requests per record", each, 0.012, "")
		case n >= 2_000:
			s.out.AtMost(what+", Autotask requests per record", each, 0.02, "")
		}
		if err := s.env.Live(s.ctx, s.tenant); err != nil {
			return err
		}
	}
	return nil
}

// jobs measures a resync, which fetches and pushes every record again, and a replay,
// which finds that nothing differs.
func (s *section) jobs(n int) error {
	_, err := s.measure(fmt.Sprintf("resync of %d companies", n), n, func() error {
		job, err := s.env.Admin.Resync(s.ctx, s.tenant.Installation, v1.ResyncRequest{})
		if err != nil {
			return err
		}
		_, err = s.env.Job(s.ctx, s.tenant, job.Job)
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.measure(fmt.Sprintf("replay of %d companies", n), n, func() error {
		job, err := s.env.Admin.Replay(s.ctx, s.tenant.Installation, v1.ReplayRequest{})
		if err != nil {
			return err
		}
		_, err = s.env.Job(s.ctx, s.tenant, job.Job)
		return err
	})
	return err
}

// arrived waits until the target has so many.
func (s *section) arrived(what string, n int, have func() int) error {
	last := 0
	err := env.Until(s.ctx, 100*time.Millisecond, func() (bool, error) {
		last = have()
		return last >= n, nil
	})
	if err != nil {
		return fmt.Errorf("wait for %d %s: %d are there: %w", n, what, last, err)
	}
	return nil
}
