// Package deadletter keeps the changes that are no longer retried, and the
// callbacks that nobody could read, with what they say sealed under the
// installation's own key. What it keeps of an installation has a quota: the oldest
// are dropped beyond it, and one dead letter says so. sync/reconcile and the callback
// handler put them, the admin API lists, requeues and dismisses them.
package deadletter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/clip"
	"channelsync/sync/seal"
)

// KindCallback marks a body that is signed but is not a callback.
const KindCallback = "callback"

// CodeUnreadable is the cause of such a one.
const CodeUnreadable = "callback_unreadable"

const (
	rawMax    = 16 << 10 // bytes that are kept of a body
	detailMax = 4 << 10  // bytes that are kept of what a failure says
)

// Stream is where dead letters lie.
type Stream interface {
	Put(ctx context.Context, d events.DeadLetter) (events.DeadLetter, error)
	Get(ctx context.Context, installation, id string) (events.DeadLetter, error)
	List(ctx context.Context, installation, cursor string, limit int) ([]events.DeadLetter, string, error)
	// Having returns the installations that have one of an id.
	Having(ctx context.Context, id string) (map[string]bool, error)
	Delete(ctx context.Context, installation, id string) error
	DeleteRead(ctx context.Context, d events.DeadLetter) error
	PurgeInstallation(ctx context.Context, installation string) error
}

// Box seals and opens dead letters.
type Box struct {
	stream  Stream
	vault   *seal.Vault
	now     func() time.Time
	quotas  quotas
	shelves shelves
}

// New makes a box on a stream.
func New(stream Stream, vault *seal.Vault, now func() time.Time) *Box {
	return &Box{stream: stream, vault: vault, now: now, quotas: defaultQuotas(), shelves: newShelves()}
}

// words is what is sealed: it may tell who the clients are.
type words struct {
	Detail string `json:"detail"`
	Raw    []byte `json:"raw,omitempty"` // base64: any bytes come back as they were, and take a third more, not six times
}

// RecordID is the id of the one dead letter that a record can have.
func RecordID(kind v1.Kind, id int64) string {
	return string(kind) + "-" + strconv.FormatInt(id, 10)
}

// PutRecord keeps the failure of a record.
func (b *Box) PutRecord(ctx context.Context, installation string, d v1.DeadLetter) error {
	return b.keep(ctx, installation, d)
}

// Keep keeps a body that a signature vouches for but that is not a callback: its first
// 16 KiB. The same body again is the same dead letter.
func (b *Box) Keep(ctx context.Context, installation string, raw []byte, cause error) error {
	sum := sha256.Sum256(raw)
	id := KindCallback + "-" + hex.EncodeToString(sum[:12])
	now := b.now()
	d := v1.DeadLetter{
		ID: id, Kind: KindCallback, Code: CodeUnreadable, Detail: cause.Error(), Attempts: 1, FirstAt: now, LastAt: now, Raw: string(raw),
	}
	if len(raw) > rawMax {
		d.Raw = string(raw[:rawMax])
		d.Detail += fmt.Sprintf("; the body has %d bytes, the first %d are kept", len(raw), rawMax)
	}
	old, err := b.stream.Get(ctx, installation, id)
	switch {
	case err == nil:
		d.FirstAt, d.Attempts = old.FirstAt, old.Attempts+1
	case !errors.Is(err, events.ErrNotFound):
		return fmt.Errorf("look up dead letter: %w", err)
	}
	return b.keep(ctx, installation, d)
}

// keep stores a dead letter, and drops the oldest of the installation beyond its quota.
func (b *Box) keep(ctx context.Context, installation string, d v1.DeadLetter) error {
	stored, err := b.put(ctx, installation, d)
	if err != nil {
		return err
	}
	return b.trim(ctx, installation, stored)
}

func (b *Box) put(ctx context.Context, installation string, d v1.DeadLetter) (events.DeadLetter, error) {
	ring, err := b.vault.Ring(ctx, installation)
	if err != nil {
		return events.DeadLetter{}, err
	}
	plain, err := json.Marshal(words{clip.Text(d.Detail, detailMax), []byte(d.Raw)})
	if err != nil {
		return events.DeadLetter{}, fmt.Errorf("encode dead letter: %w", err)
	}
	stored, err := b.stream.Put(ctx, events.DeadLetter{
		ID: d.ID, Installation: installation, Kind: d.Kind, RecordID: d.RecordID, Code: d.Code, Attempts: d.Attempts,
		FirstAt: d.FirstAt, LastAt: d.LastAt, Sealed: ring.Seal(aad(installation, d.ID), plain),
	})
	if err != nil {
		return events.DeadLetter{}, fmt.Errorf("store dead letter: %w", err)
	}
	return stored, nil
}

