package measure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/report"
	atsim "channelsync/test/sim/autotask/sim"
)

// never is an interval that does not come round while costs are counted.
const never = "24h"

// costs is the table of what each trigger costs, for one tenant.
type costs struct {
	*run
	env    *env.Env
	tenant *env.Tenant
	table  report.Section
}

// costs counts what each trigger costs in Autotask requests: every clock is stopped, and
// one thing is made to happen at a time.
func (r *run) costs() (err error) {
	n := pick(r, 1000, 100)
	b, err := r.start(1, map[string]string{
		"log-level": "warn", "contract-poll-interval": never, "contract-parts-interval": never, "sweep-interval": never, "webhook-check-interval": never,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	c := &costs{run: r, env: b, tenant: b.Tenants[0], table: report.Section{
		Title: "What each trigger costs in Autotask requests", Columns: []string{"trigger", "requests", "by entity and operation"},
	}}
	c.tenant.FillCompanies(n)
	c.tenant.FillContracts(n)
	for _, step := range []func() error{c.backfill, c.callbacks, c.asked, c.polls, c.passes} {
		if err := step(); err != nil {
			return err
		}
	}
	c.table.Note("Counted by the simulator, for a tenant with %d companies, %d contacts, and %d contracts of one service each.", n, n+n/2, n)
	r.out.Sections = append(r.out.Sections, c.table)
	return nil
}

// count writes what happened since the counters were last reset.
func (c *costs) count(trigger string, do func() error) error {
	// What is found after a job or a start has ended is not this trigger's.
	if err := errors.Join(c.live(), c.quiet(), c.live()); err != nil {
		return err
	}
	c.tenant.Autotask.ResetStats()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", trigger, err)
	}
	c.row(trigger, c.tenant.Autotask.Stats().Requests, 1)
	return nil
}

// row writes requests by entity and operation, divided by how often it happened.
func (c *costs) row(trigger string, requests map[string]map[string]int, times int) {
	total := 0
	var parts []string
	for entity, operations := range requests {
		for operation, n := range operations {
			total += n
			if n = n / times; n > 0 {
				parts = append(parts, fmt.Sprintf("%s %s %d", entity, operation, n))
			}
		}
	}
	slices.Sort(parts)
	c.table.Row(trigger, report.Number(float64(total)/float64(times)), strings.Join(parts, ", "))
}

// quietFor is longer than anything at rest that is still to come waits: the coalesce
// window, and the look at a job that stands still.
const quietFor = 800 * time.Millisecond

// quiet waits until Autotask has not been asked for a while.
func (c *costs) quiet() error {
	last, since := -1, time.Now()
	return env.Until(c.ctx, 20*time.Millisecond, func() (bool, error) {
		if n := c.tenant.Requests(); n != last {
			last, since = n, time.Now()
		}
		return time.Since(since) >= quietFor, nil
	})
}

func (c *costs) live() error { return c.env.Live(c.ctx, c.tenant) }

func (c *costs) backfill() error {
	c.tenant.Autotask.ResetStats()
	if err := c.env.Install(c.ctx, c.tenant, v1.Syncs...); err != nil {
		return err
	}
	if err := c.live(); err != nil {
		return err
	}
	c.row("installation with both syncs and their backfills", c.tenant.Autotask.Stats().Requests, 1)
	return nil
}

func (c *costs) callbacks() error {
	company := c.tenant.Companies[0]
	at := c.tenant.Autotask
	err := c.count("callback of a renamed company, whose contracts carry its name", func() error {
		return errors.Join(at.Edit("Companies", company, atsim.Row{"companyName": "Costs A"}), c.env.Named(c.ctx, c.tenant, "Costs A", 1), c.live())
	})
	if err != nil {
		return err
	}
	contact := at.All("Contacts")[0]
	return c.count("callback of a contact", func() error {
		before := c.env.Target.Stats().Total
		err := at.Edit("Contacts", contact["id"].(int64), atsim.Row{"emailAddress": "other@client.example"})
		return errors.Join(err, env.Until(c.ctx, 20*time.Millisecond, func() (bool, error) {
			return c.env.Target.Stats().Total > before, nil
		}), c.live())
	})
}

// asked is what somebody asks for over the API.
func (c *costs) asked() error {
	api, id := c.env.Admin, c.tenant.Installation
	company, contract := env.ExternalID(c.tenant.Companies[1]), env.ExternalID(c.tenant.Contracts[1])
	for _, a := range []struct {
		what string
		do   func() error
	}{
		{"explain a company", func() error { _, err := api.Explain(c.ctx, id, v1.KindCompany, company); return err }},
		{"explain a contract", func() error { _, err := api.Explain(c.ctx, id, v1.KindContract, contract); return err }},
		{"webhook repair, and polls for what was missed", func() error {
			return errors.Join(api.RepairWebhooks(c.ctx, id), c.quiet(), c.live())
		}},
		{"resync of everything", func() error {
			job, err := api.Resync(c.ctx, id, v1.ResyncRequest{})
			if err == nil {
				_, err = c.env.Job(c.ctx, c.tenant, job.Job)
			}
			return err
		}},
		{"replay of everything", func() error {
			job, err := api.Replay(c.ctx, id, v1.ReplayRequest{})
			if err == nil {
				_, err = c.env.Job(c.ctx, c.tenant, job.Job)
			}
			return err
		}},
	} {
		if err := c.count(a.what, a.do); err != nil {
			return err
		}
	}
	return nil
}

// restart runs the program with another setting until its first look at everything is over.
func (c *costs) restart(settings map[string]string) error {
	for flag, value := range settings {
		c.env.Set(flag, value)
	}
	return errors.Join(c.env.Stop(), c.env.Start(c.ctx), c.quiet(), c.live())
}

// polls is what the contract poll costs, idle and with a change.
func (c *costs) polls() error {
	if err := c.restart(map[string]string{"contract-poll-interval": "1s"}); err != nil {
		return err
	}
	c.tenant.Autotask.ResetStats()
	if err := c.rest(5 * time.Second); err != nil {
		return err
	}
	idle := c.tenant.Autotask.Stats().Requests
	times := max(1, idle["Contracts"]["query"])
	c.row("contract poll that finds nothing", idle, times)
	c.tenant.Autotask.ResetStats()
	contract := c.tenant.Contracts[2]
	err := errors.Join(c.tenant.Autotask.Edit("Contracts", contract, atsim.Row{"contractName": "Costs B"}),
		env.Until(c.ctx, 5*time.Millisecond, func() (bool, error) {
			got, _ := c.env.Target.Contract(c.tenant.Connection, env.ExternalID(contract))
			return got.Data.Name != nil && *got.Data.Name == "Costs B", nil
		}))
	if err != nil {
		return err
	}
	c.row("contract poll that finds one change, and the next poll", c.tenant.Autotask.Stats().Requests, 1)
	return nil
}

// passes is what the rarer passes cost, each with the start that it follows.
func (c *costs) passes() error {
	if err := c.restart(map[string]string{"contract-poll-interval": never}); err != nil {
		return err
	}
	for _, p := range []struct{ what, flag, interval string }{
		{"start of the service", "", ""},
		{"start, with a comparison of the parts", "contract-parts-interval", "1s"},
		// Due at the start, since the backfill is longer ago, and not again while it is under way.
		{"start, with a sweep", "sweep-interval", "20s"},
	} {
		if p.flag != "" {
			c.env.Set(p.flag, p.interval)
		}
		err := c.count(p.what, func() error { return errors.Join(c.env.Stop(), c.env.Start(c.ctx), c.quiet(), c.live()) })
		if err != nil {
			return err
		}
		if p.flag != "" {
			c.env.Set(p.flag, never)
		}
	}
	return nil
}
