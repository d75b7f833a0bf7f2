package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/clip"
	"channelsync/sync/installation"
)

const (
	keepMost  = 5000 // entries
	maxDetail = 1000 // bytes
)

// Table is where the audit lies.
type Table interface {
	Put(ctx context.Context, key string, value []byte) (uint64, error)
	Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error
	Delete(ctx context.Context, key string) error
}

// Log keeps who did what, and when. It holds no secrets and no client data.
type Log struct {
	table Table

	mu      sync.Mutex
	entries []kept // oldest first
}

type kept struct {
	key   string
	entry v1.AuditEntry
}

// Open loads the audit.
func Open(ctx context.Context, table Table) (*Log, error) {
	a := &Log{table: table}
	err := table.Each(ctx, "", func(e kv.Entry) error {
		var entry v1.AuditEntry
		if err := json.Unmarshal(e.Value, &entry); err != nil {
			return fmt.Errorf("decode audit entry %s: %w", e.Key, err)
		}
		a.entries = append(a.entries, kept{e.Key, entry})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load audit: %w", err)
	}
	slices.SortFunc(a.entries, func(x, y kept) int { return x.entry.At.Compare(y.entry.At) })
	return a, nil
}

// Follow takes over what other processes add, until ctx ends.
func (a *Log) Follow(ctx context.Context, table installation.Watched, log *zap.Logger) {
	_ = table.Watch(ctx, "", func(e kv.Event) { // it ends with ctx, and goes on after every failure
		a.mu.Lock()
		defer a.mu.Unlock()
		i := slices.IndexFunc(a.entries, func(x kept) bool { return x.key == e.Key })
		if e.Deleted || i >= 0 {
			if e.Deleted && i >= 0 {
				a.entries = slices.Delete(a.entries, i, i+1)
			}
			return
		}
		var entry v1.AuditEntry
		if err := json.Unmarshal(e.Value, &entry); err != nil {
			log.Warn("an audit entry cannot be read", zap.Error(err))
			return
		}
		a.insert(kept{e.Key, entry})
	})
}

// insert keeps the entries in the order of their times; a.mu is held.
func (a *Log) insert(e kept) {
	at := len(a.entries)
	for at > 0 && a.entries[at-1].entry.At.After(e.entry.At) {
		at--
	}
	a.entries = slices.Insert(a.entries, at, e)
}

// Add stores an entry.
func (a *Log) Add(ctx context.Context, entry v1.AuditEntry) error {
	entry.Detail = clip.Text(entry.Detail, maxDetail)
	b, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("encode audit entry: %w", err)
	}
	key := ulid.Make().String()
	if _, err := a.table.Put(ctx, key, b); err != nil {
		return fmt.Errorf("store audit entry: %w", err)
	}
	a.mu.Lock()
	if !slices.ContainsFunc(a.entries, func(x kept) bool { return x.key == key }) { // Follow may have been faster
		a.insert(kept{key, entry})
	}
	var old []kept
	if n := len(a.entries) - keepMost; n > 0 {
		old, a.entries = a.entries[:n], slices.Clone(a.entries[n:])
	}
	a.mu.Unlock()
	for _, o := range old {
		if err := a.table.Delete(ctx, o.key); err != nil {
			return fmt.Errorf("drop audit entry: %w", err)
		}
	}
	return nil
}

// List pages through the entries, newest first. Those of an erased installation
// stay. A cursor that is not of our making is an error, as the end of the audit
// it would look like; one whose entry was dropped since is the end.
func (a *Log) List(q v1.AuditQuery) (v1.Page[v1.AuditEntry], error) {
	page := v1.Page[v1.AuditEntry]{Items: []v1.AuditEntry{}}
	if _, err := ulid.ParseStrict(q.Cursor); err != nil && q.Cursor != "" {
		return page, v1.InvalidCursor()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	skipping := q.Cursor != ""
	for _, e := range slices.Backward(a.entries) {
		if skipping {
			skipping = e.key != q.Cursor
			continue
		}
		if q.Installation != "" && e.entry.Installation != q.Installation ||
			len(q.Only) > 0 && !slices.Contains(q.Only, e.entry.Installation) {
			continue
		}
		if len(page.Items) == q.Limit {
			return page, nil
		}
		page.Items = append(page.Items, e.entry)
		page.NextCursor = &e.key
	}
	page.NextCursor = nil
	return page, nil
}
