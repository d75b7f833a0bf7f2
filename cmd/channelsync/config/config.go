package config

import (
	"net/netip"
	"time"

	v1 "channelsync/api/v1"
)

// Config is every setting of `channelsync serve`, checked. Parse makes it.
type Config struct {
	CallbackListen string // host:port of the public listener
	AdminListen    string // host:port of the admin listener
	AdminTLSCert   string // PEM file; set together with AdminTLSKey or not at all
	AdminTLSKey    string
	AdminPlaintext bool           // a proxy in front terminates TLS, said on purpose
	PublicURL      string         // without a trailing slash; empty means polling mode
	CallbackTLS    TLS            // of the public listener
	AdminURL       string         // what people open the console under, without a trailing slash; empty: any address
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and -Proto are believed, on both listeners
	DataDir        string

	NATS NATS

	MasterKeys []v1.Secret // 32 raw bytes each; the first seals, all open
	AdminToken v1.Secret
	OIDC       OIDC

	ChannelProgramURL string // without a trailing slash; empty: nothing can be pushed
	Autotask          Autotask
	Intervals         Intervals
	Notify            Notify

	Retention       time.Duration // how long changes can be replayed
	JournalMaxBytes int64         // 0 is no cap

	LogLevel  string // debug, info, warn or error
	LogFormat string // auto (console on a terminal, else json), console or json

	PrintConfig bool // print the settings and stop

	settings []setting // every value as given and where it came from, for Dump
}

// TLS says where the public listener has its certificate from: from files, by ACME, or,
// with neither, nowhere: a proxy in front terminates TLS.
type TLS struct {
	Cert          string // PEM file; set together with Key or not at all
	Key           string
	ACMEDomain    string // empty: no ACME
	ACMEEmail     string
	ACMEDirectory string // URL of the authority
}

// OIDC says where people log in to the console with their organisation's own log-in.
type OIDC struct {
	Issuer       string // its URL, as it says it; empty: tokens only
	ClientID     string
	ClientSecret v1.Secret           // empty: the client is a public one
	RoleClaim    string              // of the ID token
	Roles        map[string]v1.Grant // by value of that claim
}

// NATS says which stream server is used.
type NATS struct {
	URL       v1.Secret // comma-separated servers, which may carry passwords; empty is the embedded server
	Creds     string    // credentials file
	Domain    string    // JetStream domain
	Replicas  int       // 1 to 5; 1 embedded
	Plaintext bool      // no TLS beyond loopback, said on purpose
	CACert    string    // PEM file of the authority that signed the servers
	Cert      string    // PEM file; set together with Key or not at all
	Key       string
}

// Embedded says that the stream server runs in this process.
func (n NATS) Embedded() bool { return n.URL == "" }

// Autotask says which hosts may be talked to as an Autotask.
type Autotask struct {
	DiscoveryURL string
	AllowHosts   []string // lower-case host:port, beyond the vendor's own
}

// Notify says where issues that somebody has to act on are posted.
type Notify struct {
	URL    v1.Secret // its query may hold a key; empty: nothing is posted
	Secret v1.Secret // signs what is posted; set together with URL or not at all
}

// Intervals are the clocks of everything that callbacks do not cover.
type Intervals struct {
	ContractPoll  time.Duration // freshness of contracts
	ContractParts time.Duration // services, units, bundles, charges compared
	Sweep         time.Duration // full repairing pass
	WebhookCheck  time.Duration // registrations and missed events
	Coalesce      time.Duration // 0 or more; from the first entry
}
