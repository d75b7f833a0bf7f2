package control

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	v1 "channelsync/api/v1"
	"channelsync/internal/panics"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
)

// List returns every installation as the admin API shows it.
func (m *Manager) List(ctx context.Context) ([]v1.Installation, error) {
	own, err := m.Own(ctx)
	if err != nil || m.Cluster == nil {
		return own, err
	}
	known := map[string]v1.Installation{}
	for _, in := range slices.Concat(m.Cluster.Peers.Installations(ctx), own) {
		known[in.ID] = in
	}
	out := []v1.Installation{}
	for _, in := range m.Store.List() {
		shown, is := known[in.ID]
		if !is {
			shown = m.unattended(in)
		}
		out = append(out, shown)
	}
	return out, nil
}

// viewsAtOnce is how many installations are looked at side by side: a look may ask the store.
const viewsAtOnce = 8

// Own returns the installations that this process works for.
func (m *Manager) Own(ctx context.Context) ([]v1.Installation, error) {
	own := slices.DeleteFunc(m.Store.List(), func(in *installation.Installation) bool { return !m.holds(in.ID) })
	stored, err := m.storedOfAll(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]v1.Installation, len(own))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(viewsAtOnce)
	for i, in := range own {
		group.Go(panics.Guard(func() (err error) {
			out[i], err = m.view(within, in, stored)
			return err
		}))
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// stored is what a view needs of the store, of one installation.
type stored interface {
	// backlog counts what waits in the worklist.
	backlog(ctx context.Context, id string) (int, error)
	// dropped says whether there may be a dead letter that counts others.
	dropped(id string) bool
}

// storedOfOne asks when it is asked.
type storedOfOne struct{ *Manager }

func (m storedOfOne) backlog(ctx context.Context, id string) (int, error) {
	d, err := m.Bus.Worklist().Depth(ctx, id)
	return d.Live + d.Bulk + d.Scheduled + d.Apart, err
}

func (m storedOfOne) dropped(string) bool { return true }

// storedOfAll has asked for all installations at once.
type storedOfAll struct {
	backlogs map[string]int
	having   map[string]bool
}

func (s storedOfAll) backlog(_ context.Context, id string) (int, error) { return s.backlogs[id], nil }
func (s storedOfAll) dropped(id string) bool                            { return s.having[id] }

// storedOfAll asks for all installations with two questions, unless too much waits for that.
func (m *Manager) storedOfAll(ctx context.Context) (stored, error) {
	backlogs, few, err := m.Bus.Worklist().Backlogs(ctx)
	if err != nil {
		return nil, fmt.Errorf("count backlogs: %w", err)
	}
	if !few {
		return storedOfOne{m}, nil
	}
	having, err := m.DeadLetters.HaveDropped(ctx)
	if err != nil {
		return nil, err
	}
	return storedOfAll{backlogs: backlogs, having: having}, nil
}

// Get returns one installation as the admin API shows it.
func (m *Manager) Get(ctx context.Context, id string) (v1.Installation, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.Installation{}, err
	}
	if !m.holds(id) {
		return m.unattended(in), nil
	}
	return m.view(ctx, in, storedOfOne{m})
}

// unattended is an installation that no instance is known to work for: what the
// store says of it.
func (m *Manager) unattended(in *installation.Installation) v1.Installation {
	out := m.outline(in)
	if out.State == v1.StateInstalling {
		out.State = v1.StateDegraded
	}
	i := issue.Describe("no_instance")
	i.FirstAt, i.LastAt = m.Now(), m.Now()
	out.Issues = append(out.Issues, i)
	return out
}

// Status is what `channelsync status` shows.
func (m *Manager) Status(ctx context.Context) (v1.Status, error) {
	all, err := m.List(ctx)
	if err != nil {
		return v1.Status{}, err
	}
	h := m.Bus.Health(ctx)
	st := v1.Status{Version: m.Version, Ready: h.Err == nil && len(h.Frozen) == 0, Installations: []v1.InstallationStatus{}}
	for _, in := range all {
		st.Installations = append(st.Installations, v1.InstallationStatus{
			ID: in.ID, Name: in.Name, State: in.State, Backlog: in.Backlog, Freshness: in.Freshness, Parts: in.Parts, Issues: in.Issues,
		})
	}
	return st, nil
}

