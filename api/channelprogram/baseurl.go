package channelprogram

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// NewBaseURL checks the base URL of the ingest API (setting
// --channel-program-url): https, or plain http to the loopback interface only,
// because every request carries the connection's token. A path is kept; user
// info, a query and a fragment are refused. The error names the setting, what
// it got and what it wants, and never shows a password.
func NewBaseURL(text string) (*url.URL, error) {
	wrong := func(got, want string) error {
		return fmt.Errorf("--channel-program-url: got %s, want %s", got, want)
	}
	const want = "an https URL such as https://ingest.example.com"
	if text == "" {
		return nil, wrong("nothing", want)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, wrong("a value that is not a URL", want) // the parser's error quotes the value, password and all
	}
	switch {
	case u.User != nil:
		return nil, wrong("a URL with a user name or password", "none: the connection's token is the credential")
	case u.Hostname() == "":
		return nil, wrong(fmt.Sprintf("%q", u.Redacted()), want)
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, wrong(fmt.Sprintf("%q", u.Redacted()), "no query and no fragment")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
	case u.Scheme == "http":
		return nil, wrong(fmt.Sprintf("%q", u.Redacted()), "https; plain http only to localhost or another loopback address")
	default:
		return nil, wrong(fmt.Sprintf("%q", u.Redacted()), want)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
