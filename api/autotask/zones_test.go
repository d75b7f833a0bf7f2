package autotask

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
)

func TestEveryListedZonePassesItsOwnCheck(t *testing.T) {
	seen := map[string]bool{}
	for _, z := range Zones() {
		u, err := Hosts{}.Check(z.URL)
		if err != nil || u.String() != z.URL {
			t.Errorf("%s: Check(%s) = %v, %v", z.Name, z.URL, u, err)
		}
		for _, key := range []string{strings.ToLower(z.Name), z.URL} {
			if seen[key] {
				t.Errorf("%s is listed twice", key)
			}
			seen[key] = true
		}
	}
	if len(Zones()) != 23 {
		t.Errorf("the list has %d zones, the reference 23", len(Zones()))
	}
}

// A zone is shown by the vendor's name, else by its number, and found again by what is shown.
func TestZonesAreNamedOrNumbered(t *testing.T) {
	d := Discoverer{}
	for host, name := range map[string]string{
		"webservices3.autotask.net":  "America East",
		"webservices29.autotask.net": "Australia / New Zealand (Sydney)",
		"webservices31.autotask.net": "Zone 31",
		"webservices44.autotask.net": "Zone 44",
		"webservices.autotask.net":   "webservices.autotask.net",
		"prde.autotask.net":          "Pre-Release (Deutsch)",
	} {
		want := v1.Zone{Name: name, URL: "https://" + host + "/atservicesrest"}
		for _, text := range []string{host, want.URL, name, strings.ToUpper(name)} {
			if z, err := d.ResolveZone(t.Context(), text, "x"); err != nil || z != want {
				t.Errorf("%q is %+v, %v; want %+v", text, z, err, want)
			}
		}
	}
	if z, ok := (Hosts{}).Named("Australia 3"); !ok || z.Name != "Australia / New Zealand (Sydney)" {
		t.Errorf("the name before is %+v, %v", z, ok)
	}
	for _, text := range []string{"Zone", "Zone x", "Zone 3.evil.test", "Zone 31x", "Zone -1", "31"} {
		if z, ok := (Hosts{}).Named(text); ok {
			t.Errorf("%q is %+v", text, z)
		}
	}
}

func TestHostsZonesNameTheAllowedOnes(t *testing.T) {
	zones := NewHosts([]string{" 127.0.0.1:9000 ", "Sim.Test:80", "", "127.0.0.1:9000"}).Zones()
	want := []v1.Zone{
		{Name: "127.0.0.1:9000", URL: "http://127.0.0.1:9000/atservicesrest"},
		{Name: "sim.test:80", URL: "http://sim.test:80/atservicesrest"},
	}
	if diff := cmp.Diff(want, zones[len(Zones()):]); diff != "" {
		t.Errorf("difference (-want +got):\n%s", diff)
	}
}

func TestHostsCheckAccepts(t *testing.T) {
	hosts := NewHosts([]string{"127.0.0.1:9000", "sim.test:443", "[::1]:8080"})
	for raw, want := range map[string]string{
		"https://webservices3.autotask.net/atservicesrest":          "https://webservices3.autotask.net/atservicesrest",
		"https://webservices3.autotask.net/atservicesrest/":         "https://webservices3.autotask.net/atservicesrest",
		" https://WebServices31.Autotask.net/ATServicesRest/V1.0/ ": "https://webservices31.autotask.net/atservicesrest",
		"https://webservices.autotask.net":                          "https://webservices.autotask.net/atservicesrest",
		"https://webservices22.autotask.net:443/":                   "https://webservices22.autotask.net/atservicesrest",
		"HTTPS://prde.autotask.net/atservicesrest":                  "https://prde.autotask.net/atservicesrest",
		"https://pres.autotask.net/atservicesrest":                  "https://pres.autotask.net/atservicesrest",
		"http://127.0.0.1:9000/atservicesrest/":                     "http://127.0.0.1:9000/atservicesrest",
		"https://127.0.0.1:9000":                                    "https://127.0.0.1:9000/atservicesrest",
		"https://sim.test/atservicesrest":                           "https://sim.test/atservicesrest",
		"http://[::1]:8080/atservicesrest":                          "http://[::1]:8080/atservicesrest",
	} {
		if u, err := hosts.Check(raw); err != nil || u.String() != want {
			t.Errorf("Check(%q) = %v, %v, want %s", raw, u, err, want)
		}
	}
}

