package control

import (
	"context"
	"fmt"
	"sync"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/sync/installation"
	"channelsync/test/harness"
)

func TestConnectionInUseIsRefused(t *testing.T) {
	d := newDesk(t, setup{})
	d.at.AddUser("second@msp.example", "another-secret-0123")
	d.run()
	first := d.create()
	refused := func(what string, err error, by string) {
		t.Helper()
		if p := problem(t, err); p.Status != 409 || p.Code != v1.CodeConnectionInUse || p.Installation != by || p.Hint == "" {
			t.Errorf("%s: got %+v", what, p)
		}
	}
	failed := func(what string, checks []v1.Check, want bool) {
		t.Helper()
		found := false
		for _, c := range checks {
			found = found || c.Name == "connection" && !c.OK && c.Fix != ""
		}
		if found != want {
			t.Errorf("%s: checks %+v", what, checks)
		}
	}
	for _, written := range []string{connection, "MSP-One", " " + connection + "\u00a0"} { // as people read it
		_, err := d.Create(t.Context(), d.anotherUser(written))
		refused("create on "+written, err, first.ID)
	}
	tried, err := d.TryCreate(t.Context(), d.anotherUser(connection))
	harness.OK(t, err)
	failed("test", tried.Checks, true)
	preview, err := d.PreviewCreate(t.Context(), d.anotherUser(connection))
	harness.OK(t, err)
	failed("preview", preview.Checks, true)

	second, err := d.Create(t.Context(), d.anotherUser("other"))
	harness.OK(t, err)
	_, err = d.SetChannelProgram(t.Context(), second.ID, v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken})
	refused("a new connection", err, first.ID)
	if _, err := d.SetChannelProgram(t.Context(), second.ID, v1.ChannelProgramTarget{ConnectionID: "other", Token: cpToken + "-other"}); err != nil {
		t.Errorf("its own connection again: %v", err)
	}

	harness.OK(t, d.Do(t.Context(), first.ID, "", "uninstall"))
	tried, err = d.Test(t.Context(), second.ID)
	harness.OK(t, err)
	failed("test of one alone", tried.Checks, false)
	if _, err := d.SetChannelProgram(t.Context(), second.ID, v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken}); err != nil {
		t.Fatalf("the connection of an uninstalled one: %v", err)
	}
	refused("reinstall", d.Do(t.Context(), first.ID, "", "reinstall"), second.ID)
	if !d.kept(first.ID).Uninstalled {
		t.Error("it is installed all the same")
	}
	harness.OK(t, d.Do(t.Context(), second.ID, "", "uninstall"))
	harness.OK(t, d.Do(t.Context(), first.ID, "", "reinstall"))
}

// What other installations have is said to whoever knows its secret only: a wrong one is answered alike, whether or not
// somebody has the account or the connection.
func TestWhatOthersHaveIsSaidToWhoKnowsItsSecret(t *testing.T) {
	d := newDesk(t, setup{})
	d.at.AddUser("second@msp.example", "another-secret-0123")
	first := d.create()
	second, err := d.Create(t.Context(), d.anotherUser("other"))
	harness.OK(t, err)
	credentials := func(username, secret string) error {
		req := request()
		_, err := d.SetCredentials(t.Context(), second.ID, v1.Credentials{
			Username: username, Secret: v1.Secret(secret), TrackingIdentifier: req.TrackingIdentifier, Zone: req.Zone,
		})
		return err
	}
	target := func(connection string, token v1.Secret) error {
		_, err := d.SetChannelProgram(t.Context(), second.ID, v1.ChannelProgramTarget{ConnectionID: connection, Token: token})
		return err
	}
	user, secret := request().Username, request().Secret.Reveal()
	for name, tc := range map[string]struct {
		err  error
		code string
	}{
		"a wrong secret of an account in use":   {credentials(user, "wrong-secret-01234"), v1.CodeCredentialsRejected},
		"the secret of an account in use":       {credentials(user, secret), v1.CodeAlreadyInstalled},
		"a wrong token of a connection in use":  {target(connection, "wrong"), v1.CodeChannelProgramRejected},
		"a wrong token of one that nobody uses": {target("nobodys", "wrong"), v1.CodeChannelProgramRejected},
		"the token of a connection in use":      {target(connection, cpToken), v1.CodeConnectionInUse},
	} {
		p := problem(t, tc.err)
		if p.Code != tc.code || (p.Installation != "") != (p.Status == 409) || p.Status == 409 && p.Installation != first.ID {
			t.Errorf("%s: got %+v, want %s", name, p, tc.code)
		}
	}
	if in := d.kept(second.ID); in.ConnectionID != "other" || in.Secrets.Username != "second@msp.example" {
		t.Errorf("kept %s, %s", in.ConnectionID, in.Secrets.Username)
	}
}

