package measure

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"channelsync/test/bench/env"
	"channelsync/test/bench/load"
	"channelsync/test/bench/report"
)

// intakeTable is what intake fills.
func (r *run) intakeTable() report.Section {
	s := report.Section{
		Title:   "Callbacks of one installation and of many, with and without repeats",
		Columns: []string{"installations", "repeats", "connections", "answers/s", "p50", "p99", "CPU per callback"},
	}
	if r.Former != "" {
		s.Columns = append(s.Columns, "answers/s, ÷ former", "p99, ÷ former", "CPU, ÷ former")
		s.Note("÷ former: this program divided by the one of the earlier revision; the median of the ratios of adjacent turns.")
	}
	s.Note("A repeat is a callback that the vendor sends again because it did not see the answer. The installations are stopped, as above.")
	return s
}

// intake measures callbacks of one installation and of many, some of them repeats, and in
// turns with an earlier revision of the program when there is one.
func (r *run) intake() error {
	s := r.intakeTable()
	for _, installations := range []int{1, pick(r, 64, 8)} {
		if err := r.intakeOf(installations, &s); err != nil {
			return err
		}
	}
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

func (r *run) intakeOf(installations int, s *report.Section) (err error) {
	binaries := []string{r.Binary}
	if r.Former != "" {
		binaries = append(binaries, r.Former)
	}
	var all []*contender
	var callbacks [][]*load.Callbacks
	for _, binary := range binaries {
		b, err := r.startOf(binary, installations, nil)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.Close()) }()
		of, err := r.stopped(b)
		if err != nil {
			return err
		}
		callbacks = append(callbacks, of)
		all = append(all, r.intakeContender(b, of))
	}
	rounds, length := pick(r, 9, 1), pick(r, 600*time.Millisecond, 100*time.Millisecond)
	for _, c := range all {
		if _, err := c.round(16, length); err != nil { // warm-up
			return err
		}
	}
	for _, n := range pick(r, []int{1, 16, 64}, []int{64}) {
		without, with := repeating(0, all, callbacks), repeating(5, all, callbacks)
		for i := range rounds {
			order, variants := slices.Clone(all), []variant{without, with}
			if i%2 == 1 { // whatever grows meanwhile falls on all of them
				slices.Reverse(order)
				slices.Reverse(variants)
			}
			for _, v := range variants {
				v.use()
				for _, c := range order {
					if err := c.measureRound(n, length); err != nil {
						return fmt.Errorf("load %d installations with %d connections: %w", installations, n, err)
					}
				}
			}
		}
		without.use()
		before := all[0].perSecond(n)
		r.intakeRow(s, installations, without.repeats, n, all)
		with.use()
		r.intakeRow(s, installations, with.repeats, n, all)
		if n == 64 {
			r.out.AtLeast(fmt.Sprintf("callbacks of %s, 5 %% repeats ÷ none", counted(installations, "installation")), all[0].perSecond(n)/before, 0.9, " ×")
		}
	}
	return nil
}

// variant is a share of repeats, in turns with another: what was measured with it is apart.
type variant struct {
	repeats int
	use     func() // from the next round on
}

func repeating(repeats int, all []*contender, callbacks [][]*load.Callbacks) variant {
	taken := make([]map[int][]round, len(all))
	for i := range taken {
		taken[i] = map[int][]round{}
	}
	return variant{repeats, func() {
		for i, c := range all {
			c.rounds = taken[i]
			for _, of := range callbacks[i] {
				of.Repeats = repeats
			}
		}
	}}
}

func (r *run) intakeContender(b *env.Env, of []*load.Callbacks) *contender {
	return &contender{
		addr: b.CallbackAddr(), process: b.Product, once: true, drain: func(*contender) error { return b.Dispatched(r.ctx) },
		make: func(n int) ([][]byte, error) {
			out := make([][]byte, n)
			for i, c := range of {
				part, err := c.Make((n + len(of) - 1) / len(of))
				if err != nil {
					return nil, err
				}
				for k, request := range part {
					if at := k*len(of) + i; at < n { // in turns, as they come
						out[at] = request
					}
				}
			}
			return out, nil
		},
		rounds: map[int][]round{},
	}
}

// intakeRow writes one line of the table, and claims what it bears on.
func (r *run) intakeRow(s *report.Section, installations, repeats, n int, all []*contender) {
	product := all[0]
	row := append([]string{fmt.Sprint(installations), fmt.Sprintf("%d %%", repeats)}, product.row(n)[1:]...)
	if len(all) > 1 {
		ratio := func(of func(round) float64) float64 {
			var ratios []float64
			for i := range product.rounds[n] {
				ratios = append(ratios, of(product.rounds[n][i])/of(all[1].rounds[n][i]))
			}
			return median(ratios)
		}
		rate := ratio(func(r round) float64 { return r.PerSecond() })
		tail := ratio(func(r round) float64 { return float64(r.P99) })
		cpu := ratio(func(r round) float64 { return float64(r.cpu) / float64(max(1, r.Answered)) })
		row = append(row, report.Number(rate), report.Number(tail), report.Number(cpu))
		r.intakeClaims(installations, repeats, n, rate, tail, cpu)
	}
	s.Row(row...)
	r.say("%v", row)
}

// intakeClaims are what storing rounds instead of single changes was to bring.
func (r *run) intakeClaims(installations, repeats, n int, rate, tail, cpu float64) {
	if repeats > 0 {
		return
	}
	what := fmt.Sprintf("callbacks of %s at %s, ÷ former", counted(installations, "installation"), counted(n, "connection"))
	switch {
	case installations == 1 && n == 1:
		r.out.AtMost(what+", CPU", cpu, 0.75, " ×")
	case installations == 1:
		r.out.AtLeast(what, rate, 1.4, " ×")
		r.out.AtMost(what+", CPU", cpu, 0.65, " ×")
		r.out.AtMost(what+", p99", tail, 1, " ×")
	case n == 64:
		r.out.AtLeast(what, rate, 0.9, " ×")
		r.out.AtMost(what+", CPU", cpu, 1, " ×")
	}
}
