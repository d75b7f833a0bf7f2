package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/report"
)

const (
	tabs     = 50
	tabEvery = 2 * time.Second // as in handlers/console/assets/app.js
)

// console measures the console where there are many installations: its front page, searches,
// and what tabs cost that stay open.
func (r *run) console() (err error) {
	n, companies, contracts := pick(r, 1000, 5), pick(r, 150, 15), pick(r, 50, 5)
	r.say("%d installations of %d records", n, companies+contracts)
	b, err := r.start(n, map[string]string{"log-level": "warn"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, t := range b.Tenants {
		t.FillCompanies(companies)
		t.FillContracts(contracts)
	}
	if err := r.each(b, func(ctx context.Context, t *env.Tenant) error { return b.Install(ctx, t, v1.Syncs...) }); err != nil {
		return err
	}
	r.say("%d installations are created", n)
	// A look at all of them while all of them backfill may take too long.
	err = env.Until(r.ctx, 5*time.Second, func() (bool, error) {
		list, err := b.Admin.InstallationList(r.ctx, v1.InstallationQuery{Limit: 1, Counts: true})
		if err != nil {
			return false, nil //nolint:nilerr // asked again
		}
		at := list.Counts.Standings // its tenants have an issue for good: their currency is assumed
		return at[v1.StandingInSync]+at[v1.StandingNeedsAttention] == n, nil
	})
	if err != nil {
		return err
	}
	r.say("%d installations are filled", n)
	if err := b.Stop(); err != nil {
		return err
	}
	if err := b.Start(r.ctx); err != nil {
		return err
	}
	r.say("restarted")
	who, err := b.Browser(r.ctx)
	if err != nil {
		return err
	}
	defer who.Close()
	s := report.Section{
		Title:   fmt.Sprintf("The console with %d installations of %d records", n, companies+contracts),
		Columns: []string{"page", "p50", "p95", "samples"},
	}
	began := time.Now()
	err = env.Until(r.ctx, 100*time.Millisecond, func() (bool, error) {
		_, err := who.Page(r.ctx, "/")
		return err == nil, nil //nolint:nilerr // the first may be refused while everything is read
	})
	if err != nil {
		return err
	}
	s.Note("The first front page after a start took %s: the service reads the records of all installations for it.", time.Since(began).Round(10*time.Millisecond))
	r.say("first front page after %s", time.Since(began))
	if err := r.consolePages(&s, b, who); err != nil {
		return err
	}
	if err := r.consoleTabs(&s, b, who); err != nil {
		return err
	}
	r.out.Sections = append(r.out.Sections, s)
	return r.heap(b, "console")
}

// consolePages loads pages one after another.
func (r *run) consolePages(s *report.Section, b *env.Env, who *env.Browser) error {
	times := pick(r, 60, 3)
	last := b.Tenants[len(b.Tenants)-1]
	nth := func(i int) *env.Tenant { return b.Tenants[i%len(b.Tenants)] }
	records := func(t *env.Tenant) string { return "/installations/" + t.Installation + "/records" }
	for _, one := range []struct {
		what  string
		times int
		bound float64 // ms; 0: none is claimed
		path  func(i int) string
	}{
		{"front page", times, 300, func(int) string { return "/" }},
		{"front page, search for an installation", times, 300, func(int) string { return "/?q=" + last.Name[len(last.Name)-4:] }},
		{"front page, sorted by backlog, last page", times, 300, func(int) string { return fmt.Sprintf("/?sort=backlog&page=%d", (len(b.Tenants)+49)/50) }},
		{"record search, the first of an installation", times, 300, func(i int) string { return records(nth(i)) + "?q=client+00012" }},
		{"record search, a later one", times, 300, func(i int) string { return records(nth(i)) + "?q=client+00013" }},
		{"record search by phone number, a later one", times, 300, func(i int) string { return records(nth(i)) + "?q=518-555-0100" }},
		{"overview", times, 0, func(i int) string { return "/installations/" + nth(i).Installation }},
	} {
		var took []time.Duration
		for i := range one.times {
			t, err := who.Page(r.ctx, one.path(i))
			if err != nil {
				return err
			}
			took = append(took, t)
		}
		slices.Sort(took)
		p95 := took[len(took)*95/100]
		s.Row(one.what, ms(median(took)), ms(p95), fmt.Sprint(one.times))
		r.say("%s: p50 %s, p95 %s", one.what, ms(median(took)), ms(p95))
		if one.bound > 0 {
			r.out.AtMost(one.what+", p95", float64(p95.Microseconds())/1000, one.bound, " ms")
		}
	}
	return nil
}

// consoleTabs has tabs stay open, and says what they cost beyond an idle program.
func (r *run) consoleTabs(s *report.Section, b *env.Env, who *env.Browser) error {
	d := pick(r, time.Minute, 3*time.Second)
	for _, one := range []struct {
		what string
		path func(i int) string
	}{
		{"of the front page", func(int) string { return "/" }},
		{"of overviews of different installations", func(i int) string { return "/installations/" + b.Tenants[i%len(b.Tenants)].Installation }},
	} {
		_, _, idle, err := r.idle(b, d)
		if err != nil {
			return err
		}
		before, err := b.Product.Usage()
		if err != nil {
			return err
		}
		var polls, news atomic.Int64
		if err := r.profiled(b, "tabs", d, func() error { return r.poll(who, one.path, d, &polls, &news) }); err != nil {
			return err
		}
		after, err := b.Product.Usage()
		if err != nil {
			return err
		}
		share := 100*(after.CPU-before.CPU).Seconds()/d.Seconds() - idle
		s.Note("%d open tabs %s use %s %% of a core more than an idle service (%s %%): %d polls in %s, of which %d returned something new.",
			tabs, one.what, report.Number(share), report.Number(idle), polls.Load(), d, news.Load())
		r.say("%d tabs %s: %s %% of a core, idle %s %%", tabs, one.what, report.Number(share), report.Number(idle))
		r.out.AtMost(fmt.Sprintf("%d open tabs %s, CPU", tabs, one.what), max(0, share), 5, " % of a core")
	}
	return nil
}

// poll has all tabs look at their pages for a while, each in its own time, as those do that
// were opened one after another.
func (r *run) poll(who *env.Browser, path func(int) string, d time.Duration, polls, news *atomic.Int64) error {
	group, ctx := errgroup.WithContext(r.ctx)
	ends := time.Now().Add(d)
	for i := range tabs {
		group.Go(func() error {
			last := ""
			next := time.NewTimer(tabEvery * time.Duration(i) / tabs)
			defer next.Stop()
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-next.C:
				}
				if !time.Now().Before(ends) {
					return nil
				}
				tag, is, err := who.Poll(ctx, path(i), last)
				if err != nil {
					return err
				}
				polls.Add(1)
				if is {
					news.Add(1)
				}
				last = tag
				next.Reset(tabEvery)
			}
		})
	}
	return group.Wait()
}
