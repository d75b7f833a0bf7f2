package measure

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/bench/env"
	"channelsync/test/bench/load"
	"channelsync/test/bench/process"
	"channelsync/test/bench/reference"
	"channelsync/test/bench/report"
)

const (
	callbackRecords = 1000 // that the callbacks are of, over and over
	profileFor      = 5 * time.Second
)

// contender is one of those that answer the same callbacks in turns.
type contender struct {
	name    string
	addr    string
	process *process.Process
	make    func(n int) ([][]byte, error)
	once    bool                   // each body is taken once only
	drain   func(*contender) error // waits until its background work is done
	rounds  map[int][]round        // by connections
}

type round struct {
	load.Result
	cpu time.Duration // of its process, the work it left for later included
}

// callbacks measures how many callbacks are answered, against the references.
func (r *run) callbacks() (err error) {
	b, err := r.start(1, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	product, err := r.productContender(b)
	if err != nil {
		return err
	}
	all := []*contender{product}
	for _, kind := range []reference.Kind{reference.Bare, reference.Synced, reference.Parallel} {
		c, err := r.referenceContender(kind)
		if err != nil {
			return err
		}
		defer c.process.Kill()
		all = append(all, c)
	}
	connections := pick(r, []int{1, 16, 64, 256}, []int{1, 16, 64})
	// Many short turns: whatever else the machine does then falls on all of them.
	rounds, length := pick(r, 5, 1), pick(r, 700*time.Millisecond, 200*time.Millisecond)
	for _, c := range all {
		if _, err := c.round(16, length); err != nil { // warm-up
			return err
		}
	}
	for _, n := range connections {
		for range rounds {
			for _, c := range all {
				if err := c.measureRound(n, length); err != nil {
					return fmt.Errorf("load %s with %d connections: %w", c.name, n, err)
				}
			}
		}
		r.say("%d connections: %.0f/s", n, product.perSecond(n))
		if r.Profiles == "" {
			continue
		}
		err := r.profiled(b, fmt.Sprint(n), profileFor, func() error { _, err := product.round(n, profileFor); return err })
		if err != nil {
			return err
		}
	}
	r.callbackTable(connections, all)
	return r.callbacksAtWork(b, product, length)
}

// productContender is an installation whose changes are kept: intake alone is measured,
// which is verifying, storing and dispatching, and no reconciling beside it.
func (r *run) productContender(b *env.Env) (*contender, error) {
	all, err := r.stopped(b)
	if err != nil {
		return nil, err
	}
	return &contender{
		name: "channelsync", addr: b.CallbackAddr(), process: b.Product, once: true, rounds: map[int][]round{},
		make: all[0].Make, drain: func(*contender) error { return b.Dispatched(r.ctx) },
	}, nil
}

// stopped installs every tenant and stops it, and returns what makes callbacks of each.
func (r *run) stopped(b *env.Env) ([]*load.Callbacks, error) {
	var all []*load.Callbacks
	records := callbackRecords / len(b.Tenants)
	for _, t := range b.Tenants {
		t.FillCompanies(records)
		if err := b.Install(r.ctx, t, v1.Syncs...); err != nil {
			return nil, err
		}
		if err := b.Live(r.ctx, t); err != nil {
			return nil, err
		}
		if err := b.Admin.Act(r.ctx, t.Installation, "", "stop"); err != nil {
			return nil, err
		}
		for _, hook := range t.Autotask.Webhooks() {
			if hook.Collection == "CompanyWebhooks" {
				all = append(all, &load.Callbacks{
					URL: hook.URL, GUID: hook.GUID, Secret: hook.Secret, FirstID: t.Companies[0], Records: int64(records),
				})
			}
		}
	}
	if len(all) != len(b.Tenants) {
		return nil, errors.New("find the webhook of companies: none was registered")
	}
	return all, nil
}

// referenceContender runs a reference as a process of its own, its file beside the store.
func (r *run) referenceContender(kind reference.Kind) (*contender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	log := filepath.Join(r.Dir, string(kind)+".addr")
	p, err := process.Start(process.Config{Path: self, Args: []string{"--reference", string(kind), "--dir", r.Dir}, Log: log})
	if err != nil {
		return nil, err
	}
	c := &contender{name: string(kind), process: p, rounds: map[int][]round{}, drain: func(*contender) error { return nil }}
	callbacks := &load.Callbacks{GUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb", Secret: reference.Secret, FirstID: 1000, Records: callbackRecords}
	err = env.Until(r.ctx, 10*time.Millisecond, func() (bool, error) {
		text, err := os.ReadFile(log)
		c.addr = strings.TrimSpace(string(text))
		return err == nil && strings.HasSuffix(string(text), "\n"), err
	})
	callbacks.URL = "http://" + c.addr + "/callbacks/autotask/reference"
	c.make = callbacks.Make
	return c, err
}

// turn is a round that counts.
func (c *contender) measureRound(n int, length time.Duration) error {
	got, err := c.round(n, length)
	c.rounds[n] = append(c.rounds[n], got)
	return err
}

// round loads the contender once.
func (c *contender) round(connections int, length time.Duration) (round, error) {
	n := 1000
	if c.once {
		n = int(length.Seconds() * 25_000)
	}
	requests, err := c.make(n)
	if err != nil {
		return round{}, err
	}
	before, err := c.process.Usage()
	if err != nil {
		return round{}, err
	}
	got, err := load.Run(load.Config{
		Addr: c.addr, Connections: connections, For: length, Requests: requests, Repeat: !c.once,
		Status: []int{http.StatusAccepted, http.StatusNoContent}, // 204: a repeat
	})
	if err != nil {
		return round{}, err
	}
	if err := c.drain(c); err != nil {
		return round{}, err
	}
	after, err := c.process.Usage()
	return round{got, after.CPU - before.CPU}, err
}

func (c *contender) perSecond(n int) float64 {
	return c.middle(n, func(r round) float64 { return r.PerSecond() })
}

func (c *contender) cpu(n int) float64 { // microseconds a request
	return c.middle(n, func(r round) float64 { return float64(r.cpu.Microseconds()) / float64(max(1, r.Answered)) })
}

func (c *contender) middle(n int, of func(round) float64) float64 {
	var values []float64
	for _, r := range c.rounds[n] {
		values = append(values, of(r))
	}
	return median(values)
}

func (c *contender) row(n int) []string {
	p50 := c.middle(n, func(r round) float64 { return float64(r.P50) })
	p99 := c.middle(n, func(r round) float64 { return float64(r.P99) })
	return []string{
		c.name, fmt.Sprint(n), fmt.Sprintf("%.0f", c.perSecond(n)), ms(time.Duration(p50)), ms(time.Duration(p99)), fmt.Sprintf("%.0f µs", c.cpu(n)),
	}
}

func (r *run) callbackTable(connections []int, all []*contender) {
	product, bare, synced, parallel := all[0], all[1], all[2], all[3]
	s := report.Section{
		Title:   "Callbacks",
		Columns: []string{"", "connections", "answers/s", "p50", "p99", "CPU per callback", "÷ bare", "÷ synced", "÷ parallel"},
	}
	// Of rounds that followed each other, so that both had the same of the disk.
	ratio := func(a, b *contender, n int) float64 {
		var ratios []float64
		for i := range a.rounds[n] {
			ratios = append(ratios, a.rounds[n][i].PerSecond()/b.rounds[n][i].PerSecond())
		}
		return median(ratios)
	}
	for _, n := range connections {
		s.Row(append(product.row(n), report.Number(ratio(product, bare, n)), report.Number(ratio(product, synced, n)), report.Number(ratio(product, parallel, n)))...)
		for _, c := range all[1:] {
			s.Row(append(c.row(n), "", "", "")...)
		}
	}
	s.Note("*bare*: net/http; reads the body, checks the HMAC, answers 202. *synced*: first writes the body and calls fdatasync, one request " +
		"at a time. *parallel*: does the same for requests in parallel. *channelsync*: serves a stopped installation, so only verifying, " +
		"storing and dispatching are measured; CPU counts until the last change is dispatched. The programs took turns; each row is the median of its rounds.")
	r.out.Sections = append(r.out.Sections, s)
	for i, wanted := range []float64{0.5, 0.8, 1.5} {
		n := connections[i]
		r.out.AtLeast(fmt.Sprintf("callbacks at %s, ÷ synced", counted(n, "connection")), ratio(product, synced, n), wanted, " ×")
	}
	r.out.AtLeast("callbacks at 64 connections, ÷ bare", ratio(product, bare, 64), 0.30, " ×")
	r.out.AtMost("callbacks at 16 connections, p99", product.middle(16, func(r round) float64 { return float64(r.P99.Microseconds()) / 1000 }), 15, " ms")
	r.out.AtMost("callbacks at 16 connections, CPU per callback", product.cpu(16), 110, " µs")
}

// callbacksAtWork measures the same while the records are reconciled, as on any ordinary day.
func (r *run) callbacksAtWork(b *env.Env, product *contender, length time.Duration) error {
	t := b.Tenants[0]
	if err := b.Admin.Act(r.ctx, t.Installation, "", "start"); err != nil {
		return err
	}
	if err := b.Live(r.ctx, t); err != nil {
		return err
	}
	got, err := product.round(16, length)
	if err != nil {
		return err
	}
	s := &r.out.Sections[len(r.out.Sections)-1]
	s.Note("With the installation started, so that every record is reconciled too: %.0f answers/s at 16 connections, p50 %s, p99 %s, %d µs of CPU per callback.",
		got.PerSecond(), ms(got.P50), ms(got.P99), got.cpu.Microseconds()/int64(max(1, got.Answered)))
	return nil
}
