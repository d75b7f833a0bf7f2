package audit

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
)

func TestRefusalsThatRepeatAreCounted(t *testing.T) {
	core, logs := observer.New(zap.InfoLevel)
	a := openAt(t, opened(t), time.Now, zap.New(core))
	n := NewNoise(a, zap.NewNop())
	for i := range 5000 {
		n.Refused(v1.AuditEntry{At: time.Now(), Address: "203.0.113.7", Action: "log-in", Detail: v1.CodeUnauthenticated, Request: fmt.Sprint(i)})
	}
	n.Refused(v1.AuditEntry{At: time.Now(), Address: "203.0.113.8", Action: "log-in", Detail: v1.CodeUnauthenticated})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	cancel()
	running.Wait()
	page, err := a.List(v1.AuditQuery{Limit: 10})
	harness.OK(t, err)
	counts := map[string]int{}
	for _, e := range page.Items {
		counts[e.Address] += max(e.Count, 1)
	}
	if len(page.Items) != 3 || counts["203.0.113.7"] != 5000 || counts["203.0.113.8"] != 1 || logs.Len() != 3 {
		t.Errorf("kept %+v, logged %d", page.Items, logs.Len())
	}
	if len(n.callers) != 0 {
		t.Errorf("remembers %d after its end", len(n.callers))
	}
}

// noise counts what would be stored, by an own clock and without a store.
type noise struct {
	*Noise
	at     *clock.Clock
	stored []v1.AuditEntry
}

func newNoise() *noise {
	at := clock.At(time.Date(2026, 11, 30, 6, 0, 0, 0, time.UTC))
	return &noise{Noise: NewNoise(&Log{Config: Config{Now: at.Now}}, zap.NewNop()), at: at}
}

func (n *noise) refused(e v1.AuditEntry) {
	e.At = n.at.Now()
	n.Refused(e)
	n.take()
}

func (n *noise) take() {
	for len(n.ready) > 0 {
		n.stored = append(n.stored, <-n.ready)
	}
}

func (n *noise) pass(d time.Duration) {
	n.at.Add(d)
	n.stored = append(n.stored, n.due(false)...)
}

// countOf is how many refusals the entries that fit stand for.
func (n *noise) countOf(fits func(v1.AuditEntry) bool) (entries, refusals int) {
	for _, e := range n.stored {
		if fits(e) {
			entries++
			refusals += max(e.Count, 1)
		}
	}
	return entries, refusals
}

func wrongToken(address string) v1.AuditEntry {
	return v1.AuditEntry{Address: address, Actor: "api", Action: "log-in", Detail: v1.CodeUnauthenticated}
}

func TestNobodysNoiseSwallowsAnothersRefusals(t *testing.T) {
	n := newNoise()
	for i := range 50_000 { // clients without end, and a token that tries everything
		n.refused(wrongToken(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)))
		n.refused(v1.AuditEntry{Who: "noisy", Address: fmt.Sprintf("10.9.%d.%d", i>>8&255, i&255), Action: "access", Detail: fmt.Sprint(i)})
	}
	own := []v1.AuditEntry{
		{Who: "ops", Address: "203.0.113.7", Action: "access", Installation: "in-1", Detail: "POST /installations/{id}/erase: forbidden"},
		{Who: "ops", Address: "203.0.113.7", Action: "installation.erase", Installation: "in-1", Detail: "conflict"},
		{Who: v1.PersonPrefix + "ann@msp.example", Address: "10.0.0.1", Action: "access", Detail: "GET /tokens: forbidden"},
		{Who: "a token that was deleted", Address: "10.0.0.1", Action: "log-in", Detail: v1.CodeUnauthenticated},
	}
	n.stored = nil
	for _, e := range own {
		n.refused(e)
		if len(n.stored) == 0 {
			t.Fatalf("%s: %s is swallowed by others' noise", e.Who, e.Detail)
		}
		if got := n.stored[len(n.stored)-1]; got.Who != e.Who || got.Detail != e.Detail || got.Count != 0 {
			t.Errorf("got %+v, want %+v", got, e)
		}
	}
	for range 9 {
		n.refused(own[0])
	}
	n.pass(knownWindow)
	if entries, refusals := n.countOf(func(e v1.AuditEntry) bool { return e.Who == "ops" && e.Action == "access" }); entries != 2 || refusals != 10 {
		t.Errorf("of ten alike: %d entries stand for %d", entries, refusals)
	}
	if got := n.callers[caller{name: "noisy"}]; len(got) != 0 {
		t.Errorf("%d kinds are remembered beyond the window", len(got))
	}
}

func TestTheNoiseOfOneCallerIsBounded(t *testing.T) {
	n := newNoise()
	const of = 10_000
	for i := range of {
		n.refused(v1.AuditEntry{Who: "noisy", Address: "203.0.113.7", Action: "access", Detail: fmt.Sprint(i)})
	}
	n.pass(knownWindow)
	if entries, refusals := n.countOf(func(e v1.AuditEntry) bool { return e.Who == "noisy" }); entries != kindsOfCaller+1 || refusals != of {
		t.Errorf("%d refusals are told by %d entries", refusals, entries)
	}
}

// Whatever unauthenticated clients do, they cause a bounded number of entries, and each of their refusals is in the count of one.
func TestUnauthenticatedClientsAddAThousandEntriesADayAtMost(t *testing.T) {
	n := newNoise()
	sent := 0
	const days = 3
	for minute := range days * 24 * 60 {
		for i := range 20 {
			n.refused(wrongToken(fmt.Sprintf("2001:db8:%x:%x::%x", minute, i, minute))) // networks without end
			n.refused(wrongToken(fmt.Sprintf("2001:db8:0:0::%x:%x", minute, i)))        // addresses of one
			sent += 2
		}
		n.refused(v1.AuditEntry{ // people of the organisation who have no role here
			Who: fmt.Sprintf("%sp%d@msp.example", v1.PersonPrefix, minute), Address: "203.0.113.7", Actor: "console", Action: "log-in", Detail: v1.CodeForbidden,
		})
		sent++
		n.pass(time.Minute)
	}
	n.stored = append(n.stored, n.due(true)...)
	entries, refusals := n.countOf(func(v1.AuditEntry) bool { return true })
	hourly, leftOut := n.countOf(func(e v1.AuditEntry) bool {
		return e.Detail == "of many clients, left out here: "+v1.CodeUnauthenticated
	})
	if refusals != sent {
		t.Errorf("%d refusals are told of %d", refusals, sent)
	}
	if most := (days + 1) * clientsADay; entries-hourly > most || entries-hourly < most/2 {
		t.Errorf("%d entries in %d days, want about %d at most", entries-hourly, days, most)
	}
	if hourly == 0 || hourly > days*24+1 || leftOut < sent/3 {
		t.Errorf("%d entries tell of %d that were left out", hourly, leftOut)
	}
}
