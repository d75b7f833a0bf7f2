package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// dialTimeout is how long one server of a cluster may take to greet. One that hangs
// takes connections all the same, under each of the addresses it is known by.
const dialTimeout = 2 * time.Second

// connect reaches the embedded server, or the cluster within the context's time.
func connect(ctx context.Context, cfg Config, srv *server.Server) (*link, error) {
	l := &link{
		log: cfg.Log, now: cfg.Now, observe: cfg.Observe, inside: srv != nil,
		streams: make(map[string]*stream), api: jetstream.DefaultAPIPrefix,
		domain: cfg.Domain, replicas: cfg.Replicas,
	}
	if srv != nil {
		l.disk = streamsDir(cfg.DataDir)
	}
	l.life, l.end = context.WithCancel(context.WithoutCancel(ctx))
	opts := []nats.Option{
		nats.Name("channelsync"),
		// Nothing is buffered while the peer is away: a publish that cannot be stored now
		// must fail now.
		nats.MaxReconnects(-1), nats.ReconnectWait(time.Second), nats.ReconnectBufSize(-1),
		// An answer has a page of messages and its end; the default makes room for 65,536.
		nats.SyncQueueLen(2 * batchMax),
		nats.DisconnectErrHandler(l.onDisconnect), nats.ReconnectHandler(l.onReconnect),
		nats.ErrorHandler(l.onAsyncError),
	}
	if srv != nil {
		opts = append(opts, nats.InProcessServer(srv))
	} else {
		// A server that is silent is given up within 6 s, half of what is left of a lease
		// when its renewal fails there.
		opts = append(opts, nats.PingInterval(2*time.Second), nats.MaxPingsOutstanding(2))
		opts = append(opts, nats.RetryOnFailedConnect(true), nats.Timeout(dialTimeout))
		opts = append(opts, cfg.security()...)
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to nats %s: %w", cfg.redacted(), err)
	}
	if err := awaitConnected(ctx, nc); err != nil {
		nc.Close()
		return nil, fmt.Errorf("connect to nats %s: %w", cfg.redacted(), err)
	}
	l.nc = nc
	if cfg.Domain == "" {
		l.js, err = jetstream.New(nc)
	} else {
		l.js, err = jetstream.NewWithDomain(nc, cfg.Domain)
		l.api = "$JS." + cfg.Domain + ".API."
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return l, nil
}

func (c Config) security() []nats.Option {
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

// disconnect sends what is buffered, then ends the connection.
func (l *link) disconnect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, opTimeout)
	defer cancel()
	done := l.nc.StatusChanged(nats.CLOSED)
	defer l.nc.Close()
	if err := l.nc.Drain(); err != nil {
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

func (l *link) onDisconnect(_ *nats.Conn, err error) {
	if err == nil {
		return // we closed it
	}
	l.lost.Add(1)
	l.log.Warn("nats connection lost; trying again until it is back", zap.Error(err))
}

func (l *link) onReconnect(nc *nats.Conn) {
	l.log.Info("nats connection is back", zap.String(v1.LogURL, nc.ConnectedUrlRedacted()))
}

func (l *link) onAsyncError(_ *nats.Conn, sub *nats.Subscription, err error) {
	fields := []zap.Field{zap.Error(err)}
	if sub != nil {
		fields = append(fields, zap.String("subject", sub.Subject))
	}
	l.log.Warn("nats reported an error", fields...)
}
