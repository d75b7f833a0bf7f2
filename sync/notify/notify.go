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
	lookEvery = 10 * time.Second
	quiet     = 30 * time.Second
	saveTime  = 5 * time.Second // also holds up a stop

	backoffFirst = 10 * time.Second
	backoffMost  = time.Hour
)

// Source tells how every installation stands; of its answers ID, Name, State and
// Issues are read.
type Source interface {
	OpenIssues(ctx context.Context) ([]v1.InstallationStatus, error)
}

// Table is where it is kept what was told.
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
	Version string // told in User-Agent

	// Settle is how long an issue that was told before a restart must be gone until
	// its recovery is told: longer than the checks need that would find it again.
	Settle time.Duration

	Every time.Duration // between two looks; 0 means 10 s
	Quiet time.Duration // how long an issue must be there, or be gone, until it is told; 0 means 30 s

	Count     func(result string) // told what became of each post; nil: nobody
	Transport http.RoundTripper   // nil: one that dials no link-local or metadata address
	Now       func() time.Time
	Log       *zap.Logger
}

// Notifier tells one receiver of issues.
type Notifier struct {
	cfg  Config
	book *book
	post *poster
}

// Open loads what was told. Nothing is posted before Run.
func Open(ctx context.Context, cfg Config) (*Notifier, error) {
	cfg.Every, cfg.Quiet = cmp.Or(cfg.Every, lookEvery), cmp.Or(cfg.Quiet, quiet)
	if cfg.Count == nil {
		cfg.Count = func(string) {}
	}
	n := &Notifier{cfg: cfg, book: newBook(cfg.Quiet, cfg.Settle), post: newPoster(cfg)}
	err := cfg.Table.Each(ctx, "", func(row kv.Entry) error {
		e := &entry{saved: true}
		var ok bool
		if e.key, ok = parseKey(row.Key); !ok || json.Unmarshal(row.Value, &e.note) != nil {
			cfg.Log.Warn("what was told cannot be read and is told again", zap.String(v1.LogOperation, "load "+row.Key))
			return nil
		}
		n.book.entries[e.key] = e
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load what was told: %w", err)
	}
	return n, nil
}

// Run looks and tells until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	defer n.post.client.CloseIdleConnections()
	work := progress.Of(ctx)
	t := time.NewTicker(n.cfg.Every)
	defer t.Stop()
	for {
		work.Busy(progress.Live)
		if err := panics.Try(func() error { n.round(ctx); return nil }); err != nil {
			n.cfg.Log.Error("telling of issues panicked; what is due is told later", zap.Error(err), panics.Stack(err))
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

// round takes one look and posts what is due, for no longer than until the next look.
func (n *Notifier) round(ctx context.Context) {
	if err := n.look(ctx); err != nil {
		if ctx.Err() == nil {
			n.cfg.Log.Warn("issues not read; what is due is told later", zap.Error(err))
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

func (n *Notifier) look(ctx context.Context) error {
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
		n.cfg.Log.Info("notified", about...)
		e.Delivered, e.saved = true, false
		n.save(ctx)
		return true
	}
	pause := backoff(e.attempts)
	e.attempts++
	e.nextAt = n.cfg.Now().Add(pause)
	n.cfg.Log.Warn("notification not delivered; it is tried again. Look at the receiver, --notify-url and --notify-secret",
		append(about, zap.Time(v1.LogNextAt, e.nextAt), zap.Error(err))...)
	return !away(err)
}

// backoff is the pause after an attempt: 10 s, doubled each time up to an hour.
func backoff(attempts int) time.Duration {
	return min(backoffFirst<<min(attempts, 10), backoffMost)
}

// save brings the table in line. What cannot be saved now is saved in a later
// round; it is not posted before, or a restart would tell it under another id.
func (n *Notifier) save(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), saveTime, fmt.Errorf("keep what was told: not within %s", saveTime))
	defer cancel()
	for _, e := range n.book.entries {
		if e.saved {
			continue
		}
		if err := n.keep(ctx, e); err != nil {
			n.cfg.Log.Warn("what was told is not kept yet", zap.String(v1.LogInstallation, e.installation), zap.String(v1.LogCode, e.code), zap.Error(err))
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
