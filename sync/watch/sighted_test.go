package watch

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	atsim "channelsync/test/sim/autotask/sim"
)

// pollable is an entity with its poll.
type pollable struct {
	entity string
	kind   v1.Kind
	fields []string // the fields that tell of edits, the one of the creation last
	row    func(*bench) atsim.Row
	field  string // one that an edit changes
	poll   func(context.Context, *Watcher) error
	cursor func(*installation.Cursors) *time.Time
}

func pollables() []pollable {
	return []pollable{
		{
			"Companies", v1.KindCompany,
			[]string{"lastTrackedModifiedDateTime", "lastActivityDate", "createDate"},
			func(*bench) atsim.Row {
				return atsim.Row{"companyName": "Northwind", "companyType": 1, "isActive": true}
			},
			"phone",
			func(ctx context.Context, w *Watcher) error { _, err := w.PollCompanies(ctx); return err },
			func(c *installation.Cursors) *time.Time { return &c.Companies },
		},
		{
			"Contacts", v1.KindContact,
			[]string{"lastModifiedDate", "createDate"},
			func(b *bench) atsim.Row {
				return atsim.Row{"companyID": b.company("Northwind"), "firstName": "Ann", "lastName": "Lee", "isActive": 1}
			},
			"emailAddress",
			func(ctx context.Context, w *Watcher) error { _, err := w.PollContacts(ctx); return err },
			func(c *installation.Cursors) *time.Time { return &c.Contacts },
		},
		{
			"Contracts", v1.KindContract,
			[]string{"lastModifiedDateTime"},
			func(b *bench) atsim.Row {
				return atsim.Row{
					"companyID": b.company("Northwind"), "contractName": "Backup", "contractType": 7, "status": 1,
					"startDate": "2026-01-01", "endDate": "2030-01-01",
				}
			},
			"contractName",
			func(ctx context.Context, w *Watcher) error { return w.PollModifiedContracts(ctx) },
			func(c *installation.Cursors) *time.Time { return &c.Contracts },
		},
		{
			"Services", v1.KindContract,
			[]string{"lastModifiedDate", "createDate"},
			func(*bench) atsim.Row {
				return atsim.Row{"name": "Backup", "unitCost": 1, "unitPrice": 2, "periodType": 2, "isActive": true}
			},
			"name",
			func(ctx context.Context, w *Watcher) error { return w.PollServices(ctx) },
			func(c *installation.Cursors) *time.Time { return &c.Catalogue },
		},
	}
}

// put makes a record of the entity, and what is read of a contract if it is a service.
func (p pollable) put(b *bench, w *Watcher) (id int64, found string) {
	id = b.at.Put(p.entity, p.row(b))
	reader := id
	if p.entity == "Services" {
		reader += 1_000_000
		b.remember(w, &ledger.Entry{Kind: v1.KindContract, ID: reader, Services: []int64{id}})
	}
	return id, poll1(string(p.kind), reader)
}

// edit changes a record to what it never was, which the simulator's clock stamps.
func (p pollable) edit(b *bench, id int64) {
	b.t.Helper()
	b.edits++
	b.edit(p.entity, id, atsim.Row{p.field: fmt.Sprintf("edit%d@example.com", b.edits)})
}

// odd are stamps that no clock gave.
func odd(now time.Time) map[string]time.Time {
	return map[string]time.Time{
		"the year 1":       time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		"the year 9999":    time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		"the year 2099":    time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
		"in twenty hours":  now.Add(20 * time.Hour),
		"in twenty days":   now.Add(480 * time.Hour),
		"in three minutes": now.Add(3 * time.Minute),
		"in one minute":    now.Add(time.Minute),
		"fifty years ago":  now.AddDate(-50, 0, 0),
	}
}

func (p pollable) editedAt(at time.Time) atsim.Row {
	row := atsim.Row{}
	for _, field := range p.fields {
		row[field] = at
	}
	return row
}

// Whatever stamp one record has, the next poll finds the edit of another, and the one after
// that the edit of the record itself.
func TestAnOddStampHidesNoEdit(t *testing.T) {
	for _, p := range pollables() {
		t.Run(p.entity, func(t *testing.T) {
			b := newBench(t, atsim.Config{})
			for name, at := range odd(time.Now()) {
				w := b.watcher()
				seen := b.changes(w)
				strange, foundStrange := p.put(b, w)
				other, foundOther := p.put(b, w)
				b.edit(p.entity, strange, p.editedAt(at))
				harness.OK(t, p.poll(t.Context(), w))
				seen.next()
				for round := range 2 {
					p.edit(b, other)
					harness.OK(t, p.poll(t.Context(), w))
					seen.expect(fmt.Sprintf("%s, round %d: the edit of another", name, round), foundOther)
				}
				p.edit(b, strange)
				harness.OK(t, p.poll(t.Context(), w))
				seen.expect(name+": its own edit", foundStrange)
				harness.OK(t, p.poll(t.Context(), w))
				seen.expect(name + ": nothing happened")
			}
		})
	}
}