// anotherUser is a request for a second installation: another API user, on a connection.
func (d *desk) anotherUser(connection string) v1.CreateInstallation {
	req := request()
	req.Name, req.Username, req.Secret = "Second MSP", "second@msp.example", "another-secret-0123"
	req.ChannelProgram = v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken}
	if connection == "other" {
		req.ChannelProgram.Token += "-other"
	}
	return req
}

// Two instances change two installations at the same time: each tries for seconds, and
// neither sees the other's change before it stores its own. One of them has the
// connection then, and the other is refused.
func TestConnectionIsOneInstallationsWithTwoInstances(t *testing.T) {
	d := newDesk(t, setup{})
	guard, err := d.Bus.Table(t.Context(), kv.Config{Name: "guard", Memory: true})
	harness.OK(t, err)
	d.Cluster = &Cluster{Shards: &leases{}, Peers: &nobody{}, Admits: func() bool { return true }, Installations: d.installations, Guard: guard}
	store, err := installation.Open(t.Context(), d.installations, d.Vault)
	harness.OK(t, err)
	cfg := d.Config
	cfg.Store = store
	beside := New(cfg)

	a, b := bare("01jxaaaaaaaaaaaaaaaaaaaaaa", "conn-a"), bare("01jxbbbbbbbbbbbbbbbbbbbbbb", "conn-b")
	for _, in := range []*installation.Installation{a, b} {
		harness.OK(t, d.Store.Create(t.Context(), in))
		harness.OK(t, store.Load(t.Context(), in.ID))
	}
	for round := range 20 {
		want := fmt.Sprintf("conn-%d", round)
		start := make(chan struct{})
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, who := range []struct {
			m  *Manager
			in *installation.Installation
		}{{d.Manager, a}, {beside, b}} {
			wg.Go(func() {
				<-start
				errs[i] = who.m.alone(t.Context(),
					func() *v1.Problem { return who.m.connectionTaken(who.in.ID, want) },
					func(ctx context.Context) error { return connect(ctx, who.m.Store, who.in.ID, want) },
					func(ctx context.Context) error { return connect(ctx, who.m.Store, who.in.ID, who.in.ID) })
			})
		}
		close(start)
		wg.Wait()
		harness.OK(t, d.Store.Refresh(t.Context()))
		have := 0
		for _, in := range d.Store.List() {
			if in.ConnectionID == want {
				have++
			}
		}
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			if p := problem(t, err); p.Status != 409 && p.Status != 503 {
				t.Errorf("round %d: %+v", round, p)
			}
		}
		if have != 1 || won != 1 {
			t.Fatalf("round %d: %d installations have the connection and %d were told so: %v", round, have, won, errs)
		}
	}
}

func connect(ctx context.Context, s *installation.Store, id, connection string) error {
	_, err := s.Change(ctx, id, func(in *installation.Installation) error { in.ConnectionID = connection; return nil })
	return err
}

// bare is an installation that is stopped, so that nothing runs of it.
func bare(id, connection string) *installation.Installation {
	return &installation.Installation{ID: id, Name: id, ConnectionID: connection, Stopped: true, Syncs: map[v1.Sync]*installation.SyncSettings{}}
}
