package config

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// definition is one setting: how it is called, what it is when nobody says, and
// how its text becomes part of Config. apply answers an error that says only
// what is wanted; the name and what was given are put in front by the caller,
// which knows what must be masked.
type definition struct {
	name    string
	initial string
	usage   string
	secret  bool // masked wherever it is shown; may come from <name>-file
	partly  bool // may hold a secret, such as a password in a URL; may come from <name>-file too
	boolean bool
	mask    func(string) string // what may be shown of a value that is no secret as a whole; nil: maskUserInfo
	apply   func(*Config, string) error
}

// hasFile says whether the value may come from <name>-file.
func (d definition) hasFile() bool { return d.secret || d.partly }

// masked is a value as far as it may be shown.
func (d definition) masked(value string) string {
	if d.mask == nil {
		return maskUserInfo(value)
	}
	return d.mask(value)
}

// definitions is the table of interfaces §2 and what was added since (docs/decisions),
// in the order a reader wants it.
func definitions() []definition {
	return []definition{
		{
			name: configName, usage: "YAML file with settings under these names; flags and variables override it",
			apply: func(*Config, string) error { return nil }, // read before all others
		},
		of("callback-listen", "127.0.0.1:8080", listenAddress, func(c *Config) *string { return &c.CallbackListen },
			"address of the public listener: callbacks and /livez, nothing else"),
		of("admin-listen", "127.0.0.1:8081", listenAddress, func(c *Config) *string { return &c.AdminListen },
			"address of console, admin API and metrics; beyond loopback it requires TLS or --admin-plaintext"),
		of("admin-tls-cert", "", readableFile, func(c *Config) *string { return &c.AdminTLSCert },
			"PEM file with the certificate of the admin listener"),
		of("admin-tls-key", "", keyFile, func(c *Config) *string { return &c.AdminTLSKey },
			"PEM file with the key of --admin-tls-cert"),
		of("admin-plaintext", "false", boolean, func(c *Config) *bool { return &c.AdminPlaintext },
			"allow the admin listener without TLS beyond loopback, because a proxy in front terminates it"),
		of("callback-tls-cert", "", readableFile, func(c *Config) *string { return &c.CallbackTLS.Cert },
			"PEM file with the certificate of the public listener; none means plain http, for a proxy in front"),
		of("callback-tls-key", "", keyFile, func(c *Config) *string { return &c.CallbackTLS.Key },
			"PEM file with the key of --callback-tls-cert"),
		of("callback-acme-domain", "", dnsName, func(c *Config) *string { return &c.CallbackTLS.ACMEDomain },
			"DNS name for which the public listener obtains a certificate by ACME; its port 443 must be reachable"),
		of("callback-acme-email", "", email, func(c *Config) *string { return &c.CallbackTLS.ACMEEmail },
			"e-mail address to which the authority reports problems with the certificate").shownBy(strings.Clone),
		of("acme-directory-url", "https://acme-v02.api.letsencrypt.org/directory", directoryURL, func(c *Config) *string { return &c.CallbackTLS.ACMEDirectory },
			"directory of the ACME authority; naming a domain accepts its terms of service"),
		of("admin-url", "", siteURL, func(c *Config) *string { return &c.AdminURL },
			"URL of the console, with the path if a proxy serves it below one; other hosts are refused, and cookies are limited to it; none means any host"),
		of("public-url", "", baseURL, func(c *Config) *string { return &c.PublicURL },
			"base URL that Autotask posts to; none means polling only"),
		of("trusted-proxies", "127.0.0.0/8,::1", into(networks), func(c *Config) *[]netip.Prefix { return &c.TrustedProxies },
			"comma-separated networks whose X-Forwarded-For and -Proto are trusted, on both listeners; none means no network"),
		of("data-dir", "./channelsync-data", nonEmpty, func(c *Config) *string { return &c.DataDir },
			"directory of the embedded store and the generated keys"),
		of("nats-url", "", natsServers, func(c *Config) *v1.Secret { return &c.NATS.URL },
			"comma-separated servers of an existing NATS cluster; none means embedded").withSecret(),
		of("nats-plaintext", "false", boolean, func(c *Config) *bool { return &c.NATS.Plaintext },
			"allow NATS without TLS beyond loopback, on a network that nobody else uses"),
		of("nats-creds", "", keyFile, func(c *Config) *string { return &c.NATS.Creds },
			"NATS credentials file"),
		of("nats-replicas", "", replicas, func(c *Config) *int { return &c.NATS.Replicas },
			"replicas of every stream (default 1 embedded, 3 external)"),
		of("nats-domain", "", natsDomain, func(c *Config) *string { return &c.NATS.Domain },
			"JetStream domain"),
		of("nats-ca", "", readableFile, func(c *Config) *string { return &c.NATS.CACert },
			"PEM file of the authority that signed the NATS servers' certificates"),
		of("nats-cert", "", readableFile, func(c *Config) *string { return &c.NATS.Cert },
			"PEM file with the client certificate for NATS"),
		of("nats-key", "", keyFile, func(c *Config) *string { return &c.NATS.Key },
			"PEM file with the key of --nats-cert"),
		of("master-key", "", keyRing, func(c *Config) *[]v1.Secret { return &c.MasterKeys },
			"32 bytes, base64; in a comma-separated ring the first key seals and all open (generated in the data directory when embedded)").asSecret(),
		of("admin-token", "", token, func(c *Config) *v1.Secret { return &c.AdminToken },
			"bearer token of the admin API (generated in the data directory when embedded)").asSecret(),
		of("oidc-issuer", "", issuerURL, func(c *Config) *string { return &c.OIDC.Issuer },
			"URL of the OpenID Connect issuer for log-in to the console; none means tokens only"),
		of("oidc-client-id", "", plain, func(c *Config) *string { return &c.OIDC.ClientID },
			"client id of the console at the issuer; its redirect URI is <admin-url>/login/oidc/callback"),
		of("oidc-client-secret", "", plain, func(c *Config) *v1.Secret { return &c.OIDC.ClientSecret },
			"client secret of the console at the issuer; none means a public client").asSecret(),
		of("oidc-role-claim", "groups", nonEmpty, func(c *Config) *string { return &c.OIDC.RoleClaim },
			"claim of the ID token whose values give a role"),
		of("oidc-roles", "", into(roles), func(c *Config) *map[string]v1.Grant { return &c.OIDC.Roles },
			"role for each value of that claim, such as ops=operator,finance=viewer; role:id limits a role to one installation; people without a role cannot log in"),
		of("channel-program-url", "", baseURL, func(c *Config) *string { return &c.ChannelProgramURL },
			"base URL of the Channel Program ingest API"),
		of("autotask-discovery-url", "https://webservices.autotask.net/atservicesrest", discoveryURL, func(c *Config) *string { return &c.Autotask.DiscoveryURL },
			"URL where the zone of a user name is looked up"),
		of("autotask-allow-hosts", "", into(hostList), func(c *Config) *[]string { return &c.Autotask.AllowHosts },
			"extra host:port values accepted as a zone, for simulators"),
		of("contract-poll-interval", "1m", interval, func(c *Config) *time.Duration { return &c.Intervals.ContractPoll },
			"how often contracts, which have no webhook, are polled"),
		of("contract-parts-interval", "1h", interval, func(c *Config) *time.Duration { return &c.Intervals.ContractParts },
			"how often services, units, bundles and charges are compared, within 200 requests an hour (per interval, if that is shorter)"),
		of("sweep-interval", "24h", interval, func(c *Config) *time.Duration { return &c.Intervals.Sweep },
			"how often everything in scope is sent again, which repairs what was missed or edited in Channel Program"),
		of("webhook-check-interval", "5m", interval, func(c *Config) *time.Duration { return &c.Intervals.WebhookCheck },
			"how often webhook registrations are checked and missed changes read"),
		of("coalesce-window", "500ms", span, func(c *Config) *time.Duration { return &c.Intervals.Coalesce },
			"changes of one record within this time become one reconcile"),
		of("retention", "720h", interval, func(c *Config) *time.Duration { return &c.Retention },
			"how long changes can be replayed"),
		of("journal-max-bytes", "none", into(size), func(c *Config) *int64 { return &c.JournalMaxBytes },
			"cap on stored changes, such as 512MiB or 10GB; at the cap callbacks are answered 503"),
		of("notify-url", "", postURL, func(c *Config) *v1.Secret { return &c.Notify.URL },
			"URL to which an issue that needs action is posted, and its recovery; none means nothing is posted").withSecret().shownBy(maskReceiver),
		of("notify-secret", "", signingSecret, func(c *Config) *v1.Secret { return &c.Notify.Secret },
			"signs posts to --notify-url; at least 16 characters").asSecret(),
		of("log-level", "info", among("debug", "info", "warn", "error"), func(c *Config) *string { return &c.LogLevel },
			"debug, info, warn or error"),
		of("log-format", "auto", among("auto", "console", "json"), func(c *Config) *string { return &c.LogFormat },
			"console, json, or auto: console on a terminal, else json"),
		of("print-config", "false", boolean, func(c *Config) *bool { return &c.PrintConfig },
			"print the settings with secrets masked, and exit"),
	}
}

// of is a setting whose text is read into a field.
func of[T any](name, initial string, read func(*T, string) error, field func(*Config) *T, usage string) definition {
	_, boolean := any(new(T)).(*bool)
	return definition{
		name: name, initial: initial, usage: usage, boolean: boolean,
		apply: func(c *Config, s string) error {
			if s == "" && initial == "" {
				return nil // it may be left out
			}
			return read(field(c), s)
		},
	}
}

func (d definition) asSecret() definition {
	d.secret = true
	return d
}

func (d definition) withSecret() definition {
	d.partly = true
	return d
}

func (d definition) shownBy(mask func(string) string) definition {
	d.mask = mask
	return d
}

func replicas(to *int, s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 5 {
		return want("a number from 1 to 5")
	}
	*to = n
	return nil
}
