package measure

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/bench/report"
)

const journalRecords = 20_000 // that the changes of a long journal are of

// journal measures how soon the program is ready over a long journal, after a proper
// end and after a kill. The changes are not dispatched yet, which is the worst of it.
func (r *run) journal() (err error) {
	n := pick(r, 1_000_000, 20_000)
	b, err := r.start(1, map[string]string{"log-level": "warn"}) // makes the keys
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := b.Stop(); err != nil {
		return err
	}
	r.say("filling a journal with %d changes", n)
	if err := r.fill(b.DataDir(), n); err != nil {
		return err
	}
	s := report.Section{Title: fmt.Sprintf("A journal of %d changes", n), Columns: []string{"", "ready after", "memory"}}
	for _, how := range []string{"first start", "after a kill while it dispatches", "after another"} {
		if err := b.Start(r.ctx); err != nil {
			return err
		}
		used, err := b.Product.Usage()
		if err != nil {
			return err
		}
		s.Row(how, b.StartedIn.Round(time.Millisecond).String(), megabytes(used))
		if how == "after a kill while it dispatches" {
			r.out.AtMost(fmt.Sprintf("a journal of %d changes, ready after a kill", n), b.StartedIn.Seconds(), 10, " s")
		}
		if err := r.rest(2 * time.Second); err != nil {
			return err
		}
		b.Kill()
	}
	r.out.Sections = append(r.out.Sections, s)
	return nil
}

// fill stores n changes through the package that stores them in the product too.
func (r *run) fill(dataDir string, n int) error {
	bus, err := events.Open(r.ctx, events.Config{DataDir: dataDir, Log: zap.NewNop()})
	if err != nil {
		return err
	}
	installation := strings.ToLower(ulid.Make().String())
	const batch = 10_000
	for stored := 0; stored < n && err == nil; stored += batch {
		changes := make([]events.Change, min(batch, n-stored))
		for i := range changes {
			sequence := int64(stored + i)
			changes[i] = events.Change{
				Installation: installation, Kind: v1.KindCompany, ID: 1000 + sequence%journalRecords, Trigger: v1.TriggerCallback,
				EventTime: time.Now(), Fields: []string{"CompanyName", "Phone"}, WebhookGUID: "a1da62a4-2c49-40a8-8183-69994ce5b3eb",
				SequenceNumber: &sequence,
			}
		}
		err = bus.Journal().PublishAll(r.ctx, changes)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(r.ctx), time.Minute, errors.New("close the store: not within a minute"))
	defer cancel()
	return errors.Join(err, bus.Close(ctx))
}