// An edit moves one of a record's stamps. The others, which may be later, must not hide it.
func TestAnEditIsFoundByAnyOfItsStamps(t *testing.T) {
	for _, p := range pollables() {
		if len(p.fields) == 1 {
			continue
		}
		t.Run(p.entity, func(t *testing.T) {
			b := newBench(t, atsim.Config{})
			w := b.watcher()
			seen := b.changes(w)
			id, found := p.put(b, w)
			future := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
			b.edit(p.entity, id, atsim.Row{p.fields[len(p.fields)-1]: future})
			harness.OK(t, p.poll(t.Context(), w))
			seen.next()
			if p.kind != v1.KindContract { // as the reconcile that follows remembers it
				b.remember(w, &ledger.Entry{Kind: v1.KindCompany, ID: id, ModifiedAt: future, Contacts: []ledger.Contact{{ID: id, ModifiedAt: future}}})
			}
			p.edit(b, id)
			harness.OK(t, p.poll(t.Context(), w))
			seen.expect("the edit", found)
		})
	}
}

// A cursor that an older version left in the future, or a clock that was wrong, is none.
func TestACursorInTheFutureIsCorrected(t *testing.T) {
	for _, p := range pollables() {
		t.Run(p.entity, func(t *testing.T) {
			b := newBench(t, atsim.Config{})
			w := b.watcher()
			seen := b.changes(w)
			id, found := p.put(b, w)
			b.edit(p.entity, id, p.editedAt(time.Now().Add(-time.Hour)))
			for _, ahead := range []time.Duration{20 * time.Hour, 24 * 365 * 70 * time.Hour} {
				_, err := b.store.Change(t.Context(), w.ID, func(in *installation.Installation) error {
					*p.cursor(&in.Cursors) = time.Now().Add(ahead)
					return nil
				})
				harness.OK(t, err)
				w = b.again(w.ID) // as after a start of this version
				harness.OK(t, p.poll(t.Context(), w))
				seen.expect("what was hidden by it", found)
				if at := *p.cursor(&b.installation(w.ID).Cursors); at.After(time.Now()) {
					t.Errorf("the cursor stands at %s", at)
				}
				p.edit(b, id)
				harness.OK(t, p.poll(t.Context(), w))
				seen.expect("an edit", found)
			}
		})
	}
}

// Many rows within what is read again are dear, so less is read again; few are free.
func TestThePollReadsAgainWhatCostsNothing(t *testing.T) {
	now := time.Now()
	poll := func(last sighted, rows int) sighted {
		next := sighted{since: last.from(now, now), rows: map[int64]signature{}}
		for id := range rows {
			next.see(int64(id), []time.Time{now}, now)
		}
		next.fit(last)
		return next
	}
	s := poll(sighted{}, few)
	if got := now.Sub(s.since); got != wide {
		t.Errorf("the first poll reads %s again", got)
	}
	for range 10 {
		s = poll(s, few+1)
	}
	if s.width != overlap {
		t.Errorf("many rows: it reads %s again, want %s", s.width, overlap)
	}
	since := s.since
	for range 10 {
		s = poll(s, 1)
	}
	if s.width != wide || s.since.Before(since) {
		t.Errorf("few rows: it reads %s again, from %s on after %s", s.width, s.since, since)
	}
}

// TestEveryEditIsFoundByTheNextPoll: any records with any stamps, in any order, whatever the
// difference of the two clocks; an edit that Autotask's clock stamps is found by the next poll.
func TestEveryEditIsFoundByTheNextPoll(t *testing.T) {
	vendor := clock.At(time.Now())
	b := newBench(t, atsim.Config{Now: vendor.Now})
	rapid.Check(t, func(rt *rapid.T) {
		b.clock.Set(vendor.Now().Add(-rapid.SampledFrom([]time.Duration{0, time.Hour, -time.Hour, 30 * 24 * time.Hour}).Draw(rt, "vendor ahead")))
		w := b.watcher()
		seen := b.changes(w)
		p := pollables()[rapid.IntRange(0, 1).Draw(rt, "entity")]
		var ids []int64
		due := map[string]bool{}
		for range rapid.IntRange(3, 14).Draw(rt, "steps") {
			switch step := rapid.IntRange(0, 5).Draw(rt, "step"); {
			case step == 0 || len(ids) == 0:
				id, found := p.put(b, w)
				ids, due[found] = append(ids, id), true
			case step == 1: // a stamp that no clock gave, nor will: equal to the millisecond it would tell of nothing
				field := rapid.SampledFrom(p.fields).Draw(rt, "field")
				at := rapid.OneOf(
					rapid.Map(rapid.Int64Range(-3*24*3600, 3*24*3600), func(s int64) time.Time { return vendor.Now().Add(time.Duration(s)*time.Second + time.Second/2) }),
					rapid.Map(rapid.Int64Range(-62135596800, 253402300799), func(s int64) time.Time { return time.Unix(s, 0) }),
				).Draw(rt, "stamp")
				id := rapid.SampledFrom(ids).Draw(rt, "record")
				b.edit(p.entity, id, atsim.Row{field: at.UTC()})
				delete(due, poll1(string(p.kind), id)) // what told of its edit is overwritten
			case step == 2:
				id := rapid.SampledFrom(ids).Draw(rt, "record")
				p.edit(b, id)
				due[poll1(string(p.kind), id)] = true
			case step == 3:
				d := time.Duration(rapid.Int64Range(1, 7200).Draw(rt, "passes")) * time.Second
				vendor.Add(d)
				b.clock.Add(d)
			default:
				harness.OK(t, p.poll(t.Context(), w))
				for _, one := range seen.next() {
					delete(due, one)
				}
				if len(due) > 0 {
					rt.Fatalf("not found: %v", due)
				}
			}
			vendor.Add(time.Second)
			b.clock.Add(time.Second)
		}
	})
}
