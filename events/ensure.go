package events

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/internal/lifecycle"
)

// ensureStream creates the stream, or compares it and changes only what is ours
// and differs. Everything else (placement, metadata, what an operator set) is
// written back as it was read: a plain "create or update" would reset it.
func (l *link) ensureStream(ctx context.Context, want jetstream.StreamConfig) (handle jetstream.Stream, err error) {
	err = l.settle(ctx, "prepare stream "+want.Name, func(ctx context.Context) error {
		handle, err = l.js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err := l.refuseLostStream(want.Name); err != nil {
				return err
			}
			handle, err = l.js.CreateStream(ctx, want)
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
		l.log.Info("stream differs from what it should be; updating it", zap.String(v1.LogStream, want.Name))
		handle, err = l.js.UpdateStream(ctx, merged)
		return err
	})
	return handle, err
}

// refuseLostStream stops Open from creating a stream anew over one that is on
// disk but could not be recovered: that would destroy it for good.
func (l *link) refuseLostStream(name string) error {
	if l.disk == "" {
		return nil
	}
	dir := filepath.Join(l.disk, name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fmt.Errorf("it is on disk but the server could not recover it: restore %s from a backup, "+
		"or move it away to start empty", filepath.Join("nats", "jetstream", "$G", "streams", name))
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
		_ = lifecycle.Sleep(ctx, settlePause)
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
