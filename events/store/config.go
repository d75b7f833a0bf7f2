package store

import (
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	js "channelsync/events/internal/jetstream"
	"channelsync/internal/progress"
)

// Config says which JetStream to use and how much to keep.
type Config struct {
	// URL is the comma-separated servers of an existing cluster; empty runs a
	// server inside the process, without any listening socket.
	URL string
	// Creds is a NATS credentials file (JWT and nkey), for an external cluster.
	Creds string
	// Domain is the JetStream domain of an external cluster; usually empty.
	Domain string
	// CACert, Cert and Key are PEM files for TLS to an external cluster; each optional,
	// Cert and Key together.
	CACert, Cert, Key string
	// Replicas of every stream; 0 means 1 embedded and 3 external.
	Replicas int
	// DataDir holds the embedded store (DataDir/nats) and its lock (DataDir/lock).
	DataDir string
	// JournalMaxBytes caps the journal, in bytes; 0 is no cap of its own. At the cap
	// dispatched changes give way; when none is left, Publish returns ErrJournalFull.
	JournalMaxBytes int64
	// Retention is how long dispatched changes stay readable; 0 keeps them until the cap.
	Retention time.Duration
	// Validate is asked whether a store that is there already may be used, by what it says
	// of itself, before anything of it is touched. Nil takes any store whose format
	// this build knows; a format that is newer is refused without asking.
	Validate func(Manifest) error
	// Watchdog looks after the loops of the bus; nil: nobody does.
	Watchdog *progress.Watchdog
	// Tracer begins the spans of changes that are dispatched; nil: none are traced.
	Tracer trace.Tracer
	// Log must be set to see anything; nil discards.
	Log *zap.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Migrating is the id of the store that is being moved into this one: what a
	// migration left unfinished there may be opened then. Only a migration sets it.
	Migrating string
	// Observe, when set, receives how long each operation took. Names are few and
	// fixed ("journal publish", "worklist take"), fit for a metric label.
	Observe func(operation string, took time.Duration)
}

func (c Config) embedded() bool { return c.URL == "" }

// checked returns the config with its defaults, or says what is wrong with it.
func (c Config) checked() (Config, error) {
	if c.embedded() && c.DataDir == "" {
		return c, fmt.Errorf("open events: the data directory is empty; an embedded NATS needs one")
	}
	if c.embedded() && c.Creds+c.Domain+c.CACert+c.Cert+c.Key != "" {
		return c, fmt.Errorf("open events: NATS credentials, domain or TLS files without a NATS URL to use them with")
	}
	if (c.Cert == "") != (c.Key == "") {
		return c, fmt.Errorf("open events: a NATS client certificate needs both its certificate and its key file")
	}
	if c.Replicas < 0 || c.Replicas > 5 {
		return c, fmt.Errorf("open events: %d replicas; NATS takes 1 to 5", c.Replicas)
	}
	if c.JournalMaxBytes < 0 || c.Retention < 0 {
		return c, fmt.Errorf("open events: retention and journal size must not be negative")
	}
	switch {
	case c.embedded() && c.Replicas > 1:
		return c, fmt.Errorf("open events: %d replicas; an embedded NATS holds one", c.Replicas)
	case c.embedded():
		c.Replicas = 1
	case c.Replicas == 0:
		c.Replicas = 3
	}
	if c.Validate == nil {
		c.Validate = func(Manifest) error { return nil }
	}
	if c.Log == nil {
		c.Log = zap.NewNop()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(string, time.Duration) {}
	}
	return c, nil
}

// JournalCompression is S2 where one server holds the journal, and none where several do: a replica that starts or falls
// behind cuts its copy back, and nats-server 2.15 may compress the block just then that it goes on writing plainly to.
// Such a copy cannot be read any more, and the server takes no part in the stream until somebody repairs it.
func (c Config) JournalCompression() jetstream.StoreCompression {
	if c.Replicas > 1 {
		return jetstream.NoCompression
	}
	return jetstream.S2Compression
}

// options are how the store is reached, by the server in this process if there is one.
func (c Config) options(srv *server.Server) js.Options {
	o := js.Options{
		URL: c.URL, Server: srv, Creds: c.Creds, Domain: c.Domain, CACert: c.CACert, Cert: c.Cert, Key: c.Key,
		Replicas: c.Replicas, Watchdog: c.Watchdog, Log: c.Log, Now: c.Now, Observe: c.Observe,
	}
	if srv != nil {
		o.Disk = streamsDir(c.DataDir)
	}
	return o
}
