// Package measure holds the parts of the benchmarks: each sets up what it needs, measures
// one thing, and writes a table and the claims it bears on into the report. The command
// above runs them; nothing in the product knows of them.
package measure

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"channelsync/test/bench/env"
	"channelsync/test/bench/report"
)

// Config is what every part works with.
type Config struct {
	Binary   string // channelsync, built
	Former   string // channelsync of an earlier revision, to be measured in turns with it; empty: none
	Dir      string // for stores and logs; each part has its own below it
	Short    bool
	Profiles string    // directory for profiles of the program; empty takes none
	Progress io.Writer // hears what is being measured
}

// part is one thing to measure.
type part struct {
	name string
	run  func(*run) error
}

func parts() []part {
	return []part{
		{"callbacks", (*run).callbacks},
		{"intake", (*run).intake},
		{"records", (*run).records},
		{"freshness", (*run).freshness},
		{"neighbours", (*run).neighbours},
		{"installations", (*run).installations},
		{"console", (*run).console},
		{"journal", (*run).journal},
		{"costs", (*run).costs},
	}
}

// Names lists the parts in the order they run in.
func Names() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// run is one part at work.
type run struct {
	Config
	ctx  context.Context
	name string
	out  *report.Report
	envs int
}

// Run runs the named parts, or all of them, and adds what they find to the report.
func Run(ctx context.Context, cfg Config, only []string, out *report.Report) error {
	for _, name := range only {
		if !slices.Contains(Names(), name) {
			return fmt.Errorf("measure %q: there is no such part; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	for _, p := range parts() {
		if len(only) > 0 && !slices.Contains(only, p.name) {
			continue
		}
		began := time.Now()
		r := &run{Config: cfg, ctx: ctx, name: p.name, out: out}
		r.say("measuring")
		if err := p.run(r); err != nil {
			return fmt.Errorf("measure %s: %w", p.name, err)
		}
		r.say("done in %s", time.Since(began).Round(time.Second))
	}
	return nil
}

func (r *run) say(format string, v ...any) {
	_, _ = fmt.Fprintf(r.Progress, "bench: %s: %s\n", r.name, fmt.Sprintf(format, v...)) // progress may be lost
}

// pick is the full form's value, or the short form's.
func pick[T any](r *run, full, short T) T {
	if r.Short {
		return short
	}
	return full
}

// start sets a env up in a directory of its own and waits until the program is ready.
func (r *run) start(tenants int, settings map[string]string) (*env.Env, error) {
	return r.startOf(r.Binary, tenants, settings)
}

// startOf is start of another program.
func (r *run) startOf(binary string, tenants int, settings map[string]string) (*env.Env, error) {
	r.envs++
	dir := filepath.Join(r.Dir, fmt.Sprintf("%s-%d", r.name, r.envs))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	b, err := env.Open(env.Config{Binary: binary, Dir: dir, Tenants: tenants, Settings: settings})
	if err != nil {
		return nil, err
	}
	if err := b.Start(r.ctx); err != nil {
		_ = b.Close() // the first error says why
		return nil, err
	}
	return b, nil
}

func (r *run) rest(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

func median[T int | int64 | float64 | time.Duration](of []T) T {
	s := slices.Clone(of)
	slices.Sort(s)
	return s[len(s)/2]
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func ms(d time.Duration) string { return report.Number(float64(d.Microseconds())/1000) + " ms" }
