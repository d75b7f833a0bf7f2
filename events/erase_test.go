package events

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	v1 "channelsync/api/v1"
	"channelsync/events/store"
	"channelsync/test/harness"
)

func ofKind(installation string, kind v1.Kind, id int64) Change {
	c := of(installation, id)
	c.Kind = kind
	return c
}

// held is what the journal holds of an installation, by kind and id, with the time of each.
func held(t *testing.T, b *Bus, installation string) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: installation}, func(c StoredChange) error {
		all[fmt.Sprint(c.Kind, " ", c.ID)] = c.StoredAt.Round(0)
		return nil
	})
	harness.OK(t, err)
	return all
}

// erasable fills a journal with rounds of one installation and shared ones, the first half
// of which is dispatched.
func erasable(t *testing.T, b *Bus) {
	t.Helper()
	part := func(from int64) {
		t.Helper()
		for _, changes := range [][]Change{
			{ofKind(inst, v1.KindCompany, from), ofKind(inst, v1.KindContract, from+1)},
			{ofKind(inst, v1.KindContract, from+2)},
			{ofKind(inst, v1.KindCompany, from+3), ofKind(inst, v1.KindContact, from+4), ofKind(other, v1.KindCompany, from+5)},
			{ofKind(other, v1.KindCompany, from+6), ofKind(other, v1.KindContract, from+7)},
		} {
			harness.OK(t, b.Journal().PublishAll(t.Context(), changes))
		}
		formatOne(t, b, ofKind(inst, v1.KindCompany, from+8), "")
		formatOne(t, b, ofKind(inst, v1.KindContract, from+9), "")
	}
	part(10)
	stop := dispatch(t, b)
	harness.Until(t, "the first half dispatched", 10*time.Second, func() bool { return b.nothingWaits(t.Context()) })
	stop()
	for _, installation := range []string{inst, other} {
		harness.OK(t, b.Worklist().PurgeInstallation(t.Context(), installation))
	}
	part(20)
}

// enqueued is what a dispatcher enqueues.
func enqueued(t *testing.T, b *Bus, installation string) map[string]bool {
	t.Helper()
	stop := dispatch(t, b)
	harness.Until(t, "all dispatched", 10*time.Second, func() bool { return b.nothingWaits(t.Context()) })
	stop()
	all := map[string]bool{}
	for _, kind := range []v1.Kind{v1.KindCompany, v1.KindContact, v1.KindContract} {
		entries, err := b.Worklist().Peek(t.Context(), installation, kind, LaneLive, PeekMax)
		harness.OK(t, err)
		for _, e := range entries {
			all[fmt.Sprint(kind, " ", e.ID)] = true
		}
	}
	return all
}

func without(all map[string]time.Time, gone ...string) map[string]time.Time {
	for _, key := range gone {
		delete(all, key)
	}
	return all
}

