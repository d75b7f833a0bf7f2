package app

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/backup"
	"channelsync/events/backup/archive"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/internal/gate"
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
	tableGuard         = "guard" // of several instances only
)

// StoreConfig is where the settings say that the store is.
func StoreConfig(cfg config.Config) store.Config {
	return store.Config{
		URL: cfg.NATS.URL.Reveal(), Creds: cfg.NATS.Creds, Domain: cfg.NATS.Domain, CACert: cfg.NATS.CACert, Cert: cfg.NATS.Cert, Key: cfg.NATS.Key,
		Replicas: cfg.NATS.Replicas, DataDir: cfg.DataDir, JournalMaxBytes: cfg.JournalMaxBytes, Retention: cfg.Retention,
	}
}

// OpenTables opens every table that is always there, by name.
func OpenTables(ctx context.Context, bus *events.Bus) (map[string]*kv.Table, error) {
	tables := map[string]*kv.Table{}
	// What a secure table replaces is overwritten on disk: keys, and what names an installation, must be erasable.
	for name, secure := range map[string]bool{
		store.KeysTable: true, TableInstallations: true, tableLedger: false, tableJobs: false, tableAudit: false, tableHistory: false, tableTokens: false,
	} {
		t, err := bus.Table(ctx, kv.Config{Name: name, History: 1, Secure: secure})
		if err != nil {
			return nil, fmt.Errorf("open table %s: %w", name, err)
		}
		tables[name] = t
	}
	return tables, nil
}

// admit refuses an embedded store that this build, these keys or this disk cannot
// serve, before anything is made or changed. A store in a cluster is asked when it
// is reached.
func admit(cfg *config.Config) error {
	if !cfg.NATS.Embedded() {
		return nil
	}
	stamp, err := store.Inspect(cfg.DataDir)
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
	return master.Fits(stamp.Key)
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

// derivedRing is a ring for one purpose, of a key for each master key: what one purpose sealed
// opens for no other.
func derivedRing(cfg config.Config, purpose string) (*seal.Ring, error) {
	var raws [][]byte
	for _, master := range cfg.MasterKeys {
		raw, err := hkdf.Key(sha256.New, []byte(master.Reveal()), nil, purpose, seal.KeySize)
		if err != nil {
			return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
		}
		raws = append(raws, raw)
	}
	ring, err := seal.NewRing(raws...)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
	}
	return ring, nil
}

// backups writes the store to whoever asks the admin API for it.
type backups struct {
	bus     *events.Bus
	master  *seal.Ring
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
	return w.Close(archive.Manifest{Store: store.Format, Version: b.version, Key: b.master.Sentinel()})
}

// Size is about how many bytes a backup has.
func (b *backups) Size(ctx context.Context) (uint64, error) { return b.bus.StoredBytes(ctx) }
