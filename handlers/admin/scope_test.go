package admin

import (
	"context"
	"slices"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
)

const two = "01jxtwoaaaaaaaaaaaaaaaaaaa"

// twoThere has two installations, and the status of both.
type twoThere struct{ *fake }

func (f twoThere) List(context.Context) ([]v1.Installation, error) {
	return []v1.Installation{{ID: one, Name: "Acme MSP", State: v1.StateLive}, {ID: two, Name: "Zenith IT", State: v1.StateLive}}, nil
}

func (f twoThere) Status(context.Context) (v1.Status, error) {
	return v1.Status{Installations: []v1.InstallationStatus{{ID: one, Name: "Acme MSP", State: v1.StateLive}, {ID: two, Name: "Zenith IT", State: v1.StateLive}}}, nil
}

func TestAScopedTokenSeesNoTraceOfOtherInstallations(t *testing.T) {
	scoped := v1.Identity{ID: "t-1", Name: "acme", Role: v1.RoleAdmin, Installations: []string{one}}
	f := &fake{}
	cfg := f.config()
	cfg.Installations = twoThere{f}
	for _, path := range []string{"/installations", "/status"} {
		mine := text(t, send(t, servedTo(cfg, scoped), "GET", path, ""))
		if !strings.Contains(mine, one) || strings.Contains(mine, two) || strings.Contains(mine, "Zenith") {
			t.Errorf("%s to a scoped token: %s", path, mine)
		}
		if all := text(t, send(t, served(cfg), "GET", path, "")); !strings.Contains(all, one) || !strings.Contains(all, two) {
			t.Errorf("%s to root: %s", path, all)
		}
		if none := text(t, send(t, servedTo(cfg, v1.Identity{}), "GET", path, "")); strings.Contains(none, one) {
			t.Errorf("%s to nobody: %s", path, none)
		}
	}
	send(t, servedTo(cfg, scoped), "GET", "/audit", "")
	if want := "audit {Installation: Only:[" + one + "] Cursor: Limit:50}"; f.asked[len(f.asked)-1] != want {
		t.Errorf("asked %q, want %q", f.asked, want)
	}

	// What is refused because of another installation names it to those who see it only.
	taken := v1.NewProblem(409, v1.CodeConnectionInUse, `This one is pushed to by "Zenith IT" (`+two+`).`, "Uninstall that.")
	taken.Installation = two
	f.err = taken
	for who, names := range map[*v1.Identity]bool{&scoped: false, {ID: "root", Role: v1.RoleAdmin}: true} {
		p := problem(t, send(t, servedTo(cfg, *who), "PUT", "/installations/"+one+"/channel-program", `{"connectionId":"c","token":"tt"}`))
		named := p.Installation != "" || strings.Contains(p.Detail+p.Hint, two) || strings.Contains(p.Detail, "Zenith")
		if p.Status != 409 || p.Code != v1.CodeConnectionInUse || named != names {
			t.Errorf("%+v: got %+v, want the other installation named: %v", *who, p, names)
		}
	}
}

// gateways are hosts that --autotask-allow-hosts names; one is at the first.
type gateways struct{ *fake }

func (g gateways) Zones() []v1.Zone {
	return []v1.Zone{
		{Name: "UK", URL: "https://webservices4.autotask.net/atservicesrest"},
		{Name: "10.0.0.1:9090", URL: "http://10.0.0.1:9090/atservicesrest"},
		{Name: "10.0.0.2:9090", URL: "http://10.0.0.2:9090/atservicesrest"},
	}
}

func (g gateways) List(context.Context) ([]v1.Installation, error) {
	zones := g.Zones()
	return []v1.Installation{{ID: one, Zone: zones[1]}, {ID: two, Zone: zones[2]}}, nil
}

func TestAScopedTokenIsShownNoGatewayOfAnotherInstallation(t *testing.T) {
	f := &fake{}
	cfg := f.config()
	cfg.Setup, cfg.Installations = gateways{f}, gateways{f}
	for who, others := range map[*v1.Identity]bool{
		{ID: "t-1", Name: "acme", Role: v1.RoleAdmin, Installations: []string{one}}: false,
		{ID: "root", Name: "root", Role: v1.RoleAdmin}:                              true,
	} {
		got := text(t, send(t, servedTo(cfg, *who), "GET", "/zones", ""))
		if !strings.Contains(got, `"UK"`) || !strings.Contains(got, "10.0.0.1:9090") || strings.Contains(got, "10.0.0.2") != others {
			t.Errorf("%s: got %s, want the gateway of the other: %v", who.Name, got, others)
		}
	}
}

