package jetstream

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

// EnsureStream creates the stream, or compares it and changes only what is ours
// and differs. Everything else (placement, metadata, what an operator set) is
// written back as it was read: a plain "create or update" would reset it.
func (l *Link) EnsureStream(ctx context.Context, want jetstream.StreamConfig) (handle jetstream.Stream, err error) {
	err = l.WaitReady(ctx, "prepare stream "+want.Name, func(ctx context.Context) error {
		handle, err = l.JS.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			if err := l.refuseLostStream(want.Name); err != nil {
				return err
			}
			handle, err = l.JS.CreateStream(ctx, want)
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
		l.Log.Info("stream differs from what it should be; updating it", zap.String(v1.LogStream, want.Name))
		handle, err = l.JS.UpdateStream(ctx, merged)
		return err
	})
	return handle, err
}

// refuseLostStream stops Open from creating a stream anew over one that is on
// disk but could not be recovered: that would destroy it for good.
func (l *Link) refuseLostStream(name string) error {
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
	ReadyTimeout = 30 * time.Second // for a cluster that is starting to elect its leaders
	readyPause   = 250 * time.Millisecond
)

// WaitReady is Call, tried again while a cluster is still electing a leader: it then
// does not answer, or says that it is unavailable.
func (l *Link) WaitReady(ctx context.Context, operation string, fn func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyTimeout)
	defer cancel()
	return l.UntilReady(ctx, operation, fn)
}

// UntilReady is WaitReady for as long as the context allows.
func (l *Link) UntilReady(ctx context.Context, operation string, fn func(context.Context) error) error {
	for first := true; ; first = false {
		err := l.Call(ctx, operation, fn)
		if err == nil || l.Inside || ctx.Err() != nil || !IsUnavailable(err) {
			return err
		}
		if first {
			l.Log.Info("nats is not ready; trying again", zap.Error(err))
		}
		_ = lifecycle.Sleep(ctx, readyPause)
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
