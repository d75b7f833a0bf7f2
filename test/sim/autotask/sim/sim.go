// Package sim is a simulated Autotask PSA: the REST API, its limits and its errors, and the webhooks with their
// callouts, over a tenant held in memory. It misbehaves on request and can be steered over HTTP under /sim/.
//
// It is a product of its own: it imports nothing of channelsync, so that a misunderstanding of the vendor's API cannot
// hide on both sides. Tests, the sandbox and the command in the folder above use it; nothing in production does.
// Where the vendor's behaviour is not documented, the code says so.
package sim

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/fault"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/store"
)

// Row is one row by field name. Values read from the simulator are int64, decimal.Decimal, bool, string, time.Time,
// map[string]string (userDefinedFields) or nil; values given may be any Go number, and dates may be text.
type Row = map[string]any

// Fault and its kinds are those of the fault package.
type Fault = fault.Fault

// Config is what a simulated tenant starts with. Username and Secret are its first API user's; AddUser makes others.
type Config struct {
	Username           string
	Secret             string
	TrackingIdentifier string

	Scale         float64             // factor on every wait of the vendor's, 0 = 1
	Seed          int64               // of everything random: data, field ids, dice of faults
	Now           func() time.Time    // times of records and the rolling hour; nil = time.Now
	DatesWithZone bool                // every date ends in Z; otherwise some entities answer without, as the vendor does
	Undated       bool                // an older build: Contracts have no lastModifiedDateTime
	Without       []string            // "Entity.field" that an older build lacks
	UDFs          map[string][]string // user-defined fields by entity
	Modes         Modes               // switches that can be changed later

	CalloutTimeout time.Duration     // of one attempt; 0 = 10 s times Scale, but at least 2 s
	Transport      http.RoundTripper // carries callouts; nil = a plain one of its own
}

// Person ids in the tenant: the API user, who owns the webhooks, and the human whose edits fire callouts.
const (
	apiUserID = 29682885
	humanID   = 29682945
)

// Sim is one simulated tenant. Make it with New, serve Handler, end it with Close. It is safe for concurrent use.
type Sim struct {
	cfg    Config
	schema *schema.Schema
	store  *store.Store
	faults *fault.Set
	sender *callout.Sender
	limits *limits
	users  *users
	stats  *counters
	client *http.Client

	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.RWMutex
	modes Modes

	dice *dice

	edits     sync.Mutex             // one edit with all its consequences at a time; guards what follows
	sequences map[callout.Hook]int64 // last SequenceNumber
	late      []callout.Event        // error-log rows to write when the edit is done
}

// New makes a tenant that has no rows yet. It panics when Config names an entity or field that does not exist.
func New(cfg Config) *Sim {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Scale <= 0 {
		cfg.Scale = 1
	}
	if cfg.CalloutTimeout <= 0 {
		cfg.CalloutTimeout = max(time.Duration(float64(callout.Timeout)*cfg.Scale), 2*time.Second)
	}
	if cfg.Transport == nil {
		cfg.Transport = &http.Transport{MaxIdleConnsPerHost: 8, IdleConnTimeout: 30 * time.Second}
	}
	options := schema.Options{UDFs: cfg.UDFs, Zone: cfg.DatesWithZone, Seed: cfg.Seed, Without: cfg.without()}
	loaded, err := schema.Load(options)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	s := &Sim{
		cfg: cfg, schema: loaded, modes: cfg.Modes, faults: fault.NewSet(cfg.Seed), stats: newCounters(),
		sequences: map[callout.Hook]int64{}, dice: newDice(cfg.Seed), limits: newLimits(cfg.Now), users: newUsers(cfg),
		client: &http.Client{
			Transport:     cfg.Transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.store = store.New(store.Config{Schema: loaded, Now: cfg.Now, Listen: s.listen})
	s.sender = callout.New(callout.Config{
		Scale: cfg.Scale, Timeout: cfg.CalloutTimeout, Do: s.client.Do,
		PerHour: func() int { return limit(s.Modes().CalloutsPerHour, callout.PerHour) },
		Dropped: s.logDropped, GiveUp: s.deactivate,
	})
	return s
}

// without is every field that the build lacks.
func (c Config) without() []string {
	if c.Undated {
		return append(slices.Clone(c.Without), "Contracts.lastModifiedDateTime")
	}
	return c.Without
}

// Close ends waiting answers and callouts, and waits for every goroutine of the simulator.
func (s *Sim) Close() {
	s.cancel()
	s.sender.Close()
	s.client.CloseIdleConnections()
}

// WaitCallouts returns when every callout has been taken, given up or thrown away, or when ctx ends.
func (s *Sim) WaitCallouts(ctx context.Context) error { return s.sender.Wait(ctx) }

// Callouts lists the last 500 attempts of callouts, oldest first.
func (s *Sim) Callouts() []callout.Delivery { return s.sender.Recent() }

// SetFault puts a fault in force and returns its id. It panics on a kind that does not exist.
func (s *Sim) SetFault(f Fault) int64 {
	id, err := s.faults.Add(f)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	return id
}

// ClearFaults takes one fault out of force, or with id 0 every one; callouts held back for reordering go out.
func (s *Sim) ClearFaults(id int64) {
	s.faults.Remove(id)
	s.sender.Release()
}

// Faults lists the faults in force.
func (s *Sim) Faults() []Fault { return s.faults.List() }

// sleep waits a time of the vendor's, scaled, or until the simulator or the caller ends.
func (s *Sim) sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(time.Duration(float64(d) * s.cfg.Scale))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.ctx.Done():
	}
}
