package measure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/store"
	"channelsync/test/bench/report"
)

const (
	journalRecords    = 20_000 // that the changes of a long journal are of
	journalWriters    = 256    // that store a long journal side by side, as many callbacks at a time do
	whileItDispatches = "after a kill during dispatch"
)

// journal measures how large a long journal is, and how soon the program is ready over it,
// after a proper end and after a kill. The changes are not dispatched yet, which is the
// worst of it.
func (r *run) journal() (err error) {
	n := pick(r, 1_000_000, 5_000)
	lone := pick(r, 10_000, 1_000)                               // that are stored one after another, as callbacks of ordinary days are
	b, err := r.start(1, map[string]string{"log-level": "warn"}) // makes the keys
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Stop(); err != nil {
		return err
	}
	s := report.Section{Title: fmt.Sprintf("A journal of %d changes", n), Columns: []string{"", "ready after", "memory"}}
	for _, c := range []struct {
		changes, writers int
		dir              string
	}{{lone, 1, filepath.Join(r.Dir, "lone")}, {n, journalWriters, b.DataDir()}} {
		r.say("filling a journal with %d changes of %d writers", c.changes, c.writers)
		if err := r.fill(c.dir, c.changes, c.writers); err != nil {
			return err
		}
		size, err := journalSize(c.dir)
		if err != nil {
			return err
		}
		s.Note("%d changes by %s at a time take %.1f MB on disk, %d bytes each.", c.changes, counted(c.writers, "caller"), float64(size)/1e6, size/int64(c.changes))
	}
	for _, how := range pick(r, []string{"first start", whileItDispatches, "after another kill"}, []string{"first start", whileItDispatches}) {
		if err := b.Start(r.ctx); err != nil {
			return err
		}
		used, err := b.Product.Usage()
		if err != nil {
			return err
		}
		s.Row(how, b.StartedIn.Round(time.Millisecond).String(), megabytes(used))
		if how == whileItDispatches {
			r.out.AtMost(fmt.Sprintf("ready after a kill, with a journal of %d changes", n), b.StartedIn.Seconds(), 2, " s")
		}
		if err := r.rest(2 * time.Second); err != nil {
			return err
		}
		b.Kill()
	}
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

// fill stores n changes as so many callbacks at a time would, through the package that
// stores them in the product too.
func (r *run) fill(dataDir string, n, writers int) error {
	bus, err := events.Open(r.ctx, store.Config{DataDir: dataDir, Log: zap.NewNop()})
	if err != nil {
		return err
	}
	installation := strings.ToLower(ulid.Make().String())
	var next atomic.Int64
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for sequence := next.Add(1); sequence <= int64(n) && errs[i] == nil; sequence = next.Add(1) {
				_, errs[i] = bus.Journal().Publish(r.ctx, callbackChange(installation, sequence), fmt.Sprintf("%s|%d", installation, sequence))
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(r.ctx), time.Minute, errors.New("close the store: not within a minute"))
	defer cancel()
	return errors.Join(append(errs, bus.Close(ctx))...)
}

// callbackChange is a change as a callback brings it.
func callbackChange(installation string, sequence int64) events.Change {
	return events.Change{
		Installation: installation, Kind: v1.KindCompany, ID: 1000 + sequence%journalRecords, Trigger: v1.TriggerCallback,
		EventTime: time.Now().Truncate(time.Second).UTC(), Fields: []string{"City", "CompanyName", "Phone"},
		WebhookGUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb", SequenceNumber: &sequence,
	}
}

// journalSize is what the files of a journal take, in bytes.
func journalSize(dataDir string) (size int64, err error) {
	dir := filepath.Join(dataDir, "nats", "jetstream", "$G", "streams", "CHANGES")
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("measure the journal: %w", err)
	}
	return size, nil
}
