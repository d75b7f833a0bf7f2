package control

import (
	"context"
	"slices"

	v1 "channelsync/api/v1"
	"channelsync/sync/issue"
)

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
