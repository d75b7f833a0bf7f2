package service

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/events/store"
	"channelsync/test/harness"
	cpsim "channelsync/test/sim/channelprogram/sim"
)

// Client is a company's client at Channel Program; the zero value when it has none.
func (w *Harness) Client(company int64) cpsim.Client {
	c, _ := w.Target.Client(Connection, strconv.FormatInt(company, 10))
	return c
}

// Contract is a contract at Channel Program; the zero value when it has none.
func (w *Harness) Contract(id int64) cpsim.Contract {
	c, _ := w.Target.Contract(Connection, strconv.FormatInt(id, 10))
	return c
}

// ClientBecomes waits until a company's client is as wanted.
func (w *Harness) ClientBecomes(company int64, what string, within time.Duration, want func(cpsim.ClientInput) bool) {
	w.T.Helper()
	w.Eventually(fmt.Sprintf("client %d: %s", company, what), within, func() error {
		c, ok := w.Target.Client(Connection, strconv.FormatInt(company, 10))
		if !ok || !want(c.Data) {
			return fmt.Errorf("client there: %v; got %+v", ok, c.Data)
		}
		return nil
	})
}

// ContractBecomes waits until a contract is as wanted.
func (w *Harness) ContractBecomes(id int64, what string, within time.Duration, want func(cpsim.ContractInput) bool) {
	w.T.Helper()
	w.Eventually(fmt.Sprintf("contract %d: %s", id, what), within, func() error {
		c, ok := w.Target.Contract(Connection, strconv.FormatInt(id, 10))
		if !ok || !want(c.Data) {
			return fmt.Errorf("contract there: %v; got %+v", ok, c.Data)
		}
		return nil
	})
}

// Record is a record as the admin API shows it; it fails the test when there is none.
func (w *Harness) Record(installation string, kind v1.Kind, id int64) v1.RecordDetail {
	w.T.Helper()
	rec, err := w.Admin.Record(w.T.Context(), installation, kind, strconv.FormatInt(id, 10))
	harness.OK(w.T, err)
	return rec
}

// RecordBecomes waits until a record is as wanted.
func (w *Harness) RecordBecomes(
	installation string, kind v1.Kind, id int64, within time.Duration, want func(v1.RecordDetail) bool,
) v1.RecordDetail {
	w.T.Helper()
	var rec v1.RecordDetail
	w.Eventually(fmt.Sprintf("record of %s %d", kind, id), within, func() error {
		var err error
		if rec, err = w.Admin.Record(w.T.Context(), installation, kind, strconv.FormatInt(id, 10)); err != nil {
			return err
		}
		if !want(rec) {
			return fmt.Errorf("outcome %s, reasons %v, attempts %d, detail %q", rec.Outcome, rec.Reasons, rec.Attempts, rec.Detail)
		}
		return nil
	})
	return rec
}

// AutotaskRequests counts the REST requests since the last reset, but for those
// that keep the webhook registrations.
func (w *Harness) AutotaskRequests() int {
	stats := w.Autotask.Stats()
	n := stats.Total
	for resource, ops := range stats.Requests {
		if strings.Contains(strings.ToLower(resource), "webhook") {
			for _, count := range ops {
				n -= count
			}
		}
	}
	return n
}

// Handshakes counts how often Channel Program was asked for the connection.
func (w *Harness) Handshakes() int {
	n := 0
	for operation, statuses := range w.Target.Stats().Requests {
		if operation == "getConnection" {
			for _, count := range statuses {
				n += count
			}
		}
	}
	return n
}

// DeliverAll waits until Autotask has no callout left to deliver.
func (w *Harness) DeliverAll(within time.Duration) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), within)
	defer cancel()
	if err := w.Autotask.WaitCallouts(ctx); err != nil {
		w.T.Fatalf("callouts: %v; %+v", err, w.Autotask.Stats().Callouts)
	}
}

// Store opens the embedded store of a stopped service, to look at what it kept.
func (w *Harness) Store(use func(*events.Bus)) {
	w.T.Helper()
	if w.service != nil {
		w.T.Fatal("the store can be opened only while the service is stopped")
	}
	bus, err := events.Open(w.T.Context(), store.Config{DataDir: w.DataDir})
	harness.OK(w.T, err)
	use(bus)
	if err := bus.Close(w.T.Context()); err != nil {
		w.T.Error(err)
	}
}
