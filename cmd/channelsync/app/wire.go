package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/transport"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/handlers"
	"channelsync/handlers/admin"
	"channelsync/handlers/callback"
	"channelsync/handlers/console/oidc"
	"channelsync/handlers/console/session"
	"channelsync/handlers/health"
	"channelsync/internal/progress"
	"channelsync/sync/audit"
	"channelsync/sync/control"
	"channelsync/sync/deadletter"
	"channelsync/sync/history"
	"channelsync/sync/identity"
	"channelsync/sync/installation"
	"channelsync/sync/job"
	"channelsync/sync/ledger"
	"channelsync/sync/seal"
)

// wire opens the store and connects every layer.
func (a *App) wire(ctx context.Context) error {
	cfg, log := a.opts.Config, a.opts.Log
	if err := validateStore(&cfg); err != nil {
		return err
	}
	made, err := config.EnsureKeys(&cfg)
	if err != nil {
		return err
	}
	for _, path := range made {
		log.Info("made a key file", zap.String("path", path))
	}
	master, err := MasterRing(cfg)
	if err != nil {
		return err
	}
	metrics := newMetrics()
	a.metrics = metrics.registry
	metrics.log(a.opts.LogDropped)
	exported, err := a.openTelemetry(ctx, metrics)
	if err != nil {
		return err
	}
	at := StoreConfig(cfg)
	at.Validate = func(s store.Manifest) error { return master.Fits(s.Key) }
	at.Log, at.Now, at.Observe = log.Named("events"), a.opts.Now, metrics.store
	at.Tracer = exported.Tracer
	var bus *events.Bus
	a.watchdog = progress.New(progress.Config{ // it asks nothing before Start: the bus is open by then
		Limits: a.opts.Stall, Excuse: func(ctx context.Context) error { return bus.Health(ctx).Err },
		Count: metrics.stalled, Observed: a.opts.Alive, GiveUp: a.fail, Log: log.Named("watchdog"),
	})
	at.Watchdog = a.watchdog
	if bus, err = events.Open(ctx, at); err != nil {
		return err
	}
	a.defers("event store", bus.Close)
	a.dispatch, a.stuck = bus.Dispatch, bus.AwaitStuck
	metrics.journal(bus)

	auth, err := Authenticate(ctx, cfg, bus, kv.AuthenticatorConfig{Count: metrics.forged, Log: log.Named("events"), Now: a.opts.Now})
	if err != nil {
		return err
	}
	if a.cluster, err = a.openCluster(ctx, cfg, bus, auth); err != nil {
		return err
	}
	tables, err := OpenTables(ctx, bus, auth)
	if err != nil {
		return err
	}
	if a.tokens, err = a.openTokens(ctx, cfg, tables[tableTokens]); err != nil {
		return err
	}
	if a.manager, err = a.openManager(ctx, cfg, bus, opened{master, auth, tables, metrics, exported.Tracer}); err != nil {
		return err
	}
	// Everything was opened and, after a rotation, sealed anew: now the store may say so.
	if err := bus.WriteManifest(ctx, a.opts.Version, master.Renewed(bus.Manifest().Key)); err != nil {
		return err
	}
	backupKeys, err := BackupKeys(cfg)
	if err != nil {
		return err
	}
	var free func() (float64, error)
	if cfg.NATS.Embedded() {
		free = freeOf(cfg.DataDir)
	}
	metrics.registry.MustRegister(newCollector(a.manager.Totals, free, a.opts.Now))
	a.handsOver("metrics", exported.StopMetrics) // while what they are read from is open
	if a.notify, err = a.openNotifier(ctx, cfg, bus, opened{master, auth, tables, metrics, exported.Tracer}); err != nil {
		return err
	}
	receiver := callback.New(callback.Config{
		Receivers: receivers{a.manager}, Journal: bus.Journal(), Rejects: a.manager.DeadLetters, Checks: a.manager,
		Observer: deliveries{a.manager, metrics}, Tracer: exported.Tracer, Log: log.Named("callback"), Now: a.opts.Now,
	})
	a.noise = audit.NewNoise(a.manager.Audit, log)
	auditing := auditor{a.manager, a.noise, log}
	api := admin.New(admin.Config{
		Installations: a.manager, Setup: a.manager, Settings: a.manager, Webhooks: a.manager,
		Records: a.manager, Jobs: a.manager, DeadLetters: a.manager, Activity: a.manager,
		Audit: a.manager.Audit, Tokens: a.tokens,
		Backups: &backups{bus: bus, master: master, keys: backupKeys, version: a.opts.Version, now: a.opts.Now},
		Auditor: auditing, Log: log.Named("admin"), Now: a.opts.Now,
	})
	if a.cluster != nil {
		metrics.shards(a.cluster.leases.Owned)
		if api, err = a.serveCluster(a.cluster, api); err != nil {
			return err
		}
	}
	if err := a.openCertificates(cfg); err != nil {
		return err
	}
	sealing, err := derivedRing(cfg, "channelsync console sessions")
	if err != nil {
		return err
	}
	sessions := session.New(session.Config{Table: tables[tableSessions], Sealer: sealing, Now: a.opts.Now, Log: log.Named("console")})
	adminSide, err := handlers.Admin(handlers.AdminConfig{
		API: api, Tokens: a.tokens, People: people(cfg.OIDC, a.opts.Now), Sessions: sessions, Key: cfg.AdminToken, Auditor: auditing, Metrics: metrics.registry,
		Ready:   slices.Concat(checks(bus), []health.Check{recordsCheck(auth, a.opts.Now), a.serves(), {Name: "progress", Probe: a.watchdog.Check}}, a.certificateChecks()),
		Proxies: cfg.TrustedProxies, URL: cfg.AdminURL, Version: a.opts.Version, Log: log, Now: a.opts.Now,
	})
	if err != nil {
		return err
	}
	return a.listeners(handlers.Public(handlers.PublicConfig{Callbacks: receiver, Proxies: cfg.TrustedProxies, Log: log}), adminSide)
}

