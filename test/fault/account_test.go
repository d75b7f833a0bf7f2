//go:build linux

package fault

import (
	"context"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/store"
	"channelsync/test/harness/service"
)

// account closes the account of a trial: it stops the service, reads its journal,
// and fails the test when an acknowledged delivery is lost.
func (tr *trial) account(note string) line {
	tr.Helper()
	for d, err := range tr.Admin.AllDeadLetters(tr.Context(), tr.in.ID) {
		tr.Errorf("dead letter %+v, %v", d, err)
	}
	l := line{fault: tr.fault.name, recovered: tr.recovery, note: note}
	wrong := tr.unreflected()
	tr.Stop()
	kept := tr.journal()
	for id, d := range tr.sender.account() {
		l.sent++
		if !d.acknowledged {
			l.refused++
			continue
		}
		l.acknowledged++
		record, err := tr.client(d)
		if err != nil {
			tr.Error(err)
		}
		if !wrong[record] {
			l.reflected++
		}
		if wrong[record] || !kept[id] {
			l.lost++
		}
	}
	l.twice = service.Twice(tr.Target.Pushes(service.Connection), 0)
	switch {
	case l.lost > 0 || l.reflected != l.acknowledged:
		tr.Errorf("%d of %d acknowledged deliveries are lost, %d reflected", l.lost, l.acknowledged, l.reflected)
	case l.acknowledged == 0:
		tr.Error("no delivery was acknowledged: the account proves nothing")
	}
	if l.twice > 0 && !tr.fault.repeats {
		tr.Errorf("%d records were pushed again as they were", l.twice)
	}
	if o := tr.Target.Overlaps(); len(o) > 0 {
		tr.Errorf("one record, two hands: %+v", o)
	}
	return l
}

// journal is every delivery that the journal holds.
func (tr *trial) journal() map[receipt]bool {
	tr.Helper()
	ctx, cancel := context.WithTimeout(tr.Context(), soon)
	defer cancel()
	bus, err := events.Open(ctx, tr.store())
	if err != nil {
		tr.Fatal(err)
	}
	held := map[receipt]bool{}
	err = bus.Journal().Read(ctx, events.ReadFrom{Installation: tr.in.ID}, func(c events.StoredChange) error {
		if c.SequenceNumber != nil && c.Trigger == v1.TriggerCallback {
			held[receipt{c.WebhookGUID, *c.SequenceNumber}] = true
		}
		return nil
	})
	if err != nil {
		tr.Error(err)
	}
	if err := bus.Close(ctx); err != nil {
		tr.Error(err)
	}
	return held
}

// store is where the stopped service kept its journal.
func (tr *trial) store() store.Config {
	if url := tr.NATSURL(); url != "" {
		return store.Config{URL: url, Replicas: 1}
	}
	return store.Config{DataDir: tr.DataDir}
}

// during is what a fault strikes for: so long in the short form, so long in the long one.
func during(short, long time.Duration) time.Duration { return form(short, long) }
