package control

import (
	"context"

	v1 "channelsync/api/v1"
)

// OpenIssues returns how every installation stands: id, name, state and issues.
// Unlike List it counts neither records nor backlog, and asks nothing of the
// store once the ledger is loaded, so that it may be called every few seconds.
// A backfill is not told apart from live.
func (m *Manager) OpenIssues(ctx context.Context) ([]v1.InstallationStatus, error) {
	all := m.Store.List()
	out := make([]v1.InstallationStatus, 0, len(all))
	for _, in := range all {
		rt := m.runtime(in.ID)
		issues, err := m.recordIssues(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		if rt != nil {
			issues = append(issues, rt.issues.list()...)
		}
		out = append(out, v1.InstallationStatus{ID: in.ID, Name: in.Name, State: state(in, rt, false, m.Now()), Issues: sorted(issues)})
	}
	return out, nil
}
