package watch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"channelsync/sync/contractrows"
	"channelsync/sync/fetch"

	"channelsync/api/autotask"
	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/sync/coverage"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Services, units, bundles and charges tell nothing of their edits, so all that
// matters of them is read again and again. What that may cost does not depend on the
// size of the tenant: where it does not reach, each contract has its turn less often.
const (
	// partsRequests is how many requests an hour the comparison may make; per interval
	// where that is shorter.
	partsRequests = 200
	// stepRequests is about how many make one step: what a crash can lose.
	stepRequests = 60
	// stepOverhead is what a step costs whatever its rows: the last page of each of
	// the five kinds of parts and four of the catalogue.
	stepOverhead = 9
	rowsPerPage  = 500
)

var errNotNow = errors.New("the installation does not read from Autotask now")

// CompareParts reads the rows of contracts that do not tell of their edits and finds the
// contracts of which they differ from what the last reconcile read. It takes the contracts that
// were compared longest ago first, a few hundred at a time, stores after each step how
// far it came, and returns when no contract is due. Where its requests of the hour are used up it waits.
func (w *Watcher) CompareParts(ctx context.Context) error {
	for {
		in, err := w.installation()
		if err != nil {
			return err
		}
		next, due := compared(in).Next(w.Now().Add(-w.partsDueAfter()))
		if !due || !readsParts(in) {
			return nil
		}
		if err := w.compareSome(ctx, in, next); errors.Is(err, errNotNow) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// PartsDue says whether a contract is due to be compared.
func (w *Watcher) PartsDue() bool {
	in, err := w.installation()
	if err != nil || !readsParts(in) {
		return false
	}
	_, due := compared(in).Next(w.Now().Add(-w.partsDueAfter()))
	return due
}

func readsParts(in *installation.Installation) bool {
	return in.Installed(v1.SyncActiveCustomerContracts) && !in.Stopped && !in.Refused
}

// compared is how far the comparison came; at first the backfill read everything.
func compared(in *installation.Installation) coverage.Coverage {
	if c := in.Cursors.PartsCompared; len(c.Spans) > 0 {
		return c
	}
	return coverage.From(in.Cursors.Parts)
}

// partsDueAfter is a little less than the interval, as the polls look only now and
// then whether it is over.
func (w *Watcher) partsDueAfter() time.Duration {
	return w.PartsEvery - min(w.PollEvery, w.PartsEvery/20)
}

// partsWindow is the time within which partsRequests may be made.
func (w *Watcher) partsWindow() time.Duration { return min(w.PartsEvery, time.Hour) }

// compareSome is one step.
func (w *Watcher) compareSome(ctx context.Context, in *installation.Installation, next coverage.Range) error {
	began := w.Now()
	all, err := w.comparable(ctx, w.today(in), next)
	if err != nil {
		return err
	}
	step, left := all.step()
	if len(left) > 0 {
		next.UpTo = step[len(step)-1].id
	}
	if w.requests == nil {
		w.requests = &coverage.Allowance{}
		*w.requests = in.Cursors.PartsRequests.With(began, 0, w.partsWindow())
	}
	if len(step) > 0 {
		// Counted before they are made, so that a crash gives none of them back.
		if err := w.storeParts(ctx, w.requests.With(began, step.requests(), w.partsWindow()), nil); err != nil {
			return err
		}
		if err := w.compareStep(ctx, step); err != nil {
			return errors.Join(err, w.storeParts(context.WithoutCancel(ctx), *w.requests, nil))
		}
	}
	if err := w.publishUnread(ctx, all.unread, next); err != nil {
		return err
	}
	done := func(c coverage.Coverage) coverage.Coverage { return c.Done(next, began) }
	return w.storeParts(ctx, *w.requests, done)
}

// storeParts stores the requests made, and how far the comparison came.
func (w *Watcher) storeParts(ctx context.Context, requests coverage.Allowance, done func(coverage.Coverage) coverage.Coverage) error {
	_, err := w.Store.Change(ctx, w.ID, func(in *installation.Installation) error {
		in.Cursors.PartsRequests = requests.With(w.Now(), 0, w.partsWindow())
		if done != nil {
			in.Cursors.PartsCompared = done(compared(in))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store how far parts are compared: %w", err)
	}
	return nil
}

// compareStep compares the parts of some contracts.
func (w *Watcher) compareStep(ctx context.Context, step contracts) error {
	read := make(map[int64]ledger.Parts, len(step))
	for _, c := range step {
		read[c.id] = c.parts
	}
	calls := autotask.WithAdmission(autotask.WithBulk(ctx), w.admitParts)
	hashes, err := contractrows.Hash(calls, w.Autotask, read, w.wait)
	if err != nil {
		return err
	}
	due, err := w.Ledger.Find(ctx, w.ID, v1.KindContract, func(s ledger.Summary) bool {
		was, compared := read[s.ID]
		// What was reconciled meanwhile has been read anew.
		return compared && s.Parts != nil && *s.Parts == was && hashes[s.ID] != was.Hash
	})
	if err != nil {
		return fmt.Errorf("find contracts: %w", err)
	}
	if len(due) > 0 {
		w.Catalogue.ForgetCatalogue()
	}
	return w.publish(ctx, v1.KindContract, v1.TriggerPoll, due)
}

// admitParts lets a request of the comparison out, within its limit.
func (w *Watcher) admitParts(ctx context.Context) error {
	for {
		wait := w.requests.Take(w.Now(), partsRequests, w.partsWindow())
		if wait == 0 {
			return nil
		}
		if err := w.wait(ctx, wait); err != nil {
			return err
		}
	}
}

// wait waits, and fails where the installation was stopped meanwhile.
func (w *Watcher) wait(ctx context.Context, d time.Duration) error {
	work := progress.Of(ctx)
	work.Wait(d)
	defer work.Busy(progress.Bulk)
	if err := w.Wait(ctx, d); err != nil {
		return err
	}
	in, err := w.installation()
	if err == nil && !readsParts(in) {
		err = errNotNow
	}
	return err
}

// contract is one to be compared.
type contract struct {
	id    int64
	parts ledger.Parts
}

type contracts []contract

// requests is about what comparing contracts in one step costs.
func (c contracts) requests() int {
	rows := 0
	for _, one := range c {
		rows += int(one.parts.Rows)
	}
	return stepOverhead + rows/rowsPerPage
}

// step cuts off as many contracts as make one step, at least one if there is any.
func (c contracts) step() (step, left contracts) {
	rows := 0
	for i, one := range c {
		rows += int(one.parts.Rows)
		if i == fetch.MaxBatch || i > 0 && stepOverhead+rows/rowsPerPage > stepRequests {
			return c[:i], c[i:]
		}
	}
	return c, nil
}

// candidates are the contracts of a range: those to be compared, and those in scope of
// which an older version of this program remembers nothing to compare with.
type candidates struct {
	contracts
	unread []int64
}

// comparable finds the contracts that can be compared, by id. Those that have ended and
// have no line in force any more cost nothing.
func (w *Watcher) comparable(ctx context.Context, today ledger.Day, r coverage.Range) (out candidates, err error) {
	_, err = w.Ledger.Find(ctx, w.ID, v1.KindContract, func(s ledger.Summary) bool {
		switch {
		case s.ID <= r.After || s.ID > r.UpTo:
		case contractrows.Comparable(s.Parts):
			if !contractrows.Unreadable(s.Parts) && !ended(s.Parts, today) {
				out.contracts = append(out.contracts, contract{s.ID, *s.Parts})
			}
		case s.Outcome == v1.OutcomePushed || s.Outcome == v1.OutcomeUnchanged:
			if s.InScope {
				out.unread = append(out.unread, s.ID)
			}
		}
		return false
	})
	if err != nil {
		return out, fmt.Errorf("find contracts: %w", err)
	}
	return out, nil
}

func ended(p *ledger.Parts, today ledger.Day) bool { return p.Until != 0 && p.Until < today }

// publishUnread has contracts read that cannot be compared yet, without hurry.
func (w *Watcher) publishUnread(ctx context.Context, ids []int64, r coverage.Range) error {
	var due []int64
	for _, id := range ids {
		if id <= r.UpTo {
			due = append(due, id)
		}
	}
	return w.publish(ctx, v1.KindContract, v1.TriggerSweep, due)
}

// today is the calendar day where the tenant is.
func (w *Watcher) today(in *installation.Installation) ledger.Day {
	return ledger.DayOf(in.Options.Today(w.Now()))
}

// PollDays finds the contracts whose vendor or cost changes with the tenant's day though
// nothing is edited, each once a day. It asks Autotask for nothing. A contract that was
// being reconciled at midnight may say only afterwards that it is due today, so that it
// is not enough to look at the beginning of the day.
func (w *Watcher) PollDays(ctx context.Context) error {
	in, err := w.installation()
	if err != nil {
		return err
	}
	today := w.today(in)
	if w.day != today {
		w.day, w.dayEnqueued = today, map[int64]bool{}
	}
	due, err := w.Ledger.Find(ctx, w.ID, v1.KindContract, func(s ledger.Summary) bool {
		return s.Parts != nil && s.Parts.Due != 0 && s.Parts.Due <= today && !w.dayEnqueued[s.ID]
	})
	if err != nil {
		return fmt.Errorf("find contracts: %w", err)
	}
	if err := w.publish(ctx, v1.KindContract, v1.TriggerSweep, due); err != nil {
		return err
	}
	for _, id := range due {
		w.dayEnqueued[id] = true
	}
	return nil
}

// PartsFreshness says how fresh the parts of contracts are; nil without contracts to compare.
func (w *Watcher) PartsFreshness(ctx context.Context) (*v1.PartsFreshness, error) {
	in, err := w.installation()
	if err != nil || !in.Installed(v1.SyncActiveCustomerContracts) {
		return nil, err
	}
	all, err := w.comparable(ctx, w.today(in), coverage.Range{After: math.MinInt64, UpTo: math.MaxInt64})
	if err != nil || len(all.contracts) == 0 {
		return nil, err
	}
	since := compared(in).Since()
	out := &v1.PartsFreshness{Contracts: len(all.contracts)}
	for left := all.contracts; len(left) > 0; {
		var step contracts
		step, left = left.step()
		out.Requests += step.requests()
	}
	every := w.partsEvery(out.Requests)
	out.EverySeconds = int64(every.Round(time.Second) / time.Second)
	if !since.IsZero() {
		out.ComparedSince, out.NextAt = &since, new(since.Add(every))
	}
	return out, nil
}

// partsEvery is how often each contract is compared, where comparing all takes so many requests.
func (w *Watcher) partsEvery(requests int) time.Duration {
	window := w.partsWindow()
	// A sixtieth, as requests count until their whole minute is over; and some time for a step.
	round := window * time.Duration(requests) / partsRequests
	return max(w.PartsEvery, round+round/60+window/15)
}