func TestHostsCheckRefuses(t *testing.T) {
	hosts := NewHosts([]string{"127.0.0.1:9000", "sim.test:443"})
	for raw, says := range map[string]string{
		"":                                 "want a URL",
		"America East":                     "want a URL",
		"https://":                         "want a URL",
		"https://evil.test/atservicesrest": `got the host "evil.test"`,
		"https://webservices3.autotask.net.evil.test/atservicesrest": "got the host",
		"https://evil-webservices3.autotask.net/atservicesrest":      "got the host",
		"https://webservices3xautotask.net/atservicesrest":           "got the host",
		"https://webservicesx.autotask.net/atservicesrest":           "got the host",
		"https://webservices3.autotask.net./atservicesrest":          "got the host",
		"https://ww3.autotask.net/atservicesrest":                    "got the host",
		"http://webservices3.autotask.net/atservicesrest":            `got the scheme "http", want https`,
		"ftp://webservices3.autotask.net/atservicesrest":             `got the scheme "ftp"`,
		"https://webservices3.autotask.net:8443/atservicesrest":      "got the port 8443",
		"https://user:pw@webservices3.autotask.net/atservicesrest":   "user name or password",
		"https://user@127.0.0.1:9000/atservicesrest":                 "user name or password",
		"https://webservices3.autotask.net@evil.test/atservicesrest": "user name or password",
		"https://webservices3.autotask.net/other":                    `got the path "/other"`,
		"https://webservices3.autotask.net/atservicesrest/v1.0/x":    "got the path",
		"https://webservices3.autotask.net/atservicesrest?x=1":       "query or fragment",
		"https://webservices3.autotask.net/atservicesrest#x":         "query or fragment",
		"http://127.0.0.1:9001/atservicesrest":                       `got the host "127.0.0.1:9001"`,
		"http://127.0.0.1/atservicesrest":                            "got the host",
		"http://sim.test/atservicesrest":                             "got the host",
		"ftp://127.0.0.1:9000/atservicesrest":                        "got the host",
	} {
		_, err := hosts.Check(raw)
		var typed *ZoneError
		if !errors.As(err, &typed) || !strings.Contains(err.Error(), says) {
			t.Errorf("Check(%q): error %v, want a *ZoneError with %q", raw, err, says)
		}
		if err != nil && strings.Contains(err.Error(), "pw@") {
			t.Errorf("Check(%q) repeats the password: %v", raw, err)
		}
	}
}

func FuzzHostsCheck(f *testing.F) {
	for _, seed := range []string{zone3.URL, "http://127.0.0.1:9000", "https://webservices3.autotask.net@evil/", "//x", "https://[::1"} {
		f.Add(seed)
	}
	hosts := NewHosts([]string{"127.0.0.1:9000"})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := hosts.Check(raw)
		if err != nil {
			return
		}
		vendors := u.Scheme == "https" && vendorHost.MatchString(u.Host)
		if !vendors && u.Host != "127.0.0.1:9000" {
			t.Fatalf("accepted %q as %s", raw, u)
		}
		if again, err := hosts.Check(u.String()); err != nil || again.String() != u.String() {
			t.Fatalf("%q is %s, but that is %v (%v)", raw, u, again, err)
		}
	})
}

func TestRecordURL(t *testing.T) {
	zone31 := v1.Zone{URL: "https://webservices31.autotask.net/atservicesrest"}
	const page = "https://ww31.autotask.net/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code="
	for _, tc := range []struct {
		zone v1.Zone
		kind v1.Kind
		want string
	}{
		{zone31, v1.KindCompany, page + "OpenAccount&AccountID=1301"},
		{zone31, v1.KindContract, page + "OpenContract&ContractID=1301"},
		{zone31, v1.KindContact, ""},
		{v1.Zone{URL: "http://127.0.0.1:9000/atservicesrest"}, v1.KindCompany, ""},
		{v1.Zone{URL: "https://prde.autotask.net/atservicesrest"}, v1.KindCompany, ""},
		{v1.Zone{URL: "https://webservices31.autotask.net.evil.test/"}, v1.KindCompany, ""},
		{v1.Zone{URL: "://"}, v1.KindCompany, ""},
	} {
		if got := RecordURL(tc.zone, tc.kind, 1301); got != tc.want {
			t.Errorf("RecordURL(%s, %s) = %q, want %q", tc.zone.URL, tc.kind, got, tc.want)
		}
	}
	if got := WebURL(zone31); got != "https://ww31.autotask.net" {
		t.Errorf("WebURL = %q", got)
	}
}
