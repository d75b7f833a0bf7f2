package jetstream

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
)

// dialTimeout is how long one server of a cluster may take to greet. One that hangs
// takes connections all the same, under each of the addresses it is known by.
const dialTimeout = 2 * time.Second

// writeTimeout is how long a server may take to accept what is written, 32 KiB or one message.
const writeTimeout = 6 * time.Second

// Options say how to reach JetStream. All but the log, the clock and whoever observes may be left out.
type Options struct {
	// URL is the comma-separated servers of a cluster; empty with a server inside the process.
	URL string
	// Server is the one inside the process, and Disk where it keeps its streams.
	Server *server.Server
	Disk   string
	// Creds, Domain, CACert, Cert and Key are as in the configuration of the store.
	Creds, Domain, CACert, Cert, Key string
	Replicas                         int // of every stream
	Watchdog                         *progress.Watchdog
	Log                              *zap.Logger
	Now                              func() time.Time
	Observe                          func(operation string, took time.Duration)
}

// Connect reaches the embedded server, or the cluster within the context's time.
func Connect(ctx context.Context, cfg Options) (*Link, error) {
	srv := cfg.Server
	l := &Link{
		Log: cfg.Log, Now: cfg.Now, observe: cfg.Observe, Inside: srv != nil,
		streams: make(map[string]*Stream), API: jetstream.DefaultAPIPrefix,
		Domain: cfg.Domain, Replicas: cfg.Replicas, disk: cfg.Disk, watchdog: cfg.Watchdog, ended: make(chan struct{}),
	}
	l.Life, l.end = context.WithCancel(context.WithoutCancel(ctx))
	opts := []nats.Option{
		nats.Name("channelsync"),
		// Nothing is buffered while the peer is away: a publish that cannot be stored now
		// must fail now.
		nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.ReconnectBufSize(-1),
		// An answer has a page of messages and its end; the default makes room for 65,536.
		nats.SyncQueueLen(2 * BatchMax),
		nats.DisconnectErrHandler(l.onDisconnect), nats.ReconnectHandler(l.onReconnect),
		nats.ErrorHandler(l.onAsyncError),
	}
	if srv != nil {
		opts = append(opts, nats.InProcessServer(srv))
	} else {
		// A server that is silent is given up within 6 s, half of what is left of a lease
		// when its renewal fails there.
		opts = append(opts, nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2))
		// So is one that takes nothing any more: while a write waits, the client's lock is
		// held, and whoever sends or only looks at the connection waits too, whatever its
		// deadline.
		opts = append(opts, nats.FlusherTimeout(writeTimeout), nats.ReconnectOnFlusherError())
		opts = append(opts, nats.RetryOnFailedConnect(true), nats.Timeout(dialTimeout))
		opts = append(opts, cfg.security()...)
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats %s: %w", Redacted(cfg.URL), err)
	}
	if err := awaitConnected(ctx, nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to nats %s: %w", Redacted(cfg.URL), err)
	}
	l.NC = nc
	if cfg.Domain == "" {
		l.JS, err = jetstream.New(nc)
	} else {
		l.JS, err = jetstream.NewWithDomain(nc, cfg.Domain)
		l.API = "$JS." + cfg.Domain + ".API."
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return l, nil
}

func (c Options) security() []nats.Option {
	var opts []nats.Option
	if c.Creds != "" {
		opts = append(opts, nats.UserCredentials(c.Creds))
	}
	if c.CACert != "" {
		opts = append(opts, nats.RootCAs(c.CACert))
	}
	if c.Cert != "" {
		opts = append(opts, nats.ClientCert(c.Cert, c.Key))
	}
	return opts
}

func awaitConnected(ctx context.Context, nc *nats.Conn) error {
	ready := nc.StatusChanged(nats.CONNECTED)
	defer nc.RemoveStatusListener(ready)
	if nc.IsConnected() {
		return nil
	}
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		if last := nc.LastError(); last != nil {
			return fmt.Errorf("%w (last try: %w)", ctx.Err(), last)
		}
		return ctx.Err()
	}
}

// Disconnect sends what is buffered, then ends the connection.
func (l *Link) Disconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, OpTimeout)
	defer cancel()
	done := l.NC.StatusChanged(nats.CLOSED)
	defer l.NC.Close()
	if err := l.NC.Drain(); err != nil {
		if errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrConnectionClosed) {
			return nil // nothing can be buffered while there is no connection
		}
		return fmt.Errorf("drain the nats connection: %w", err)
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain the nats connection: %w", ctx.Err())
	}
}

func (l *Link) onDisconnect(_ *nats.Conn, err error) {
	if err == nil {
		return // we closed it
	}
	l.Lost.Add(1)
	l.Log.Warn("nats connection lost; trying again until it is back", zap.Error(err))
}

func (l *Link) onReconnect(nc *nats.Conn) {
	l.Log.Info("nats connection is back", zap.String(v1.LogURL, nc.ConnectedUrlRedacted()))
}

func (l *Link) onAsyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	fields := []zap.Field{zap.Error(err)}
	if sub != nil {
		fields = append(fields, zap.String("subject", sub.Subject))
	}
	l.Log.Warn("nats reported an error", fields...)
}

// Redacted is the list of servers without user information, for logs and errors.
func Redacted(servers string) string {
	all := strings.Split(servers, ",")
	for i, s := range all {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil {
			all[i] = "(unreadable address)"
			continue
		}
		u.User = nil
		all[i] = u.String()
	}
	return strings.Join(all, ",")
}
