package reconcile

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// edit renames companies and marks them live.
func (s *workEnv) edit(names map[int64]string) {
	s.t.Helper()
	var due []events.DueEntry
	for id, name := range names {
		harness.OK(s.t, s.at.Edit("Companies", id, atsim.Row{"companyName": name}))
		due = append(due, events.DueEntry{Installation: inst, Kind: v1.KindCompany, Lane: events.LaneLive, ID: id, Trigger: v1.TriggerCallback, StoredAt: time.Now()})
	}
	harness.OK(s.t, s.list.Enqueue(s.t.Context(), due))
}

// fault sets one at the target.
func (s *workEnv) fault(f cpsim.Fault) {
	s.t.Helper()
	if _, err := s.cp.SetFault(f); err != nil {
		s.t.Fatal(err)
	}
}

// clients makes n companies, stores them at the target and returns their ids.
func (s *workEnv) clients(n int) []int64 {
	s.t.Helper()
	before := len(s.at.All("Companies"))
	var names []string
	for i := range n {
		names = append(names, fmt.Sprint("Client ", before+i))
	}
	s.customer(events.LaneLive, names...)
	s.after(10 * time.Second)
	var ids []int64
	for _, row := range s.at.All("Companies") {
		id := row["id"].(int64)
		if _, stored := s.cp.Client(connection, ledgerID(id)); stored {
			ids = append(ids, id)
		}
	}
	if len(ids) < n {
		s.t.Fatalf("%d of %d are stored", len(ids), n)
	}
	slices.Sort(ids)
	return ids
}

func (s *workEnv) entry(id int64) ledger.Entry {
	s.t.Helper()
	found, err := s.rec.Ledger.Read(context.Background(), inst, v1.KindCompany, []int64{id})
	harness.OK(s.t, err)
	if e := found[id]; e != nil {
		return *e
	}
	return ledger.Entry{}
}

func (s *workEnv) named(id int64) string {
	c, _ := s.cp.Client(connection, ledgerID(id))
	return c.Data.Name
}

// arrives fails unless what was edited is at the target within d, and says how long it took.
func (s *workEnv) arrives(d time.Duration, names map[int64]string) time.Duration {
	s.t.Helper()
	began := time.Now()
	for {
		late := 0
		for id, name := range names {
			if s.named(id) != name {
				late++
			}
		}
		switch {
		case late == 0:
			return time.Since(began)
		case time.Since(began) >= d:
			s.t.Errorf("%d of %d have not arrived within %s", late, len(names), d)
			return d
		}
		s.after(100 * time.Millisecond)
	}
}

// renamed gives all but the first of the clients a new name, and the first the poison.
func renamed(ids []int64, times int) (all, others map[int64]string) {
	all, others = map[int64]string{}, map[int64]string{}
	for i, id := range ids[1:] {
		all[id] = fmt.Sprint("Renamed ", times, ".", i)
		others[id] = all[id]
	}
	all[ids[0]] = fmt.Sprint(poison, times)
	return all, others
}

// TestPoisonAtWork: with a poisoned record among 20 others at a running worker the others
// arrive at once, that record alone counts an attempt, nothing is paused, and it heals by itself.
func TestPoisonAtWork(t *testing.T) {
	all := targetPoisons()
	all["no answer"] = struct {
		fault cpsim.Fault
		says  []string
	}{cpsim.Fault{Kind: cpsim.FaultSlow, DelayMillis: 36_000}, []string{"was not answered (no answer within 30s)"}}
	all["a late answer"] = struct {
		fault cpsim.Fault
		says  []string
	}{cpsim.Fault{Kind: cpsim.FaultLateResponse, DelayMillis: 36_000}, []string{"was not answered (no answer within 30s)"}}
	for name, one := range all {
		t.Run(name, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				ids := s.clients(21)
				one.fault.Contains = poison
				s.fault(one.fault)
				changed, others := renamed(ids, 1)
				s.edit(changed)
				s.arrives(20*time.Second, others)
				s.after(time.Minute)
				e := s.entry(ids[0])
				if e.Outcome != v1.OutcomeRetrying || len(e.Reasons) != 1 || e.Reasons[0] != "target_failed" || e.Attempts != 1 {
					t.Errorf("the record: %s %v, %d attempts", e.Outcome, e.Reasons, e.Attempts)
				}
				for _, says := range append(one.says, poison, fmt.Sprint("company ", ids[0])) {
					if !strings.Contains(e.Detail, says) {
						t.Errorf("its failure does not say %q: %s", says, e.Detail)
					}
				}
				// Once known it harms nobody for a second.
				changed, others = renamed(ids, 2)
				s.edit(changed)
				if took := s.arrives(20*time.Second, others); took > 2*window {
					t.Errorf("beside a known one it took %s", took)
				}
				s.after(time.Minute)
				if got := s.shown(); len(got.broken) != 0 {
					t.Errorf("the installation waits: %v", got.broken)
				}
				for id := range others {
					if e := s.entry(id); e.Attempts != 0 || e.Outcome == v1.OutcomeRetrying || e.Outcome == v1.OutcomeDead {
						t.Errorf("another: %s, %d attempts", e.Outcome, e.Attempts)
					}
				}
				s.cp.ClearFaults()
				s.after(6 * time.Minute) // the next attempt of its own schedule
				if e := s.entry(ids[0]); e.Attempts != 0 || s.named(ids[0]) != changed[ids[0]] {
					t.Errorf("healed, but it is %q with %d attempts", s.named(ids[0]), e.Attempts)
				}
				if s.dead.count() != 0 || s.list.left() != 0 {
					t.Errorf("%d dead letters, %d marks are left", s.dead.count(), s.list.left())
				}
				if o := s.cp.Overlaps(); len(o) > 0 {
					t.Errorf("one record, two hands: %+v", o)
				}
			})
		})
	}
}

