package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/backup"
	"channelsync/events/backup/archive"
	"channelsync/events/kv"
	"channelsync/events/lease"
	"channelsync/events/store"
	"channelsync/handlers/console/session"
	"channelsync/internal/gate"
	"channelsync/internal/mac"
	"channelsync/sync/seal"
)

// The tables beside that of the keys.
const (
	// TableInstallations holds the installations.
	TableInstallations = "installations"
	tableLedger        = "ledger"
	tableJobs          = "jobs"
	tableAudit         = "audit"
	tableHistory       = "history"
	tableTokens        = "tokens"
	tableSessions      = "sessions"
	tableGuard         = "guard"    // of several instances only
	tableNotified      = "notified" // where somebody is notified only
)

// authenticated are the tables whose records carry codes: what others write there is passed over. The ledger and the
// dead letters are sealed with the keys of their installations, and the audit is a chain that shows what was done to it.
var authenticated = []string{
	store.KeysTable, TableInstallations, tableJobs, tableHistory, tableTokens, tableSessions, tableGuard, tableNotified,
	lease.InstancesTable, lease.ShardsTable,
}

// StoreConfig is where the settings say that the store is.
func StoreConfig(cfg config.Config) store.Config {
	return store.Config{
		URL: cfg.NATS.URL.Reveal(), Creds: cfg.NATS.Creds, Domain: cfg.NATS.Domain, CACert: cfg.NATS.CACert, Cert: cfg.NATS.Cert, Key: cfg.NATS.Key,
		Replicas: cfg.NATS.Replicas, DataDir: cfg.DataDir, JournalMaxBytes: cfg.JournalMaxBytes, Retention: cfg.Retention,
	}
}

// Authenticate lets tables be opened with the authenticator that it returns.
func Authenticate(ctx context.Context, cfg config.Config, bus *events.Bus, with kv.AuthenticatorConfig) (*kv.Authenticator, error) {
	var err error
	if with.Keys, err = macKeys(cfg, "channelsync records"); err != nil {
		return nil, err
	}
	auth := kv.NewAuthenticator(with)
	return auth, bus.Authenticate(ctx, auth, authenticated...)
}

// knownTables are the tables by name, whether each is secure: what it replaces is overwritten on disk. Keys, and what names an
// installation, must be erasable. A secure table keeps what others write over, too: what keys, installations and tokens
// were before still stands then.
var knownTables = map[string]bool{
	store.KeysTable: true, TableInstallations: true, tableLedger: false, tableJobs: false, tableAudit: false, tableHistory: false,
	tableTokens: true, tableSessions: false, tableGuard: false, tableNotified: false,
}

// opensAlways says of a table whether it is there in every store.
func opensAlways(name string) bool { return name != tableGuard && name != tableNotified }

// tableConfig is how a table is opened, authenticated if it is one of those.
func tableConfig(name string, auth *kv.Authenticator) kv.Config {
	cfg := kv.Config{Name: name, History: 1, Secure: knownTables[name]}
	if slices.Contains(authenticated, name) {
		cfg.Authenticator = auth
	}
	if name == tableSessions {
		cfg.TTL = session.Idle + 10*time.Minute // one that nobody uses goes by itself, after it has ended
	}
	return cfg
}

func openTable(ctx context.Context, bus *events.Bus, auth *kv.Authenticator, name string) (*kv.Table, error) {
	t, err := bus.Table(ctx, tableConfig(name, auth))
	if err != nil {
		return nil, fmt.Errorf("open table %s: %w", name, err)
	}
	return t, nil
}

// OpenTables opens every table that is always there, by name.
func OpenTables(ctx context.Context, bus *events.Bus, auth *kv.Authenticator) (map[string]*kv.Table, error) {
	opened := map[string]*kv.Table{}
	for name := range knownTables {
		if !opensAlways(name) {
			continue
		}
		var err error
		if opened[name], err = openTable(ctx, bus, auth, name); err != nil {
			return nil, err
		}
	}
	return opened, nil
}

