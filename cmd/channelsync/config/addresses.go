package config

import (
	"math"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	v1 "channelsync/api/v1"
)

// hostList reads comma-separated host:port values, lower-cased, each once.
func hostList(s string) ([]string, error) {
	var hosts []string
	for _, part := range list(s) {
		host, port, err := net.SplitHostPort(part)
		if err != nil || !validHost(host) || !validPort(port, 1) {
			return nil, want("comma-separated host:port values, such as autotask-sim:9090")
		}
		if h := net.JoinHostPort(strings.ToLower(host), port); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts, nil
}

// networks reads comma-separated networks and addresses; "none" is an empty list.
func networks(s string) (all []netip.Prefix, err error) {
	if s == "none" {
		return nil, nil
	}
	for _, part := range list(s) {
		network, err := netip.ParsePrefix(part)
		if addr, bad := netip.ParseAddr(part); bad == nil && addr.Zone() == "" {
			network, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if network.Addr().Is4In6() && network.Bits() >= v4InV6 {
			network = netip.PrefixFrom(network.Addr().Unmap(), network.Bits()-v4InV6)
		}
		if err != nil {
			return nil, want("comma-separated networks and addresses, such as 10.0.0.0/8,192.0.2.7, or none")
		}
		all = append(all, network.Masked())
	}
	if share(all, true) >= tooMany || share(all, false) >= tooMany {
		return nil, want("networks of your proxies only: anybody in " + s + " could claim any address")
	}
	return all, nil
}

// tooMany is the share of all addresses that no proxies have: everybody is among them. All private networks have less.
const tooMany = 1.0 / 8

// share is the share of all IPv4, or IPv6, addresses that networks have together, in whatever pieces.
func share(networks []netip.Prefix, v4 bool) (sum float64) {
	for i, n := range networks {
		within := func(o netip.Prefix) bool { return o.Bits() < n.Bits() && o.Contains(n.Addr()) }
		if n.Addr().Is4() == v4 && !slices.ContainsFunc(networks, within) && !slices.Contains(networks[:i], n) {
			sum += math.Exp2(-float64(n.Bits()))
		}
	}
	return sum
}

// v4InV6 is how many bits of an IPv4 address that is written as an IPv6 one are not its own.
const v4InV6 = 96

func validHost(h string) bool {
	if net.ParseIP(h) != nil {
		return true
	}
	return h != "" && len(h) <= 253 && strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-._") == ""
}

func validPort(p string, least int) bool {
	n, err := strconv.ParseUint(p, 10, 16)
	return err == nil && int(n) >= least
}

func listenAddress(to *string, s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || (host != "" && !validHost(host)) || !validPort(port, 0) {
		return want("host:port, such as 127.0.0.1:8080")
	}
	*to = s
	return nil
}

// isLoopback says whether only this machine can reach, or be reached at, host.
func isLoopback(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// httpURL parses a base URL; the error says what a base URL is.
func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http",
		u.Port() != "" && !validPort(u.Port(), 1), !validHost(u.Hostname()):
		return nil, want("an https URL (http only for a loopback host)")
	case u.User != nil:
		return nil, want("a URL without user name and password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return nil, want("a URL without query and fragment")
	}
	return u, nil
}

// baseURL takes an https URL, or http to loopback, and drops trailing slashes.
func baseURL(to *string, s string) error {
	u, err := httpURL(s)
	if err != nil {
		return err
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return want("an https URL (http only for a loopback host)")
	}
	*to = strings.TrimRight(u.String(), "/")
	return nil
}

// directoryURL takes an https URL, or http to loopback, as it is.
func directoryURL(to *string, s string) error {
	var base string
	if err := baseURL(&base, s); err != nil {
		return err
	}
	*to = s
	return nil
}

// dnsName takes a name that an authority would certify: no address, not of this machine alone.
func dnsName(to *string, s string) error {
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 || net.ParseIP(name) != nil || slices.ContainsFunc(labels, func(l string) bool {
		return l == "" || len(l) > 63 || strings.HasPrefix(l, "-") || strings.HasSuffix(l, "-") ||
			strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	}) {
		return want("one DNS name, such as hooks.example.com")
	}
	*to = name
	return nil
}

func email(to *string, s string) error {
	if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
		return want("an e-mail address, such as ops@example.com")
	}
	*to = s
	return nil
}

// taken are the first parts of the paths of the admin listener, handlers.FirstParts: below one of them a site could be
// mistaken for what is there.
var taken = []string{
	"api", "assets", "audit", "debug", "export", "install", "installations", "issues", "livez", "login", "logout", "metrics", "readyz", "sessions", "tokens",
}

// siteURL takes the address of a site, or of a path below which a proxy has it: http is for check to decide.
func siteURL(to *string, s string) error {
	u, err := httpURL(s)
	if err != nil {
		return err
	}
	path, err := sitePath(u)
	if err != nil {
		return err
	}
	*to = u.Scheme + "://" + strings.ToLower(u.Host) + path
	return nil
}

// sitePath is the path of a site without a slash at its end. Nothing in it is written in two ways, so that a browser, a
// proxy and the service agree on what is below it.
func sitePath(u *url.URL) (string, error) {
	path := strings.TrimRight(u.EscapedPath(), "/")
	if path == "" {
		return "", nil
	}
	parts := strings.Split(path[1:], "/")
	for _, part := range parts {
		plain := strings.Trim(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~") == ""
		if part == "" || part == "." || part == ".." || !plain {
			return "", want("a path of letters, digits, hyphens, dots and underscores, such as https://console.example/integrations/autotask")
		}
	}
	if len(path) > maxSitePath {
		return "", want("a path of at most " + strconv.Itoa(maxSitePath) + " characters")
	}
	if slices.Contains(taken, parts[0]) {
		return "", want("a path that does not begin with /" + parts[0] + ": the console has pages of its own there")
	}
	return path, nil
}

// maxSitePath keeps links, and the cookies that have it, within what browsers and proxies take.
const maxSitePath = 200

// postURL takes the URL of a receiver as it is: https, or http to loopback. Unlike
// a base URL it may have a query, where some receivers want their key.
func postURL(to *v1.Secret, s string) error {
	if strings.Contains(s, "#") {
		return want("a URL without fragment")
	}
	base, _, _ := strings.Cut(s, "?")
	u, err := httpURL(base)
	if err != nil {
		return err
	}
	if _, err := url.Parse(s); err != nil || (u.Scheme == "http" && !isLoopback(u.Hostname())) {
		return want("an https URL (http only for a loopback host)")
	}
	*to = v1.Secret(s)
	return nil
}

// discoveryURL is a base URL too; plain http to an allowed host is for check to decide.
func discoveryURL(to *string, s string) error {
	u, err := httpURL(s)
	if err != nil {
		return err
	}
	*to = strings.TrimRight(u.String(), "/")
	return nil
}

// natsServers takes comma-separated nats, tls, ws or wss URLs, or bare host:port.
func natsServers(to *v1.Secret, s string) error {
	servers := list(s)
	if s != "" && len(servers) == 0 {
		return want("comma-separated servers, such as nats://a:4222,nats://b:4222")
	}
	for _, server := range servers {
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err != nil || !validHost(u.Hostname()) || (u.Port() != "" && !validPort(u.Port(), 1)) ||
			!slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return want("comma-separated servers, such as nats://a:4222,nats://b:4222")
		}
	}
	*to = v1.Secret(strings.Join(servers, ","))
	return nil
}

func natsDomain(to *string, s string) error {
	if strings.ContainsAny(s, ".*> \t/\\") {
		return want("a name without dots, spaces, slashes and wildcards")
	}
	*to = s
	return nil
}

// maskReceiver shows where a URL leads and nothing else of it: many receivers have
// their key in the path.
func maskReceiver(s string) string {
	scheme, rest := "", s
	if i := strings.Index(s, "://"); i >= 0 {
		scheme, rest = s[:i+3], s[i+3:]
	}
	host, hidden := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, hidden = rest[:i], rest[i:]
	}
	switch {
	case strings.Contains(s, "@"): // a slash or a question mark may be in the password
		return scheme + "<secret>"
	case hidden == "" || hidden == "/":
		return s
	}
	return scheme + host + "/<secret>"
}

// maskUserInfo hides whatever stands before the last @ of a URL or a list of them, and the query of each.
func maskUserInfo(s string) string {
	parts := strings.Split(s, ",")
	if i := strings.LastIndex(s, "@"); i >= 0 && strings.Count(s[:i], ",") > strings.Count(s[:i], "@") {
		parts = []string{s} // a comma inside a password: hide the whole of it
	}
	for i, part := range parts {
		scheme, rest, ok := strings.Cut(part, "://")
		if ok {
			scheme += "://"
		} else {
			scheme, rest = "", part
		}
		if at := strings.LastIndex(rest, "@"); at >= 0 {
			rest = "<secret>" + rest[at:]
		}
		if before, query, has := strings.Cut(rest, "?"); has && scheme != "" && query != "" {
			rest = before + "?<secret>"
		}
		parts[i] = scheme + rest
	}
	return strings.Join(parts, ",")
}

// issuerURL reads the URL of an OpenID Connect issuer. It is compared as it is, so
// nothing of it is rewritten.
func issuerURL(to *string, s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return want("an https URL without query, as the issuer itself says it (http only for a loopback host)")
	}
	*to = s
	return nil
}