// TestSlowTargetIsNoRecordsFailure: a target that takes a quarter of a minute for every
// request keeps working, and nobody is blamed for it.
func TestSlowTargetIsNoRecordsFailure(t *testing.T) {
	for name, operation := range map[string]string{"all of it": "", "its writes": "writes"} {
		t.Run(name, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				ids := s.clients(10)
				s.fault(cpsim.Fault{Kind: cpsim.FaultSlow, Operation: operation, DelayMillis: 15_000})
				for round := range 3 {
					changed, others := renamed(ids, round)
					s.edit(changed)
					s.arrives(3*time.Minute, changed)
					s.after(time.Minute)
					_ = others
				}
				s.blamesNobody(ids)
			})
		})
	}
}

// blamesNobody wants no attempt of the records counted, and no upstream taken to be away.
func (s *workEnv) blamesNobody(ids []int64) {
	s.t.Helper()
	for _, id := range ids {
		if e := s.entry(id); e.Attempts != 0 {
			s.t.Errorf("%d attempts: %s", e.Attempts, e.Detail)
		}
	}
	if got := s.shown(); len(got.broken) != 0 {
		s.t.Errorf("taken to be away: %v", got.broken)
	}
}

// TestManyThatHangKeepNobodyWaiting: suspects hang beside each other, not in front of others.
func TestManyThatHangKeepNobodyWaiting(t *testing.T) {
	work(t, func(t *testing.T, s *workEnv) {
		ids := s.clients(60)
		s.fault(cpsim.Fault{Kind: cpsim.FaultHang, Contains: poison})
		bad := map[int64]string{}
		for _, id := range ids[:20] {
			bad[id] = poison
		}
		s.edit(bad)
		s.after(5 * time.Minute)
		for id := range bad {
			if e := s.entry(id); e.Outcome != v1.OutcomeRetrying || e.Attempts == 0 {
				t.Fatalf("a guilty one: %s, %d attempts", e.Outcome, e.Attempts)
			}
		}
		for round := range 5 {
			others := map[int64]string{}
			for i, id := range ids[20:] {
				others[id] = fmt.Sprint("Renamed ", round, ".", i)
			}
			s.edit(bad)
			s.edit(others)
			if took := s.arrives(20*time.Second, others); took > 2*time.Second {
				t.Errorf("round %d took %s", round, took)
			}
		}
	})
}

// TestOutageAtWork: the target is away for 20 s, all of it or its writes alone.
func TestOutageAtWork(t *testing.T) {
	for name, faults := range outages() {
		t.Run(name, func(t *testing.T) {
			work(t, func(t *testing.T, s *workEnv) {
				ids := s.clients(21)
				for _, f := range faults {
					s.fault(f)
				}
				var changed map[int64]string
				for round := range 10 {
					changed, _ = renamed(ids, round)
					s.edit(changed)
					s.after(2 * time.Second)
				}
				s.cp.ClearFaults()
				s.arrives(time.Minute, changed)
				for _, id := range ids {
					if e := s.entry(id); e.Attempts != 0 || e.Outcome == v1.OutcomeRetrying {
						t.Errorf("%s, %d attempts: %s", e.Outcome, e.Attempts, e.Detail)
					}
				}
				if got := s.shown(); len(got.broken) == 0 || slices.ContainsFunc(got.broken, func(code string) bool { return code != "channel_program_unavailable" }) {
					t.Errorf("told of %v", slices.Compact(got.broken))
				}
				if s.dead.count() != 0 {
					t.Errorf("%d dead letters", s.dead.count())
				}
			})
		})
	}
}

