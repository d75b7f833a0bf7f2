package reconcile

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
	"channelsync/test/harness"
	"channelsync/test/harness/clock"
	"channelsync/test/harness/stores"
	"channelsync/test/harness/vaults"
	atsim "channelsync/test/sim/autotask/sim"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

func TestMain(m *testing.M) { harness.Main(m) }

const (
	inst       = "01hzx3q8r9k2m4n6p8s0t2v4w6"
	connection = "msp-one"
)

// bench is a reconciler between the two simulated vendors, on a real event store.
// Due entries are handed to it by the test; only the clock is the test's own.
type bench struct {
	t      *testing.T
	at     *atsim.Sim
	cp     *cpsim.Sim
	bus    *events.Bus
	ledger *ledger.Ledger
	box    *deadletter.Box
	rec    *Reconciler

	clock   *clock.Clock
	crash   *crash
	results []Result

	mu sync.Mutex
	in *installation.Installation
}

type setup struct {
	syncs    []v1.Sync // both when empty
	options  v1.Options
	autotask atsim.Config
	change   func(*Config) // of the reconciler
	owned    func(context.Context) (context.Context, context.CancelFunc, error)
	via      func(http.RoundTripper) http.RoundTripper // to Autotask; nil: directly
	asking   func(*http.Request)                       // sees every request to either vendor before it is sent
}

// watched shows requests to a test before it sends them.
type watched struct {
	http.RoundTripper
	asking func(*http.Request)
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.asking != nil {
		w.asking(r)
	}
	return w.RoundTripper.RoundTrip(r)
}

// newBench also lets the test run beside others: it waits for the disk most of the time.
func newBench(t *testing.T, s setup) *bench {
	t.Helper()
	t.Parallel()
	b := &bench{t: t, clock: clock.At(time.Now()), crash: &crash{}}
	s.autotask.Username, s.autotask.Secret, s.autotask.TrackingIdentifier = "api@msp.example", "secret-0123456789", "TRACK"
	b.at = atsim.New(s.autotask)
	var err error
	b.cp, err = cpsim.New(cpsim.Config{Connections: []cpsim.Connection{{ID: connection, Token: "token-0123456789"}}})
	harness.OK(t, err)
	atServer, cpServer := httptest.NewServer(b.at.Handler()), httptest.NewServer(b.cp.Handler())
	t.Cleanup(func() {
		b.at.Close()
		b.cp.Close()
		atServer.Close()
		cpServer.Close()
	})
	b.openStore()
	if len(s.syncs) == 0 {
		s.syncs = v1.Syncs
	}
	zone := v1.Zone{Name: "test", URL: atServer.URL + "/atservicesrest"}
	b.in = &installation.Installation{ID: inst, Name: "MSP", Zone: zone, Options: s.options, Syncs: map[v1.Sync]*installation.SyncSettings{}}
	for _, sync := range s.syncs {
		b.in.Syncs[sync] = &installation.SyncSettings{}
	}
	toAutotask := http.RoundTripper(watched{atServer.Client().Transport, s.asking})
	if s.via != nil {
		toAutotask = s.via(toAutotask)
	}
	client := autotask.New(autotask.Config{
		Credentials: autotask.Credentials{
			Username: s.autotask.Username, Secret: v1.Secret(s.autotask.Secret), TrackingIdentifier: v1.Secret(s.autotask.TrackingIdentifier),
		},
		Zone: zone, Hosts: autotask.NewHosts([]string{strings.TrimPrefix(atServer.URL, "http://")}),
		Transport: toAutotask,
		Wait:      func(context.Context, time.Duration) error { return nil },
	})
	t.Cleanup(client.Close)
	target, err := channelprogram.New(channelprogram.Config{
		BaseURL: cpServer.URL, ConnectionID: connection, Token: "token-0123456789",
		Transport: watched{cpServer.Client().Transport, s.asking}, Hold: s.owned,
	})
	harness.OK(t, err)
	cfg := Config{
		Installation: b.installation, Autotask: client, Target: target, Ledger: b.ledger, DeadLetters: b.box,
		Journal: crashJournal{b.crash, b.bus.Journal()}, Worklist: crashWorklist{b.crash, b.bus.Worklist()},
		Scheduler: crashSchedule{b.crash, b.bus.Worklist()},
		Freshness: &Freshness{}, Now: b.clock.Now, Log: zap.NewNop(), Done: func(s Result) { b.results = append(b.results, s) },
		Owned: s.owned,
	}
	if s.change != nil {
		s.change(&cfg)
	}
	b.rec = New(cfg)
	return b
}

