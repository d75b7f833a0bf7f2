package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	cpsim "channelsync/test/sim/channelprogram/sim"
	"channelsync/test/sim/oracle"
)

// summary waits until both sides agree, prints the table and says whether they do.
func (s *sandbox) summary(ctx context.Context, done edits) bool {
	ctx, cancel := context.WithTimeout(ctx, agreeWithin)
	defer cancel()
	disagree := oracle.Agree(ctx, s.expected, func() oracle.State { return oracle.Actual(s.target, connection) })

	clients, contracts := s.arrivals(done.timed)
	stats, target := s.autotask.Stats(), s.target.Stats()
	expected := s.expected()

	fmt.Fprintf(s.out, "\nedited Autotask for %s: %d edits, something in %d of %d seconds\n\n", done.lasted.Round(time.Second), done.random+len(done.timed),
		done.seconds, int(math.Ceil(done.lasted.Seconds())))
	w := tabwriter.NewWriter(s.out, 2, 0, 2, ' ', 0)
	fmt.Fprint(w, "\trecords in scope\tedits timed\tarrived\tp50\tp95\n")
	for _, row := range []struct {
		name    string
		inScope int
		took    []time.Duration
		timed   int
	}{
		{"clients", len(expected.Clients), clients, count(done.timed, "client")},
		{"contracts", len(expected.Contracts), contracts, count(done.timed, "contract")},
		{"all", len(expected.Clients) + len(expected.Contracts), slices.Concat(clients, contracts), len(done.timed)},
	} {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\n", row.name, row.inScope, row.timed, len(row.took), percentile(row.took, 0.50), percentile(row.took, 0.95))
	}
	_ = w.Flush()
	fmt.Fprintf(s.out, "\ncallbacks delivered %d · Autotask requests %d · Channel Program requests %d · records pushed %d · written by two at once %d\n",
		stats.Callouts.Delivered, stats.Total, target.Total, len(s.target.Pushes(connection)), target.Overlaps)
	if disagree != nil {
		fmt.Fprintf(s.out, "\nthe two sides do NOT agree:\n%v\n", disagree)
		return false
	}
	fmt.Fprintln(s.out, "\nboth sides agree")
	return true
}

// expected is what the target must hold now, worked out from Autotask's rows by
// code that shares nothing with the product, and what it may hold from before.
func (s *sandbox) expected() oracle.State {
	return s.past.Note(oracle.Expected(s.autotask, []string{"active_customers", "active_customer_contracts"}, time.Now().UTC()))
}

// arrivals finds for each timed edit the first push whose fetch began after it.
// An edit without one left the conditions right afterwards, or was undone; the
// comparison of both sides judges that.
func (s *sandbox) arrivals(timed []edit) (clients, contracts []time.Duration) {
	byRecord := map[string][]cpsim.Push{}
	for _, p := range s.target.Pushes(connection) {
		key := p.Entity + "/" + p.ExternalID
		byRecord[key] = append(byRecord[key], p)
	}
	for _, e := range timed {
		took := time.Duration(-1)
		for _, p := range byRecord[e.entity+"/"+e.id] {
			if !p.ObservedAt.Before(e.at.Truncate(time.Millisecond)) {
				took = p.At.Sub(e.at)
				break
			}
		}
		switch {
		case took < 0:
		case e.entity == "client":
			clients = append(clients, took)
		default:
			contracts = append(contracts, took)
		}
	}
	return clients, contracts
}

func count(timed []edit, entity string) int {
	n := 0
	for _, e := range timed {
		if e.entity == entity {
			n++
		}
	}
	return n
}

func percentile(took []time.Duration, p float64) string {
	if len(took) == 0 {
		return "-"
	}
	slices.Sort(took)
	return took[int(math.Ceil(p*float64(len(took))))-1].Round(time.Millisecond).String()
}
