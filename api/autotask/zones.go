package autotask

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// basePath is the path of every zone's REST API.
const basePath = "/atservicesrest"

// zoneHosts is the vendor's list of zones (developer help: API zones), in the
// order a reader looks for them. It is a help, not a limit: a zone that is not on
// it is found by discovery or given as a URL.
var zoneHosts = [...]struct{ name, host string }{
	{"America East", "webservices3.autotask.net"},
	{"America East 2", "webservices14.autotask.net"},
	{"America East 3", "webservices22.autotask.net"},
	{"America West", "webservices5.autotask.net"},
	{"America West 2", "webservices15.autotask.net"},
	{"America West 3", "webservices24.autotask.net"},
	{"America West 4", "webservices25.autotask.net"},
	{"UK", "webservices4.autotask.net"},
	{"UK2", "webservices16.autotask.net"},
	{"UK3", "webservices28.autotask.net"},
	{"EU1 (English Europe and Asia)", "webservices19.autotask.net"},
	{"German (Deutsch)", "webservices18.autotask.net"},
	{"Spanish (Español)", "webservices12.autotask.net"},
	{"Australia / New Zealand (old)", "webservices6.autotask.net"},
	{"Australia 2", "webservices26.autotask.net"},
	{"Australia / New Zealand (Sydney)", "webservices29.autotask.net"},
	{"Zone 31", "webservices31.autotask.net"}, // in use in Australia; the vendor publishes no name
	{"Limited Release", "webservices1.autotask.net"},
	{"Pre-release", "webservices2.autotask.net"},
	{"UK Limited Release", "webservices17.autotask.net"},
	{"UK Pre-release", "webservices11.autotask.net"},
	{"Pre-Release (Deutsch)", "prde.autotask.net"},
	{"Pre-Release (Español)", "pres.autotask.net"},
}

// zoneNamesBefore are names that this list had for zones, which may stand in somebody's scripts.
var zoneNamesBefore = [...]struct{ name, now string }{
	{"Australia 3", "Australia / New Zealand (Sydney)"},
}

// numberedZone is how a zone is shown whose name is not known.
var numberedZone = regexp.MustCompile(`(?i)^zone (\d+)$`)

// vendorHost is what may be sent credentials without being asked for by name.
var vendorHost = regexp.MustCompile(`^(webservices\d*|prde|pres)\.autotask\.net$`)

// Zones is the vendor's list of zones.
func Zones() []v1.Zone {
	zones := make([]v1.Zone, 0, len(zoneHosts))
	for _, z := range zoneHosts {
		zones = append(zones, v1.Zone{Name: z.name, URL: "https://" + z.host + basePath})
	}
	return zones
}

// Hosts are the hosts that may be a zone: the vendor's over https, and those an
// operator allowed. Credentials are sent to no other. The zero value knows the
// vendor's alone.
type Hosts struct {
	allowed []string // host:port, lower case
}

// NewHosts takes the values of --autotask-allow-hosts, each host:port; these are
// accepted over http and https. A value without a port stands for both default ports.
func NewHosts(allow []string) Hosts {
	var h Hosts
	for _, entry := range allow {
		if entry = strings.ToLower(strings.TrimSpace(entry)); entry != "" && !slices.Contains(h.allowed, entry) {
			h.allowed = append(h.allowed, entry)
		}
	}
	return h
}

// Zones is the vendor's list, and each allowed host under its host:port.
func (h Hosts) Zones() []v1.Zone {
	zones := Zones()
	for _, host := range h.allowed {
		zones = append(zones, v1.Zone{Name: host, URL: "http://" + host + basePath})
	}
	return zones
}

// Named finds a zone by the name that it is shown under, in any case.
func (h Hosts) Named(name string) (v1.Zone, bool) {
	name = strings.TrimSpace(name)
	for _, before := range zoneNamesBefore {
		if strings.EqualFold(before.name, name) {
			name = before.now
		}
	}
	for _, z := range h.Zones() {
		if strings.EqualFold(z.Name, name) {
			return z, true
		}
	}
	if m := numberedZone.FindStringSubmatch(name); m != nil {
		host := "webservices" + m[1] + ".autotask.net"
		return v1.Zone{Name: nameOf(host), URL: "https://" + host + basePath}, true
	}
	return v1.Zone{}, false
}

// nameOf is what a zone of the vendor's is shown as: its name, else its number, else its host.
func nameOf(host string) string {
	for _, z := range zoneHosts {
		if z.host == host {
			return z.name
		}
	}
	if m := numberedHost.FindStringSubmatch(host); m != nil {
		return "Zone " + m[1]
	}
	return host
}

// ZoneError says why a text cannot be the address of a zone.
type ZoneError struct {
	Got  string
	Want string
}

// Error says what came and what was wanted.
func (e *ZoneError) Error() string { return fmt.Sprintf("zone: got %s, want %s", e.Got, e.Want) }

// Check accepts the REST base URL of a zone and normalises it to
// scheme://host/atservicesrest. It also takes the bare host, a slash at the end
// and the version segment, as people copy them. Every refusal is a *ZoneError.
func (h Hosts) Check(rawURL string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(rawURL))
	if err != nil || u.Host == "" {
		return nil, &ZoneError{Got: quoted(rawURL), Want: "a URL such as https://webservices3.autotask.net" + basePath}
	}
	host, err := h.host(u)
	if err != nil {
		return nil, err
	}
	switch path := strings.TrimRight(strings.ToLower(u.Path), "/"); {
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, &ZoneError{Got: "a URL with a query or fragment", Want: "one without"}
	case path != "" && path != basePath && path != basePath+"/v1.0":
		return nil, &ZoneError{Got: "the path " + quoted(u.Path), Want: basePath}
	}
	return &url.URL{Scheme: strings.ToLower(u.Scheme), Host: host, Path: basePath}, nil
}

// host checks everything of a URL but its path and returns the host as it is dialled.
func (h Hosts) host(u *url.URL) (string, error) {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if u.User != nil {
		return "", &ZoneError{Got: "a URL with a user name or password in it", Want: "one without"}
	}
	if (scheme == "http" || scheme == "https") && h.allows(scheme, host, u.Port()) {
		return host, nil
	}
	if !vendorHost.MatchString(strings.ToLower(u.Hostname())) {
		return "", &ZoneError{
			Got:  "the host " + quoted(u.Host),
			Want: "one of autotask.net (webservices3.autotask.net), or one that --autotask-allow-hosts names",
		}
	}
	if scheme != "https" {
		return "", &ZoneError{Got: "the scheme " + quoted(u.Scheme), Want: "https"}
	}
	if port := u.Port(); port != "" && port != "443" {
		return "", &ZoneError{Got: "the port " + port, Want: "443 or none"}
	}
	return strings.ToLower(u.Hostname()), nil
}

func (h Hosts) allows(scheme, host, port string) bool {
	if slices.Contains(h.allowed, host) {
		return true
	}
	if port != "" {
		return false
	}
	defaultPort := "443"
	if scheme == "http" {
		defaultPort = "80"
	}
	return slices.Contains(h.allowed, host+":"+defaultPort)
}

func quoted(text string) string { return strconv.Quote(clip.Text(text, 100)) }
