package reconcile

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/sync/upstream"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/vaults"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

const window = 500 * time.Millisecond

// workEnv is a worker at work in a bubble, between the vendors and a worklist in memory.
type workEnv struct {
	t     *testing.T
	at    *atsim.Sim
	cp    *cpsim.Sim
	list  *list
	w     *Worker
	begun time.Time

	mu         sync.Mutex
	in         installation.Installation
	results    []Result
	handshakes []time.Duration // since the beginning
	rec        *Reconciler
	dead       *deadLetters
	pushes     []time.Duration
	broken     []string
	recovered  []upstream.Name
}

func (s *workEnv) Unavailable(r upstream.Failure, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, r.Code)
}

func (s *workEnv) Recovered(name upstream.Name) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recovered = append(s.recovered, name)
}

// work runs steps in a bubble beside a running worker.
func work(t *testing.T, steps func(t *testing.T, s *workEnv)) {
	synctest.Test(t, func(t *testing.T) { workIn(t, nil, steps) })
}

// workIn is work for whoever is in a bubble; what goes to the target passes a weather, if there is any.
func workIn(t *testing.T, between *weather, steps func(t *testing.T, s *workEnv)) {
	s := newWorkEnv(t, between)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.w.Run(ctx, s.list.notifications) })
	wg.Go(func() { s.w.RunApart(ctx) })
	synctest.Wait()
	steps(t, s)
	cancel()
	wg.Wait()
	s.at.Close()
	s.cp.Close()
}

func newWorkEnv(t *testing.T, between *weather) *workEnv {
	s := &workEnv{t: t, list: newList(), begun: time.Now()}
	s.at = atsim.New(atsim.Config{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK"})
	var err error
	if s.cp, err = cpsim.New(cpsim.Config{Connections: []cpsim.Connection{{ID: connection, Token: "token-0123456789"}}}); err != nil {
		t.Fatal(err)
	}
	zone := v1.Zone{Name: "test", URL: "http://autotask.test:80/atservicesrest"}
	s.in = installation.Installation{
		ID: inst, Zone: zone, Syncs: map[v1.Sync]*installation.SyncSettings{v1.SyncActiveCustomers: {}, v1.SyncActiveCustomerContracts: {}},
	}
	client := autotask.New(autotask.Config{
		Credentials: autotask.Credentials{Username: "api@msp.example", Secret: "secret-0123456789", TrackingIdentifier: "TRACK"},
		Zone:        zone, Hosts: autotask.NewHosts([]string{"autotask.test:80"}), Transport: handlerTransport{Handler: s.at.Handler()},
		Wait: func(context.Context, time.Duration) error { return nil },
	})
	var way http.RoundTripper = handlerTransport{Handler: s.cp.Handler(), seen: s.seen}
	if between != nil {
		between.RoundTripper, way = way, between
	}
	target, err := channelprogram.New(channelprogram.Config{
		BaseURL: "http://127.0.0.1:9", ConnectionID: connection, Token: "token-0123456789", Transport: way,
	})
	harness.OK(t, err)
	sealed := vaults.Open(t, vaults.Memory{})
	s.dead = &deadLetters{}
	rec := New(Config{
		Installation: s.installation, Autotask: client, Target: target, Ledger: ledger.New(&memory{}, sealed),
		DeadLetters: deadletter.New(s.dead, sealed, time.Now), Journal: s.list, Worklist: s.list, Scheduler: s.list,
		Freshness: &Freshness{}, Now: time.Now, Log: zap.NewNop(), Done: s.done,
	})
	s.rec, s.w = rec, NewWorker(rec, window, s)
	return s
}

func (s *workEnv) installation() (*installation.Installation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.in
	return &in, nil
}

func (s *workEnv) change(edit func(*installation.Installation)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.in)
}

func (s *workEnv) done(one Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.results = append(s.results, one)
}

// seen notes when the target is asked for what.
func (s *workEnv) seen(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, connection) {
		s.handshakes = append(s.handshakes, time.Since(s.begun))
		return
	}
	s.pushes = append(s.pushes, time.Since(s.begun))
}

// customer makes a company and marks it.
func (s *workEnv) customer(lane events.Lane, names ...string) {
	s.t.Helper()
	var due []events.DueEntry
	for _, name := range names {
		id := s.at.Put("Companies", atsim.Row{"companyName": name, "companyType": 1, "isActive": true})
		due = append(due, events.DueEntry{Installation: inst, Kind: v1.KindCompany, Lane: lane, ID: id, Trigger: v1.TriggerCallback, StoredAt: time.Now()})
	}
	harness.OK(s.t, s.list.Enqueue(s.t.Context(), due))
}

// shown is what happened until now.
type shown struct {
	results            []Result
	handshakes, pushes []time.Duration
	broken             []string
	recovered          []upstream.Name
}

func (s *workEnv) shown() shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	return shown{slices.Clone(s.results), slices.Clone(s.handshakes), slices.Clone(s.pushes), slices.Clone(s.broken), slices.Clone(s.recovered)}
}