// outline is what an installation's settings say of it.
func (m *Manager) outline(in *installation.Installation) v1.Installation {
	out := v1.Installation{
		ID: in.ID, Name: in.Name, Zone: in.Zone, Options: in.Options, CreatedAt: in.CreatedAt, State: state(in, nil, false, m.Now()),
		Syncs: map[v1.Sync]v1.SyncStatus{}, Webhooks: []v1.Webhook{}, Issues: []v1.Issue{},
	}
	for s, settings := range in.Syncs {
		out.Syncs[s] = v1.SyncStatus{State: syncState(in, settings, false)}
	}
	for _, reg := range in.Registrations {
		if reg.Bridge || reg.Former {
			continue
		}
		out.Webhooks = append(out.Webhooks, v1.Webhook{
			Entity: reg.Entity, ID: reg.ID, GUID: reg.GUID, Active: reg.Active && !reg.Moved.Left && !reg.Touched.Left, Ready: reg.Ready, LastCallbackAt: timeOrNil(m.lastCallback(reg)),
		})
	}
	return out
}

func (m *Manager) view(ctx context.Context, in *installation.Installation, store stored) (v1.Installation, error) {
	rt := m.runtime(in.ID)
	out := m.outline(in)
	running := m.Jobs.Running(in.ID)
	backfilling := map[v1.Kind]bool{}
	for _, j := range running {
		out.Jobs = append(out.Jobs, shown(j))
		if j.Type == job.TypeBackfill {
			for _, k := range j.Kinds {
				backfilling[k] = true
			}
		}
	}
	for _, o := range in.PendingJobs {
		if o.Type == job.TypeBackfill {
			for _, k := range o.Kinds {
				backfilling[k] = true
			}
		}
	}
	known, err := m.Ledger.Digest(ctx, in.ID)
	if err != nil {
		return out, fmt.Errorf("count records: %w", err)
	}
	for s, settings := range in.Syncs {
		kind := kindsOf([]v1.Sync{s})[0]
		out.Syncs[s] = v1.SyncStatus{State: syncState(in, settings, backfilling[kind]), Counts: known.Counts[kind]}
	}
	due, err := store.backlog(ctx, in.ID)
	if err != nil {
		return out, fmt.Errorf("count backlog: %w", err)
	}
	out.Backlog, out.Drift = due+known.Waiting, known.Drift(m.Now())
	if rt != nil {
		out.Freshness = rt.freshness.Read(m.Now())
		out.Repaired = int(rt.repaired.Load())
		out.Issues = append(out.Issues, rt.issues.List()...)
		at := rt.worker.ResumesAt()
		if bulk := rt.worker.BulkResumesAt(); bulk.After(at) {
			at = bulk
		}
		if at.After(m.Now()) {
			out.ResumesAt = &at
		}
		if out.Parts, err = rt.watcher.PartsFreshness(ctx); err != nil {
			return out, err
		}
	}
	records, err := m.recordIssues(ctx, in)
	if err != nil {
		return out, err
	}
	out.Issues = append(out.Issues, records...)
	if store.dropped(in.ID) {
		dropped, found, err := m.DeadLetters.Dropped(ctx, in.ID)
		if err != nil {
			return out, err
		}
		if found {
			i := issue.Describe(deadletter.CodeDropped)
			i.Detail, i.FirstAt, i.LastAt = dropped.Detail+" "+i.Detail, dropped.FirstAt, dropped.LastAt
			out.Issues = append(out.Issues, i)
		}
	}
	out.Issues = issue.Sort(out.Issues)
	out.State = state(in, rt, len(backfilling) > 0, m.Now())
	return out, nil
}

func syncState(in *installation.Installation, s *installation.SyncSettings, backfilling bool) v1.SyncState {
	switch {
	case in.Uninstalled || s.Uninstalled:
		return v1.SyncUninstalled
	case in.Stopped || s.Stopped:
		return v1.SyncStopped
	case backfilling:
		return v1.SyncBackfilling
	default:
		return v1.SyncRunning
	}
}

func state(in *installation.Installation, rt *runtime, backfilling bool, now time.Time) v1.State {
	switch {
	case in.Uninstalled:
		return v1.StateUninstalled
	case in.Stopped:
		return v1.StateStopped
	case in.Refused:
		return v1.StateNeedsCredentials
	case rt == nil || !rt.tried.Load():
		return v1.StateInstalling
	case rt.worker.ResumesAt().After(now) || rt.issues.Has(issue.Degrading...) || rt.issues.Has(issue.Contesting...) && !rt.registered.Load():
		return v1.StateDegraded
	case backfilling:
		return v1.StateBackfilling
	default:
		return v1.StateLive
	}
}

