package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
	"channelsync/test/stress"
)

// TestIndexUnderStress: whoever asks, writes, claims, releases or purges
// waits for nobody who waits for them.
func TestIndexUnderStress(t *testing.T) {
	p := open(t)
	l := p.shared()
	ctx := context.Background()
	l.Claim(inst)
	write(t, l, company(1, "One", v1.OutcomePushed), company(2, "Two", v1.OutcomePushed))
	var n atomic.Int64
	check := func() error {
		counts, err := l.Counts(ctx, inst, v1.KindCompany)
		if err == nil && counts.Pushed > 2 {
			err = fmt.Errorf("%d records of 2", counts.Pushed)
		}
		return err
	}
	list := func() error {
		_, err := l.List(ctx, inst, v1.RecordQuery{Limit: 10})
		return err
	}
	store := func() error {
		entries, err := l.Read(ctx, inst, v1.KindCompany, []int64{1, 2})
		if err != nil {
			return err
		}
		var all []*Entry
		for _, e := range entries {
			e.Name = fmt.Sprint("Edit ", n.Add(1))
			all = append(all, e)
		}
		if err := l.Write(ctx, inst, all); errors.Is(err, ErrNotClaimed) || errors.Is(err, kv.ErrConflict) {
			return nil
		} else if err != nil {
			return err
		}
		return nil
	}
	claim := func() error { l.Claim(inst); return nil }
	release := func() error { l.Release(inst); l.Release(other); return nil }
	stress.Run(t, check, check, list, store, store, claim, release)

	l.Claim(inst)
	if err := check(); err != nil {
		t.Error(err)
	}
}

// slow is a table whose readings of everything stop until they are let go.
type slow struct {
	SharedTable
	began chan struct{} // told of each reading
	let   chan struct{}
}

func (s *slow) Each(ctx context.Context, prefix string, fn func(kv.Entry) error) error {
	s.began <- struct{}{}
	if err := s.SharedTable.Each(ctx, prefix, fn); err != nil {
		return err
	}
	select {
	case <-s.let:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestAStoreThatDoesNotAnswerHoldsNobodyElseUp: one look-up waits for the table; others
// leave with their own deadline, and whoever writes, claims or asks for something else goes on.
func TestAStoreThatDoesNotAnswerHoldsNobodyElseUp(t *testing.T) {
	p := open(t)
	table := &slow{SharedTable: p.table, began: make(chan struct{}, 10), let: make(chan struct{})}
	l := NewShared(table, p.vault)
	l.Claim(inst)
	first := make(chan error, 1)
	pushed := func(ctx context.Context) (int, error) {
		c, err := l.Counts(ctx, inst, v1.KindCompany)
		return c.Pushed, err
	}
	go func() {
		n, err := pushed(t.Context())
		if err == nil && n != 2 {
			err = fmt.Errorf("counted %d: what was written while it was read is missing", n)
		}
		first <- err
	}()
	<-table.began
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := pushed(late); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("another look-up: %v", err)
	}
	write(t, l, company(1, "One", v1.OutcomePushed))
	one := read(t, l, 1)[1]
	one.Name = "One again"
	write(t, l, one, company(2, "Two", v1.OutcomePushed))
	l.Claim(other)
	l.Release(other)
	close(table.let)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if n, err := pushed(t.Context()); err != nil || n != 2 || len(table.began) != 0 {
		t.Errorf("afterwards: %d, %v, read %d times more", n, err, len(table.began))
	}
}

// TestALookUpThatGivesUpIsNobodyElses: who waited for it reads the table then.
func TestALookUpThatGivesUpIsNobodyElses(t *testing.T) {
	p := open(t)
	table := &slow{SharedTable: p.table, began: make(chan struct{}, 10), let: make(chan struct{})}
	l := NewShared(table, p.vault)
	l.Claim(inst)
	write(t, l, company(1, "One", v1.OutcomePushed))
	ctx, cancel := context.WithCancel(t.Context())
	var looking sync.WaitGroup
	looking.Go(func() {
		if _, err := l.Counts(ctx, inst, v1.KindCompany); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
	})
	<-table.began
	looking.Go(func() {
		if c, err := l.Counts(t.Context(), inst, v1.KindCompany); err != nil || c.Pushed != 1 {
			t.Errorf("the second: %+v, %v", c, err)
		}
	})
	cancel()
	<-table.began
	close(table.let)
	looking.Wait()
}
