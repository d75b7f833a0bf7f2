package control

import (
	"context"
	"fmt"
	"strconv"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/sync/history"
	"channelsync/sync/reconcile"
)

// Feed hands out every outcome of an installation until ctx ends.
func (m *Manager) Feed(ctx context.Context, id string) (<-chan v1.FeedEvent, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	return m.feeds.Subscribe(ctx, id), nil
}

// Recent returns the latest outcomes of an installation, newest first: at most
// limit, and at most the 200 that are kept. They are this process's own, and gone
// with it: the list of records has the state.
func (m *Manager) Recent(_ context.Context, id string, limit int) ([]v1.FeedEvent, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	return m.feeds.Recent(id, limit), nil
}

// publish keeps an outcome, and passes it to whoever reads the installation's feed,
// at whichever instance.
func (m *Manager) publish(id string, s reconcile.Settled) {
	reasons := s.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	e := v1.FeedEvent{
		At: s.At, Kind: s.Kind, ID: strconv.FormatInt(s.ID, 10), Name: s.Name, Outcome: s.Outcome, Reasons: reasons,
		Trigger: s.Trigger, Pushed: s.Pushed, Millis: s.Took.Milliseconds(),
	}
	m.feeds.Keep(id, e)
	if m.Cluster != nil {
		m.tellFeed(id, e)
		return
	}
	m.feeds.Publish(id, e)
}

// Hours returns what an installation did in the running hour and the 24 before it.
func (m *Manager) Hours(ctx context.Context, id string) ([]v1.HistoryHour, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	return m.History.Hours(ctx, id)
}

// dropHistory stores what was counted: only a crash may lose it.
func (rt *runtime) dropHistory(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), saveWithin, fmt.Errorf("store history: not within %s", saveWithin))
	defer cancel()
	if err := rt.m.History.Drop(ctx, rt.id); err != nil {
		rt.log.Warn("the last minute of the history is lost", zap.Error(err))
	}
}

// came is what a record came to, as its ledger entry does not tell it: one that is
// out of scope may have been sent as archived, one held with a mass change stays as it was.
func came(s reconcile.Settled) v1.Outcome {
	switch {
	case s.Outcome == v1.OutcomeNotMet && s.Pushed:
		return v1.OutcomePushed
	case s.Outcome == v1.OutcomePushed && !s.Pushed:
		return v1.OutcomeUnchanged
	default:
		return s.Outcome
	}
}

// counted is what a settled record adds to the history. A pass over everything is
// no change of anything: it counts for what it pushed, or failed to. A change counts
// once, when it is through: not while it is retried or waits for a stopped sync,
// whose start marks it again.
func counted(s reconcile.Settled) history.Counts {
	var c history.Counts
	o := came(s)
	switch o {
	case v1.OutcomePushed:
		c.Pushed = 1
	case v1.OutcomeRetrying, v1.OutcomeDead:
		c.Failed = 1
	}
	if !told(s) || o == v1.OutcomeRetrying || o == v1.OutcomeWaiting {
		return c
	}
	c.Changes = 1
	if o == v1.OutcomeUnchanged {
		c.Unchanged = 1
	}
	return c
}

// told says whether a record was settled because something told of it, and not in a pass over all.
func told(s reconcile.Settled) bool {
	switch s.Trigger {
	case v1.TriggerSweep, v1.TriggerBackfill, v1.TriggerReplay:
		return false // a retry of one has no job any more
	}
	return s.Job == ""
}