func (b *bench) openStore() {
	t := b.t
	t.Helper()
	b.bus = stores.Open(t)
	sealed := vaults.Open(t, stores.Table(t, b.bus, "keys"))
	b.ledger = ledger.New(crashTable{b.crash, stores.Table(t, b.bus, "ledger")}, sealed)
	b.box = deadletter.New(crashStream{b.crash, b.bus.DeadLetters()}, sealed, b.clock.Now)
}

func (b *bench) installation() (*installation.Installation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in := *b.in
	in.Syncs = map[v1.Sync]*installation.SyncSettings{}
	for sync, settings := range b.in.Syncs {
		s := *settings
		in.Syncs[sync] = &s
	}
	return &in, nil
}

// change edits the installation as an operator would.
func (b *bench) change(edit func(*installation.Installation)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	edit(b.in)
}

// customer makes a company that is in scope.
func (b *bench) customer(name string, more ...atsim.Row) int64 {
	row := atsim.Row{"companyName": name, "companyType": 1, "isActive": true, "phone": "518-555-0100"}
	for _, fields := range more {
		for k, v := range fields {
			row[k] = v
		}
	}
	return b.at.Put("Companies", row)
}

func (b *bench) contact(company int64, email string) int64 {
	return b.at.Put("Contacts", atsim.Row{"companyID": company, "firstName": "Ann", "lastName": "Lee", "emailAddress": email, "isActive": 1})
}

func (b *bench) contract(company int64, name string, more ...atsim.Row) int64 {
	row := atsim.Row{"companyID": company, "contractName": name, "contractType": 7, "status": 1, "startDate": "2026-01-01", "endDate": "2030-01-01"}
	for _, fields := range more {
		for k, v := range fields {
			row[k] = v
		}
	}
	return b.at.Put("Contracts", row)
}

func (b *bench) edit(entity string, id int64, fields atsim.Row) {
	b.t.Helper()
	harness.OK(b.t, b.at.Edit(entity, id, fields))
}

// due makes live marks of records as the dispatcher would.
func (b *bench) due(kind v1.Kind, ids ...int64) []events.DueEntry {
	var out []events.DueEntry
	for _, id := range ids {
		out = append(out, events.DueEntry{
			Installation: inst, Kind: kind, ID: id, Lane: events.LaneLive, Trigger: v1.TriggerCallback, StoredAt: b.clock.Now(),
		})
	}
	return out
}

// batch reconciles records; a failure of an upstream fails the test.
func (b *bench) batch(kind v1.Kind, ids ...int64) {
	b.t.Helper()
	if err := b.rec.Batch(b.t.Context(), kind, b.due(kind, ids...)); err != nil {
		b.t.Fatalf("reconcile %s %v: %v", kind, ids, err)
	}
	b.clock.Add(time.Second)
}

// retry reconciles records as their scheduled retries do.
func (b *bench) retry(kind v1.Kind, ids ...int64) {
	b.t.Helper()
	due := b.due(kind, ids...)
	for i := range due {
		due[i].Attempt = b.entry(kind, due[i].ID).Attempts
	}
	if err := b.rec.Batch(b.t.Context(), kind, due); err != nil {
		b.t.Fatalf("reconcile %s %v: %v", kind, ids, err)
	}
	b.clock.Add(time.Second)
}

// apart lists what is due in the lane of those that are sent alone.
func (b *bench) apart(kind v1.Kind) []events.DueEntry {
	b.t.Helper()
	due, err := b.bus.Worklist().Peek(b.t.Context(), inst, kind, events.LaneApart, events.PeekMax)
	harness.OK(b.t, err)
	return due
}

// alone reconciles what is due there, as the worker does; the error is the upstream's.
func (b *bench) alone(kind v1.Kind) {
	b.t.Helper()
	due := b.apart(kind)
	if len(due) == 0 {
		b.t.Fatalf("no %s is due apart", kind)
	}
	if err := b.rec.Batch(b.t.Context(), kind, due); err != nil {
		b.t.Fatalf("reconcile alone: %v", err)
	}
	last := due[len(due)-1].Sequence
	harness.OK(b.t, b.bus.Worklist().AckThrough(b.t.Context(), inst, kind, events.LaneApart, last))
	b.clock.Add(time.Second)
}

