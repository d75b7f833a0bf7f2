package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
	"channelsync/cmd/channelsync/offline"
	"channelsync/events/backup"
	"channelsync/events/backup/archive"
	"channelsync/internal/disk"
)

const kib = 1 << 10

func (s *session) backupCommand() *command.Command {
	verify := false
	return &command.Command{
		Name: "backup", Args: "file", Short: "write a backup of the whole store while the service runs",
		Long: `The file must not exist. Until the backup is complete and checked, it is called <file>.partial; the command exits 0
only then. What is sealed in the store stays sealed in the backup. The master key is not in it: keep a copy
elsewhere, because nothing opens a backup without it. restore --check rehearses a restore.`,
		Examples: []string{"channelsync backup channelsync-monday.tar", "channelsync backup --verify channelsync-monday.tar"},
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&verify, "verify", false, "only compare an existing file with its manifest")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			file, err := oneFile(args)
			if err != nil {
				return err
			}
			if !verify {
				if err := s.backUp(ctx, file); err != nil {
					return err
				}
			}
			m, err := s.verified(file)
			if err != nil {
				return err
			}
			return s.showBackup(file, m)
		},
	}
}

func oneFile(args []string) (string, error) {
	if len(args) != 1 || args[0] == "" {
		return "", command.Usage("channelsync backup channelsync.tar", "name one file")
	}
	return args[0], nil
}

// backUp writes the file under another name until it is whole and on disk.
func (s *session) backUp(ctx context.Context, file string) error {
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return taken(file)
	}
	api, err := s.api()
	if err != nil {
		return err
	}
	partial := file + ".partial"
	f, err := os.OpenFile(partial, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // exclusive: it follows no link either
	if errors.Is(err, fs.ErrExist) {
		return &failure{text(partial) + " is there already", "another backup is being written to it, or one was cut short: remove it then, or name another file"}
	}
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	defer func() { _ = os.Remove(partial) }()
	bar := s.progress("backing up")
	defer bar.end()
	total, done := int64(0), int64(0)
	err = api.Backup(ctx, writerFunc(func(b []byte) (int, error) {
		n, err := f.Write(b)
		done += int64(n)
		bar.at(int(done/kib), int(max(total, done)/kib)+1) // the size is a guess
		return n, err
	}), func(size int64) { total = size })
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	bar.end()
	if _, err := s.verified(partial); err != nil {
		return err
	}
	if err := disk.Name(partial, file); errors.Is(err, fs.ErrExist) {
		return taken(file)
	} else if err != nil {
		return fmt.Errorf("name the file: %w", err)
	}
	return nil
}

func taken(file string) error {
	return &failure{text(file) + " is there already", "name a new file: a backup never overwrites another one"}
}

func (s *session) verified(file string) (archive.Manifest, error) {
	bar := s.progress("checking")
	defer bar.end()
	return offline.Verify(file, func(done, total int64) { bar.at(int(done/kib), int(total/kib)) })
}

func (s *session) showBackup(file string, m archive.Manifest) error {
	if s.json {
		return s.writeJSON(m)
	}
	streams := make([]backup.Restored, 0, len(m.Parts))
	for _, p := range m.Parts {
		streams = append(streams, backup.Restored{Name: p.Name, Messages: p.Messages, Last: p.Last})
	}
	if err := s.showStreams(streams); err != nil {
		return err
	}
	s.say("\n%s is complete: made %s by channelsync %s. The master key is not in it.", text(file), m.At.UTC().Format(time.RFC3339), text(m.Version))
	return nil
}

// showStreams lists what a store is made of.
func (s *session) showStreams(streams []backup.Restored) error {
	t := screen.Table{Header: []string{"STREAM", "MESSAGES", "LAST"}}
	for _, r := range streams {
		t.Add(r.Name, strconv.FormatUint(r.Messages, 10), strconv.FormatUint(r.Last, 10))
	}
	return s.writeTable(t)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
