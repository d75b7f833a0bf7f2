package control

import (
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/test/harness"
)

// TestOpenIssuesAreThoseOfTheList: the cheap way says what the admin API shows.
func TestOpenIssuesAreThoseOfTheList(t *testing.T) {
	d := newDesk(t, setup{})
	for _, in := range []*installation.Installation{
		{ID: "01kav4xe5y0w8j3m9q2r7t6c1d", Name: "One", Refused: true},
		{ID: "01kav4xe5y0w8j3m9q2r7t6c1e", Name: "Two", Uninstalled: true},
	} {
		harness.OK(t, d.Store.Create(t.Context(), in))
	}
	in, err := d.Store.Get("01kav4xe5y0w8j3m9q2r7t6c1d")
	harness.OK(t, err)
	rt := d.newRuntime(in)
	rt.issues.Raise(issue.Issue{Code: "throttled"})
	d.mu.Lock()
	d.runtimes["01kav4xe5y0w8j3m9q2r7t6c1d"] = rt
	d.mu.Unlock()
	t.Cleanup(func() {
		d.mu.Lock()
		delete(d.runtimes, "01kav4xe5y0w8j3m9q2r7t6c1d")
		d.mu.Unlock()
		rt.close()
	})
	got, err := d.OpenIssues(t.Context())
	harness.OK(t, err)
	want, err := d.List(t.Context())
	harness.OK(t, err)
	if len(got) != 2 || len(want) != 2 {
		t.Fatalf("%d and %d installations", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i].ID || got[i].Name != want[i].Name || got[i].State != want[i].State || len(got[i].Issues) != len(want[i].Issues) {
			t.Errorf("got %+v, the list has %+v", got[i], want[i])
		}
		for j := range got[i].Issues {
			if got[i].Issues[j].Code != want[i].Issues[j].Code {
				t.Errorf("issue %d: %s, the list has %s", j, got[i].Issues[j].Code, want[i].Issues[j].Code)
			}
		}
	}
	if got[0].State != v1.StateNeedsCredentials || len(got[0].Issues) < 2 || got[1].State != v1.StateUninstalled {
		t.Errorf("got %+v", got)
	}
}
