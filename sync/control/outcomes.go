package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/sync/history"
	"channelsync/sync/reconcile"
)

// reconciled counts a record for its job and the history, and passes it on.
func (rt *runtime) reconciled(s reconcile.Result) {
	if s.Job != "" {
		rt.m.Jobs.Count(s.Job, came(s), s.Drift)
		rt.m.Jobs.Drifted(s.Job, s.DriftFields)
	}
	if repairing := s.Trigger == v1.TriggerPoll || s.Trigger == v1.TriggerSweep; repairing && s.Pushed && rt.registered.Load() && s.Kind == v1.KindCompany {
		rt.repaired.Add(1) // a webhook should have announced it
	}
	rt.m.History.Count(rt.id, counted(s))
	rt.m.publish(rt.id, s)
	if f := rt.m.Metrics.Reconciled; f != nil {
		f(s)
	}
	if f := rt.m.Metrics.Freshness; f != nil && s.Took > 0 {
		f(s.Took)
	}
}

// came is what a record came to, as its ledger entry does not tell it: one that is
// out of scope may have been sent as archived, one of a mass change that waits for approval stays as it was.
func came(s reconcile.Result) v1.Outcome {
	switch {
	case s.Outcome == v1.OutcomeNotMet && s.Pushed:
		return v1.OutcomePushed
	case s.Outcome == v1.OutcomePushed && !s.Pushed:
		return v1.OutcomeUnchanged
	default:
		return s.Outcome
	}
}

// counted is what a reconciled record adds to the history. A pass over everything is
// no change of anything: it counts for what it pushed, or failed to. A change counts
// once, when it is through: not while it is retried or waits for a stopped sync,
// whose start marks it again.
func counted(s reconcile.Result) history.Counts {
	var c history.Counts
	o := came(s)
	switch o {
	case v1.OutcomePushed:
		c.Pushed = 1
	case v1.OutcomeRetrying, v1.OutcomeDead:
		c.Failed = 1
	}
	if !announced(s) || o == v1.OutcomeRetrying || o == v1.OutcomeWaiting {
		return c
	}
	c.Changes = 1
	if o == v1.OutcomeUnchanged {
		c.Unchanged = 1
	}
	return c
}

// announced says whether a record was reconciled because something said that it changed, and
// not in a pass over all records.
func announced(s reconcile.Result) bool {
	switch s.Trigger {
	case v1.TriggerSweep, v1.TriggerBackfill, v1.TriggerReplay:
		return false // a retry of one has no job any more
	}
	return s.Job == ""
}

// dropHistory stores what was counted: only a crash may lose it.
func (rt *runtime) dropHistory(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), saveWithin, fmt.Errorf("store history: not within %s", saveWithin))
	defer cancel()
	if err := rt.m.History.Drop(ctx, rt.id); err != nil {
		rt.log.Warn("the last minute of the history is lost", zap.Error(err))
	}
}

// Hours returns what an installation did in the running hour and the 24 before it.
func (m *Manager) Hours(ctx context.Context, id string) ([]v1.HistoryHour, error) {
	if _, err := m.get(id); err != nil {
		return nil, err
	}
	return m.History.Hours(ctx, id)
}

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
func (m *Manager) publish(id string, s reconcile.Result) {
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
		m.publishFeed(id, e)
		return
	}
	m.feeds.Publish(id, e)
}

// publishFeed tells every instance of an outcome; this one hears of it the same way.
func (m *Manager) publishFeed(id string, e v1.FeedEvent) {
	ctx, cancel := context.WithTimeout(context.Background(), loadWithin)
	defer cancel()
	ring, err := m.Vault.Existing(ctx, id) // in memory, while the installation is at work
	if err != nil {
		return
	}
	plain, err := json.Marshal(e)
	if err != nil {
		return
	}
	_ = m.Bus.Peers().Publish(topicFeed, id, ring.Seal(topicFeed+"."+id, plain))
}

func (m *Manager) receiveFeed(ctx context.Context, id string, data []byte) {
	if !m.feeds.Subscribed(id) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, loadWithin)
	defer cancel()
	ring, err := m.Vault.Existing(ctx, id)
	if err != nil {
		return
	}
	var e v1.FeedEvent
	plain, err := ring.Open(topicFeed+"."+id, data)
	if err == nil && json.Unmarshal(plain, &e) == nil {
		m.feeds.Publish(id, e)
	}
}