// people is the organisation's log-in; nil when there is none.
func people(cfg config.OIDC, now func() time.Time) *oidc.Provider {
	if cfg.Issuer == "" {
		return nil
	}
	return oidc.New(oidc.Config{
		Issuer: cfg.Issuer, ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, RoleClaim: cfg.RoleClaim, Roles: cfg.Roles, Now: now,
	})
}

func (a *App) openTokens(ctx context.Context, cfg config.Config, table *kv.Table) (*identity.Store, error) {
	ring, err := derivedRing(cfg, "channelsync tokens")
	if err != nil {
		return nil, err
	}
	return identity.Open(ctx, identity.Config{
		Table: table, Sealer: ring, Root: cfg.AdminToken, Now: a.opts.Now, Log: a.opts.Log.Named("tokens"),
	})
}

// opened is what the parts of a manager are opened with.
type opened struct {
	master  *seal.Ring
	auth    *kv.Authenticator
	tables  map[string]*kv.Table
	metrics *metrics
	tracer  trace.Tracer // nil: nothing is traced
}

// openManager opens what is kept of installations and records.
func (a *App) openManager(ctx context.Context, cfg config.Config, bus *events.Bus, with opened) (*control.Manager, error) {
	master, tables, metrics := with.master, with.tables, with.metrics
	var err error
	if a.cluster != nil {
		// On disk: a single server forgets a table in memory when it restarts.
		if tables[tableGuard], err = openTable(ctx, bus, with.auth, tableGuard); err != nil {
			return nil, err
		}
	}
	vault, err := seal.OpenVault(ctx, master, tables[store.KeysTable])
	if err != nil {
		return nil, err
	}
	store, err := installation.Open(ctx, tables[TableInstallations], vault)
	if err != nil {
		return nil, err
	}
	for _, err := range store.Unreadable() {
		a.opts.Log.Error("installation lost: its key in the store was destroyed; restore a backup, or install it again", zap.Error(err))
	}
	records := ledger.New(tables[tableLedger], vault)
	jobStore := job.New(tables[tableJobs], a.opts.Now) // an installation's are loaded when this instance works for it
	if a.cluster != nil {
		records = ledger.NewShared(tables[tableLedger], vault)
	} else if jobStore, err = job.Open(ctx, tables[tableJobs], a.opts.Now); err != nil {
		return nil, err
	}
	chained, err := derivedRing(cfg, "channelsync audit")
	if err != nil {
		return nil, err
	}
	trail, err := audit.Open(ctx, audit.Config{
		Table: tables[tableAudit], Sealer: chained, Now: a.opts.Now, Log: a.opts.Log.Named("audit"),
	})
	if err != nil {
		return nil, err
	}
	hourly := history.New(history.Config{Table: tables[tableHistory], Now: a.opts.Now, Log: a.opts.Log.Named("history")})
	hosts := autotask.NewHosts(cfg.Autotask.AllowHosts)
	discovery := transport.New()
	a.defers("connections for discovery", func(context.Context) error { discovery.CloseIdleConnections(); return nil })
	return control.New(control.Config{
		Bus: bus, Vault: vault, Store: store, Ledger: records, Cluster: a.cluster.shared(tables), Watchdog: a.watchdog,
		DeadLetters: deadletter.New(bus.DeadLetters(), vault, a.opts.Now), Jobs: jobStore, Audit: trail, History: hourly,
		Hosts: hosts, Discovery: autotask.Discoverer{URL: cfg.Autotask.DiscoveryURL, Hosts: hosts, Client: &http.Client{Transport: discovery}},
		ChannelProgramURL: cfg.ChannelProgramURL, PublicURL: cfg.PublicURL, Version: a.opts.Version,
		Intervals: control.Intervals{
			Poll: cfg.Intervals.ContractPoll, Parts: cfg.Intervals.ContractParts, Sweep: cfg.Intervals.Sweep,
			WebhookCheck: cfg.Intervals.WebhookCheck, Coalesce: cfg.Intervals.Coalesce,
		},
		Now: a.opts.Now, Log: a.opts.Log.Named("sync"), Tracer: with.tracer,
		Metrics: control.Metrics{Autotask: metrics.autotask, Target: metrics.target, Reconciled: metrics.reconciled, Freshness: metrics.freshness},
	}), nil
}

