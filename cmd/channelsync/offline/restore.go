package offline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.uber.org/zap"

	"channelsync/cmd/channelsync/app"
	"channelsync/cmd/channelsync/config"
	"channelsync/events"
	"channelsync/events/backup"
	"channelsync/events/backup/archive"
	"channelsync/events/kv"
	"channelsync/events/store"
	"channelsync/internal/disk"
	"channelsync/sync/control"
	"channelsync/sync/installation"
	"channelsync/sync/seal"
)

// workPrefix begins the directory that a store is put together in. It lies in the
// data directory, so that it can take its place there in one step.
const workPrefix = ".restore-"

// Report is what a backup was found to hold.
type Report struct {
	archive.Manifest
	Streams []backup.Restored // empty where only the file was checked
	// Unauthenticated says that nothing vouches for the backup: it is from before backups had codes.
	Unauthenticated bool
	Installations   int
}

// Restore is a backup and where it is put.
type Restore struct {
	File     string
	Config   config.Config // its data directory and master keys
	Version  string        // of this build
	Log      *zap.Logger
	Progress func(done, total int64) // called as the file is read; may be nil
}

// Verify reads the whole file and compares it with its manifest. It needs no key.
func Verify(file string, progress func(done, total int64)) (archive.Manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return archive.Manifest{}, fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = f.Close() }()
	m, err := archive.Check(counted(f, progress))
	if err != nil {
		return m, fmt.Errorf("check %s: %w", file, err)
	}
	return m, nil
}

// Rehearse restores into a temporary directory, opens everything with the key,
// and removes it again: the one check that says that a backup restores.
func (r Restore) Rehearse(ctx context.Context) (Report, error) {
	found, err := r.verify()
	if err != nil {
		return Report{}, err
	}
	dir, err := os.MkdirTemp("", "channelsync-check-")
	if err != nil {
		return Report{}, fmt.Errorf("make a directory for the rehearsal: %w", err)
	}
	report, err := r.make(ctx, dir, found)
	return report, errors.Join(err, os.RemoveAll(dir))
}

// Run puts the backup into the data directory, which must hold no store. After it
// every installation owes a pass over all of its records; see control.Restored.
func (r Restore) Run(ctx context.Context) (Report, error) {
	dir := r.Config.DataDir
	if err := vacant(dir); err != nil {
		return Report{}, err
	}
	if _, err := store.Inspect(dir); err != nil {
		return Report{}, fmt.Errorf("--data-dir: %w", err)
	}
	found, err := r.verify()
	if err != nil {
		return Report{}, err
	}
	unlock, err := store.LockDir(dir)
	if err != nil {
		return Report{}, fmt.Errorf("restore: %w", err)
	}
	defer unlock()
	if err := vacant(dir); err != nil { // nobody was faster
		return Report{}, err
	}
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return Report{}, fmt.Errorf("restore: %w", err)
	}
	report, err := r.make(ctx, work, found)
	if err == nil {
		err = commit(work, dir)
	}
	return report, errors.Join(err, removeWork(dir))
}

// verify checks the file, that the keys open it and that they vouch for it, before anything is written.
func (r Restore) verify() (Report, error) {
	m, err := Verify(r.File, r.Progress)
	if err != nil {
		return Report{}, err
	}
	report := Report{Manifest: m}
	master, err := app.MasterRing(r.Config)
	if err != nil {
		return report, err
	}
	if err := master.Fits(m.Key); err != nil {
		return report, err
	}
	keys, err := app.BackupKeys(r.Config)
	if err != nil {
		return report, err
	}
	if m.Authentic(keys) {
		return report, nil
	}
	// A build that wrote such files wrote such stores: of a later one the code was taken away.
	report.Unauthenticated = m.Format < archive.FormatCoded && m.Store < store.FormatAuthenticated && m.MAC == nil
	if !report.Unauthenticated {
		return report, fmt.Errorf("check %s: the backup was changed after it was made, or made with another master key "+
			"(nothing was changed)", r.File)
	}
	return report, nil
}

// make puts a whole store together in a directory.
func (r Restore) make(ctx context.Context, dir string, report Report) (Report, error) {
	if err := r.fill(ctx, dir, &report); err != nil {
		return report, err
	}
	master, err := app.MasterRing(r.Config)
	if err != nil {
		return report, err
	}
	bus, err := events.Open(ctx, store.Config{DataDir: dir, Log: r.Log})
	if err != nil {
		return report, err
	}
	report.Installations, err = r.prepare(ctx, bus, master)
	if err == nil {
		err = bus.WriteManifest(ctx, r.Version, master.Sentinel())
	}
	return report, errors.Join(err, bus.Close(context.WithoutCancel(ctx)))
}

func (r Restore) fill(ctx context.Context, dir string, report *Report) error {
	f, err := os.Open(r.File)
	if err != nil {
		return fmt.Errorf("open the backup: %w", err)
	}
	defer func() { _ = f.Close() }()
	made, err := store.Open(ctx, store.Config{DataDir: dir, Log: r.Log})
	if err != nil {
		return err
	}
	streams, err := app.Streams(made.Config())
	if err != nil {
		return errors.Join(err, made.Close(context.WithoutCancel(ctx)))
	}
	from := backup.Archive{File: counted(f, r.Progress), Manifest: report.Manifest, Streams: streams}
	err = backup.Restore(ctx, made, from, func(done backup.Restored) {
		report.Streams = append(report.Streams, done)
	})
	return errors.Join(err, made.Close(context.WithoutCancel(ctx)))
}

// prepare opens what is sealed and finishes what a restored store has pending.
func (r Restore) prepare(ctx context.Context, bus *events.Bus, master *seal.Ring) (int, error) {
	auth, err := app.Authenticate(ctx, r.Config, bus, kv.AuthenticatorConfig{Log: r.Log})
	if err != nil {
		return 0, err
	}
	tables, err := app.OpenTables(ctx, bus, auth)
	if err != nil {
		return 0, err
	}
	vault, err := seal.OpenVault(ctx, master, tables[store.KeysTable])
	if err != nil {
		return 0, err
	}
	store, err := installation.Open(ctx, tables[app.TableInstallations], vault)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(store.Unreadable()...); err != nil {
		return 0, err
	}
	return control.Restored(ctx, store)
}

// commit moves a finished store to its place. The streams go first: without its
// manifest a store is complete; a manifest without a store is nothing.
func commit(work, dir string) error {
	for _, name := range []string{"nats", "store.json"} {
		if err := disk.Name(filepath.Join(work, name), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("put the restored store in its place: %w", err)
		}
	}
	return nil
}

// vacant refuses a directory with anything in it but keys, and what a restore that
// was cut short left: nothing is ever overwritten.
func vacant(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at --data-dir: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains([]string{"master-key", "admin-token", "lock"}, e.Name()) && !strings.HasPrefix(e.Name(), workPrefix) {
			return fmt.Errorf("--data-dir: %s is not empty (%s): restore into a directory without a store (nothing was changed)", dir, e.Name())
		}
	}
	return nil
}

func removeWork(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, workPrefix+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// counted tells how much of a file was read.
func counted(f *os.File, progress func(done, total int64)) io.Reader {
	info, err := f.Stat()
	if progress == nil || err != nil {
		return f
	}
	return &meter{Reader: f, total: info.Size(), progress: progress}
}

type meter struct {
	io.Reader
	done, total int64
	progress    func(done, total int64)
}

func (m *meter) Read(b []byte) (int, error) {
	n, err := m.Reader.Read(b)
	m.done += int64(n)
	m.progress(m.done, m.total)
	return n, err //nolint:wrapcheck // a reader passes errors through
}
