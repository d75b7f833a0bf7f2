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

// neighbours measures what a flood of one installation does to another's single change.
func (r *run) neighbours() (err error) {
	b, err := r.start(2, map[string]string{"log-level": "warn"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	n := pick(r, 10_000, 500)
	flooded, quiet := b.Tenants[0], b.Tenants[1]
	flooded.FillCompanies(n)
	quiet.FillCompanies(20)
	for _, t := range b.Tenants {
		if err := b.Install(r.ctx, t, v1.SyncActiveCustomers); err != nil {
			return err
		}
	}
	for _, t := range b.Tenants {
		if err := b.Live(r.ctx, t); err != nil {
			return err
		}
	}
	var alone []time.Duration
	for i := range 5 {
		took, err := r.single(b, quiet, fmt.Sprintf("Alone %d", i))
		if err != nil {
			return err
		}
		alone = append(alone, took)
	}
	flood := make(chan error, 1)
	go func() {
		var err error
		for i, id := range flooded.Companies {
			err = errors.Join(err, flooded.Autotask.Edit("Companies", id, atsim.Row{"companyName": fmt.Sprintf("Flood %05d", i)}))
		}
		flood <- errors.Join(err, b.Named(r.ctx, flooded, "Flood", n))
	}()
	var beside []time.Duration
	for i := 0; len(flood) == 0; i++ {
		took, err := r.single(b, quiet, fmt.Sprintf("Beside %d", i))
		if err != nil {
			return errors.Join(err, <-flood)
		}
		beside = append(beside, took)
	}
	if err := <-flood; err != nil {
		return err
	}
	delay := median(beside) - median(alone)
	s := report.Section{Title: "A single change during a flood", Columns: []string{"", "median", "worst", "samples"}}
	s.Row("alone", ms(median(alone)), ms(worst(alone)), fmt.Sprint(len(alone)))
	s.Row(fmt.Sprintf("during a flood of %d changes of another installation", n), ms(median(beside)), ms(worst(beside)), fmt.Sprint(len(beside)))
	r.out.Sections = append(r.out.Sections, s)
	r.out.AtMost(fmt.Sprintf("delay of a single change during a flood of %d", n), float64(delay.Milliseconds()), 1000, " ms")
	return nil
}

func worst(of []time.Duration) time.Duration {
	out := time.Duration(0)
	for _, d := range of {
		out = max(out, d)
	}
	return out
}

// single edits one company and waits until it has arrived.
func (r *run) single(b *env.Env, t *env.Tenant, name string) (time.Duration, error) {
	id := t.Companies[0]
	began := time.Now()
	if err := t.Autotask.Edit("Companies", id, atsim.Row{"companyName": name}); err != nil {
		return 0, fmt.Errorf("edit a company: %w", err)
	}
	err := env.Until(r.ctx, 2*time.Millisecond, func() (bool, error) {
		c, _ := b.Target.Client(t.Connection, env.ExternalID(id))
		return c.Data.Name == name, nil
	})
	return time.Since(began), err
}