// weather is what stands between us and the target: it takes a while for every request
// and is out at times.
type weather struct {
	http.RoundTripper
	mu     sync.Mutex
	dice   *rand.Rand
	out    bool // now
	writes bool // only requests that write are hit
	how    int
	armed  bool // from now on requests are counted, and those of the window are hit
	nth    int
	window [2]int
}

// arm makes an outage of the target of some requests: those from the first on until before the second.
func (w *weather) arm(from, to int, writes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.armed, w.nth, w.window, w.writes, w.how = true, 0, [2]int{from, to}, writes, answers503
}

func (w *weather) set(out, writes bool, how int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.out, w.writes, w.how = out, writes, how
}

// pass lets a request be under way for a moment and says whether it is hit there.
func (w *weather) pass(r *http.Request) (hit bool, how int, err error) {
	w.mu.Lock()
	delay := time.Duration(1+w.dice.IntN(20)) * time.Millisecond
	w.mu.Unlock()
	select {
	case <-r.Context().Done():
		return false, 0, context.Cause(r.Context())
	case <-time.After(delay):
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out && (!w.writes || r.Method != http.MethodGet), w.how, nil
}

// count begins and ends the outage of a window.
func (w *weather) count() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.armed {
		w.out = w.nth >= w.window[0] && w.nth < w.window[1]
		w.nth++
	}
}

// The ways to be out.
const (
	answers503 = iota
	cuts
	silent
	waysOut
)

