package control

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// problem is the refusal that an error must be.
func problem(t *testing.T, err error) *v1.Problem {
	t.Helper()
	return harness.As[*v1.Problem](t, err)
}

func denied(entities ...string) func(*desk) {
	return func(d *desk) { d.at.SetModes(func(m *atsim.Modes) { m.Denied = entities }) }
}

func faulty(f cpsim.Fault) func(*desk) {
	return func(d *desk) {
		_, err := d.cp.SetFault(f)
		harness.OK(d.t, err)
	}
}

func TestPreflight(t *testing.T) {
	customers, contracts := v1.SyncActiveCustomers, v1.SyncActiveCustomerContracts
	nothing := func(*desk) {}
	for name, one := range map[string]struct {
		given  func(*desk)
		ask    func(*v1.CreateInstallation)
		status int // 0: it is installed
		code   string
		names  string // what the problem must name
		failed []string
	}{
		"all is well": {nothing, nil, 0, "", "", nil},
		"wrong secret": {
			nothing,
			func(r *v1.CreateInstallation) { r.Secret = "wrong-secret-01234" },
			422, v1.CodeCredentialsRejected, "secret",
			[]string{"credentials"},
		},
		"wrong tracking identifier": {
			nothing,
			func(r *v1.CreateInstallation) { r.TrackingIdentifier = "WRONG" },
			422, v1.CodeCredentialsRejected, "tracking identifier",
			[]string{"credentials"},
		},
		"unknown user": {
			nothing,
			func(r *v1.CreateInstallation) { r.Username = "nobody@msp.example" },
			422, v1.CodeZoneUnknown, "zone",
			[]string{"zone"},
		},
		"a zone that is none": {
			nothing,
			func(r *v1.CreateInstallation) { r.Zone = "https://evil.example/atservicesrest" },
			422, v1.CodeInvalid, "zone",
			[]string{"zone"},
		},
		"the zone that Autotask names is not Autotask's": {
			func(d *desk) { d.at.SetModes(func(m *atsim.Modes) { m.MovedTo = "evil.example" }) }, nil,
			422, v1.CodeInvalid, "evil.example",
			[]string{"zone"},
		},
		"companies may not be read": {
			denied("Companies"), nil, 422, v1.CodePermissionMissing, "Companies", []string{"companies"},
		},
		"contacts may not be read": {
			denied("Contacts"), nil, 422, v1.CodePermissionMissing, "Contacts", []string{"contacts"},
		},
		"contacts are not needed for contracts": {denied("Contacts"), syncs(contracts), 0, "", "", nil},
		"contracts may not be read": {
			denied("Contracts"), nil, 422, v1.CodePermissionMissing, "Contracts", []string{"contracts"},
		},
		"contracts are not needed for customers": {denied("Contracts", "Services"), syncs(customers), 0, "", "", nil},
		"costs may not be read": {
			denied("ContractServiceUnits", "ContractCharges"), nil, 0, "", "", []string{"costs of services", "costs of charges"},
		},
		"Autotask is away": {
			func(d *desk) { d.at.SetFault(atsim.Fault{Kind: "status", Entity: "Companies", Status: 503}) }, nil, 503, v1.CodeUnavailable, "Autotask", []string{"credentials"},
		},
		"the target's token": {
			faulty(cpsim.Fault{Kind: cpsim.FaultUnauthenticated}), nil, 422, v1.CodeChannelProgramRejected, "Channel Program", []string{"channel_program"},
		},
		"the target's subscription": {
			faulty(cpsim.Fault{Kind: cpsim.FaultSubscription}), nil, 422, v1.CodeChannelProgramRejected, "Channel Program", []string{"channel_program"},
		},
		"the connection is paused": {
			faulty(cpsim.Fault{Kind: cpsim.FaultPaused}), nil, 422, v1.CodeChannelProgramRejected, "Channel Program", []string{"channel_program"},
		},
		"the target is away": {
			faulty(cpsim.Fault{Kind: cpsim.FaultUnavailable}), nil, 503, v1.CodeUnavailable, "Channel Program", []string{"channel_program"},
		},
		"both are wrong: the log-in first": {
			faulty(cpsim.Fault{Kind: cpsim.FaultUnauthenticated}),
			func(r *v1.CreateInstallation) { r.Secret = "wrong-secret-01234" },
			422, v1.CodeCredentialsRejected, "secret",
			[]string{"credentials", "channel_program"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
			one.given(d)
			req := request()
			if one.ask != nil {
				one.ask(&req)
			}
			checks, tried := d.TryCreate(t.Context(), req)
			if n := len(d.Store.List()); n != 0 {
				t.Errorf("trying kept %d installations", n)
			}
			list := checks.Checks
			if one.status != 0 {
				p := problem(t, tried)
				list = p.Checks
				if p.Status != one.status || p.Code != one.code || p.Hint == "" {
					t.Errorf("got %d %s, hint %q", p.Status, p.Code, p.Hint)
				}
				if all := p.Detail + " " + p.Hint; !strings.Contains(all, one.names) && !strings.Contains(p.Detail, "zone") {
					t.Errorf("%q does not name %s", all, one.names)
				}
			} else if tried != nil {
				t.Errorf("got %v", tried)
			}
			var failed []string
			for _, c := range list {
				if !c.OK {
					failed = append(failed, c.Name)
					if c.Fix == "" || c.Detail == "" {
						t.Errorf("the check %s says neither what is wrong nor what to do: %+v", c.Name, c)
					}
				}
				for _, hidden := range []string{secret, cpToken, "wrong-secret"} {
					if strings.Contains(c.Detail+c.Fix, hidden) {
						t.Errorf("the check %s shows a secret", c.Name)
					}
				}
			}
			if diff := cmp.Diff(one.failed, failed); diff != "" {
				t.Errorf("failed checks: %s", diff)
			}
			d.at.ResetStats()
			_, err := d.Create(t.Context(), req)
			if (err == nil) != (one.status == 0) {
				t.Errorf("created: %v", err)
			}
			if n := d.at.Stats().LoginFailures; n > 2 {
				t.Errorf("%d log-ins failed at Autotask", n)
			}
			if one.status != 0 {
				d.nothingKept()
			}
		})
	}
}