// after lets the bubble's clock go on and everything come to rest.
func (s *workEnv) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (s *workEnv) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, one := range s.results {
		out = append(out, one.Name)
	}
	return out
}

func TestWindowCountsFromTheFirstWake(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.after(10 * time.Second)
		s.customer(events.LaneLive, "first")
		for range 4 {
			s.after(100 * time.Millisecond)
			s.customer(events.LaneLive, "another")
		}
		s.after(99 * time.Millisecond)
		if got := s.names(); len(got) != 0 {
			t.Errorf("before the window was over: %v", got)
		}
		s.after(time.Millisecond)
		if got := s.names(); len(got) != 5 {
			t.Errorf("at the end of the window: %v", got)
		}
	})
}

func TestEntryWithoutANotificationIsFound(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.after(window)
		s.list.mu.Lock()
		s.list.silent = true
		s.list.mu.Unlock()
		s.customer(events.LaneLive, "lost wake")
		s.after(pollEvery + window)
		if got := s.names(); len(got) != 1 {
			t.Errorf("settled %v", got)
		}
	})
}

// A hint may come at any moment of a turn. Whatever the turn had read before, both lanes
// are read once more: nobody is notified a second time for the same record.
func TestAWakeDuringATurnIsNotLost(t *testing.T) {
	lanes := []events.Lane{events.LaneLive, events.LaneBulk}
	for _, during := range lanes {
		for _, written := range lanes {
			t.Run(fmt.Sprintf("%s during %s", written, during), func(t *testing.T) {
				work(t, func(t *testing.T, s *workEnv) {
					s.after(time.Second)
					id := s.at.Put("Companies", atsim.Row{"companyName": "late", "companyType": 1, "isActive": true})
					once := sync.OnceFunc(func() {
						s.list.put([]events.DueEntry{{Installation: inst, Kind: v1.KindCompany, Lane: written, ID: id, Trigger: v1.TriggerCallback}})
					})
					s.list.mu.Lock()
					s.list.taken = func(kind v1.Kind, lane events.Lane, _ int) {
						if lane == during && kind == v1.KindContract { // companies were read before
							once()
						}
					}
					s.list.mu.Unlock()
					s.w.RetryNow() // a turn of each lane, which finds nothing
					s.after(3 * window)
					if got := s.names(); len(got) != 1 {
						t.Errorf("settled %v", got)
					}
				})
			})
		}
	}
}

func TestBulkWorkGoesOnOnceItsShareIsFree(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.after(time.Second)
		once := sync.OnceFunc(func() { s.w.bulk.Open(time.Now(), time.Now().Add(20*time.Second)) })
		s.list.mu.Lock()
		s.list.silent = true
		s.list.taken = func(_ v1.Kind, lane events.Lane, _ int) {
			if lane == events.LaneBulk {
				once()
			}
		}
		s.list.mu.Unlock()
		s.w.RetryNow()
		s.after(time.Second)
		s.customer(events.LaneBulk, "waits")
		s.after(18 * time.Second)
		if got := s.names(); len(got) != 0 {
			t.Errorf("settled %v though the share is used up", got)
		}
		s.after(2 * time.Second)
		if got := s.names(); len(got) != 1 {
			t.Errorf("settled %v once it is free", got)
		}
	})
}

func TestLiveGoesBeforeBulk(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.after(time.Second)
		var bulk []string
		for i := range 500 {
			bulk = append(bulk, fmt.Sprint("bulk ", i))
		}
		s.customer(events.LaneBulk, bulk...)
		s.customer(events.LaneLive, "live")
		s.after(2 * window)
		got := s.names()
		if len(got) != 501 || got[0] != "live" {
			t.Errorf("%d were settled, %v first", len(got), got[:min(3, len(got))])
		}
		if s.list.left() != 0 {
			t.Errorf("%d marks are left", s.list.left())
		}
	})
}

func TestStoppedOrRefusedIsNotAskedAtAll(t *testing.T) {
	for name, edit := range map[string]func(*installation.Installation, bool){
		"stopped":     func(in *installation.Installation, on bool) { in.Stopped = on },
		"refused":     func(in *installation.Installation, on bool) { in.Refused = on },
		"uninstalled": func(in *installation.Installation, on bool) { in.Uninstalled = on },
	} {
		t.Run(name, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				s.change(func(in *installation.Installation) { edit(in, true) })
				var takes atomic.Int64
				s.list.mu.Lock()
				s.list.taken = func(v1.Kind, events.Lane, int) { takes.Add(1) }
				s.list.mu.Unlock()
				s.customer(events.LaneLive, "waits")
				s.customer(events.LaneLive, "waits too")
				s.after(time.Hour)
				if takes.Load() != 0 || s.list.left() != 2 || s.at.Stats().Total != 0 {
					t.Errorf("%d takes, %d marks left, %d requests", takes.Load(), s.list.left(), s.at.Stats().Total)
				}
				s.change(func(in *installation.Installation) { edit(in, false) })
				s.w.RetryNow()
				s.after(window)
				if got := s.names(); len(got) != 2 {
					t.Errorf("started again: settled %v", got)
				}
			})
		})
	}
}

