package reconcile

import (
	"testing"
	"time"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/events"
	atsim "channelsync/test/sim/autotask/sim"
)

// list keeps the companies' rows as a pass that lists them does, and returns its marks.
func (b *bench) list(l *Listed, job string, ids ...int64) []events.Mark {
	b.t.Helper()
	rows, err := autotask.ByIDs[autotask.Company](b.t.Context(), b.rec.Autotask, autotask.EntityCompanies, "id", ids)
	if err != nil {
		b.t.Fatal(err)
	}
	l.Put(job, b.clock.now(), rows.Items)
	b.clock.add(time.Second)
	marks := b.marks(v1.KindCompany, ids...)
	for i := range marks {
		marks[i].Job, marks[i].Lane, marks[i].Trigger = job, events.LaneBulk, v1.TriggerBackfill
	}
	return marks
}

func (b *bench) reconcile(marks []events.Mark) {
	b.t.Helper()
	if err := b.rec.Batch(b.t.Context(), v1.KindCompany, marks); err != nil {
		b.t.Fatal(err)
	}
	b.clock.add(time.Second)
}

// TestListedCompaniesAreReadOnce follows a row that a pass has listed: it stands for one
// fetch, unless something came between that may have made it old.
func TestListedCompaniesAreReadOnce(t *testing.T) {
	for name, tc := range map[string]struct {
		between func(b *bench, id int64)
		job     string // of the mark
		reads   int
		want    string // the client's name in the end
	}{
		"at once":        {nil, "job", 0, "Northwind"},
		"of another job": {nil, "other", 1, "Northwind"},
		"of none":        {nil, "", 1, "Northwind"},
		"too late":       {func(b *bench, _ int64) { b.clock.add(listedFor) }, "job", 1, "Northwind"},
		"after a live change": {func(b *bench, id int64) {
			b.edit("Companies", id, atsim.Row{"companyName": "Renamed"})
			b.batch(v1.KindCompany, id)
		}, "job", 2, "Renamed"},
		"after one that left scope": {func(b *bench, id int64) {
			b.edit("Companies", id, atsim.Row{"isActive": false})
			b.batch(v1.KindCompany, id)
		}, "job", 2, ""},
		"edited, and not told of it":   {func(b *bench, id int64) { b.edit("Companies", id, atsim.Row{"companyName": "Renamed"}) }, "job", 0, "Northwind"},
		"after the clock stepped back": {func(b *bench, _ int64) { b.clock.add(-time.Hour) }, "job", 1, "Northwind"},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewListed()
			b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) { c.Listed = l }})
			id := b.customer("Northwind")
			marks := b.list(l, "job", id)
			for i := range marks {
				marks[i].Job = tc.job
			}
			b.at.ResetStats()
			if tc.between != nil {
				tc.between(b, id)
			}
			b.reconcile(marks)
			if n := b.asked("Companies", "query"); n != tc.reads {
				t.Errorf("companies were read %d times, want %d", n, tc.reads)
			}
			if got := b.client(id).Data.Name; got != tc.want {
				t.Errorf("the client is named %q, want %q", got, tc.want)
			}
		})
	}
}

// TestListedRowIsUsedOnce: what the pass comes to a second time is read again, and so is
// the change that was not told of when the row was used.
func TestListedRowIsUsedOnce(t *testing.T) {
	l := NewListed()
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) { c.Listed = l }})
	id := b.customer("Northwind")
	marks := b.list(l, "job", id)
	b.reconcile(marks)
	observed := b.entry(v1.KindCompany, id).ObservedAt
	b.edit("Companies", id, atsim.Row{"companyName": "Renamed"})
	b.reconcile(marks)
	if got := b.client(id).Data.Name; got != "Renamed" {
		t.Errorf("the client is named %q", got)
	}
	if later := b.entry(v1.KindCompany, id).ObservedAt; !later.After(observed) {
		t.Errorf("observed at %s, then at %s", observed, later)
	}
}

func TestListedIsBounded(t *testing.T) {
	l, now := NewListed(), time.Now()
	page := func(first int64) (rows []autotask.Company) {
		for id := range int64(500) {
			rows = append(rows, autotask.Company{ID: first + id})
		}
		return rows
	}
	for first := int64(0); first < 2*listedMax; first += 500 {
		l.Put("job", now, page(first))
	}
	if len(l.rows) != listedMax || len(l.fifo) != listedMax {
		t.Errorf("%d rows and %d keys wait, want %d", len(l.rows), len(l.fifo), listedMax)
	}
	for id := range int64(listedMax) {
		if _, ok := l.take("job", id, now); !ok {
			t.Fatalf("row %d is not there", id)
		}
	}
	if len(l.rows)+len(l.fifo) > 0 {
		t.Errorf("%d rows and %d keys are left", len(l.rows), len(l.fifo))
	}
	l.Put("job", now, page(0))
	l.Put("job", now.Add(listedFor), page(500))
	if len(l.rows) != 500 {
		t.Errorf("%d rows wait, want those that are not too old", len(l.rows))
	}
	var none *Listed
	none.Put("job", now, page(0))
	if _, ok := none.take("job", 1, now); ok {
		t.Error("a row of nobody's")
	}
}