func syncs(list ...v1.Sync) func(*v1.CreateInstallation) {
	return func(r *v1.CreateInstallation) { r.Syncs = list }
}

// nothingKept checks that no trace of a refused installation is stored.
func (d *desk) nothingKept() {
	d.t.Helper()
	if n := len(d.Store.List()) + len(d.at.Webhooks()); n != 0 {
		d.t.Errorf("%d installations or webhooks are kept", n)
	}
	for name, table := range map[string]*kv.Table{"installations": d.installations, "keys": d.keys} {
		harness.OK(d.t, table.Each(d.t.Context(), "", func(e kv.Entry) error {
			if e.Key != "master" {
				d.t.Errorf("%s holds %s", name, e.Key)
			}
			return nil
		}))
	}
}

func TestSameAccountIsInstalledOnce(t *testing.T) {
	d := newDesk(t, setup{})
	const clicks = 4
	errs := make([]error, clicks)
	var wg sync.WaitGroup
	for i := range clicks {
		wg.Go(func() { _, errs[i] = d.Create(t.Context(), request()) })
	}
	wg.Wait()
	kept := 0
	for _, err := range errs {
		if err == nil {
			kept++
			continue
		}
		if p := problem(t, err); p.Status != 409 || p.Code != v1.CodeAlreadyInstalled || p.Installation != d.Store.List()[0].ID {
			t.Errorf("got %+v", p)
		}
	}
	if kept != 1 || len(d.Store.List()) != 1 {
		t.Errorf("%d were told yes, %d are kept", kept, len(d.Store.List()))
	}
}

