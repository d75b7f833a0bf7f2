package ledger

import (
	"errors"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events/kv"
)

// shared is the ledger of one of several processes.
func (p *place) shared() *Ledger { return NewShared(p.table, p.vault) }

func read(t *testing.T, l *Ledger, ids ...int64) map[int64]*Entry {
	t.Helper()
	return must[map[int64]*Entry](t)(l.Read(t.Context(), inst, v1.KindCompany, ids))
}

// What another process wrote is never written over unread: a late write of the one
// before is refused whole, and the one that reads first goes on.
func TestALateWriteOfAnotherProcessIsRefused(t *testing.T) {
	p := open(t)
	a, b := p.shared(), p.shared()
	ctx := t.Context()
	if err := a.Write(ctx, inst, []*Entry{company(1, "Early", v1.OutcomePushed)}); !errors.Is(err, ErrNotClaimed) {
		t.Fatalf("before it is claimed: %v", err)
	}
	a.Claim(inst)
	one := company(1, "One", v1.OutcomePushed)
	write(t, a, one)
	one.Outcome = v1.OutcomeNotMet
	write(t, a, company(2, "Two", v1.OutcomePushed), one) // at the revision that its own write gave it
	late := read(t, a, 1)[1]
	late.Name = "Late"

	b.Claim(inst)
	write(t, b, read(t, b, 1)[1])
	for _, entries := range [][]*Entry{{late}, {company(9, "Late", v1.OutcomePushed), late}} {
		if err := a.Write(ctx, inst, entries); !errors.Is(err, kv.ErrConflict) {
			t.Errorf("a late write of %d: %v", len(entries), err)
		}
	}
	if err := a.Write(ctx, inst, []*Entry{company(2, "Not read", v1.OutcomePushed)}); !errors.Is(err, kv.ErrConflict) {
		t.Errorf("over one that was not read: %v", err)
	}
	if got := read(t, b, 1, 2, 9); len(got) != 2 || got[1].Name != "One" || got[2].Name != "Two" {
		t.Errorf("got %+v", got)
	}
	// What of a write that failed was stored is not known: reading it anew is enough to go on.
	again := read(t, a, 1)[1]
	again.Name = "Again"
	write(t, a, again)

	b.Release(inst)
	if err := b.Write(ctx, inst, []*Entry{company(3, "Given up", v1.OutcomePushed)}); !errors.Is(err, ErrNotClaimed) {
		t.Errorf("after it was given up: %v", err)
	}
	many := make([]*Entry, 1200)
	for i := range many {
		many[i] = company(int64(i+100), "Many", v1.OutcomePushed)
	}
	write(t, a, many...)
	write(t, a, many...)
	if c := must[v1.Counts](t)(p.ledger().Counts(ctx, inst, v1.KindCompany)); c.Pushed != len(many)+1 {
		t.Errorf("counts %+v", c)
	}
}

// Whoever does not work for an installation sees what is stored each time; whoever
// takes it over begins with that.
func TestTheIndexIsKeptByTheClaimantAlone(t *testing.T) {
	p := open(t)
	a, b := p.shared(), p.shared()
	ctx := t.Context()
	pushed := func(l *Ledger) int { return must[v1.Counts](t)(l.Counts(ctx, inst, v1.KindCompany)).Pushed }
	a.Claim(inst)
	write(t, a, company(1, "One", v1.OutcomePushed))
	if n := pushed(b); n != 1 {
		t.Errorf("another counts %d", n)
	}
	write(t, a, company(2, "Two", v1.OutcomePushed))
	if n := pushed(b); n != 2 {
		t.Errorf("another counts %d, which is out of date", n)
	}
	if n := pushed(a); n != 2 {
		t.Errorf("the claimant counts %d", n)
	}
	b.Claim(inst)
	if n := pushed(b); n != 2 {
		t.Errorf("the next one counts %d", n)
	}
	write(t, b, company(3, "Three", v1.OutcomePushed))
	if n, m := pushed(b), pushed(a); n != 3 || m != 2 {
		t.Errorf("the next one counts %d; the one before, which was not told, %d", n, m)
	}
	a.Claim(inst)
	if n := pushed(a); n != 3 {
		t.Errorf("with a claim anew it counts %d", n)
	}
}
