package sim_test

import (
	"strings"
	"testing"

	"channelsync/test/sim/autotask/sim"
)

func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		user, secret, code string
		status             int
		text               string
	}{
		"right":            {user, secret, code, 200, ""},
		"any case":         {strings.ToUpper(user), secret, code, 200, ""},
		"unknown user":     {"nobody@msp.example", secret, code, 500, "Zone information could not be determined"},
		"no user":          {"", secret, code, 500, "Zone information could not be determined"},
		"wrong secret":     {user, "x", code, 401, ""},
		"no secret":        {user, "", code, 401, ""},
		"wrong code":       {user, secret, "x", 500, "IntegrationCode is invalid."},
		"no code":          {user, secret, "", 500, "IntegrationCode is invalid."},
		"wrong altogether": {user, "x", "x", 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tn := start(t, nil)
			tn.Put("Companies", sim.Row{"id": 0, "companyName": "Own"})
			tn.header.Set("UserName", c.user)
			tn.header.Set("Secret", c.secret)
			tn.header.Set("ApiIntegrationCode", c.code)
			r := tn.do("GET", "Companies/0", "")
			if r.status != c.status || r.text() != c.text {
				t.Errorf("%d %q, want %d %q", r.status, r.text(), c.status, c.text)
			}
			if failures := tn.Stats().LoginFailures; (failures == 1) != (c.status != 200) {
				t.Errorf("%d failed log-ins", failures)
			}
		})
	}
}

func TestLockOut(t *testing.T) {
	tn := start(t, func(c *sim.Config) { c.Modes.LockAfter = 3 })
	tn.Put("Companies", sim.Row{"id": 0, "companyName": "Own"})
	tn.header.Set("Secret", "wrong")
	for range 3 {
		tn.do("GET", "Companies/0", "")
	}
	tn.header.Set("Secret", secret)
	if r := tn.do("GET", "Companies/0", ""); r.status != 401 || !strings.Contains(r.text(), "locked") || !tn.Locked() {
		t.Errorf("after three wrong secrets: %d %s", r.status, r.raw)
	}
	tn.must("POST", "/sim/unlock", "")
	tn.must("GET", "Companies/0", "")
	tn.SetSecret("rotated")
	if r := tn.do("GET", "Companies/0", ""); r.status != 401 {
		t.Errorf("the old secret after a rotation: %d", r.status)
	}
}

func TestZone(t *testing.T) {
	tn := start(t, nil)
	tn.header = nil
	zone := func(path string) reply { return tn.do("GET", tn.server.URL+path, "") }
	r := zone("/ATServicesRest//V1.0/ZONEinformation?USER=api%40msp.example")
	if want := tn.server.URL + "/atservicesrest/"; r.body["url"] != want || r.body["webUrl"] != tn.server.URL+"/" || r.body["ci"] == nil {
		t.Errorf("zone %v", r.body)
	}
	for _, query := range []string{"", "?user=", "?user=nobody"} {
		if r := zone("/atservicesrest/v1.0/zoneInformation" + query); r.status != 500 || r.text() != "Zone information could not be determined" {
			t.Errorf("%q: %d %s", query, r.status, r.raw)
		}
	}
	if r := zone("/atservicesrest/versioninformation"); r.raw != `{"apiVersions":["v1.0"]}` {
		t.Errorf("versions %s", r.raw)
	}
	tn.header = map[string][]string{"Apiintegrationcode": {"bad"}}
	if r := zone("/atservicesrest/v1.0/zoneInformation?user=" + user); r.text() != "IntegrationCode is invalid." {
		t.Errorf("bad code: %s", r.raw)
	}
}

func TestStaleZone(t *testing.T) {
	tn := start(t, nil)
	tn.SetModes(func(m *sim.Modes) { m.MovedTo = "localhost:4711" })
	if r := tn.do("GET", "ThresholdInformation", ""); r.status != 401 {
		t.Errorf("the former host answered %d", r.status)
	}
	if r := tn.do("GET", "zoneInformation?user="+user, ""); r.body["url"] != "http://localhost:4711/atservicesrest/" {
		t.Errorf("zone %v", r.body)
	}
}
