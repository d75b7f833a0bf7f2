package events

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"
)

const (
	stagingBase = "/dev/shm" // memory, on every Linux
	stagingName = "channelsync-"
	stagingRoom = 32 << 20 // bytes that must be free; what waits in it at a time is a few MiB
	tmpfsMagic  = 0x01021994
	// stagingIdle is how long a stream's link stays after its last batch: the server
	// tidies up behind a batch after it has answered.
	stagingIdle = 50 * time.Millisecond
)

// staging is where the embedded server keeps a batch until it is committed: in
// memory, not beside the stream.
//
// The server writes each batch twice: to a store of the batch's own, whose files it
// flushes one by one, and then into the stream, which it flushes once before it
// answers. Only the second makes anything durable. The first serves to finish, after
// a crash, a batch that was cut off half-way, and nobody was told that it is stored.
// Memory outlives the process, so a crash of that is finished as before. A power cut
// may leave the beginning of such a batch: a hint too many, marks or ledger entries
// of work that is done again. No batch of ours needs more than that.
//
// The server has no setting for it, but follows a symbolic link in the place of its
// directory. The link stands only while batches are under way, so that whoever looks
// at the data directory or copies it meets none. Where there can be no link, and
// where a server keeps batches elsewhere, they are staged on disk: slower, as safe.
type staging struct {
	dir     string // in memory; empty when there is no place for it
	streams string // the server's directory of streams
	log     *zap.Logger

	mu     sync.Mutex
	stages []*stage
}

// openStaging finds a place in memory below base, and removes what a process that
// died has left there; the server has recovered from it.
func openStaging(base, dataDir string, left []string, log *zap.Logger) *staging {
	for _, dir := range left {
		_ = os.RemoveAll(dir) // memory that nobody needs any more
	}
	s := &staging{streams: streamsDir(dataDir), log: log}
	var fs syscall.Statfs_t
	err := syscall.Statfs(base, &fs)
	if err == nil && (fs.Type != tmpfsMagic || fs.Bavail*uint64(fs.Bsize) < stagingRoom) { //nolint:gosec,unconvert // a size is positive; the types differ between platforms
		err = errors.New("it is no memory, or full")
	}
	if err == nil {
		s.dir, err = os.MkdirTemp(base, stagingName)
	}
	if err != nil {
		log.Debug("no place in memory for batches: they are staged on disk", zap.Error(err))
	}
	return s
}

// of returns where a stream's batches are staged; nil leaves it to the server.
func (s *staging) of(cfg jetstream.StreamConfig) *stage {
	if s == nil || s.dir == "" || !cfg.AllowAtomicPublish || cfg.Storage != jetstream.FileStorage {
		return nil
	}
	one := &stage{link: batchesOf(s.streams, cfg.Name), target: filepath.Join(s.dir, cfg.Name), log: s.log}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages = append(s.stages, one)
	return one
}

// close removes the links, then what they lead to; the server has ended. On a disk
// that takes no writes a link stays: the next start removes what it finds.
func (s *staging) close() {
	s.mu.Lock()
	stages := s.stages
	s.mu.Unlock()
	for _, one := range stages {
		one.end()
	}
	var errs []error
	for _, link := range stagingLinks(s.streams) {
		errs = append(errs, os.Remove(link))
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Warn("staged batches not removed; the next start does", zap.Error(err))
	}
}

// stage is one stream's place in memory.
type stage struct {
	link, target string
	log          *zap.Logger

	mu    sync.Mutex
	users int // batches under way
	stood bool
	idle  *time.Timer
}

// enter makes the link stand until leave; nil does nothing.
func (s *stage) enter() (leave func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
	if s.idle != nil {
		s.idle.Stop()
	}
	if !s.stood {
		if err := s.stand(); err != nil {
			s.log.Debug("batches are staged on disk", zap.Error(err))
		}
		s.stood = true
	}
	return s.leave
}

func (s *stage) stand() error {
	if err := os.MkdirAll(s.target, 0o700); err != nil {
		return fmt.Errorf("make a place for batches: %w", err)
	}
	_ = os.Remove(s.link) // an empty directory of the server's own, or nothing
	if err := os.Symlink(s.target, s.link); err != nil {
		return fmt.Errorf("link a place for batches: %w", err)
	}
	return nil
}

func (s *stage) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users == 0 {
		s.idle = time.AfterFunc(stagingIdle, s.fall)
	}
}

// fall takes the link away unless a batch has come meanwhile, and with it whatever
// the server did not tidy up.
func (s *stage) fall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users > 0 || !s.stood {
		return
	}
	s.stood = false
	if info, err := os.Lstat(s.link); err == nil && info.Mode()&os.ModeSymlink != 0 {
		_ = os.Remove(s.link) // if it stays, the next batch uses it
	}
	_ = os.RemoveAll(s.target)
}

// end leaves the link to whoever opens the store next: it must not fall later.
func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle != nil {
		s.idle.Stop()
	}
	s.stood = false
}

// leftovers lists the directories in memory that a process which died has left
// behind. They must stay until the server has recovered from them.
func leftovers(base, dataDir string) []string {
	var dirs []string
	for _, link := range stagingLinks(streamsDir(dataDir)) {
		target, err := os.Readlink(link)
		if dir := filepath.Dir(target); err == nil && filepath.Dir(dir) == base && strings.HasPrefix(filepath.Base(dir), stagingName) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// stagingLinks lists the streams' directories of batches that are links.
func stagingLinks(streams string) []string {
	entries, err := os.ReadDir(streams)
	if err != nil {
		return nil // no stream yet
	}
	var links []string
	for _, e := range entries {
		link := batchesOf(streams, e.Name())
		if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink != 0 {
			links = append(links, link)
		}
	}
	return links
}

// The server's own layout: the streams of its one account, and in each its batches.
func streamsDir(dataDir string) string {
	return filepath.Join(dataDir, "nats", "jetstream", "$G", "streams")
}

func batchesOf(streams, stream string) string { return filepath.Join(streams, stream, "batches") }
