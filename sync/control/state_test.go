package control

import (
	"slices"
	"testing"
	"time"

	"channelsync/sync/upstream"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/issue"
)

func refuse(in *installation.Installation) error {
	in.Refused = true
	return nil
}

func TestState(t *testing.T) {
	d := newDesk(t, setup{})
	now := time.Now()
	for name, one := range map[string]struct {
		in          installation.Installation
		idle        bool // nothing runs
		untried     bool
		issues      []string
		backfilling bool
		want        v1.State
	}{
		"live":                             {want: v1.StateLive},
		"backfilling":                      {backfilling: true, want: v1.StateBackfilling},
		"installing":                       {untried: true, backfilling: true, want: v1.StateInstalling},
		"nothing runs yet":                 {idle: true, want: v1.StateInstalling},
		"degraded":                         {issues: []string{"throttled"}, want: v1.StateDegraded},
		"degraded while backfilling":       {issues: []string{"channel_program_refused"}, backfilling: true, want: v1.StateDegraded},
		"polling is not degraded":          {issues: []string{"no_public_url", "webhook_not_allowed"}, want: v1.StateLive},
		"refused":                          {in: installation.Installation{Refused: true}, issues: []string{"throttled"}, want: v1.StateNeedsCredentials},
		"refused before it ever ran":       {in: installation.Installation{Refused: true}, idle: true, want: v1.StateNeedsCredentials},
		"stopped":                          {in: installation.Installation{Stopped: true, Refused: true}, want: v1.StateStopped},
		"uninstalled, whatever it was":     {in: installation.Installation{Uninstalled: true, Stopped: true, Refused: true}, idle: true, want: v1.StateUninstalled},
		"an issue that nobody must notice": {issues: []string{"cost_unknown"}, want: v1.StateLive},
	} {
		t.Run(name, func(t *testing.T) {
			var rt *runtime
			if !one.idle {
				rt = d.newRuntime(&one.in)
				rt.issues = issue.NewSet(time.Now) // the zero installation has no connection
				rt.tried.Store(!one.untried)
				for _, code := range one.issues {
					rt.issues.Raise(issue.Issue{Code: code})
				}
			}
			if got := state(&one.in, rt, one.backfilling, now); got != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

func TestSyncState(t *testing.T) {
	for name, one := range map[string]struct {
		in          installation.Installation
		sync        installation.SyncSettings
		backfilling bool
		want        v1.SyncState
	}{
		"running":                        {want: v1.SyncRunning},
		"backfilling":                    {backfilling: true, want: v1.SyncBackfilling},
		"stopped":                        {sync: installation.SyncSettings{Stopped: true}, backfilling: true, want: v1.SyncStopped},
		"stopped with the whole":         {in: installation.Installation{Stopped: true}, want: v1.SyncStopped},
		"uninstalled":                    {sync: installation.SyncSettings{Uninstalled: true, Stopped: true}, want: v1.SyncUninstalled},
		"uninstalled with the whole":     {in: installation.Installation{Uninstalled: true}, want: v1.SyncUninstalled},
		"uninstalled, the other stopped": {in: installation.Installation{Stopped: true}, sync: installation.SyncSettings{Uninstalled: true}, want: v1.SyncUninstalled},
	} {
		if got := syncState(&one.in, &one.sync, one.backfilling); got != one.want {
			t.Errorf("%s: got %s, want %s", name, got, one.want)
		}
	}
}

func TestUnavailableUpstreamsBecomeIssues(t *testing.T) {
	d := newDesk(t, setup{})
	rt := d.newRuntime(&installation.Installation{ID: "01hzx3q8r9k2m4n6p8s0t2v4w6", ConnectionID: connection, Secrets: installation.Secrets{Token: cpToken}})
	next := time.Now().Add(time.Minute)
	rt.Unavailable(upstream.Failure{Upstream: upstream.Target, Code: "channel_program_subscription", NeedsPerson: true, Err: errCause}, next)
	rt.Unavailable(upstream.Failure{Upstream: upstream.Autotask, Code: "throttled", Err: errCause}, next)
	rt.Unavailable(upstream.Failure{Upstream: upstream.Autotask, Code: "credentials_refused", NeedsPerson: true, Err: errCause}, next)
	var got []string
	for _, i := range rt.issues.List() {
		got = append(got, i.Code+" "+i.Severity)
	}
	want := []string{"channel_program_subscription act", "throttled retrying"}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rt.Recovered(upstream.Target)
	if rt.issues.Has("channel_program_subscription") || !rt.issues.Has("throttled") {
		t.Error("mending one side")
	}
}

func throttled(after time.Duration) error {
	return &autotask.Error{Kind: autotask.KindThrottled, RetryAfter: after}
}