func TestFindZone(t *testing.T) {
	d := newDesk(t, setup{})
	zone, known, err := d.FindZone(t.Context(), request().Username)
	harness.OK(t, err)
	if !known || !strings.HasPrefix(zone.URL, d.atURL) {
		t.Errorf("found %+v, %t", zone, known)
	}
	for _, nobody := range []string{"nobody@msp.example", " "} {
		if zone, known, err := d.FindZone(t.Context(), nobody); known || err != nil {
			t.Errorf("%q: found %+v, %t, %v", nobody, zone, known, err)
		}
	}
	if n := d.at.Stats().LoginFailures; n != 0 {
		t.Errorf("%d log-ins failed at Autotask", n)
	}
	d.Discovery.URL = "http://127.0.0.1:1/atservicesrest"
	_, known, err = d.FindZone(t.Context(), request().Username)
	if p := problem(t, err); known || p.Status != 503 || p.Code != v1.CodeUnavailable {
		t.Errorf("got %t, %+v", known, p)
	}
}

func TestMovedTenantIsFoundWhileInstalling(t *testing.T) {
	d := newDesk(t, setup{})
	host := strings.TrimPrefix(d.atURL, "http://")
	d.at.SetModes(func(m *atsim.Modes) { m.MovedTo = host })
	in := d.create()
	if !strings.Contains(in.Zone.URL, host) {
		t.Errorf("installed in %+v", in.Zone)
	}
}

func TestRefusedCredentialsAreNotTestedAgain(t *testing.T) {
	d := newDesk(t, setup{})
	in := d.create()
	_, err := d.Store.Change(t.Context(), in.ID, refuse)
	harness.OK(t, err)
	d.at.ResetStats()
	checks, err := d.Test(t.Context(), in.ID)
	harness.OK(t, err)
	if n := d.at.Stats().Total; n != 0 || checks.Checks[0].OK {
		t.Errorf("%d requests, %+v", n, checks.Checks)
	}
}

func TestNewCredentialsAreTriedFirst(t *testing.T) {
	d := newDesk(t, setup{})
	in := d.create()
	_, err := d.Store.Change(t.Context(), in.ID, refuse)
	harness.OK(t, err)
	creds := v1.Credentials{Username: username, Secret: "wrong-secret-01234", TrackingIdentifier: tracking}
	_, err = d.SetCredentials(t.Context(), in.ID, creds)
	if p := problem(t, err); p.Code != v1.CodeCredentialsRejected {
		t.Errorf("got %+v", p)
	}
	if kept := d.kept(in.ID); kept.Secrets.Secret != secret || !kept.Refused {
		t.Errorf("wrong ones were taken over")
	}
	d.at.SetSecret("another-secret-0123")
	creds.Secret = "another-secret-0123"
	_, err = d.SetCredentials(t.Context(), in.ID, creds)
	harness.OK(t, err)
	if kept := d.kept(in.ID); kept.Secrets.Secret != "another-secret-0123" || kept.Refused {
		t.Errorf("right ones were not taken over: refused %v", kept.Refused)
	}
}

func TestAnotherConnectionIsFilledFromTheBeginning(t *testing.T) {
	d := newDesk(t, setup{})
	in := d.create(v1.SyncActiveCustomers)
	_, err := d.SetChannelProgram(t.Context(), in.ID, v1.ChannelProgramTarget{ConnectionID: "other", Token: "wrong-token-012345"})
	if p := problem(t, err); p.Code != v1.CodeChannelProgramRejected || d.kept(in.ID).ConnectionID != connection {
		t.Errorf("got %+v", p)
	}
	before := len(d.Jobs.Running(in.ID))
	_, err = d.SetChannelProgram(t.Context(), in.ID, v1.ChannelProgramTarget{ConnectionID: connection, Token: cpToken})
	harness.OK(t, err)
	if n := len(d.Jobs.Running(in.ID)); n != before {
		t.Errorf("the same connection started %d jobs", n-before)
	}
	_, err = d.SetChannelProgram(t.Context(), in.ID, v1.ChannelProgramTarget{ConnectionID: "other", Token: cpToken + "-other"})
	harness.OK(t, err)
	running := d.Jobs.Running(in.ID)
	if len(running) != before+1 || !running[before].Force {
		t.Errorf("another connection started %d jobs", len(running)-before)
	}
}
