package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/store"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
	"channelsync/test/sim/oracle"
)

const (
	editEvery = 25 * time.Millisecond // 40 callbacks a second
	// servedWithin is how soon, while one of five is away, an edit of every installation must arrive.
	servedWithin  = 20 * time.Second
	recoverWithin = 3 * time.Minute // of a server that has to catch up on a busy disk
)

// long says that every fault is to last.
func long() bool { return os.Getenv("CHANNELSYNC_CLUSTER_LONG") != "" }

// hold is how long a fault lasts at least: long enough to be noticed, or, in the long form, to outlast every deadline.
func hold() time.Duration {
	if long() {
		return time.Minute
	}
	return 4 * time.Second
}

// fault is one accident: strike brings it on, heal takes it away again.
type fault struct {
	name   string
	strike func(*stage) (heal func())
}

// line is what one fault came to, in deliveries unless it says otherwise.
type line struct {
	fault                                        string
	sent, acknowledged, refused, reflected, lost int
	twice                                        int // records pushed again with a content that Channel Program held already
	overlaps                                     int // moments when two requests wrote one record
	gap                                          time.Duration
	served                                       time.Duration
	recovered                                    time.Duration
}

// trial brings a fault on while people edit, and accounts for every delivery.
func (s *stage) trial(f fault, number int) line {
	s.Helper()
	s.front.reset()
	overlaps, began := len(s.target.Overlaps()), time.Now()
	for _, one := range s.tenants {
		one.pushes = len(s.target.Pushes(one.connection))
	}
	quit, edited := make(chan struct{}), make(chan error, 1)
	go func() { edited <- load(s.tenants, editEvery, quit) }()
	s.acknowledges(40)

	struck := time.Now()
	heal := f.strike(s)
	l := line{fault: f.name}
	l.served = s.served(fmt.Sprintf("Client at strike %d", number), struck)
	s.wait(hold() - time.Since(struck))
	heal()
	healed := time.Now()
	s.waitReady()
	s.acknowledges(80)
	l.gap = s.front.gap(struck, time.Now())
	close(quit)
	if err := <-edited; err != nil {
		s.Error(err)
	}
	s.agree()
	l.recovered = time.Since(healed)

	l.overlaps = len(s.target.Overlaps()) - overlaps
	s.account(&l, began)
	return l
}

func (s *stage) wait(d time.Duration) {
	select {
	case <-time.After(max(d, 0)):
	case <-s.Context().Done():
	}
}

// acknowledges waits until so many more callbacks are acknowledged.
func (s *stage) acknowledges(more int) {
	s.Helper()
	want := s.front.acknowledged() + more
	eventually(s, "callbacks are acknowledged", recoverWithin, func() error {
		if n := s.front.acknowledged(); n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
}

// served renames a client of every tenant and returns how long after the strike the last of them has arrived.
func (s *stage) served(name string, struck time.Time) time.Duration {
	s.Helper()
	for _, one := range s.tenants {
		if err := one.Edit("Companies", one.companies[0], atsim.Row{"companyName": name}); err != nil {
			s.Error(err)
		}
	}
	eventually(s, "an edit of every installation arrives", 3*servedWithin, func() error {
		missing := 0
		for _, one := range s.tenants {
			c, _ := s.target.Client(one.connection, strconv.FormatInt(one.companies[0], 10))
			if c.Data.Name != name {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d are missing", missing, len(s.tenants))
		}
		return nil
	})
	return time.Since(struck)
}

// agree waits until every callout is delivered or given up, nothing is due, and both sides agree.
func (s *stage) agree() {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), recoverWithin)
	defer cancel()
	for _, one := range s.tenants {
		if err := one.WaitCallouts(ctx); err != nil {
			s.Fatalf("callouts: %v", err)
		}
	}
	for _, one := range s.tenants {
		expected := func() oracle.State {
			return one.past.Note(oracle.Expected(one.Sim, []string{string(v1.SyncActiveCustomers)}, time.Now()))
		}
		actual := func() oracle.State { return oracle.Actual(s.target, one.connection) }
		if err := oracle.Agree(ctx, expected, actual); err != nil {
			s.Errorf("both sides agree on %s: %v", one.connection, err)
		}
	}
	s.level(recoverWithin)
}

// account closes the account: a delivery that was acknowledged is in the journal, and Channel Program holds what its
// record came to.
func (s *stage) account(l *line, began time.Time) {
	s.Helper()
	kept, wrong := s.journal(began), map[string]bool{}
	for _, one := range s.tenants {
		expected := one.past.Note(oracle.Expected(one.Sim, []string{string(v1.SyncActiveCustomers)}, time.Now()))
		for _, d := range oracle.Compare(expected, oracle.Actual(s.target, one.connection)) {
			wrong[one.id+d.Record] = true
		}
		l.twice += service.Twice(s.target.Pushes(one.connection), one.pushes)
	}
	s.front.mu.Lock()
	defer s.front.mu.Unlock()
	for id, d := range s.front.deliveries {
		l.sent++
		if !d.acknowledged {
			l.refused++
			continue
		}
		l.acknowledged++
		amiss := wrong[fmt.Sprintf("%sclient %d", id.installation, d.company)]
		if !amiss {
			l.reflected++
		}
		if amiss || !kept[id] {
			l.lost++
		}
	}
}

// journal is every delivery that the journal holds since a time.
func (s *stage) journal(since time.Time) map[receipt]bool {
	s.Helper()
	held := map[receipt]bool{}
	// A server that has just come back may not answer yet; a reading that failed tells nothing.
	eventually(s, "the journal is read", recoverWithin, func() error { return s.readJournal(since, held) })
	return held
}

func (s *stage) readJournal(since time.Time, held map[receipt]bool) (err error) {
	ctx, cancel := context.WithTimeout(s.Context(), recoverWithin)
	defer cancel()
	bus, err := events.Open(ctx, store.Config{URL: s.natsURLs()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close(ctx)) }()
	for _, one := range s.tenants {
		from := events.ReadFrom{Installation: one.id, FromTime: since.Add(-time.Second)}
		err := bus.Journal().Read(ctx, from, func(c events.StoredChange) error {
			if c.SequenceNumber != nil && c.Trigger == v1.TriggerCallback {
				held[receipt{one.id, c.WebhookGUID, *c.SequenceNumber}] = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
