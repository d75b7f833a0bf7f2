package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/panics"
	"channelsync/internal/progress"
)

const (
	pollEvery = 10 * time.Second
	quiet     = 30 * time.Second
	saveTime  = 5 * time.Second // also holds up a stop

	backoffFirst = 10 * time.Second
	backoffMost  = time.Hour
)

// Source says how every installation stands; of its answers ID, Name, State and Issues are
// read.
type Source interface {
	OpenIssues(ctx context.Context) ([]v1.InstallationStatus, error)
}

// Table keeps what was notified.
type Table interface {
	Put(ctx context.Context, key string, value []byte) (uint64, error)
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Delete(ctx context.Context, key string) error
}

// Config is what a Notifier works with.
type Config struct {
	URL     v1.Secret // of the receiver: https, or http to loopback
	Secret  v1.Secret // signs every post
	Source  Source
	Table   Table
	Version string // sent in User-Agent

	// Unseen is how long an issue that was notified before a restart must be gone until its
	// recovery is notified: longer than the checks need that would find it again.
	Unseen time.Duration

	Every time.Duration // between two polls; 0 means 10 s
	Quiet time.Duration // how long an issue must be there, or be gone, until it is notified; 0 means 30 s

	Count     func(result string) // counts what became of each post; may be nil
	Transport http.RoundTripper   // nil: one that dials no link-local or metadata address
	Now       func() time.Time
	Log       *zap.Logger
}

// Notifier notifies one receiver of issues.
type Notifier struct {
	cfg  Config
	book *book
	post *poster
}

// Open loads what was notified. Nothing is posted before Run.
func Open(ctx context.Context, cfg Config) (*Notifier, error) {
	cfg.Every, cfg.Quiet = cmp.Or(cfg.Every, pollEvery), cmp.Or(cfg.Quiet, quiet)
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	n := &Notifier{cfg: cfg, book: newBook(cfg.Quiet, cfg.Unseen), post: newPoster(cfg)}
	err := cfg.Table.Each(ctx, "", func(row kv.Entry) error {
		e := &entry{saved: true}
		var ok bool
		if e.key, ok = parseKey(row.Key); !ok || json.Unmarshal(row.Value, &e.note) != nil {
			cfg.Log.Warn("read stored notification failed, notifying again", zap.String(v1.LogOperation, "load "+row.Key))
			return nil
		}
		n.book.entries[e.key] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load notifications: %w", err)
	}
	return n, nil
}

// Run polls issues and notifies until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	defer n.post.client.CloseIdleConnections()
	work := progress.Of(ctx)
	t := time.NewTicker(n.cfg.Every)
	defer t.Stop()
	for {
		work.Busy(progress.Live)
		if err := panics.Try(func() error { n.round(ctx); return nil }); err != nil {
			n.cfg.Log.Error("notification of issues panicked, retrying", zap.Error(err), panics.Stack(err))
		}
		work.Move()
		work.Wait(n.cfg.Every)
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// round polls the issues once and posts what is due, for no longer than until the next poll.
func (n *Notifier) round(ctx context.Context) {
	if err := n.poll(ctx); err != nil {
		if ctx.Err() == nil {
			n.cfg.Log.Warn("poll of open issues failed, retrying", zap.Error(err))
		}
		return
	}
	n.save(ctx)
	until := n.cfg.Now().Add(n.cfg.Every)
	for _, e := range n.book.due(n.cfg.Now()) {
		if ctx.Err() != nil || n.cfg.Now().After(until) || !n.deliver(ctx, e) {
			return
		}
	}
}

func (n *Notifier) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, n.cfg.Every, fmt.Errorf("read issues: not within %s", n.cfg.Every))
	defer cancel()
	all, err := n.cfg.Source.OpenIssues(ctx)
	if err != nil {
		return fmt.Errorf("read issues: %w", errors.Join(err, context.Cause(ctx)))
	}
	n.book.observe(n.cfg.Now(), all)
	return nil
}

// deliver posts one event and says whether the next may be tried.
func (n *Notifier) deliver(ctx context.Context, e *entry) bool {
	result, err := n.post.post(ctx, e.event(), n.cfg.Now())
	if err != nil && ctx.Err() != nil {
		return false // stopped meanwhile; tried again at the next start
	}
	n.cfg.Count(result)
	about := []zap.Field{
		zap.String(v1.LogInstallation, e.installation), zap.String(v1.LogCode, e.code), zap.String(v1.LogOperation, e.Type),
		zap.Int(v1.LogAttempt, e.attempts+1),
	}
	if err == nil {
		n.cfg.Log.Info("notification delivered", about...)
		e.Delivered, e.saved = true, false
		n.save(ctx)
		return true
	}
	pause := backoff(e.attempts)
	e.attempts++
	e.nextAt = n.cfg.Now().Add(pause)
	n.cfg.Log.Warn("deliver notification failed, retrying; check the receiver, --notify-url and --notify-secret",
		append(about, zap.Time(v1.LogNextAt, e.nextAt), zap.Error(err))...)
	return !away(err)
}

// backoff is the pause after an attempt: 10 s, doubled each time up to an hour.
func backoff(attempts int) time.Duration {
	return min(backoffFirst<<min(attempts, 10), backoffMost)
}

// save brings the table in line. What cannot be saved now is saved in a later
// round; it is not posted before, or a restart would post it under another id.
func (n *Notifier) save(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), saveTime, fmt.Errorf("store notifications: not within %s", saveTime))
	defer cancel()
	for _, e := range n.book.entries {
		if e.saved {
			continue
		}
		if err := n.keep(ctx, e); err != nil {
			n.cfg.Log.Warn("store notification failed, retrying", zap.String(v1.LogInstallation, e.installation), zap.String(v1.LogCode, e.code), zap.Error(err))
			return
		}
	}
}

func (n *Notifier) keep(ctx context.Context, e *entry) error {
	if e.Type == TypeRecovered && e.Delivered {
		if err := n.cfg.Table.Delete(ctx, e.String()); err != nil {
			return err //nolint:wrapcheck // named by the table
		}
		delete(n.book.entries, e.key)
		return nil
	}
	value, err := json.Marshal(e.note)
	if err != nil {
		return fmt.Errorf("encode note: %w", err)
	}
	if _, err := n.cfg.Table.Put(ctx, e.String(), value); err != nil {
		return err //nolint:wrapcheck // named by the table
	}
	e.saved = true
	return nil
}