// TestPurgeOfAKindLeavesTheRest: with its times, for its installation and the ones it shared
// rounds with; and what was dispatched is not dispatched again, what was not is.
func TestPurgeOfAKindLeavesTheRest(t *testing.T) {
	t.Parallel()
	b := open(t)
	erasable(t, b)
	want := without(held(t, b, inst), "company 10", "company 13", "company 18", "company 20", "company 23", "company 28")
	others := held(t, b, other)
	for range 2 { // a second time changes nothing
		harness.OK(t, b.Journal().PurgeKind(t.Context(), inst, v1.KindCompany))
		if diff := cmp.Diff(want, held(t, b, inst)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(others, held(t, b, other)); diff != "" {
			t.Errorf("of the other installation: %s", diff)
		}
	}
	middle := want["contract 21"].Add(-time.Nanosecond)
	n := 0
	err := b.Journal().Read(t.Context(), ReadFrom{Installation: inst, ToTime: middle}, func(c StoredChange) error {
		if n++; c.ID >= 20 {
			t.Errorf("%d was stored later", c.ID)
		}
		return nil
	})
	if err != nil || n != 4 {
		t.Errorf("%d changes of the first half, %v; want 4", n, err)
	}
	if diff := cmp.Diff(map[string]bool{"contract 21": true, "contract 22": true, "contact 24": true, "contract 29": true}, enqueued(t, b, inst)); diff != "" {
		t.Errorf("dispatched: %s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"company 25": true, "company 26": true, "contract 27": true}, enqueued(t, b, other)); diff != "" {
		t.Errorf("dispatched of the other: %s", diff)
	}
}

func TestPurgeOfAnInstallationLeavesTheOthers(t *testing.T) {
	t.Parallel()
	b := open(t)
	erasable(t, b)
	others := held(t, b, other)
	harness.OK(t, b.Journal().Purge(t.Context(), inst))
	if got := held(t, b, inst); len(got) > 0 {
		t.Errorf("it holds %v", got)
	}
	if diff := cmp.Diff(others, held(t, b, other)); diff != "" {
		t.Error(diff)
	}
	if got := enqueued(t, b, inst); len(got) > 0 {
		t.Errorf("dispatched: %v", got)
	}
	if diff := cmp.Diff(map[string]bool{"company 25": true, "company 26": true, "contract 27": true}, enqueued(t, b, other)); diff != "" {
		t.Errorf("dispatched of the other: %s", diff)
	}
}

// formatOne stores a change as format 1 had it.
func formatOne(t *testing.T, b *Bus, c Change, id string) {
	t.Helper()
	msg := nats.NewMsg(fmt.Sprintf("change.%s.%s.%d", c.Installation, c.Kind, c.ID))
	msg.Data = []byte(`{"trigger":"callback","fields":["name"]}`)
	msg.Header.Set(traceHeader, "00-abc-def-01")
	if id != "" {
		msg.Header.Set(nats.MsgIdHdr, id)
	}
	if _, err := b.JS.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// TestAStoreOfFormat1IsReadAsItIs: its changes are dispatched from where its own consumer
// was, replayed, and known when they come again; then the store is of this format.
func TestAStoreOfFormat1IsReadAsItIs(t *testing.T) {
	t.Parallel()
	here := kept(t)
	b := open(t, here)
	harness.OK(t, b.JS.DeleteConsumer(t.Context(), store.JournalStream, dispatcherName))
	was, err := b.JS.CreateConsumer(t.Context(), store.JournalStream, jetstream.ConsumerConfig{
		Durable: dispatcherWas, FilterSubject: "change.*.*.*", AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait,
	})
	harness.OK(t, err)
	for id := range int64(6) {
		formatOne(t, b, change(id), fmt.Sprint("m", id))
	}
	msgs, err := collectBatch(was.FetchNoWait(4))
	if err != nil || len(msgs) != 4 {
		t.Fatalf("%d messages, %v", len(msgs), err)
	}
	for _, i := range []int{0, 1, 3} { // 2 was handed out when the process died
		harness.OK(t, msgs[i].DoubleAck(t.Context()))
	}
	shut(t, b)

	b = open(t, here)
	if _, err := b.JS.Consumer(t.Context(), store.JournalStream, dispatcherWas); err == nil {
		t.Error("the consumer of format 1 is still there")
	}
	if r := publish(t, b, change(5), "m5"); !r.Duplicate || r.Sequence != 6 {
		t.Errorf("a repeat of what format 1 stored: %+v", r)
	}
	publish(t, b, change(6), "m6")
	if got := enqueued(t, b, inst); len(got) != 5 || got["company 0"] || got["company 1"] || !got["company 2"] || !got["company 6"] {
		t.Errorf("dispatched %v", got)
	}
	if got := held(t, b, inst); len(got) != 7 {
		t.Errorf("read %v", got)
	}
	harness.OK(t, b.WriteManifest(t.Context(), "v1", nil))
	if m := b.Manifest(); m.Format != 2 {
		t.Errorf("manifest %+v", m)
	}
}
