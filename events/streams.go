package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"channelsync/events/store"
)

// Subjects of the journal and the one durable consumer.
const (
	journalSubjects = "change.>"
	journalProbe    = "change.probe" // what Health writes: it names no installation

	dispatcherName = "dispatcher"
	// dispatcherWas is the consumer of a store of format 1, which reads single changes only.
	dispatcherWas = "dispatch"
)

// ackWait is when another process may have what a dispatcher that died was handed:
// three times what carrying it to the worklist may take, and no longer than until its
// installations are taken over (the lease's TTL).
const ackWait = 15 * time.Second

// duplicateWindow is how long the server remembers message ids of the journal, which have
// none: the shortest, since it reads so much of the stream again when it starts.
const duplicateWindow = 100 * time.Millisecond

// Streams are the streams of a store as this build makes them, beside its tables.
func Streams(c store.Config) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{journalConfig(c), worklistConfig(c), deadConfig(c)}
}

// journalConfig discards new changes at the cap, never old ones: what leaves the
// journal is decided by Trim, which knows what was dispatched.
func journalConfig(c store.Config) jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name: store.JournalStream, Subjects: []string{journalSubjects}, Description: "channelsync: what may differ, and why",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: -1,
		Duplicates: duplicateWindow, Compression: c.JournalCompression(),
		AllowDirect: true, AllowAtomicPublish: true, Replicas: c.Replicas,
	}
	if c.JournalMaxBytes > 0 {
		cfg.MaxBytes = c.JournalMaxBytes
	}
	return cfg
}

// worklistConfig holds one due entry for each record and lane. Schedules need roll-ups
// and cannot be had with "discard new".
func worklistConfig(c store.Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: store.WorklistStream, Subjects: []string{"due.>", "later.>"}, Description: "channelsync: records that are due",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: -1, MaxMsgsPerSubject: 1,
		AllowDirect: true, AllowAtomicPublish: true, AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true,
		Replicas: c.Replicas,
	}
}

func deadConfig(c store.Config) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: store.DeadLettersStream, Subjects: []string{"dead.>"}, Description: "channelsync: what is no longer tried",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: -1, MaxMsgsPerSubject: 1,
		AllowDirect: true, Replicas: c.Replicas,
	}
}

// ensureDispatcher makes the durable consumer that reads the journal. It exists
// from Open on, because its floor tells Trim what must stay. In a store of format 1 it
// goes on where the consumer of that format ended.
func (b *Bus) ensureDispatcher(ctx context.Context) (cons jetstream.Consumer, err error) {
	want := jetstream.ConsumerConfig{
		Durable: dispatcherName, Description: "channelsync: carries changes to the worklist",
		FilterSubject: journalSubjects, DeliverPolicy: jetstream.DeliverAllPolicy, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: ackWait, MaxAckPending: 8000, MaxDeliver: -1,
	}
	err = b.WaitReady(ctx, "prepare consumer "+dispatcherName, func(ctx context.Context) error {
		cons, err = b.JS.Consumer(ctx, store.JournalStream, dispatcherName)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			cons, err = b.makeDispatcher(ctx, want)
		}
		if err != nil {
			return err
		}
		have := cons.CachedInfo().Config
		m := have
		m.FilterSubject, m.AckWait, m.MaxAckPending = want.FilterSubject, want.AckWait, want.MaxAckPending
		m.MaxDeliver = want.MaxDeliver
		if !reflect.DeepEqual(have, m) {
			if cons, err = b.JS.CreateOrUpdateConsumer(ctx, store.JournalStream, m); err != nil {
				return err
			}
		}
		if err := b.JS.DeleteConsumer(ctx, store.JournalStream, dispatcherWas); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove consumer %s: %w", dispatcherWas, err)
		}
		return nil
	})
	return cons, err
}

// makeDispatcher makes the consumer anew, or finds the one that another instance has made
// this moment.
func (b *Bus) makeDispatcher(ctx context.Context, want jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	was, err := b.JS.Consumer(ctx, store.JournalStream, dispatcherWas)
	switch {
	case err == nil:
		want.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		want.OptStartSeq = was.CachedInfo().AckFloor.Stream + 1
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, err
	}
	cons, err := b.JS.CreateConsumer(ctx, store.JournalStream, want)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return b.JS.Consumer(ctx, store.JournalStream, dispatcherName)
	}
	return cons, err
}

// reclaim lets dispatch have again what a process that died had been handed and
// not acknowledged. Nobody else can have it with an embedded server; in a cluster
// another process may, so there AckWait has to run out.
func (b *Bus) reclaim(ctx context.Context, journal jetstream.Stream, cons jetstream.Consumer) error {
	if !b.Inside || cons.CachedInfo().NumAckPending == 0 {
		return nil
	}
	return b.Call(ctx, "reset consumer "+dispatcherName, func(ctx context.Context) error {
		_, err := journal.ResetConsumer(ctx, dispatcherName)
		return err
	})
}
