//go:build linux

package fault

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	v1 "channelsync/api/v1"
	"channelsync/internal/progress"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// hook is called by the worker for each record that it is done with, and may do what no worker should.
type hook struct {
	says atomic.Pointer[func(record int64)]
	seen atomic.Int64 // stacks that were logged
}

func (h *hook) arm(says func(record int64)) { h.says.Store(&says) }

func (h *hook) disarm() { h.says.Store(nil) }

// options has the service log through the hook.
func (h *hook) options(o *service.Options) {
	o.Log = zap.New(watchedCore{zapcore.NewNopCore(), h})
}

// watchedCore hands what is logged of each record to a hook.
type watchedCore struct {
	zapcore.Core
	hook *hook
}

func (c watchedCore) Enabled(zapcore.Level) bool { return true }

func (c watchedCore) With([]zap.Field) zapcore.Core { return c }

func (c watchedCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return ce.AddCore(e, c)
}

func (c watchedCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	if e.Message == "stacks of all goroutines" {
		c.hook.seen.Add(1)
	}
	if says := c.hook.says.Load(); says != nil && e.Message == "reconciled" {
		for _, f := range fields {
			if f.Key == v1.LogRecord {
				(*says)(f.Integer)
			}
		}
	}
	return nil
}

// innerFaults strike at the service itself: at what its own mistakes would do.
func innerFaults() []fault {
	var stuck, panicking hook
	apart := &clock{}
	var unreadable int64
	return []fault{
		{
			name: "a worker that never returns", repeats: true,
			options: func(_ *testing.T, o *service.Options) {
				stuck.options(o)
				o.Stall = form(progress.Limits{Live: 3 * time.Second, Bulk: 5 * time.Second, Again: 40 * time.Second}, progress.Limits{})
			},
			strike: func(tr *trial) string { return tr.stick(&stuck) },
		},
		{
			name: "a panic at one record", repeats: true,
			options: func(_ *testing.T, o *service.Options) { panicking.options(o) },
			strike:  func(tr *trial) string { return tr.panics(&panicking, during(5*time.Second, 45*time.Second)) },
		},
		{
			name:    "clocks apart by a minute",
			options: func(_ *testing.T, o *service.Options) { o.Now = apart.now },
			begin: func(tr *trial) { // nobody edits it
				unreadable = tr.Autotask.Put("Companies", atsim.Row{"companyName": "Unreadable", "companyType": 1, "isActive": true})
			},
			strike: func(tr *trial) string { return tr.skew(apart, unreadable) },
		},
	}
}

// stick lets the worker hang at a record for ever. Nobody does anything for it to run again.
func (tr *trial) stick(h *hook) string {
	let := make(chan struct{})
	tr.Cleanup(func() { close(let) })
	var once atomic.Bool
	began := time.Now()
	h.arm(func(int64) {
		if once.CompareAndSwap(false, true) {
			<-let
		}
	})
	within := form(30*time.Second, 135*time.Second)
	tr.Eventually("the worker is named", within, func() error {
		return tr.readyzSays(http.StatusServiceUnavailable, "worker of installation "+tr.in.ID)
	})
	red := time.Since(began)
	if h.seen.Load() == 0 {
		tr.Error("no stacks are logged")
	}
	tr.Eventually("another one runs", soon, func() error { return tr.readyzSays(http.StatusOK, "") })
	tr.over()
	return fmt.Sprintf("named within %.0f s, running again %.0f s after it got stuck", red.Seconds(), time.Since(began).Seconds())
}

// readyzSays wants a status of /readyz, and a text in it.
func (tr *trial) readyzSays(status int, text string) error {
	req, err := http.NewRequestWithContext(tr.Context(), http.MethodGet, tr.AdminURL+"/readyz", http.NoBody)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != status || !strings.Contains(string(body), text) {
		return fmt.Errorf("it says %d %s %w", resp.StatusCode, body, err)
	}
	return nil
}

// panics lets whatever is done for one company panic for a time, while the edits of others arrive.
func (tr *trial) panics(h *hook, d time.Duration) string {
	company := tr.companies[len(tr.companies)-1]
	var n atomic.Int64
	h.arm(func(record int64) {
		if record == company {
			n.Add(1)
			panic("at one record")
		}
	})
	if err := tr.Autotask.Edit("Companies", company, atsim.Row{"companyName": "Panics"}); err != nil {
		tr.Errorf("edit: %v", err)
	}
	took := tr.othersArrive(company)
	tr.hold(d)
	tr.rest()
	h.disarm()
	if err := tr.Autotask.Edit("Companies", company, atsim.Row{"companyName": "Healed"}); err != nil {
		tr.Errorf("edit: %v", err)
	}
	tr.over()
	if n.Load() == 0 {
		tr.Error("nothing panicked: nothing was shown")
	}
	return fmt.Sprintf("%d panics; 20 others arrived within %s", n.Load(), took)
}

// othersArrive waits until edits of 20 others have arrived, which takes 20 s at most.
func (tr *trial) othersArrive(company int64) time.Duration {
	name := func(id int64) string {
		c, _ := tr.Target.Client(service.Connection, strconv.FormatInt(id, 10))
		return c.Data.Name
	}
	before, began := map[int64]string{}, time.Now()
	for _, id := range tr.seeded {
		before[id] = name(id)
	}
	tr.Eventually("edits of 20 others arrive", 20*time.Second, func() error {
		moved := 0
		for id, was := range before {
			if id != company && name(id) != was {
				moved++
			}
		}
		if moved < 20 {
			return fmt.Errorf("%d of them", moved)
		}
		return nil
	})
	return time.Since(began).Round(100 * time.Millisecond)
}

// skew sets the clock of the service a minute back and ahead of that of the event store, and lets a record fail
// under each: it is tried once, and waits for its time.
func (tr *trial) skew(c *clock, unreadable int64) string {
	tr.Autotask.SetFault(atsim.Fault{Kind: "badvalue", Entity: "Companies", Record: unreadable, Field: "isActive", Value: []byte(`"maybe"`)})
	counted := 0
	for _, apart := range []time.Duration{-time.Minute, time.Minute} {
		c.set(apart)
		if err := tr.Autotask.Edit("Companies", unreadable, atsim.Row{"phone": fmt.Sprint("518-555-01", int(apart.Minutes())+10)}); err != nil {
			tr.Errorf("edit: %v", err)
		}
		attempts := func() int {
			rec, err := tr.Admin.Record(tr.Context(), tr.in.ID, v1.KindCompany, strconv.FormatInt(unreadable, 10))
			if err != nil {
				return -1
			}
			return rec.Attempts
		}
		tr.Eventually("the failing record is tried", soon, func() error {
			if n := attempts(); n <= counted {
				return fmt.Errorf("%d attempts", n)
			}
			return nil
		})
		tr.hold(during(3*time.Second, 20*time.Second))
		if n := attempts(); n != counted+1 {
			tr.Errorf("%s apart: %d attempts are counted, want %d", apart, n, counted+1)
		}
		counted++
		tr.acknowledged(fmt.Sprintf("%s apart", apart), 10)
	}
	tr.Autotask.ClearFaults(0)
	c.set(0)
	if err := tr.Autotask.Edit("Companies", unreadable, atsim.Row{"companyName": "Healed"}); err != nil {
		tr.Errorf("edit: %v", err)
	}
	tr.over()
	return fmt.Sprintf("the event store's a minute ahead, then behind; a record that failed under each counted %d attempts", counted)
}