func (w *weather) RoundTrip(r *http.Request) (*http.Response, error) {
	w.count()
	hit, how, err := w.pass(r)
	switch {
	case err != nil:
		return nil, err
	case hit && how == cuts:
		return nil, io.ErrUnexpectedEOF
	case hit && how == silent:
		<-r.Context().Done()
		return nil, context.Cause(r.Context())
	case hit:
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	}
	res, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if hit, how, err = w.pass(r); err == nil && hit && how == cuts {
		err = io.ErrUnexpectedEOF // it was stored, and nobody hears of it
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// TestOutageThatBeginsAndEndsAnywhereIsNeverCounted: a record that was suspected by an
// accident is judged while the target is out for any number of requests, from any one on.
func TestOutageThatBeginsAndEndsAnywhereIsNeverCounted(t *testing.T) {
	judged := 2 + 3*confirmations // requests: the questions before, and with each try those after it
	for _, writes := range []bool{false, true} {
		for from := range judged {
			for to := from + 1; to <= judged+1; to++ {
				synctest.Test(t, func(t *testing.T) {
					sky := &weather{dice: rand.New(rand.NewPCG(1, 1))}
					workIn(t, sky, func(t *testing.T, s *workEnv) {
						ids := s.clients(5)
						s.fault(cpsim.Fault{Kind: cpsim.FaultServerError, ExternalIDs: []string{ledgerID(ids[0])}, Next: 1})
						changed := map[int64]string{ids[0]: "Renamed"}
						s.edit(changed)
						for !s.rec.suspects.has(v1.KindCompany, ids[0]) {
							s.after(time.Millisecond)
						}
						sky.arm(from, to, writes)
						s.arrives(time.Hour, changed) // it goes on as long as nobody asks
						s.after(time.Minute)
						if e := s.entry(ids[0]); s.blamed(ids[0]) || e.Attempts != 0 {
							t.Errorf("out from request %d to %d (writes alone: %v): %d attempts, %s", from, to, writes, e.Attempts, e.Detail)
						}
					})
				})
			}
		}
	}
}

// story is a mix of guilty records and outages.
type story struct {
	dice    uint64
	clients int
	fresh   bool  // none of them is stored before
	guilty  []int // for the first records, which of the accusations is made
	rounds  []chapter
}

// chapter is one round of edits with an outage.
type chapter struct {
	edited   []bool // by record
	outage   time.Duration
	flaps    []time.Duration // after it the target is out and back in turns, while the edits are made again and again
	outFirst bool            // it begins before the edits
	into     time.Duration   // else so long after them
	writes   bool            // they alone are hit
	how      int
	after    time.Duration
}

// accusations are what the target may do to a record that is guilty.
func accusations() []cpsim.Fault {
	return []cpsim.Fault{
		{Kind: cpsim.FaultServerError},
		{Kind: cpsim.FaultReset},
		{Kind: cpsim.FaultLostResponse},
		{Kind: cpsim.FaultHang},
		{Kind: cpsim.FaultAnswer, Status: 403},
		{Kind: cpsim.FaultAnswer, Status: 400},
		{Kind: cpsim.FaultAnswer, Status: 200},
	}
}

func drawStory(t *rapid.T) story {
	s := story{dice: rapid.Uint64().Draw(t, "dice"), clients: rapid.IntRange(3, 30).Draw(t, "clients")}
	s.fresh = rapid.Bool().Draw(t, "fresh")
	s.guilty = rapid.SliceOfN(rapid.IntRange(0, len(accusations())-1), 0, min(4, s.clients-2)).Draw(t, "guilty")
	for range rapid.IntRange(1, 6).Draw(t, "rounds") {
		s.rounds = append(s.rounds, chapter{
			edited:   rapid.SliceOfN(rapid.Bool(), s.clients, s.clients).Draw(t, "edited"),
			outage:   rapid.SampledFrom([]time.Duration{0, 0, time.Second, 5 * time.Second, 40 * time.Second}).Draw(t, "outage"),
			flaps:    rapid.SliceOfN(rapid.Custom(drawFlap), 0, 40).Draw(t, "flaps"),
			outFirst: rapid.Bool().Draw(t, "first out"),
			into:     time.Duration(rapid.IntRange(0, 1500).Draw(t, "into it")) * time.Millisecond,
			writes:   rapid.Bool().Draw(t, "writes alone"),
			how:      rapid.IntRange(0, waysOut-1).Draw(t, "how"),
			after:    time.Duration(rapid.IntRange(0, 10_000).Draw(t, "between")) * time.Millisecond,
		})
	}
	return s
}

func drawFlap(t *rapid.T) time.Duration {
	most := rapid.SampledFrom([]int{30, 300, 3000}).Draw(t, "up to")
	return time.Duration(rapid.IntRange(1, most).Draw(t, "ms")) * time.Millisecond
}

// name is what a record is called in a round.
func (s story) name(i, round int) string {
	if i < len(s.guilty) {
		return fmt.Sprint(poison, i, " ", round)
	}
	return fmt.Sprint("Renamed ", i, " ", round)
}

// play plays it in a bubble and returns what must not be.
func (s story) play(t *testing.T) (wrong []string) {
	sky := &weather{dice: rand.New(rand.NewPCG(s.dice, 1))}
	workIn(t, sky, func(_ *testing.T, at *workEnv) {
		var ids []int64
		if s.fresh {
			for i := range s.clients {
				ids = append(ids, at.at.Put("Companies", atsim.Row{"companyName": fmt.Sprint("Client ", i), "companyType": 1, "isActive": true}))
			}
			s.rounds[0].edited[s.clients-1], s.rounds[0].edited[s.clients-2] = true, true // beside the guilty ones
		} else {
			ids = at.clients(s.clients)
		}
		for i, one := range s.guilty {
			f := accusations()[one]
			f.Contains = fmt.Sprint(poison, i, " ")
			at.fault(f)
		}
		last := map[int64]string{}
		for round, c := range s.rounds {
			changed := map[int64]string{}
			for i, id := range ids {
				if c.edited[i] || round == 0 && i < len(s.guilty) {
					changed[id] = s.name(i, round)
					last[id] = changed[id]
				}
			}
			if !c.outFirst {
				at.edit(changed)
				at.after(c.into)
			}
			sky.set(c.outage > 0, c.writes, c.how)
			if c.outFirst {
				at.edit(changed)
			}
			at.after(c.outage)
			for i, d := range c.flaps {
				sky.set(i%2 == 1, c.writes, c.how)
				at.edit(changed)
				at.after(d)
			}
			sky.set(false, false, 0)
			at.after(c.after)
		}
		at.after(10 * time.Minute)
		for i, id := range ids {
			e := at.entry(id)
			switch guilty := i < len(s.guilty); {
			case guilty && e.Attempts == 0:
				wrong = append(wrong, fmt.Sprintf("a guilty one is not found: %s %v", e.Outcome, e.Reasons))
			case !guilty && at.blamed(id):
				wrong = append(wrong, "an innocent one was blamed")
			case !guilty && last[id] != "" && at.named(id) != last[id]:
				wrong = append(wrong, fmt.Sprintf("an innocent one is %q, not %q", at.named(id), last[id]))
			}
		}
		if o := at.cp.Overlaps(); len(o) > 0 {
			wrong = append(wrong, fmt.Sprintf("one record, two hands: %+v", o))
		}
	})
	return wrong
}

// blamed says whether a failure of the record was ever told of.
func (s *workEnv) blamed(id int64) bool {
	return slices.ContainsFunc(s.shown().results, func(one Result) bool {
		return one.ID == id && (one.Outcome == v1.OutcomeRetrying || one.Outcome == v1.OutcomeDead)
	})
}

// TestNobodyInnocentIsEverBlamed: whatever mix of guilty records and outages there is, no
// record counts an attempt but the guilty ones, every guilty one is found, and in the
// end all the others are at the target.
func TestNobodyInnocentIsEverBlamed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawStory(rt)
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = s.play(t) })
		for _, what := range wrong {
			rt.Error(what)
		}
	})
}
