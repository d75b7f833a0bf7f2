package reconcile

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"channelsync/sync/upstream"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	v1 "channelsync/api/v1"
)

// mine panics in the middle of the work on whatever fits a pattern.
type mine struct{ pattern atomic.Pointer[regexp.Regexp] }

func (m *mine) lay(pattern string) { m.pattern.Store(regexp.MustCompile(pattern)) }

func (m *mine) asking(r *http.Request) {
	pattern := m.pattern.Load()
	if pattern == nil || r.GetBody == nil {
		return
	}
	body, err := r.GetBody()
	if err != nil {
		return
	}
	if sent, _ := io.ReadAll(body); pattern.Match(sent) {
		panic("stepped on it")
	}
}

// asksFor is the pattern of a query by ids, one of which is id.
func asksFor(id int64) string { return fmt.Sprintf(`"value":\[([0-9]+,)*%d[,\]]`, id) }

// logged is a bench that panics where its mine lies, and what it logs.
func logged(t *testing.T, s setup) (*bench, *mine, *observer.ObservedLogs) {
	t.Helper()
	m := &mine{}
	core, logs := observer.New(zap.WarnLevel)
	change := s.change
	s.asking = m.asking
	s.change = func(c *Config) {
		c.Log = zap.New(core)
		if change != nil {
			change(c)
		}
	}
	return newBench(t, s), m, logs
}

// A panic is one record's failure wherever it happens: while it is read, or while it is sent.
func TestAPanicIsItsRecordsFailure(t *testing.T) {
	for name, poison := range map[string]func(id int64) string{
		"reading": asksFor,
		"sending": func(int64) string { return "Poison Ltd" },
	} {
		t.Run(name, func(t *testing.T) {
			b, m, logs := logged(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
			ids := []int64{b.customer("One"), b.customer("Two"), b.customer("Three"), b.customer("Four")}
			bad := b.customer("Poison Ltd")
			ids = append(ids, b.customer("Five"), b.customer("Six"))
			m.lay(poison(bad))
			b.batch(v1.KindCompany, append(ids, bad)...)
			for _, id := range ids {
				b.outcome(v1.KindCompany, id, v1.OutcomePushed)
			}
			e := b.outcome(v1.KindCompany, bad, v1.OutcomeRetrying, upstream.CodeInternal)
			if !strings.Contains(e.Detail, "company "+strconv.FormatInt(bad, 10)) || !strings.Contains(e.Detail, "stepped on") || strings.Contains(e.Detail, "goroutine") {
				t.Errorf("the record says %q", e.Detail)
			}
			if e.Attempts != 1 || b.waiting() != 1 {
				t.Errorf("%d attempts, %d scheduled", e.Attempts, b.waiting())
			}
			if !strings.Contains(stackOf(logs, "reconcile panicked, the record fails alone"), "mine).asking") {
				t.Errorf("the log does not have the stack: %v", logs.All())
			}
			m.lay("^nothing$")
			b.batch(v1.KindCompany, bad)
			if e := b.outcome(v1.KindCompany, bad, v1.OutcomePushed); e.Attempts != 0 || b.waiting() != 0 {
				t.Errorf("healed: %d attempts, %d scheduled", e.Attempts, b.waiting())
			}
		})
	}
}

func stackOf(logs *observer.ObservedLogs, message string) string {
	for _, line := range logs.FilterMessage(message).All() {
		if stack, ok := line.ContextMap()["stack"].(string); ok {
			return stack
		}
	}
	return ""
}

// The ledger keeps nothing of contacts, so the failure of one is a dead letter at once.
func TestAPanicAtAContactIsItsDeadLetter(t *testing.T) {
	b, m, _ := logged(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	one, two := b.customer("One"), b.customer("Two")
	good, bad := b.contact(one, "ann@one.example"), b.contact(two, "bob@two.example")
	m.lay(asksFor(bad))
	b.batch(v1.KindContact, good, bad)
	if due := b.dueIDs(v1.KindCompany); len(due) != 1 || due[0] != one {
		t.Errorf("due are the companies %v, want %d", due, one)
	}
	d, ok := b.dead(v1.KindContact, bad)
	if !ok || d.Code != upstream.CodeInternal || d.RecordID != strconv.FormatInt(bad, 10) || !strings.Contains(d.Detail, "stepped on") {
		t.Errorf("the dead letter is %+v, %v", d, ok)
	}
}

// A record is reported after it is committed: a panic of whoever
// counts it changes nothing about it.
func TestAPanicOfWhoIsToldLeavesTheRecordSettled(t *testing.T) {
	calls := 0
	b, _, logs := logged(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}, change: func(c *Config) {
		c.Done = func(s Result) {
			if calls++; s.Name == "Poison Ltd" {
				panic("cannot count")
			}
		}
	}})
	bad, good := b.customer("Poison Ltd"), b.customer("Good")
	b.batch(v1.KindCompany, bad, good)
	for _, id := range []int64{bad, good} {
		if e := b.outcome(v1.KindCompany, id, v1.OutcomePushed); e.Attempts != 0 || b.pushes(id) != 1 {
			t.Errorf("%d: %d attempts, %d pushes", id, e.Attempts, b.pushes(id))
		}
	}
	if calls != 2 || logs.Len() != 1 {
		t.Errorf("told %d times, logged %v", calls, logs.All())
	}
}
