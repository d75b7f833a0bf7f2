package ledger

import (
	"errors"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/events"
)

// shared is the ledger of one of several processes.
func (p *place) shared(owner string) *Ledger { return NewShared(p.table, p.vault, owner) }

func TestOnlyTheLastToClaimWrites(t *testing.T) {
	p := open(t)
	a, b := p.shared("a"), p.shared("b")
	ctx := t.Context()
	if err := a.Write(ctx, inst, []*Entry{company(1, "Early", v1.OutcomePushed)}); !errors.Is(err, ErrNotClaimed) {
		t.Fatalf("before it is claimed: %v", err)
	}
	if err := a.Claim(ctx, inst); err != nil {
		t.Fatal(err)
	}
	write(t, a, company(1, "One", v1.OutcomePushed))
	write(t, a, company(2, "Two", v1.OutcomePushed), company(1, "One again", v1.OutcomeNotMet))
	if c := must[v1.Counts](t)(a.Counts(ctx, inst, v1.KindCompany)); c.Pushed != 1 || c.NotMet != 1 {
		t.Errorf("counts %+v", c)
	}
	// One that reads without a claim sees what is stored each time.
	if c := must[v1.Counts](t)(b.Counts(ctx, inst, v1.KindCompany)); c.Pushed != 1 {
		t.Errorf("counts of another %+v", c)
	}
	write(t, a, company(3, "Three", v1.OutcomePushed))
	if c := must[v1.Counts](t)(b.Counts(ctx, inst, v1.KindCompany)); c.Pushed != 2 {
		t.Errorf("counts of another are out of date: %+v", c)
	}

	if err := b.Claim(ctx, inst); err != nil {
		t.Fatal(err)
	}
	late := []*Entry{company(1, "Late", v1.OutcomePushed), company(9, "Late", v1.OutcomePushed)}
	for range 2 {
		if err := a.Write(ctx, inst, late); !errors.Is(err, ErrNotClaimed) {
			t.Errorf("a late write: %v", err)
		}
	}
	write(t, b, company(2, "Two of b", v1.OutcomePushed))
	got := must[map[int64]*Entry](t)(b.Read(ctx, inst, v1.KindCompany, []int64{1, 2, 9}))
	if len(got) != 2 || got[1].Name != "One again" || got[2].Name != "Two of b" {
		t.Errorf("got %+v", got)
	}
	b.Release(inst)
	if err := b.Write(ctx, inst, late); !errors.Is(err, ErrNotClaimed) {
		t.Errorf("after it was given up: %v", err)
	}
	if err := a.Claim(ctx, inst); err != nil {
		t.Fatal(err)
	}
	write(t, a, company(1, "A again", v1.OutcomePushed))
	if err := a.Purge(ctx, inst); err != nil {
		t.Fatal(err)
	}
	if _, err := p.table.Get(ctx, fenceKey(inst)); !errors.Is(err, events.ErrNotFound) {
		t.Errorf("the fence after a purge: %v", err)
	}
}

// A write whose answer is lost may have been stored: the next one of the same process goes on all the same.
func TestAWriteWhoseAnswerIsLost(t *testing.T) {
	p := open(t)
	a := p.shared("a")
	ctx := t.Context()
	if err := a.Claim(ctx, inst); err != nil {
		t.Fatal(err)
	}
	write(t, a, company(1, "One", v1.OutcomePushed))
	a.fences.at[inst]-- // as if the last answer had not come
	if err := a.Write(ctx, inst, []*Entry{company(2, "Two", v1.OutcomePushed)}); !errors.Is(err, events.ErrConflict) || errors.Is(err, ErrNotClaimed) {
		t.Fatalf("got %v", err)
	}
	write(t, a, company(2, "Two", v1.OutcomePushed))
	many := make([]*Entry, 1200)
	for i := range many {
		many[i] = company(int64(i+1), "Many", v1.OutcomePushed)
	}
	write(t, a, many...)
	if c := must[v1.Counts](t)(p.ledger().Counts(ctx, inst, v1.KindCompany)); c.Pushed != len(many) {
		t.Errorf("counts %+v", c)
	}
}
