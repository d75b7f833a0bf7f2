package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/internal/lifecycle"
	"channelsync/sync/installation"
)

// Guard is a row that instances write by turns, to see whether another one changed
// something that only one installation may have.
type Guard interface {
	GetOrCreate(ctx context.Context, key string, value func() []byte) (kv.Entry, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
}

const (
	guardKey   = "unique"
	guardTries = 5
	guardPause = 100 * time.Millisecond
	undoWithin = 10 * time.Second
)

// alone makes a change of what only one installation may have: an account, a connection.
// What check says holds when change is stored; undo takes it back.
//
// Within a process one such change is made at a time. Between instances the guard is
// moved before the change and after it: only if nobody else moved it between did nobody
// else check meanwhile. Whoever finds it moved takes its change back and checks again.
func (m *Manager) alone(ctx context.Context, check func() *v1.Problem, change, undo func(context.Context) error) error {
	leave, err := m.creating.Enter(ctx)
	if err != nil {
		return v1.Unavailable("Another installation is being made.", "Try again; nothing was kept.")
	}
	defer leave()
	if m.Cluster == nil {
		if p := check(); p != nil {
			return p
		}
		return change(ctx)
	}
	for try := range guardTries {
		if try > 0 {
			_ = lifecycle.Sleep(ctx, time.Duration(try)*guardPause)
		}
		revision, err := m.guard(ctx)
		if err != nil {
			return err
		}
		if err := m.Store.Refresh(ctx); err != nil {
			return fmt.Errorf("compare installations: %w", err)
		}
		if p := check(); p != nil {
			return p
		}
		if revision, err = m.moveGuard(ctx, revision); errors.Is(err, kv.ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		if err := change(ctx); err != nil {
			return err
		}
		if _, err = m.moveGuard(ctx, revision); err == nil {
			return nil
		}
		back, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoWithin)
		undone := undo(back)
		cancel()
		if undone != nil || !errors.Is(err, kv.ErrConflict) {
			return errors.Join(err, undone)
		}
	}
	return v1.Unavailable("Other instances of channelsync change installations now.", "Try again; nothing was kept.")
}

// guard is the revision that the guard has now.
func (m *Manager) guard(ctx context.Context) (revision uint64, err error) {
	e, err := m.Cluster.Guard.GetOrCreate(ctx, guardKey, func() []byte { return nil })
	return e.Revision, wrap("read the guard of installations", err)
}

func (m *Manager) moveGuard(ctx context.Context, revision uint64) (uint64, error) {
	moved, err := m.Cluster.Guard.Update(ctx, guardKey, nil, revision)
	return moved, wrap("move the guard of installations", err)
}

func wrap(operation string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// accountTaken is the 409 of an account that another installation than except has; nil
// when none has it.
func (m *Manager) accountTaken(except, username, trackingIdentifier string) *v1.Problem {
	for _, in := range m.Store.List() {
		if in.ID != except && in.SameAccount(username, trackingIdentifier) {
			return taken(in, v1.CodeAlreadyInstalled, "This Autotask user and tracking identifier are installed already, as",
				"Use that installation, or erase it first.")
		}
	}
	return nil
}

// connectionTaken is the 409 of a connection that another installation than except pushes
// to; nil when none does.
func (m *Manager) connectionTaken(except, connection string) *v1.Problem {
	for _, in := range m.Store.List() {
		if in.ID != except && !in.Uninstalled && v1.Same(in.ConnectionID, connection) {
			return taken(in, v1.CodeConnectionInUse, "Two installations on one connection overwrite each other. This one is pushed to by",
				"Use another connection, or uninstall that installation first.")
		}
	}
	return nil
}

func taken(by *installation.Installation, code, detail, hint string) *v1.Problem {
	p := v1.NewProblem(409, code, detail+" \""+by.Name+"\" ("+by.ID+").", hint)
	p.Installation = by.ID
	return p
}