// recordIssues groups what is wrong with single records by its cause: by the last that
// the ledger says of each, or its dead letter where the ledger took no entry since.
func (m *Manager) recordIssues(ctx context.Context, in *installation.Installation) ([]v1.Issue, error) {
	id, byCode := in.ID, map[string]*v1.Issue{}
	add := func(code string, at, first time.Time) {
		i := byCode[code]
		if i == nil {
			i = new(issue.DescribeFor(code, in.Options))
			byCode[code] = i
		}
		i.Records++
		if i.FirstAt.IsZero() || first.Before(i.FirstAt) {
			i.FirstAt = first
		}
		if at.After(i.LastAt) {
			i.LastAt = at
		}
	}
	failures, err := m.DeadLetters.Failures(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("group issues: %w", err)
	}
	known, err := m.Ledger.Digest(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("group issues: %w", err)
	}
	for _, s := range known.Telling {
		at := s.ReconciledAt
		if at.IsZero() {
			continue
		}
		if s.PendingApproval {
			add("mass_change_held", at, at)
		}
		if f, is := failures[deadletter.RecordID(s.Kind, s.ID)]; is && f.LastAt.After(at) {
			continue // it is the last word
		}
		if o := s.Outcome; o == v1.OutcomeRetrying || o == v1.OutcomeDead {
			for _, code := range s.Reasons {
				add(code, at, s.Since(code))
			}
		} else if s.InScope {
			for _, code := range s.Notes {
				add(code, at, s.Since(code))
			}
		}
	}
	if err := m.dropOutdated(ctx, id, failures); err != nil {
		return nil, err
	}
	for _, f := range failures {
		add(f.Code, f.LastAt, f.FirstAt)
	}
	out := make([]v1.Issue, 0, len(byCode))
	for _, i := range byCode {
		out = append(out, *i)
	}
	return out, nil
}

// dropOutdated leaves out the failures of records of which the ledger has said something since.
func (m *Manager) dropOutdated(ctx context.Context, id string, failures map[string]deadletter.Failure) error {
	if len(failures) == 0 {
		return nil
	}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContract} {
		_, err := m.Ledger.Find(ctx, id, kind, func(s ledger.Summary) bool {
			failure := deadletter.RecordID(kind, s.ID)
			if f, is := failures[failure]; is && !s.ReconciledAt.IsZero() && !f.LastAt.After(s.ReconciledAt) {
				delete(failures, failure)
			}
			return false
		})
		if err != nil {
			return fmt.Errorf("group issues: %w", err)
		}
	}
	return nil
}

// OpenIssues returns how every installation stands: id, name, state and issues.
// Unlike List it counts neither records nor backlog, and asks nothing of the
// store once the ledger is loaded, so that it may be called every few seconds.
// A backfill is not told apart from live.
func (m *Manager) OpenIssues(ctx context.Context) ([]v1.InstallationStatus, error) {
	own, err := m.OwnIssues(ctx)
	if err != nil || m.Cluster == nil {
		return own, err
	}
	known := map[string]v1.InstallationStatus{}
	for _, in := range slices.Concat(m.Cluster.Peers.OpenIssues(ctx), own) {
		known[in.ID] = in
	}
	var out []v1.InstallationStatus
	for _, in := range m.Store.List() {
		status, is := known[in.ID]
		if !is { // nothing is known of it: not even that it has no issue
			status = v1.InstallationStatus{ID: in.ID, Name: in.Name, State: state(in, nil, false, m.Now())}
		}
		out = append(out, status)
	}
	return out, nil
}

// OwnIssues is OpenIssues of the installations that this process works for.
func (m *Manager) OwnIssues(ctx context.Context) ([]v1.InstallationStatus, error) {
	out := []v1.InstallationStatus{}
	for _, in := range m.Store.List() {
		if !m.holds(in.ID) {
			continue
		}
		rt := m.runtime(in.ID)
		issues, err := m.recordIssues(ctx, in)
		if err != nil {
			return nil, err
		}
		if rt != nil {
			issues = append(issues, rt.issues.List()...)
		}
		out = append(out, v1.InstallationStatus{ID: in.ID, Name: in.Name, State: state(in, rt, false, m.Now()), Issues: issue.Sort(issues)})
	}
	return out, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
