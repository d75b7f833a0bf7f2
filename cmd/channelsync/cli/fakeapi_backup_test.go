package cli

import (
	"context"
	"io"
	"time"

	"channelsync/events/backup/archive"
)

// backupsOf writes an archive of one stream; after "api refuse torn" one without an end.
type backupsOf struct{ *fakeAPI }

func (backupsOf) Size(context.Context) (uint64, error) { return 4096, nil }

func (b backupsOf) Backup(_ context.Context, to io.Writer) error {
	if err := b.note("backup"); err != nil {
		return err
	}
	w := archive.NewWriter(to, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC))
	part, err := w.Begin("CHANGES")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(part, "snapshot"); err != nil {
		return err
	}
	if err := w.End(archive.Part{Messages: 7, Last: 9, Config: []byte(`{}`), State: []byte(`{}`)}); err != nil {
		return err
	}
	if err := b.note("torn"); err != nil {
		return err
	}
	return w.Close(archive.Manifest{Store: 1, Version: "v1.2.3"}, nil)
}
