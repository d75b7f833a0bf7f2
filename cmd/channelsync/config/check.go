package config

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// check looks at what only several settings together can tell, and fills the
// defaults that depend on another setting. Called once every value stands alone.
func (c *Config) check() []error {
	return slices.Concat(c.checkCallback(), c.checkAdmin(), c.checkOIDC(), c.checkNATS(), c.checkKeys(), c.checkSources(), c.checkNotify())
}

func (c *Config) checkCallback() []error {
	t := c.CallbackTLS
	switch {
	case t.ACMEDomain != "" && (t.Cert != "" || t.Key != ""):
		return []error{c.clash("callback-acme-domain", "want it or --callback-tls-cert and --callback-tls-key, not both: a listener has one certificate")}
	case t.ACMEDomain == "" && t.ACMEEmail != "":
		return []error{c.clash("callback-acme-email", "want --callback-acme-domain too: without it no certificate is requested")}
	case (t.Cert == "") != (t.Key == ""):
		return []error{c.clash("callback-tls-cert", "want both --callback-tls-cert and --callback-tls-key, or neither")}
	case t.Cert == "":
		return nil
	}
	if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
		return []error{c.clash("callback-tls-cert", fmt.Sprintf("want a certificate that fits --callback-tls-key (%v)", err))}
	}
	return nil
}

func (c *Config) checkAdmin() []error {
	var errs []error
	switch {
	case (c.AdminTLSCert == "") != (c.AdminTLSKey == ""):
		errs = append(errs, c.clash("admin-tls-cert", "want both --admin-tls-cert and --admin-tls-key, or neither"))
	case c.AdminTLSCert != "":
		if _, err := tls.LoadX509KeyPair(c.AdminTLSCert, c.AdminTLSKey); err != nil {
			errs = append(errs, c.clash("admin-tls-cert", fmt.Sprintf("want a certificate that fits --admin-tls-key (%v)", err)))
		}
	}
	if u, err := url.Parse(c.AdminURL); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) && !c.AdminPlaintext {
		errs = append(errs, c.clash("admin-url", "want an https URL (http only for a loopback host, or with --admin-plaintext)"))
	}
	host, _, _ := net.SplitHostPort(c.AdminListen)
	if isLoopback(host) {
		return errs
	}
	if c.AdminTLSCert == "" && c.AdminTLSKey == "" && !c.AdminPlaintext {
		errs = append(errs, c.clash("admin-listen",
			"want a loopback address, or --admin-tls-cert and --admin-tls-key, or --admin-plaintext behind a proxy with TLS"))
	}
	return errs
}

// checkOIDC wants all that a log-in of people needs, or nothing.
func (c *Config) checkOIDC() []error {
	o := c.OIDC
	if o.Issuer == "" {
		switch {
		case o.ClientID != "":
			return []error{c.clash("oidc-client-id", "want --oidc-issuer too: without it only tokens log in")}
		case len(o.Roles) > 0:
			return []error{c.clash("oidc-roles", "want --oidc-issuer too: without it only tokens log in")}
		}
		return nil
	}
	var errs []error
	if o.ClientID == "" {
		errs = append(errs, c.clash("oidc-issuer", "want --oidc-client-id too: the id of the console at the issuer"))
	}
	if len(o.Roles) == 0 {
		errs = append(errs, c.clash("oidc-issuer", "want --oidc-roles too: without it nobody could log in"))
	}
	host, _, _ := net.SplitHostPort(c.AdminListen)
	if c.AdminURL == "" && !isLoopback(host) {
		errs = append(errs, c.clash("oidc-issuer", "want --admin-url too: the address that the issuer sends people back to"))
	}
	return errs
}

func (c *Config) checkNATS() []error {
	var errs []error
	if (c.NATS.Cert == "") != (c.NATS.Key == "") {
		errs = append(errs, c.clash("nats-cert", "want both --nats-cert and --nats-key, or neither"))
	}
	if c.NATS.Embedded() {
		for _, s := range []struct{ name, value string }{
			{"nats-creds", c.NATS.Creds},
			{"nats-domain", c.NATS.Domain},
			{"nats-ca", c.NATS.CACert},
			{"nats-cert", c.NATS.Cert},
			{"nats-key", c.NATS.Key},
			{"nats-plaintext", map[bool]string{true: "true"}[c.NATS.Plaintext]},
		} {
			if s.value != "" {
				errs = append(errs, c.clash(s.name, "want --nats-url too: the embedded server takes no connections"))
			}
		}
		if c.NATS.Replicas > 1 {
			errs = append(errs, c.clash("nats-replicas", "want 1 while the server is embedded, or --nats-url"))
		}
		c.NATS.Replicas = 1
		return errs
	}
	if server := c.NATS.inClear(); server != "" && !c.NATS.Plaintext {
		errs = append(errs, c.clash("nats-url", "want TLS beyond loopback (tls://"+server+", or --nats-ca), or --nats-plaintext on a network of its own"))
	}
	c.NATS.Replicas = cmp.Or(c.NATS.Replicas, 3)
	return errs
}

// inClear is the first server beyond loopback that may be spoken to without TLS; empty
// when there is none. A server that offers TLS by itself is no reason: whoever sits in
// between offers none.
func (n NATS) inClear() string {
	if n.CACert != "" || n.Cert != "" {
		return ""
	}
	for server := range strings.SplitSeq(n.URL.Reveal(), ",") {
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		u, err := url.Parse(server)
		if err == nil && (u.Scheme == "nats" || u.Scheme == "ws") && !isLoopback(u.Hostname()) {
			return u.Host
		}
	}
	return ""
}

// checkKeys wants what is made by itself only beside an embedded store.
func (c *Config) checkKeys() []error {
	if c.NATS.Embedded() {
		return nil
	}
	var errs []error
	// With a shared cluster there may be several instances: a key that one of them made for itself
	// would lock the others out.
	if len(c.MasterKeys) == 0 {
		errs = append(errs, c.clash("master-key", "want a key: with --nats-url none is generated"))
	}
	if c.AdminToken == "" {
		errs = append(errs, c.clash("admin-token", "want a token: with --nats-url none is generated"))
	}
	return errs
}

// checkSources refuses to ask for a zone in clear text, but for hosts named on purpose.
func (c *Config) checkSources() []error {
	u, err := url.Parse(c.Autotask.DiscoveryURL)
	if err != nil || u.Scheme != "http" || isLoopback(u.Hostname()) {
		return nil
	}
	port := cmp.Or(u.Port(), "80")
	if slices.Contains(c.Autotask.AllowHosts, net.JoinHostPort(u.Hostname(), port)) {
		return nil
	}
	return []error{c.clash("autotask-discovery-url",
		"want an https URL (http only for a loopback host or one of --autotask-allow-hosts)")}
}

// checkNotify refuses notifications that nobody could trust, and a secret that signs none.
func (c *Config) checkNotify() []error {
	switch {
	case c.Notify.URL != "" && c.Notify.Secret == "":
		return []error{c.clash("notify-secret", "want 16 characters or more: they sign what is posted to --notify-url")}
	case c.Notify.URL == "" && c.Notify.Secret != "":
		return []error{c.clash("notify-secret", "want --notify-url too: without it nothing is signed")}
	}
	return nil
}

// clash is the error of a setting that is wrong together with others.
func (c *Config) clash(name, wants string) error {
	i := slices.IndexFunc(c.settings, func(s setting) bool { return s.name == name })
	return c.settings[i].wrong(errors.New(wants))
}