// TestOnlyWhoInstallsHasAutotaskAskedForTheZoneOfAUserName: it is asked in the name of this service, for any name.
func TestOnlyWhoInstallsHasAutotaskAskedForTheZoneOfAUserName(t *testing.T) {
	for who, may := range map[*v1.Identity]bool{
		{ID: "t-1", Name: "acme", Role: v1.RoleAdmin, Installations: []string{one}}: false,
		{ID: "t-2", Name: "viewer", Role: v1.RoleViewer}:                            false,
		{ID: "t-3", Name: "operator", Role: v1.RoleOperator}:                        false,
		{ID: "root", Name: "root", Role: v1.RoleAdmin}:                              true,
	} {
		f := &fake{}
		h := servedTo(f.config(), *who)
		if got := send(t, h, "GET", "/zones", ""); got.StatusCode != 200 {
			t.Errorf("%s: the list is a %d", who.Name, got.StatusCode)
		}
		asked := send(t, h, "GET", "/zones?username=api%40other.example", "")
		if got := slices.Contains(f.asked, "find zone of api@other.example"); got != may {
			t.Errorf("%s: Autotask is asked: %v, want %v", who.Name, got, may)
		}
		if may {
			continue
		}
		if p := problem(t, asked); p.Status != 403 || p.Code != v1.CodeForbidden || !strings.Contains(p.Detail, "takes the role admin") {
			t.Errorf("%s: got %+v", who.Name, p)
		}
	}
}

// audited has an entry of the caller, one of somebody else and one of nobody known.
type audited struct{ *fake }

func (a audited) List(v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	return v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{
		{Who: "acme", Actor: "api", Action: "installation.stop", Installation: one, Address: "198.51.100.7", Request: "r-acme", OK: true},
		{Who: "root", Actor: "cli", Action: "installation.start", Installation: one, Address: "192.0.2.77", Request: "r-root", OK: true},
		{Actor: "cli", Action: "installation.test", Installation: one, Address: "192.0.2.78", Request: "r-nobody"},
	}}, nil
}

func (a audited) Verify(context.Context) (v1.AuditVerification, error) {
	return v1.AuditVerification{}, nil
}

// TestAScopedTokenIsNotToldWhoElseDidSomething in the audit and in the causes of versions; it learns what it did itself.
func TestAScopedTokenIsNotToldWhoElseDidSomething(t *testing.T) {
	f := &fake{}
	cfg := f.config()
	cfg.Audit = audited{f}
	others := []string{"root", "192.0.2.77", "192.0.2.78", "r-root", "r-nobody", `"ann"`}
	versions := "/installations/" + one + "/records/company/7/versions"
	for _, who := range []v1.Identity{
		{ID: "t-1", Name: "acme", Role: v1.RoleAdmin, Installations: []string{one}},
		{ID: "t-1", Name: "acme", Role: v1.RoleViewer, Installations: []string{one, two}},
	} {
		h := servedTo(cfg, who)
		audit, sent := text(t, send(t, h, "GET", "/audit", "")), text(t, send(t, h, "GET", versions, ""))
		for _, other := range others {
			if strings.Contains(audit+sent, other) {
				t.Errorf("%v is told %s: %s %s", who.Installations, other, audit, sent)
			}
		}
		for _, own := range []string{"acme", "198.51.100.7", "r-acme"} {
			if !strings.Contains(audit, own) {
				t.Errorf("%v is not told of itself %s: %s", who.Installations, own, audit)
			}
		}
		if strings.Count(audit, v1.SomebodyElse) != 2 || !strings.Contains(sent, `"by":"somebody else"`) {
			t.Errorf("%v: %s %s", who.Installations, audit, sent)
		}
	}
	all := text(t, send(t, served(cfg), "GET", "/audit", "")) + text(t, send(t, served(cfg), "GET", versions, ""))
	for _, other := range others {
		if !strings.Contains(all, other) {
			t.Errorf("root is not told %s: %s", other, all)
		}
	}
	if asAnn := text(t, send(t, servedTo(cfg, v1.Identity{Name: "ann", Role: v1.RoleViewer, Installations: []string{one}}), "GET", versions, "")); !strings.Contains(asAnn, `"by":"ann"`) {
		t.Errorf("ann is not told of herself: %s", asAnn)
	}
}

func TestATestNamesNoInstallationThatTheCallerDoesNotSee(t *testing.T) {
	f := &fake{checks: []v1.Check{
		{Name: "zone", OK: true, Detail: "The zone is UK."},
		{Name: "connection", Detail: `This one is pushed to by "Zenith IT" (` + two + `).`, Fix: "Uninstall " + two + ".", Of: two},
	}}
	scoped := v1.Identity{ID: "t-1", Name: "acme", Role: v1.RoleOperator, Installations: []string{one}}
	for who, names := range map[*v1.Identity]bool{&scoped: false, {ID: "root", Role: v1.RoleAdmin}: true} {
		got := text(t, send(t, servedTo(f.config(), *who), "POST", "/installations/"+one+"/test", ""))
		named := strings.Contains(got, two) || strings.Contains(got, "Zenith")
		if named != names || !strings.Contains(got, "The zone is UK.") || !strings.Contains(got, `"connection"`) {
			t.Errorf("%s: got %s, want the other installation named: %v", who.Name, got, names)
		}
	}
}
