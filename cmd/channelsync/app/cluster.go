package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/events/lease"
	"channelsync/events/peer"
	"channelsync/handlers/relay"
	"channelsync/sync/control"
)

// cluster is what an instance needs beside others on one NATS; nil with an embedded one.
type cluster struct {
	leases *lease.Leases
	line   *relay.Line
	log    *zap.Logger
}

// The questions that instances ask each other, beside requests of the admin API.
const (
	askInstallations = "installations"
	askIssues        = "issues"
)

// admitting is the shard whose owner makes new installations; the relay sends them there.
const admitting = 0

// peersWithin is how long the others have to say how their installations stand.
const peersWithin = 2 * time.Second

func (a *App) openCluster(ctx context.Context, cfg config.Config, bus *events.Bus, auth *kv.Authenticator) (*cluster, error) {
	if cfg.NATS.Embedded() {
		return nil, nil
	}
	leases, err := lease.Open(ctx, bus.Link, lease.Config{Version: a.opts.Version, Watchdog: a.watchdog, Authenticator: auth})
	if err != nil {
		return nil, err
	}
	ring, err := derivedRing(cfg, "channelsync between instances")
	if err != nil {
		return nil, err
	}
	log := a.opts.Log.Named("cluster")
	return &cluster{
		leases: leases, log: log,
		line: relay.NewLine(relay.LineConfig{Self: leases.ID(), Bus: bus.Peers(), Sealer: ring, Log: log}),
	}, nil
}

// serve answers the other instances until Stop, and returns the API of all of them.
func (a *App) serveCluster(c *cluster, api http.Handler) (http.Handler, error) {
	all := relay.New(relay.Config{Self: c.leases.ID(), Owners: c.leases, Line: c.line, API: api, Log: c.log})
	services := []func() (func(), error){
		all.Serve,
		func() (func(), error) { return answerWith(c, askInstallations, a.manager.Own) },
		func() (func(), error) { return answerWith(c, askIssues, a.manager.OwnIssues) },
	}
	for _, serve := range services {
		stop, err := serve()
		if err != nil {
			return nil, err
		}
		a.defers("answers to other instances", func(context.Context) error { stop(); return nil })
	}
	return all, nil
}

// answerWith answers a question of other instances with what fn returns.
func answerWith[T any](c *cluster, service string, fn func(context.Context) (T, error)) (stop func(), err error) {
	return c.line.Answer(service, func(ctx context.Context, _ []byte) []byte {
		ctx, cancel := context.WithTimeoutCause(ctx, peersWithin, fmt.Errorf("%s: not within %s", service, peersWithin))
		defer cancel()
		found, err := fn(ctx)
		if err != nil {
			c.log.Warn("request of another instance not answered", zap.String(v1.LogOperation, service), zap.Error(err))
			return nil
		}
		b, err := json.Marshal(found)
		if err != nil {
			return nil
		}
		return b
	})
}

// peers are the other instances, as the manager asks them.
type peers struct{ *cluster }

func (p peers) Installations(ctx context.Context) []v1.Installation {
	return ask[v1.Installation](ctx, p.cluster, askInstallations)
}

func (p peers) OpenIssues(ctx context.Context) []v1.InstallationStatus {
	return ask[v1.InstallationStatus](ctx, p.cluster, askIssues)
}

// ask asks all other instances side by side and puts together what those answer that do in time.
func ask[T any](ctx context.Context, c *cluster, service string) (all []T) {
	ctx, cancel := context.WithTimeoutCause(ctx, peersWithin, fmt.Errorf("ask for %s: not within %s", service, peersWithin))
	defer cancel()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for _, id := range c.leases.Others() {
		asking.Go(func() {
			answer, err := c.line.Ask(ctx, id, service, nil)
			var found []T
			if err == nil {
				err = json.Unmarshal(answer, &found)
			}
			if err != nil {
				level := c.log.Warn
				if errors.Is(err, peer.ErrNoInstance) {
					level = c.log.Debug // it died; the lease will say so
				}
				level("an instance does not say how its installations stand", zap.String(v1.LogInstance, id), zap.Error(err))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, found...)
		})
	}
	asking.Wait()
	return all
}

// shared is the manager's part in a cluster; nil alone.
func (c *cluster) shared(tables map[string]*kv.Table) *control.Cluster {
	if c == nil {
		return nil
	}
	return &control.Cluster{
		Shards: c.leases, Peers: peers{c}, Admits: func() bool { return c.leases.Keeps(admitting) },
		Installations: tables["installations"], Audit: tables["audit"], Guard: tables[tableGuard],
	}
}
