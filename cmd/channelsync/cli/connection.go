package cli

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"channelsync/cmd/channelsync/cli/internal/command"
)

// plain says whether the API is spoken to in clear text, where others can read along.
func plain(target string) bool {
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "http" && !thisMachine(u.Hostname())
}

// thisMachine says whether host is this machine by whatever resolver: a name below
// .localhost is not, since not every resolver keeps those here.
func thisMachine(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), "localhost")
}

// guardPlain refuses to send a token in clear text, unless that was said on purpose.
func (s *session) guardPlain() error {
	allowed := s.global.plaintext
	if v := s.env("CHANNELSYNC_API_PLAINTEXT"); v != "" && !allowed {
		var err error
		if allowed, err = strconv.ParseBool(v); err != nil {
			return command.Usage("", "CHANNELSYNC_API_PLAINTEXT: got %q, want true or false", text(v))
		}
	}
	if u, err := url.Parse(s.url()); allowed || !plain(s.url()) || err != nil || u.User != nil {
		return nil // what is no URL of an API the client refuses
	}
	return command.Usage("use an https URL, with --api-ca for your own authority; --api-plaintext sends the token anyway",
		"--api-url: got %s, want https beyond this machine: everybody on the way could read the token", text(s.url()))
}

// secure sets the authority and the name by which the service has to prove itself.
func (s *session) secure() error {
	ca, name := cmp.Or(s.global.ca, s.env("CHANNELSYNC_API_CA")), cmp.Or(s.global.serverName, s.env("CHANNELSYNC_API_SERVER_NAME"))
	if ca == "" && name == "" {
		return nil
	}
	trust := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return command.Usage("", "--api-ca: %s", text(err.Error()))
		}
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM(pem) {
			return command.Usage("", "--api-ca: got %s without a certificate, want a PEM file with that of the authority", text(ca))
		}
	}
	s.transport.TLSClientConfig = trust
	return nil
}
