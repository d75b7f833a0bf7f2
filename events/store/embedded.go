package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"

	"channelsync/internal/disk"
)

const (
	serverName     = "channelsync"
	startTimeout   = 30 * time.Second // a store of a million records takes 3 s to rebuild
	memoryStoreMax = 256 << 20        // bytes; leases and the like
)

// startEmbedded runs a NATS server inside the process. It opens no socket and
// flushes every write before it answers.
func startEmbedded(dataDir string, log *zap.Logger) (*server.Server, error) {
	dir := filepath.Join(dataDir, "nats")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the event store's directory: %w", err)
	}
	limit, err := storeLimit(dir)
	if err != nil {
		return nil, fmt.Errorf("measure the event store's disk: %w", err)
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: serverName, DontListen: true, NoSigs: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, DisableJetStreamBanner: true,
		JetStreamMaxStore: limit, JetStreamMaxMemory: memoryStoreMax,
	})
	if err != nil {
		return nil, fmt.Errorf("set up the embedded nats server: %w", err)
	}
	srv.SetLoggerV2(serverLog{log.Named("nats").Sugar()}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("start the embedded nats server: not ready after %s; its log says why", startTimeout)
	}
	return srv, nil
}

// dropStaging removes the links by which format 1 kept unfinished batches in memory, and
// what they lead to: a process that was killed left them. Such a batch was never acknowledged
// to its publisher.
func dropStaging(dataDir string) {
	streams, _ := os.ReadDir(streamsDir(dataDir)) // none yet
	for _, stream := range streams {
		link := filepath.Join(streamsDir(dataDir), stream.Name(), "batches")
		target, err := os.Readlink(link)
		if err != nil {
			continue // the server's own directory
		}
		_ = os.Remove(link)
		if dir := filepath.Dir(target); strings.HasPrefix(dir, "/dev/shm/channelsync-") {
			_ = os.RemoveAll(dir)
		}
	}
}

// streamsDir is where the server keeps the streams of its one account.
func streamsDir(dataDir string) string {
	return filepath.Join(dataDir, "nats", "jetstream", "$G", "streams")
}

// storeLimit lets the store have what it has and three quarters of what is free.
// (The server's own default forgets what it has, and so shrinks with each start.)
func storeLimit(dir string) (int64, error) {
	space, err := disk.SpaceOf(dir)
	if err != nil {
		return 0, err
	}
	var used int64
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			used += info.Size()
		}
		return err
	})
	return used + space.Free/4*3, err
}

// serverLog carries the server's log into ours; its notices are details here.
type serverLog struct{ log *zap.SugaredLogger }

func (l serverLog) Noticef(format string, v ...any) { l.log.Debugf(format, v...) }
func (l serverLog) Warnf(format string, v ...any)   { l.log.Warnf(format, v...) }
func (l serverLog) Errorf(format string, v ...any)  { l.log.Errorf(format, v...) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log.Errorf(format, v...) } // never ends the process
func (l serverLog) Debugf(string, ...any)           {}
func (l serverLog) Tracef(string, ...any)           {}
