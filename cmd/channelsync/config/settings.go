package config

import (
	"strconv"
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
			name: configName, usage: "YAML file with settings by these names; a flag or a variable wins over it",
			apply: func(*Config, string) error { return nil }, // read before all others
		},
		{
			name: "callback-listen", initial: "127.0.0.1:8080",
			usage: "address of the public listener: callbacks and /livez, nothing else",
			apply: func(c *Config, s string) error { return listenAddress(&c.CallbackListen, s) },
		},
		{
			name: "admin-listen", initial: "127.0.0.1:8081",
			usage: "address of console, admin API and metrics; beyond loopback it needs TLS or --admin-plaintext",
			apply: func(c *Config, s string) error { return listenAddress(&c.AdminListen, s) },
		},
		{
			name: "admin-tls-cert", usage: "PEM file with the certificate of the admin listener",
			apply: func(c *Config, s string) error { return readableFile(&c.AdminTLSCert, s) },
		},
		{
			name: "admin-tls-key", usage: "PEM file with the key of --admin-tls-cert",
			apply: func(c *Config, s string) error { return keyFile(&c.AdminTLSKey, s) },
		},
		{
			name: "admin-plaintext", initial: "false", boolean: true,
			usage: "serve the admin listener without TLS beyond loopback: a proxy in front terminates it",
			apply: func(c *Config, s string) error { return boolean(&c.AdminPlaintext, s) },
		},
		{
			name: "callback-tls-cert", usage: "PEM file with the certificate of the public listener; none means plain http, for a proxy in front",
			apply: func(c *Config, s string) error { return readableFile(&c.CallbackTLS.Cert, s) },
		},
		{
			name: "callback-tls-key", usage: "PEM file with the key of --callback-tls-cert",
			apply: func(c *Config, s string) error { return keyFile(&c.CallbackTLS.Key, s) },
		},
		{
			name: "callback-acme-domain", usage: "DNS name that the public listener gets a certificate for by ACME; it must be reached on port 443",
			apply: func(c *Config, s string) error { return dnsName(&c.CallbackTLS.ACMEDomain, s) },
		},
		{
			name: "callback-acme-email", mask: func(s string) string { return s }, // the @ is none before a host
			usage: "e-mail address for the authority to report trouble with the certificate",
			apply: func(c *Config, s string) error { return email(&c.CallbackTLS.ACMEEmail, s) },
		},
		{
			name: "acme-directory-url", initial: "https://acme-v02.api.letsencrypt.org/directory",
			usage: "directory of the ACME authority; its terms of service are agreed to",
			apply: func(c *Config, s string) error { return directoryURL(&c.CallbackTLS.ACMEDirectory, s) },
		},
		{
			name: "admin-url", usage: "URL of the console, a path too where a proxy has it below one: other hosts are refused, and cookies depend on it; none means any",
			apply: func(c *Config, s string) error { return siteURL(&c.AdminURL, s) },
		},
		{
			name: "public-url", usage: "base URL that Autotask posts to; none means polling only",
			apply: func(c *Config, s string) error { return baseURL(&c.PublicURL, s) },
		},
		{
			name: "trusted-proxies", initial: "127.0.0.0/8,::1",
			usage: "comma-separated networks whose X-Forwarded-For and -Proto are trusted, on both listeners; none means no network",
			apply: func(c *Config, s string) (err error) { c.TrustedProxies, err = networks(s); return err },
		},
		{
			name: "data-dir", initial: "./channelsync-data",
			usage: "directory of the embedded store and the generated keys",
			apply: func(c *Config, s string) error { return nonEmpty(&c.DataDir, s) },
		},
		{
			name: "nats-url", partly: true, usage: "comma-separated servers of an existing NATS cluster; none means embedded",
			apply: func(c *Config, s string) error { return natsServers(&c.NATS.URL, s) },
		},
		{
			name: "nats-plaintext", initial: "false", boolean: true,
			usage: "speak to NATS without TLS beyond loopback: the network is its own",
			apply: func(c *Config, s string) error { return boolean(&c.NATS.Plaintext, s) },
		},
		{
			name: "nats-creds", usage: "NATS credentials file",
			apply: func(c *Config, s string) error { return keyFile(&c.NATS.Creds, s) },
		},
		{
			name: "nats-replicas", usage: "replicas of every stream (default 1 embedded, 3 external)",
			apply: func(c *Config, s string) error { return replicas(&c.NATS.Replicas, s) },
		},
		{
			name: "nats-domain", usage: "JetStream domain",
			apply: func(c *Config, s string) error { return natsDomain(&c.NATS.Domain, s) },
		},
		{
			name: "nats-ca", usage: "PEM file of the authority that signed the NATS servers' certificates",
			apply: func(c *Config, s string) error { return readableFile(&c.NATS.CACert, s) },
		},
		{
			name: "nats-cert", usage: "PEM file with the client certificate for NATS",
			apply: func(c *Config, s string) error { return readableFile(&c.NATS.Cert, s) },
		},
		{
			name: "nats-key", usage: "PEM file with the key of --nats-cert",
			apply: func(c *Config, s string) error { return keyFile(&c.NATS.Key, s) },
		},
		{
			name: "master-key", secret: true,
			usage: "32 bytes, base64; comma-separated ring: the first seals, all open (made in the data directory " +
				"when embedded)",
			apply: func(c *Config, s string) error { return keyRing(&c.MasterKeys, s) },
		},
		{
			name: "admin-token", secret: true,
			usage: "bearer token of the admin API (made in the data directory when embedded)",
			apply: func(c *Config, s string) error { return token(&c.AdminToken, s) },
		},
		{
			name: "oidc-issuer", usage: "URL of the OpenID Connect issuer that people log in to the console with; none means tokens only",
			apply: func(c *Config, s string) error { return issuerURL(&c.OIDC.Issuer, s) },
		},
		{
			name: "oidc-client-id", usage: "id of the console at the issuer; its redirect URI is <admin-url>/login/oidc/callback",
			apply: func(c *Config, s string) error { c.OIDC.ClientID = s; return nil },
		},
		{
			name: "oidc-client-secret", secret: true, usage: "secret of the console at the issuer; none means a public client",
			apply: func(c *Config, s string) error { c.OIDC.ClientSecret = v1.Secret(s); return nil },
		},
		{
			name: "oidc-role-claim", initial: "groups", usage: "claim of the ID token whose values give a role",
			apply: func(c *Config, s string) error { return nonEmpty(&c.OIDC.RoleClaim, s) },
		},
		{
			name: "oidc-roles", usage: "what values of that claim give which role, such as ops=operator,finance=viewer; nobody without one gets in",
			apply: func(c *Config, s string) (err error) { c.OIDC.Roles, err = roles(s); return err },
		},
		{
			name: "channel-program-url", usage: "base URL of the Channel Program ingest API",
			apply: func(c *Config, s string) error { return baseURL(&c.ChannelProgramURL, s) },
		},
		{
			name: "autotask-discovery-url", initial: "https://webservices.autotask.net/atservicesrest",
			usage: "URL that the zone of a user name is looked up at",
			apply: discoveryURL,
		},
		{
			name: "autotask-allow-hosts", usage: "extra host:port values accepted as a zone, for simulators",
			apply: func(c *Config, s string) (err error) { c.Autotask.AllowHosts, err = hostList(s); return err },
		},
		interval("contract-poll-interval", "1m", "freshness of contracts, which have no webhook",
			func(c *Config) *time.Duration { return &c.Intervals.ContractPoll }),
		interval("contract-parts-interval", "1h", "how often services, units, bundles and charges are compared, as far as 200 requests an hour (per interval, where it is shorter) reach",
			func(c *Config) *time.Duration { return &c.Intervals.ContractParts }),
		interval("sweep-interval", "24h", "full sweep: everything in scope is sent again, which repairs what was missed or edited at the target",
			func(c *Config) *time.Duration { return &c.Intervals.Sweep }),
		interval("webhook-check-interval", "5m", "how often registrations are compared and missed events read",
			func(c *Config) *time.Duration { return &c.Intervals.WebhookCheck }),
		{
			name: "coalesce-window", initial: "500ms",
			usage: "a burst of changes of one record within it becomes one reconcile",
			apply: func(c *Config, s string) error { return duration(&c.Intervals.Coalesce, s, 0) },
		},
		interval("retention", "720h", "how long changes can be replayed",
			func(c *Config) *time.Duration { return &c.Retention }),
		{
			name: "journal-max-bytes", initial: "none",
			usage: "cap of the stored changes, such as 512MiB or 10GB; at the cap callbacks are answered 503",
			apply: func(c *Config, s string) (err error) { c.JournalMaxBytes, err = size(s); return err },
		},
		{
			name: "notify-url", partly: true, mask: maskReceiver,
			usage: "URL that is posted to when an issue has to be acted on, and when it has cleared; none means nothing is posted",
			apply: func(c *Config, s string) error { return postURL(&c.Notify.URL, s) },
		},
		{
			name: "notify-secret", secret: true,
			usage: "signs what is posted to --notify-url: 16 characters or more",
			apply: func(c *Config, s string) error { return signingSecret(&c.Notify.Secret, s) },
		},
		{
			name: "log-level", initial: "info", usage: "debug, info, warn or error",
			apply: func(c *Config, s string) error { return oneOf(&c.LogLevel, s, "debug", "info", "warn", "error") },
		},
		{
			name: "log-format", initial: "auto", usage: "console, json, or auto: console on a terminal, else json",
			apply: func(c *Config, s string) error { return oneOf(&c.LogFormat, s, "auto", "console", "json") },
		},
		{
			name: "print-config", initial: "false", boolean: true, usage: "print the settings, secrets masked, and stop",
			apply: func(c *Config, s string) error { return boolean(&c.PrintConfig, s) },
		},
	}
}

func interval(name, initial, usage string, field func(*Config) *time.Duration) definition {
	return definition{
		name: name, initial: initial, usage: usage,
		apply: func(c *Config, s string) error { return duration(field(c), s, time.Second) },
	}
}

func replicas(to *int, s string) error {
	if s == "" {
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 5 {
		return want("a number from 1 to 5")
	}
	*to = n
	return nil
}
