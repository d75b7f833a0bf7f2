package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/gate"
	"channelsync/internal/panics"
	"channelsync/sync/installation"
)

const (
	totalsFor    = 10 * time.Second // how long totals stand
	totalsWithin = 5 * time.Second  // bounds gathering them
	totalsAtOnce = 8                // installations whose worklist is counted side by side
)

// Totals is how all installations together stand that this process works for, for
// metrics; DeadLetters and StoredBytes are of the whole store. It names none.
type Totals struct {
	Installations map[v1.State]int
	// Webhooks are those at Autotask that installations at work need.
	Webhooks map[WebhookState]int
	// Issues counts the installations that have one; issues of single records are not among them.
	Issues map[IssueKey]int
	// BudgetLeft is the share, 0 to 1, of their hourly requests to Autotask that the
	// installation with the least has left; 1 when nothing runs.
	BudgetLeft float64

	// Worklist is what waits of installations that are not stopped.
	Worklist    map[WaitState]Waiting
	DeadLetters int
	StoredBytes uint64
}

// WebhookState is what is known of a registration since its last check.
type WebhookState string

// The states of a webhook.
const (
	WebhookActive   WebhookState = "active"
	WebhookInactive WebhookState = "inactive"
	WebhookMissing  WebhookState = "missing"
)

// IssueKey is what issues are counted by.
type IssueKey struct{ Code, Severity string }

// WaitState is what a record waits for: its turn in a lane, or another attempt.
type WaitState string

// The states of what waits.
const (
	WaitLive  WaitState = "live"
	WaitBulk  WaitState = "bulk"
	WaitLater WaitState = "later"
)

// Waiting is how many records wait, and since when the oldest does; zero = none.
type Waiting struct {
	Records int
	Oldest  time.Time
}

type totalsCache struct {
	gathering gate.Gate // one at a time

	mu   sync.Mutex // guards what follows
	at   time.Time
	last gathered
}

type gathered struct {
	Totals
	err error
}

// Totals gathers at most every 10 s and answers from memory between, so that it
// costs the same however often it is asked. Whoever asks meanwhile waits for the same
// gathering, under its own context. An error means that the store did not
// answer: what lies there (Worklist, DeadLetters, StoredBytes) is not known then.
func (m *Manager) Totals(ctx context.Context) (Totals, error) {
	c := &m.totals
	if last, is := c.recent(m.Now()); is {
		return last.Totals, last.err
	}
	leave, err := c.gathering.Enter(ctx)
	if err != nil {
		return Totals{}, fmt.Errorf("gather totals: %w", err)
	}
	defer leave()
	if last, is := c.recent(m.Now()); is {
		return last.Totals, last.err
	}
	totals, err := m.gather(context.WithoutCancel(ctx)) // everybody's; it bounds itself
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.at = gathered{totals, err}, m.Now()
	return totals, err
}

// recent is what was gathered last, while it stands.
func (c *totalsCache) recent(now time.Time) (last gathered, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last, !c.at.IsZero() && now.Sub(c.at) < totalsFor
}

func (m *Manager) gather(ctx context.Context) (Totals, error) {
	t := Totals{
		Installations: map[v1.State]int{}, Webhooks: map[WebhookState]int{}, Issues: map[IssueKey]int{}, BudgetLeft: 1,
	}
	backfilling := m.Jobs.Backfilling()
	var atWork []string
	for _, in := range m.Store.List() {
		if !m.holds(in.ID) {
			continue // counted by the instance that works for it
		}
		rt := m.runtime(in.ID)
		t.Installations[state(in, rt, backfilling[in.ID], m.Now())]++
		if in.Stopped || in.Uninstalled {
			continue
		}
		atWork = append(atWork, in.ID)
		if m.PublicURL != "" {
			countWebhooks(t.Webhooks, in)
		}
		if rt == nil {
			continue
		}
		for _, i := range rt.issues.List() {
			t.Issues[IssueKey{i.Code, i.Severity}]++
		}
		used, limit, _ := rt.autotask.Budget()
		t.BudgetLeft = min(t.BudgetLeft, max(0, float64(limit-used)/float64(limit)))
	}
	err := m.gatherStored(ctx, &t, atWork)
	return t, err
}

func countWebhooks(counts map[WebhookState]int, in *installation.Installation) {
	uses := in.Uses()
	for entity, used := range map[string]bool{
		autotask.EntityCompanies: uses[v1.KindCompany], autotask.EntityContacts: uses[v1.KindContact],
	} {
		if !used {
			continue
		}
		switch reg := in.Registration(entity); {
		case reg == nil || reg.ID == 0:
			counts[WebhookMissing]++
		case reg.Calls():
			counts[WebhookActive]++
		default:
			counts[WebhookInactive]++
		}
	}
}

// gatherStored adds what lies in the store.
func (m *Manager) gatherStored(ctx context.Context, t *Totals, atWork []string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, totalsWithin, fmt.Errorf("not within %s", totalsWithin))
	defer cancel()
	depths := make([]events.Depth, len(atWork))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(totalsAtOnce)
	for i, id := range atWork {
		group.Go(panics.Guard(func() (err error) {
			depths[i], err = m.Bus.Worklist().Depth(within, id)
			return err
		}))
	}
	group.Go(panics.Guard(func() (err error) {
		t.DeadLetters, err = m.Bus.DeadLetters().Total(within)
		return err
	}))
	group.Go(panics.Guard(func() (err error) {
		t.StoredBytes, err = m.Bus.StoredBytes(within)
		return err
	}))
	if err := group.Wait(); err != nil {
		if ctx.Err() != nil {
			err = errors.Join(context.Cause(ctx), err)
		}
		return fmt.Errorf("gather totals of the store: %w", err)
	}
	var live, bulk, later Waiting
	for _, d := range depths {
		live.add(d.Live, d.OldestLive)
		bulk.add(d.Bulk, d.OldestBulk)
		later.add(d.Scheduled, d.OldestScheduled)
		later.add(d.Apart, d.OldestApart)
	}
	t.Worklist = map[WaitState]Waiting{WaitLive: live, WaitBulk: bulk, WaitLater: later}
	return nil
}

func (w *Waiting) add(records int, oldest time.Time) {
	w.Records += records
	if !oldest.IsZero() && (w.Oldest.IsZero() || oldest.Before(w.Oldest)) {
		w.Oldest = oldest
	}
}