// TestPausedTargetIsProbed: the handshake is asked when a push is refused, again first
// after 5 s, then each minute, and nothing is asked of Autotask meanwhile.
func TestPausedTargetIsProbed(t *testing.T) {
	for name, kind := range map[string]cpsim.FaultKind{
		"token refused": cpsim.FaultUnauthenticated, "subscription": cpsim.FaultSubscription, "paused": cpsim.FaultPaused,
		"forbidden": cpsim.FaultForbidden, "uninstalled": cpsim.FaultUninstalled,
	} {
		t.Run(name, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				id, err := s.cp.SetFault(cpsim.Fault{Kind: kind})
				harness.OK(t, err)
				s.customer(events.LaneLive, "waits")
				s.after(window)
				if len(s.shown().pushes) != 1 || len(s.shown().handshakes) != 1 {
					t.Fatalf("pushes at %v, handshakes at %v", s.shown().pushes, s.shown().handshakes)
				}
				refused := s.shown().pushes[0]
				requests := s.at.Stats().Total
				s.after(5*time.Second + 3*time.Minute)
				want := []time.Duration{0, 5 * time.Second, 65 * time.Second, 125 * time.Second, 185 * time.Second}
				for i := range want {
					want[i] += refused
				}
				if !slices.Equal(s.shown().handshakes, want) {
					t.Errorf("handshakes at %v, want %v", s.shown().handshakes, want)
				}
				if n := s.at.Stats().Total - requests; n != 0 || len(s.shown().pushes) != 1 {
					t.Errorf("%d requests to Autotask and %d more pushes meanwhile", n, len(s.shown().pushes)-1)
				}
				s.cp.ClearFault(id)
				s.after(nextProbe)
				if got := s.names(); len(got) != 1 || s.shown().results[0].Outcome != v1.OutcomePushed || !slices.Contains(s.shown().recovered, upstream.Target) {
					t.Errorf("after it was put right: settled %v, mended %v", got, s.shown().recovered)
				}
				if at := s.w.ResumesAt(); !at.IsZero() {
					t.Errorf("it still waits until %s", at)
				}
			})
		})
	}
}

func TestAwayAutotaskIsLeftAloneForLongerAndLonger(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		fault := s.at.SetFault(atsim.Fault{Kind: "status", Status: 503})
		s.customer(events.LaneLive, "waits")
		s.after(10 * time.Minute)
		tries := len(s.shown().broken)
		if tries < 10 || tries > 30 || s.shown().broken[0] != "autotask_unavailable" {
			t.Errorf("%d tries in ten minutes, reported as %v", tries, slices.Compact(s.shown().broken))
		}
		s.at.ClearFaults(fault)
		s.after(time.Minute)
		if got := s.names(); len(got) != 1 || s.shown().results[0].Outcome != v1.OutcomePushed || !slices.Contains(s.shown().recovered, upstream.Autotask) {
			t.Errorf("after it came back: settled %v, mended %v", got, s.shown().recovered)
		}
	})
}

func TestThrottledWorkGoesOnWhenItIsTold(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		if _, err := s.cp.SetFault(cpsim.Fault{Kind: cpsim.FaultRateLimited, RetryAfter: 120, Next: 1}); err != nil {
			t.Fatal(err)
		}
		s.customer(events.LaneLive, "waits")
		s.after(window)
		at := s.w.ResumesAt()
		if wait := time.Until(at); wait < 119*time.Second || wait > 121*time.Second {
			t.Errorf("it waits %s", wait)
		}
		s.after(time.Until(at) - time.Second)
		if len(s.shown().pushes) != 1 {
			t.Errorf("pushes at %v", s.shown().pushes)
		}
		s.after(2 * time.Second)
		if got := s.names(); len(got) != 1 {
			t.Errorf("settled %v", got)
		}
	})
}

func TestKickEndsTheWait(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		id, err := s.cp.SetFault(cpsim.Fault{Kind: cpsim.FaultUnauthenticated})
		harness.OK(t, err)
		s.customer(events.LaneLive, "waits")
		s.after(30 * time.Second)
		s.cp.ClearFault(id)
		s.w.RetryNow()
		s.after(window)
		if got := s.names(); len(got) != 1 {
			t.Errorf("settled %v", got)
		}
	})
}

func TestCancelledJobsAreDropped(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		s.w.r.Cancelled = func(job string) bool { return job == "gone" }
		s.customer(events.LaneBulk, "kept", "dropped")
		s.list.mu.Lock()
		s.list.entries[1].Job = "gone"
		s.list.mu.Unlock()
		s.after(2 * window)
		if got := s.names(); !slices.Equal(got, []string{"kept"}) || s.list.left() != 0 {
			t.Errorf("settled %v, %d marks left", got, s.list.left())
		}
	})
}