// Get returns one; events.ErrNotFound when there is none.
func (b *Box) Get(ctx context.Context, installation, id string) (v1.DeadLetter, error) {
	d, err := b.stream.Get(ctx, installation, id)
	if err != nil {
		return v1.DeadLetter{}, err
	}
	return b.open(ctx, d)
}

// Failure is what a record's dead letter says without being opened.
type Failure struct {
	Code            string
	FirstAt, LastAt time.Time
}

// Failures returns those of an installation's records by their ids, as RecordID makes
// them. What another instance put or removed within the last minute may be missing.
func (b *Box) Failures(ctx context.Context, installation string) (map[string]Failure, error) {
	s, err := b.shelves.of(ctx, installation, b.now(), b.read)
	if err != nil {
		return nil, err
	}
	return s.failures(), nil
}

// List pages through the dead letters of an installation. One that cannot be opened is
// listed without what it said: the others must be seen all the same.
func (b *Box) List(ctx context.Context, installation, cursor string, limit int) (v1.Page[v1.DeadLetter], error) {
	page := v1.Page[v1.DeadLetter]{Items: []v1.DeadLetter{}}
	found, next, err := b.stream.List(ctx, installation, cursor, limit)
	if err != nil {
		return page, fmt.Errorf("list dead letters: %w", err)
	}
	for _, d := range found {
		open, err := b.open(ctx, d)
		if errors.Is(err, seal.ErrWrongKey) {
			open, err = shown(d, words{Detail: "What it said cannot be read: " + err.Error()}), nil
		}
		if err != nil {
			return page, err
		}
		page.Items = append(page.Items, open)
	}
	if next != "" {
		page.NextCursor = &next
	}
	return page, nil
}

// Drop removes one; nothing there is fine.
func (b *Box) Drop(ctx context.Context, installation, id string) error {
	if err := b.stream.Delete(ctx, installation, id); err != nil && !errors.Is(err, events.ErrNotFound) {
		return fmt.Errorf("drop dead letter %s: %w", id, err)
	}
	b.shelves.remove(installation, id)
	return nil
}

// DropRead removes one as it was read: a failure that was kept in its place since then stays.
func (b *Box) DropRead(ctx context.Context, installation string, read v1.DeadLetter) error {
	now, err := b.stream.Get(ctx, installation, read.ID)
	if errors.Is(err, events.ErrNotFound) {
		return nil
	}
	if err == nil && !now.LastAt.Equal(read.LastAt) {
		return nil
	}
	if err == nil {
		err = b.stream.DeleteRead(ctx, now)
	}
	if err != nil {
		return fmt.Errorf("drop dead letter %s: %w", read.ID, err)
	}
	b.shelves.remove(installation, read.ID)
	return nil
}

// Purge removes all of an installation.
func (b *Box) Purge(ctx context.Context, installation string) error {
	b.shelves.forget(installation)
	return b.stream.PurgeInstallation(ctx, installation)
}

func (b *Box) open(ctx context.Context, d events.DeadLetter) (v1.DeadLetter, error) {
	ring, err := b.vault.Ring(ctx, d.Installation)
	if err != nil {
		return v1.DeadLetter{}, err
	}
	plain, err := ring.Open(aad(d.Installation, d.ID), d.Sealed)
	if err != nil {
		return v1.DeadLetter{}, err
	}
	var w words
	if err := json.Unmarshal(plain, &w); err != nil {
		return v1.DeadLetter{}, fmt.Errorf("decode dead letter %s: %w", d.ID, err)
	}
	return shown(d, w), nil
}

func shown(d events.DeadLetter, w words) v1.DeadLetter {
	return v1.DeadLetter{
		ID: d.ID, Kind: d.Kind, RecordID: d.RecordID, Code: d.Code, Detail: w.Detail, Attempts: d.Attempts,
		FirstAt: d.FirstAt, LastAt: d.LastAt, Raw: string(w.Raw),
	}
}

func aad(installation, id string) string { return installation + ".dead." + id }