// serves is no longer so once Stop has begun: a proxy sends what comes elsewhere then.
func (a *App) serves() health.Check {
	return health.Check{Name: "serving", Probe: func(context.Context) (string, error) {
		if a.draining.Load() {
			return "", errors.New("this instance is stopping; incoming callbacks are still accepted")
		}
		return "this instance works", nil
	}}
}

// checks are what /readyz asks.
func checks(bus *events.Bus) []health.Check {
	asked := func(ctx context.Context) (store.Health, error) {
		h := bus.Health(ctx)
		return h, h.Err
	}
	return []health.Check{
		{Name: "nats", Probe: func(ctx context.Context) (string, error) {
			h, err := asked(ctx)
			return "server " + h.ServerVersion, err
		}},
		{Name: "flush", Probe: func(ctx context.Context) (string, error) {
			h, err := asked(ctx)
			if h.Flush != "always" {
				return fmt.Sprintf("warning: the server's flush setting is %s; with anything but sync_interval: always a power cut can lose the last acknowledged changes", h.Flush), err
			}
			return "every change is on disk before it is answered", err
		}},
		{Name: "streams", Probe: func(ctx context.Context) (string, error) {
			h, err := asked(ctx)
			if err == nil && len(h.Frozen) > 0 {
				err = fmt.Errorf("these streams accept no writes: %v; free the disk, then restart the server", h.Frozen)
			}
			return "all streams take writes", err
		}},
	}
}

// rejectedShown is how long /readyz warns of records that somebody else wrote.
const rejectedShown = time.Hour

// recordsCheck warns of what others write to the tables of the store. It is no reason to serve nobody: what they wrote is
// passed over.
func recordsCheck(auth *kv.Authenticator, now func() time.Time) health.Check {
	return health.Check{Name: "records", Probe: func(context.Context) (string, error) {
		rejected := auth.RejectedSince(now().Add(-rejectedShown))
		if len(rejected) == 0 {
			return "every record was written by channelsync", nil
		}
		slices.SortFunc(rejected, func(a, b kv.Rejected) int { return strings.Compare(a.Table, b.Table) })
		var said []string
		for _, r := range rejected {
			said = append(said, fmt.Sprintf("%d in %s, last at %s", r.Writes, r.Table, r.LastAt.UTC().Format(time.RFC3339)))
		}
		return "warning: records that channelsync did not write, or wrote with another master key, are ignored: " + strings.Join(said, "; ") +
			". Find out who else writes to the NATS account", nil
	}}
}

// deliveries tells the manager and the metrics of each callback.
type deliveries struct {
	manager *control.Manager
	metrics *metrics
}

func (d deliveries) Delivered(installation, guid string, sequence *int64, at time.Time, result string) {
	d.manager.Delivered(installation, guid, sequence, at)
	d.metrics.delivered(result)
}

// receivers gives the callback handler its own words for what the manager knows.
type receivers struct{ *control.Manager }

func (r receivers) Receiver(id string) (callback.Receiver, bool) {
	in, ok := r.Manager.Receiver(id)
	out := callback.Receiver{State: in.State, Uses: in.Uses, Registrations: make([]callback.Registration, len(in.Signers))}
	for i, s := range in.Signers {
		out.Registrations[i] = callback.Registration(s)
	}
	return out, ok
}

// The resources of the admin API whose method names meet in one manager.

// auditor keeps operator actions; one that cannot be kept is logged, the action stands.
type auditor struct {
	*control.Manager
	noise *audit.Noise
	log   *zap.Logger
}

func (a auditor) Audit(ctx context.Context, e v1.AuditEntry) {
	if !e.OK {
		a.noise.Refused(e)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := a.Manager.Audit.Add(ctx, e); err != nil {
		a.log.Warn("audit entry lost", zap.String(v1.LogAction, e.Action), zap.Error(err))
	}
}
