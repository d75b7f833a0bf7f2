package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/process"
	"channelsync/test/bench/report"
)

const createAtOnce = 8 // installations that are created side by side

// installations measures what many installations cost, idle and at a restart, and
// whether the backfills of all of them wait on each other.
func (r *run) installations() error {
	s := report.Section{
		Title:   "Many installations",
		Columns: []string{"installations", "companies each", "start", "start after a kill", "memory before", "memory after", "CPU, idle"},
	}
	counts := pick(r, []int{1, 100, 1000}, []int{1, 10})
	for _, n := range counts {
		if err := r.crowd(&s, n, n == counts[len(counts)-1]); err != nil {
			return fmt.Errorf("%d installations: %w", n, err)
		}
	}
	s.Note("Before and after an idle minute (10 s for fewer installations) with contract polls and webhook checks at their default intervals; " +
		"in the row with companies, before and after their backfills. The simulators run in another process.")
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

// crowd creates n installations of empty tenants and looks at them idle.
func (r *run) crowd(s *report.Section, n int, last bool) (err error) {
	r.say("%d installations", n)
	b, err := r.start(n, map[string]string{"log-level": "warn"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := r.each(b, func(ctx context.Context, t *env.Tenant) error { return b.Install(ctx, t, v1.Syncs...) }); err != nil {
		return err
	}
	r.say("%d installations are created", n)
	if err := r.allLive(b); err != nil {
		return err
	}
	r.say("%d installations are live", n)
	if err := b.Stop(); err != nil {
		return err
	}
	if err := b.Start(r.ctx); err != nil {
		return err
	}
	clean := b.StartedIn
	b.Kill()
	if err := b.Start(r.ctx); err != nil {
		return err
	}
	killed := b.StartedIn
	if err := r.rest(pick(r, 5*time.Second, time.Second)); err != nil { // what a start begins with
		return err
	}
	watched := pick(r, 10*time.Second, time.Second)
	if last {
		watched = pick(r, time.Minute, 2*time.Second) // each contract poll once
	}
	started, idle, share, err := r.idle(b, watched)
	if err != nil {
		return err
	}
	s.Row(fmt.Sprint(n), "0", clean.Round(time.Millisecond).String(), killed.Round(time.Millisecond).String(),
		megabytes(started), megabytes(idle), report.Number(share)+" % of a core")
	if err := r.heap(b, fmt.Sprint(n)); err != nil || !last {
		return err
	}
	r.out.AtMost(fmt.Sprintf("%d idle installations, memory", n), float64(idle.Memory)/1e6, 300, " MB")
	r.out.AtMost(fmt.Sprintf("%d idle installations, CPU", n), share, 5, " % of a core")
	return r.backfills(s, b, n)
}

// idle watches a program that has nothing to do but its polls.
func (r *run) idle(b *env.Env, d time.Duration) (before, after process.Usage, percent float64, err error) {
	if before, err = b.Product.Usage(); err != nil {
		return before, after, 0, err
	}
	if err := r.profiled(b, "idle", d, func() error { return r.rest(d) }); err != nil {
		return before, after, 0, err
	}
	after, err = b.Product.Usage()
	return before, after, 100 * (after.CPU - before.CPU).Seconds() / d.Seconds(), err
}

// backfills fills every tenant, has all of them passed over at once, and looks at how
// far apart they end: with fair shares all are served all the time.
func (r *run) backfills(s *report.Section, b *env.Env, n int) error {
	companies := pick(r, 200, 20)
	for _, t := range b.Tenants {
		t.FillCompanies(companies)
	}
	before, err := b.Product.Usage()
	if err != nil {
		return err
	}
	r.say("%d backfills over %d companies each", n, companies)
	began := time.Now()
	err = r.each(b, func(ctx context.Context, t *env.Tenant) error {
		var err error
		for range 3 { // a machine that is busy with the first ones may need longer than a request may take
			if _, err = b.Admin.Resync(ctx, t.Installation, v1.ResyncRequest{Kinds: []v1.Kind{v1.KindCompany}}); err == nil {
				return nil
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	asked := time.Since(began)
	if err := r.profiled(b, "passes", 10*time.Second, func() error { return r.allPushed(b, n*companies) }); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := b.Product.Usage()
	if err != nil {
		return err
	}
	var first []time.Duration // until the first client of each installation
	for _, t := range b.Tenants {
		pushes := b.Target.Pushes(t.Connection)
		if len(pushes) == 0 {
			return fmt.Errorf("%s has nothing at the target", t.Name)
		}
		first = append(first, pushes[0].At.Sub(began))
	}
	slices.Sort(first)
	s.Row(fmt.Sprint(n), fmt.Sprint(companies), "", "", megabytes(before), megabytes(after), "")
	s.Note("%d backfills of %d companies each, requested within %s: all done after %s (%.0f records/s, %s ms of CPU per record). "+
		"The first client of an installation arrives after %s (median), after %s at the latest.",
		n, companies, asked.Round(100*time.Millisecond), took.Round(100*time.Millisecond), float64(n*companies)/took.Seconds(),
		report.Number((after.CPU-before.CPU).Seconds()*1000/float64(n*companies)), first[len(first)/2].Round(100*time.Millisecond),
		first[len(first)-1].Round(100*time.Millisecond))
	return r.heap(b, "filled")
}

// each does something for every tenant, a few at a time.
func (r *run) each(b *env.Env, do func(context.Context, *env.Tenant) error) error {
	group, ctx := errgroup.WithContext(r.ctx)
	group.SetLimit(createAtOnce)
	for _, t := range b.Tenants {
		group.Go(func() error { return do(ctx, t) })
	}
	return group.Wait()
}

func (r *run) allLive(b *env.Env) error {
	return env.Until(r.ctx, time.Second, func() (bool, error) {
		list, err := b.Admin.Installations(r.ctx)
		if err != nil {
			return false, err
		}
		return !slices.ContainsFunc(list, func(in v1.Installation) bool { return in.State != v1.StateLive || in.Backlog > 0 }), nil
	})
}

func (r *run) allPushed(b *env.Env, n int) error {
	return env.Until(r.ctx, 200*time.Millisecond, func() (bool, error) {
		made := 0
		for outcome, count := range b.Target.Stats().Outcomes {
			if outcome == "created" {
				made += count
			}
		}
		return made >= n, nil
	})
}

func megabytes(u process.Usage) string { return fmt.Sprintf("%.0f MB", float64(u.Memory)/1e6) }