// Streams are the streams of a store as this build makes them, by name.
func Streams(cfg store.Config) (map[string]jetstream.StreamConfig, error) {
	all := map[string]jetstream.StreamConfig{}
	for _, stream := range events.Streams(cfg) {
		all[stream.Name] = stream
	}
	for name := range knownTables {
		stream, err := kv.StreamConfig(tableConfig(name, kv.NewAuthenticator(kv.AuthenticatorConfig{})))
		if err != nil {
			return nil, fmt.Errorf("set up table %s: %w", name, err)
		}
		all[stream.Name] = stream
	}
	return all, nil
}

// BackupKeys authenticate backups.
func BackupKeys(cfg config.Config) (*mac.Keys, error) { return macKeys(cfg, "channelsync backups") }

// validateStore refuses an embedded store that this build, these keys or this disk cannot
// serve, before anything is made or changed. A store in a cluster is asked when it
// is reached.
func validateStore(cfg *config.Config) error {
	if !cfg.NATS.Embedded() {
		return nil
	}
	manifest, err := store.Inspect(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("--data-dir: %w", err)
	}
	if err := config.ReadKeys(cfg); err != nil {
		return err
	}
	if len(cfg.MasterKeys) == 0 {
		return nil // there is no store yet, and its key is made
	}
	master, err := MasterRing(*cfg)
	if err != nil {
		return err
	}
	return master.Fits(manifest.Key)
}

// MasterRing is the ring of the master keys that the settings give.
func MasterRing(cfg config.Config) (*seal.Ring, error) {
	raws := make([][]byte, len(cfg.MasterKeys))
	for i, k := range cfg.MasterKeys {
		raws[i] = []byte(k.Reveal())
	}
	master, err := seal.NewRing(raws...)
	if err != nil {
		return nil, fmt.Errorf("--master-key: %w", err)
	}
	return master, nil
}

// derivedRing is a ring for one purpose: what one purpose sealed opens for no other.
func derivedRing(cfg config.Config, purpose string) (*seal.Ring, error) {
	return derived(cfg, purpose, seal.NewRing)
}

// macKeys are keys that authenticate for one purpose.
func macKeys(cfg config.Config, purpose string) (*mac.Keys, error) {
	return derived(cfg, purpose, mac.New)
}

func derived[T any](cfg config.Config, purpose string, of func(...[]byte) (T, error)) (keys T, err error) {
	raws, err := derivedKeys(cfg, purpose)
	if err != nil {
		return keys, err
	}
	if keys, err = of(raws...); err != nil {
		return keys, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return keys, nil
}

// derivedKeys are keys for one purpose, one for each master key, in their order.
func derivedKeys(cfg config.Config, purpose string) (raws [][]byte, err error) {
	for _, master := range cfg.MasterKeys {
		raw, err := hkdf.Key(sha256.New, []byte(master.Reveal()), nil, purpose, seal.KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
		}
		raws = append(raws, raw)
	}
	return raws, nil
}

// backups writes the store to whoever asks the admin API for it.
type backups struct {
	bus     *events.Bus
	master  *seal.Ring
	keys    *mac.Keys
	version string
	now     func() time.Time
	working gate.Gate // one at a time: a second one would only slow both down
}

// Backup writes an archive. What the vault and the installations say must fit
// together, and no job may be missing: those tables are taken while nobody writes.
func (b *backups) Backup(ctx context.Context, to io.Writer) error {
	leave := b.working.TryEnter()
	if leave == nil {
		return v1.NewProblem(409, v1.CodeConflict, "A backup is being made already.", "Wait until it is done.")
	}
	defer leave()
	w := archive.NewWriter(to, b.now())
	if err := backup.Write(ctx, b.bus.Store, w, []string{store.KeysTable, TableInstallations}, []string{tableJobs}); err != nil {
		return err
	}
	return w.Close(archive.Manifest{Store: store.Format, Version: b.version, Key: b.master.Sentinel()}, b.keys)
}

// Size is about how many bytes a backup has.
func (b *backups) Size(ctx context.Context) (uint64, error) { return b.bus.StoredBytes(ctx) }
