package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
)

// The streams and the one durable consumer.
const (
	journalStream  = "CHANGES"
	worklistStream = "WORKLIST"
	deadStream     = "DEADLETTERS"

	journalSubjects = "change.>"
	journalProbe    = "change.probe" // what Health writes: it names no installation

	dispatcherName = "dispatcher"
	// dispatcherWas is the consumer of a store of format 1, which reads single changes only.
	dispatcherWas = "dispatch"
)

// ackWait is when another process may have what a dispatcher that died was handed:
// three times what carrying it to the worklist may take, and no longer than until its
// installations are taken over.
const ackWait = LeaseTTL

// duplicateWindow is how long the server remembers message ids of the journal, which have
// none: the shortest, since it reads so much of the stream again when it starts.
const duplicateWindow = 100 * time.Millisecond

// journalConfig discards new changes at the cap, never old ones: what leaves the
// journal is decided by Trim, which knows what was dispatched.
func (c Config) journalConfig() jetstream.StreamConfig {
	cfg := jetstream.StreamConfig{
		Name: journalStream, Subjects: []string{journalSubjects}, Description: "channelsync: what may differ, and why",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, MaxBytes: -1,
		Duplicates: duplicateWindow, Compression: c.compression(),
		AllowDirect: true, AllowAtomicPublish: true, Replicas: c.Replicas,
	}
	if c.JournalMaxBytes > 0 {
		cfg.MaxBytes = c.JournalMaxBytes
	}
	return cfg
}

// compression is S2 where one server holds the journal, and none where several do: a replica that starts or falls
// behind cuts its copy back, and nats-server 2.15 may compress the block just then that it goes on writing plainly to.
// Such a copy cannot be read any more, and the server takes no part in the stream until somebody repairs it.
func (c Config) compression() jetstream.StoreCompression {
	if c.Replicas > 1 {
		return jetstream.NoCompression
	}
	return jetstream.S2Compression
}

// worklistConfig holds one mark for each record and lane. Schedules need roll-ups
// and cannot be had with "discard new".
func (c Config) worklistConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: worklistStream, Subjects: []string{"due.>", "later.>"}, Description: "channelsync: records that are due",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: -1, MaxMsgsPerSubject: 1,
		AllowDirect: true, AllowAtomicPublish: true, AllowMsgSchedules: true, AllowMsgTTL: true, AllowRollup: true,
		Replicas: c.Replicas,
	}
}

func (c Config) deadConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: deadStream, Subjects: []string{"dead.>"}, Description: "channelsync: what is no longer tried",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, MaxBytes: -1, MaxMsgsPerSubject: 1,
		AllowDirect: true, Replicas: c.Replicas,
	}
}

// ensureStream creates the stream, or compares it and changes only what is ours
// and differs. Everything else (placement, metadata, what an operator set) is
// written back as it was read: a plain "create or update" would reset it.
func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) (handle jetstream.Stream, err error) {
	err = b.settle(ctx, "prepare stream "+want.Name, func(ctx context.Context) error {
		handle, err = b.js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err := b.refuseLostStream(want.Name); err != nil {
				return err
			}
			handle, err = b.js.CreateStream(ctx, want)
			return err
		}
		if err != nil {
			return err
		}
		have := handle.CachedInfo().Config
		merged, err := merge(have, want)
		if err != nil || reflect.DeepEqual(have, merged) {
			return err
		}
		b.log.Info("stream differs from what it should be; updating it", zap.String(v1.LogStream, want.Name))
		handle, err = b.js.UpdateStream(ctx, merged)
		return err
	})
	return handle, err
}

const (
	settleTimeout = 30 * time.Second // for a cluster that is starting to elect its leaders
	settlePause   = 250 * time.Millisecond
)

// settle is call, tried again while a cluster is still electing a leader: it then
// does not answer, or says that it is unavailable.
func (l *link) settle(ctx context.Context, operation string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	return l.untilSettled(ctx, operation, fn)
}

// untilSettled is settle for as long as the context allows.
func (l *link) untilSettled(ctx context.Context, operation string, fn func(context.Context) error) error {
	for first := true; ; first = false {
		err := l.call(ctx, operation, fn)
		if err == nil || l.inside || ctx.Err() != nil || !isUnavailable(err) {
			return err
		}
		if first {
			l.log.Info("nats is not ready; trying again", zap.Error(err))
		}
		pause(ctx, settlePause)
	}
}

// merge is have with the fields that channelsync owns taken from want.
func merge(have, want jetstream.StreamConfig) (jetstream.StreamConfig, error) {
	if have.Storage != want.Storage || have.Retention != want.Retention {
		return have, fmt.Errorf("the existing stream has %v storage and %v retention, channelsync needs %v and %v: "+
			"remove or rename it", have.Storage, have.Retention, want.Storage, want.Retention)
	}
	m := have
	m.Subjects, m.Replicas, m.Discard, m.MaxBytes = want.Subjects, want.Replicas, want.Discard, want.MaxBytes
	m.MaxAge, m.Compression = want.MaxAge, want.Compression
	m.AllowDirect, m.AllowAtomicPublish, m.AllowRollup = want.AllowDirect, want.AllowAtomicPublish, want.AllowRollup
	m.AllowMsgTTL, m.AllowMsgSchedules = want.AllowMsgTTL, want.AllowMsgSchedules
	m.DenyDelete, m.DenyPurge = want.DenyDelete, want.DenyPurge
	if want.MaxMsgsPerSubject != 0 {
		m.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	}
	if want.Duplicates != 0 {
		m.Duplicates = want.Duplicates
	}
	return m, nil
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
	err = b.settle(ctx, "prepare consumer "+dispatcherName, func(ctx context.Context) error {
		cons, err = b.js.Consumer(ctx, journalStream, dispatcherName)
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
			if cons, err = b.js.CreateOrUpdateConsumer(ctx, journalStream, m); err != nil {
				return err
			}
		}
		if err := b.js.DeleteConsumer(ctx, journalStream, dispatcherWas); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return fmt.Errorf("remove consumer %s: %w", dispatcherWas, err)
		}
		return nil
	})
	return cons, err
}

// makeDispatcher makes the consumer anew, or finds the one that another instance has made
// this moment.
func (b *Bus) makeDispatcher(ctx context.Context, want jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	was, err := b.js.Consumer(ctx, journalStream, dispatcherWas)
	switch {
	case err == nil:
		want.DeliverPolicy = jetstream.DeliverByStartSequencePolicy
		want.OptStartSeq = was.CachedInfo().AckFloor.Stream + 1
	case !errors.Is(err, jetstream.ErrConsumerNotFound):
		return nil, err
	}
	cons, err := b.js.CreateConsumer(ctx, journalStream, want)
	if errors.Is(err, jetstream.ErrConsumerExists) {
		return b.js.Consumer(ctx, journalStream, dispatcherName)
	}
	return cons, err
}

// reclaim lets dispatch have again what a process that died had been handed and
// not acknowledged. Nobody else can have it with an embedded server; in a cluster
// another process may, so there AckWait has to run out.
func (b *Bus) reclaim(ctx context.Context, journal jetstream.Stream, cons jetstream.Consumer) error {
	if b.server == nil || cons.CachedInfo().NumAckPending == 0 {
		return nil
	}
	return b.call(ctx, "reset consumer "+dispatcherName, func(ctx context.Context) error {
		_, err := journal.ResetConsumer(ctx, dispatcherName)
		return err
	})
}
