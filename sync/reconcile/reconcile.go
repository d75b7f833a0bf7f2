package reconcile

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"channelsync/sync/contractrows"
	"channelsync/sync/fetch"
	"channelsync/sync/slots"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/internal/panics"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Journal takes the dependents that a reconcile finds.
type Journal interface {
	PublishAll(ctx context.Context, changes []events.Change) error
}

// Worklist is the set of records that are due.
type Worklist interface {
	Peek(ctx context.Context, installation string, kind v1.Kind, lane events.Lane, most int) ([]events.DueEntry, error)
	AckThrough(ctx context.Context, installation string, kind v1.Kind, lane events.Lane, upTo uint64) error
	Enqueue(ctx context.Context, due []events.DueEntry) error
}

// Scheduler makes records due later, and cancels that again.
type Scheduler interface {
	Schedule(ctx context.Context, due []events.DueEntry, wait func(events.DueEntry) time.Duration) error
	Unschedule(ctx context.Context, installation string, kind v1.Kind, ids []int64) error
}

// Config is what a Reconciler works with; all of it belongs to one installation.
type Config struct {
	ID           string                                     // of the installation
	Installation func() (*installation.Installation, error) // as it is now
	Autotask     *autotask.Client
	Target       *channelprogram.Client
	ConnectedAt  time.Time // since when the target's account is connected instead of another; zero: always
	Ledger       *ledger.Ledger
	DeadLetters  *deadletter.Box
	Journal      Journal
	Worklist     Worklist
	Scheduler    Scheduler
	Slots        *slots.Slots // nil: everybody works at once
	Freshness    *Freshness
	Now          func() time.Time
	Tracer       trace.Tracer // of the records whose changes are traced; nil: none are
	Log          *zap.Logger
	// Cancelled says that the entries of a job are to be dropped; nil: never.
	Cancelled func(job string) bool
	// Done receives every result: for jobs, the feed and metrics.
	Done func(Result)
	// Owned is asked before anything of a batch is written: an error means that
	// somebody else may be working for the installation by now, and ends the batch.
	// What is written ends with the context. Nil: this process is the only one. The
	// target's client asks it before each of its own writes.
	Owned func(ctx context.Context) (owned context.Context, release context.CancelFunc, err error)
}

// Result is one record brought in line, or failed.
type Result struct {
	Kind    v1.Kind
	ID      int64
	Name    string
	Outcome v1.Outcome
	Reasons []string
	Trigger v1.Trigger
	Job     string
	Pushed  bool // something was sent
	Drift   bool // the target had been edited, and was put right
	// DriftFields are the fields that had been edited there, as the target names them.
	DriftFields []string
	At          time.Time
	Took        time.Duration // from stored to done, of a live change; else 0
}

// Reconciler brings batches of records of one installation in line.
type Reconciler struct {
	Config
	fetcher    *fetch.Fetcher
	countries  countries
	rows       *contractrows.Reader
	departures departures
	// inProgress are the records that somebody is at work on: a batch, or a probe. None is ever
	// in two of them, so that no two requests write the same record at once.
	inProgress records
	// suspects failed alone while the upstream worked, until they are well.
	// What is known of them is in memory only: after a restart they are found anew.
	suspects  records
	health    health
	reads     reads
	undecided atomic.Int64  // suspects that could not be judged, ever
	apartDue  chan struct{} // holds a hint that suspects are due
}

// New makes a reconciler.
func New(cfg Config) *Reconciler {
	f := fetch.New(cfg.Autotask, cfg.Now)
	return &Reconciler{
		Config: cfg, fetcher: f, rows: contractrows.New(f, cfg.Now), countries: newCountries(), apartDue: make(chan struct{}, 1),
	}
}

// Rows is what reads the rows of contracts and keeps their catalogue.
func (r *Reconciler) Rows() *contractrows.Reader { return r.rows }

// Batch reconciles due entries of one kind, at most fetch.MaxBatch. A nil error means that
// every record is committed and its entry may be acknowledged. An error is a failure of an
// upstream: entries stay due, what was done is remembered. A panic is the failure of the
// record that causes it, which halving the batch finds; all others are committed.
func (r *Reconciler) Batch(ctx context.Context, kind v1.Kind, due []events.DueEntry) error {
	err := panics.Try(func() error { return r.reconcile(ctx, kind, due) })
	panicked := panics.Of(err)
	switch {
	case panicked == nil:
		return err
	case len(due) == 1:
		return r.commitPanicked(ctx, kind, due[0], panicked)
	}
	r.Log.Error("reconcile panicked, halving the batch to find the record",
		zap.String(v1.LogKind, string(kind)), zap.Int(v1.LogCount, len(due)), zap.Error(err), panics.Stack(err))
	middle := len(due) / 2
	if err := r.Batch(ctx, kind, due[:middle]); err != nil {
		return err
	}
	return r.Batch(ctx, kind, due[middle:])
}

func (r *Reconciler) reconcile(ctx context.Context, kind v1.Kind, due []events.DueEntry) error {
	in, err := r.Installation()
	if err != nil {
		return err
	}
	apart := len(due) > 0 && due[0].Lane == events.LaneApart
	if apart {
		ctx = autotask.WithoutRepeats(ctx) // whoever cannot be read is asked for twice all the same
	} else {
		ctx = r.fetcher.WithShortWaits(ctx)
	}
	if kind == v1.KindContact {
		return r.traced(ctx, kind, due, func(ctx context.Context, t *trail) error { return r.contacts(ctx, in, due, t) })
	}
	taken, busy := r.inProgress.add(kind, idsOf(due)...)
	defer r.inProgress.drop(kind, taken...)
	var free, follow []events.DueEntry
	for _, d := range due {
		if slices.Contains(busy, d.ID) {
			follow = append(follow, d) // whoever has it there is followed by this
		} else {
			free = append(free, d)
		}
	}
	b, err := r.newBatch(ctx, in, kind, free)
	if err != nil {
		return err
	}
	b.apart = apart
	if !b.apart {
		follow = append(follow, b.setApart()...)
	}
	entries := each(b.items, func(it *item) events.DueEntry { return it.due })
	return r.traced(ctx, kind, entries, func(ctx context.Context, t *trail) (err error) {
		b.trail = t
		switch {
		case len(b.items) == 0:
		case kind == v1.KindContract:
			err = b.contracts(ctx)
		default:
			err = b.companies(ctx)
		}
		if err != nil {
			return err
		}
		return b.leave(ctx, follow)
	})
}

// whileOwned does a write while this process owns the installation. Lost ownership is a
// failure of the own store: no record is to blame, and its entry stays due.
func (r *Reconciler) whileOwned(ctx context.Context, write func(context.Context) error) error {
	if r.Owned == nil {
		return write(ctx)
	}
	ctx, release, err := r.Owned(ctx)
	if err != nil {
		return err
	}
	defer release()
	return write(ctx)
}