// broken reconciles records and returns the failure of an upstream that there must be.
func (b *bench) broken(kind v1.Kind, ids ...int64) error {
	b.t.Helper()
	err := b.rec.Batch(b.t.Context(), kind, b.due(kind, ids...))
	if err == nil {
		b.t.Fatalf("reconcile %s %v: no error", kind, ids)
	}
	b.clock.Add(time.Second)
	return err
}

// entry is what the ledger has of a record; an empty one when it has none.
func (b *bench) entry(kind v1.Kind, id int64) ledger.Entry {
	b.t.Helper()
	found, err := b.ledger.Read(b.t.Context(), inst, kind, []int64{id})
	harness.OK(b.t, err)
	if e := found[id]; e != nil {
		return *e
	}
	return ledger.Entry{}
}

// outcome checks how the last reconcile of a record ended, and why.
func (b *bench) outcome(kind v1.Kind, id int64, want v1.Outcome, reasons ...string) ledger.Entry {
	b.t.Helper()
	e := b.entry(kind, id)
	if e.Outcome != want || fmt.Sprint(e.Reasons) != fmt.Sprint(reasons) {
		b.t.Errorf("%s %d: got %s %v (%s), want %s %v", kind, id, e.Outcome, e.Reasons, e.Detail, want, reasons)
	}
	return e
}

func (b *bench) client(id int64) cpsim.Client {
	c, _ := b.cp.Client(connection, strconv.FormatInt(id, 10))
	return c
}

func (b *bench) agreement(id int64) cpsim.Contract {
	c, _ := b.cp.Contract(connection, strconv.FormatInt(id, 10))
	return c
}

// pushes counts what the target was sent about a record.
func (b *bench) pushes(id int64) int {
	return len(b.cp.PushesOf(connection, strconv.FormatInt(id, 10)))
}

// fault sets one at the target.
func (b *bench) fault(f cpsim.Fault) {
	b.t.Helper()
	if _, err := b.cp.SetFault(f); err != nil {
		b.t.Fatal(err)
	}
}

// until waits for something that the test does not do itself.
func (b *bench) until(what string, is func() bool) {
	b.t.Helper()
	harness.Until(b.t, what, harness.Soon, is)
}

// dueIDs lists the ids that are marked live.
func (b *bench) dueIDs(kind v1.Kind) []int64 {
	b.t.Helper()
	due, err := b.bus.Worklist().Peek(b.t.Context(), inst, kind, events.LaneLive, events.PeekMax)
	harness.OK(b.t, err)
	var ids []int64
	for _, d := range due {
		ids = append(ids, d.ID)
	}
	return ids
}

// waiting counts the retries that are scheduled.
func (b *bench) waiting() int {
	b.t.Helper()
	d, err := b.bus.Worklist().Depth(b.t.Context(), inst)
	harness.OK(b.t, err)
	return d.Scheduled
}

// dead is the dead letter of a record, if it has one.
func (b *bench) dead(kind v1.Kind, id int64) (v1.DeadLetter, bool) {
	b.t.Helper()
	d, err := b.box.Get(b.t.Context(), inst, deadletter.RecordID(kind, id))
	if err != nil && !errors.Is(err, events.ErrNotFound) {
		b.t.Fatal(err)
	}
	return d, err == nil
}

// dependents lists the contracts that were published because of another record.
func (b *bench) dependents() []int64 {
	b.t.Helper()
	var ids []int64
	err := b.bus.Journal().Read(b.t.Context(), events.ReadFrom{Installation: inst}, func(c events.StoredChange) error {
		if c.Trigger == v1.TriggerDependent && c.Kind == v1.KindContract {
			ids = append(ids, c.ID)
		}
		return nil
	})
	harness.OK(b.t, err)
	return ids
}

// asked counts the requests of an operation on an entity since the counters were reset.
func (b *bench) asked(entity, operation string) int { return b.at.Stats().Requests[entity][operation] }

func upTo(n int64) []int64 {
	var ids []int64
	for id := int64(1); id <= n; id++ {
		ids = append(ids, id)
	}
	return ids
}
