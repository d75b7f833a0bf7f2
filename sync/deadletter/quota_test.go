package deadletter

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
)

var errUnreadable = errors.New("not JSON")

// keepBody keeps a body of n bytes that no other i has.
func keepBody(t *testing.T, b *Box, i, n int) {
	t.Helper()
	harness.OK(t, b.Keep(t.Context(), inst, body(i, n), errUnreadable))
}

func body(i, n int) []byte {
	return append(fmt.Appendf(nil, "%08d", i), bytes.Repeat([]byte{'x'}, n-8)...)
}

// all lists the dead letters of an installation but the one that counts dropped ones.
func all(t *testing.T, b *Box) (found []v1.DeadLetter, dropped v1.DeadLetter) {
	t.Helper()
	for cursor := ""; ; {
		page, err := b.List(t.Context(), inst, cursor, 500)
		harness.OK(t, err)
		for _, d := range page.Items {
			if d.ID == DroppedID {
				dropped = d
				continue
			}
			found = append(found, d)
		}
		if page.NextCursor == nil {
			return found, dropped
		}
		cursor = *page.NextCursor
	}
}

func TestOfALargeBodyTheBeginningIsKept(t *testing.T) {
	b, _, _ := box(t)
	big, alike := body(1, 256<<10), body(1, 256<<10-1)
	for _, raw := range [][]byte{big, alike, big} {
		harness.OK(t, b.Keep(t.Context(), inst, raw, errUnreadable))
	}
	found, _ := all(t, b)
	if len(found) != 2 { // told apart by all of the body
		t.Fatalf("%d are kept, want 2", len(found))
	}
	for _, d := range found {
		if d.Raw != string(big[:16<<10]) || !strings.HasPrefix(d.Detail, "not JSON; the body has 26214") {
			t.Errorf("%d bytes are kept, and %q", len(d.Raw), d.Detail)
		}
	}
}

func TestWhatAFailureSaysIsBounded(t *testing.T) {
	b, _, _ := box(t)
	d := record(7)
	d.Detail = "é" + strings.Repeat("é", 1<<20)
	harness.OK(t, b.PutRecord(t.Context(), inst, d))
	got, err := b.Get(t.Context(), inst, d.ID)
	if err != nil || got.Detail != strings.Repeat("é", detailMax/2)+"…" {
		t.Errorf("%d bytes are kept, %v", len(got.Detail), err)
	}
}

// Of bodies of an installation at most so many bytes are kept. The oldest go, and one
// dead letter says how many.
func TestBodiesHaveAQuota(t *testing.T) {
	b, bus, _ := box(t)
	b.now = func() time.Time { return at }
	if b.quotas[bodies].bytes != 16<<20 {
		t.Fatalf("of bodies %d bytes are kept, want 16 MiB", b.quotas[bodies].bytes)
	}
	b.quotas[bodies].bytes = 1 << 20
	put(t, b, 174)
	const n = 90 // of 16 KiB: 2.5 MiB as they are stored
	for i := range n {
		keepBody(t, b, i, 16<<10)
	}
	size, newest, kept := 0, "", map[string]bool{}
	for cursor, more := "", true; more; more = cursor != "" {
		page, next, err := bus.DeadLetters().List(t.Context(), inst, cursor, 500)
		harness.OK(t, err)
		for _, d := range page {
			if d.Kind == KindCallback {
				size += d.Size
				kept[d.ID] = true
			}
			newest = d.ID
		}
		cursor = next
	}
	if limit := 1<<20 + 4<<10; size > limit || size < limit*3/4 {
		t.Errorf("%d bytes are kept, want somewhat under %d", size, limit)
	}
	if !kept[newest] {
		t.Errorf("the newest is %s", newest)
	}
	found, dropped := all(t, b)
	if found[0].ID != "company-174" {
		t.Errorf("the record's failure went for the bodies: the oldest is %s", found[0].ID)
	}
	var at []string
	for _, d := range found[1:] {
		at = append(at, d.Raw[:8])
	}
	if first := at[0]; first != fmt.Sprintf("%08d", n-len(at)) || at[len(at)-1] != fmt.Sprintf("%08d", n-1) {
		t.Errorf("kept are %s to %s, %d of %d", at[0], at[len(at)-1], len(at), n)
	}
	if dropped.Attempts != n-len(at) || dropped.Code != CodeDropped || !strings.HasPrefix(dropped.Detail, fmt.Sprint(n-len(at))) {
		t.Errorf("%d were dropped, and it says %+v", n-len(at), dropped)
	}
	if said, found, err := b.Dropped(t.Context(), inst); err != nil || !found || said.Attempts != dropped.Attempts {
		t.Errorf("got %+v, %v, %v", said, found, err)
	}
	harness.OK(t, b.DropRead(t.Context(), inst, dropped))
	if _, found, err := b.Dropped(t.Context(), inst); err != nil || found {
		t.Errorf("after it was dismissed: %v, %v", found, err)
	}
}

// small is a box with quotas that a test reaches soon, on a stream that counts.
func small(t *testing.T) (*Box, *counting) {
	t.Helper()
	b, _, _ := box(t)
	stream := &counting{Stream: b.stream}
	b.stream, b.now = stream, func() time.Time { return at }
	b.quotas = quotas{bodies: {count: 50, bytes: 16 << 20}, records: {count: 80, bytes: 16 << 20}}
	return b, stream
}

// counting is a stream that counts what it is asked, and can hold its next list back.
type counting struct {
	Stream
	deleted, listed int
	hold            chan struct{} // one message says that it is asked, the next lets it go on
}

func (c *counting) DeleteRead(ctx context.Context, d events.DeadLetter) error {
	c.deleted++
	return c.Stream.DeleteRead(ctx, d)
}

func (c *counting) List(ctx context.Context, installation, cursor string, limit int) ([]events.DeadLetter, string, error) {
	if c.hold != nil {
		c.hold <- struct{}{}
		<-c.hold
	}
	found, next, err := c.Stream.List(ctx, installation, cursor, limit)
	c.listed += len(found)
	return found, next, err
}

func TestNumberOfDeadLettersHasAQuota(t *testing.T) {
	b, _ := small(t)
	for i := range 70 {
		keepBody(t, b, i, 20)
	}
	for i := range 100 {
		put(t, b, int64(i))
	}
	found, dropped := all(t, b)
	count := map[string]int{}
	for _, d := range found {
		count[d.Kind]++
	}
	if n := count[KindCallback]; n > 50 || n < 45 {
		t.Errorf("%d bodies are kept, want at most 50", n)
	}
	if n := count["company"]; n > 80 || n < 72 {
		t.Errorf("%d records are kept, want at most 80", n)
	}
	if dropped.Attempts != 170-len(found) {
		t.Errorf("%d were dropped, and it says %d", 170-len(found), dropped.Attempts)
	}
}

// Every one that was dropped is counted, though many are put side by side.
func TestDroppedAreCountedSideBySide(t *testing.T) {
	b, _, _ := box(t)
	b.now = func() time.Time { return at }
	b.quotas = quotas{bodies: {count: 20, bytes: 16 << 20}, records: {count: 20, bytes: 16 << 20}}
	const n, width = 200, 8
	var wg sync.WaitGroup
	for w := range width {
		wg.Go(func() {
			for i := range n / width {
				if err := b.Keep(t.Context(), inst, body(w*n+i, 20), errUnreadable); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	found, dropped := all(t, b)
	if len(found)+dropped.Attempts != n || len(found) > 20 {
		t.Errorf("%d are kept and %d were dropped, of %d", len(found), dropped.Attempts, n)
	}
	if len(b.shelves.dropped) != 0 {
		t.Errorf("counts are left: %v", b.shelves.dropped)
	}
}

func TestSameFailureAgainIsNoMore(t *testing.T) {
	b, stream := small(t)
	for range 5 {
		for i := range 50 {
			keepBody(t, b, i, 20)
		}
	}
	if found, dropped := all(t, b); len(found) != 50 || dropped.ID != "" || stream.deleted != 0 {
		t.Errorf("%d are kept, %d were dropped", len(found), stream.deleted)
	}
}

// Another process counts what is there, not what it has put itself.
func TestQuotaHoldsAfterARestart(t *testing.T) {
	b, _ := small(t)
	for i := range 70 {
		again := New(b.stream, b.vault, b.now)
		again.quotas = b.quotas
		keepBody(t, again, i, 20)
		if found, _ := all(t, b); len(found) > 50 {
			t.Fatalf("%d are kept after %d", len(found), i+1)
		}
	}
}

// Two instances put side by side: each hears of the other's within a minute.
func TestQuotaHoldsForTwoInstances(t *testing.T) {
	a, _ := small(t)
	now := at
	a.now = func() time.Time { return now }
	b := New(a.stream, a.vault, a.now)
	b.quotas = a.quotas
	for i := range 40 {
		keepBody(t, a, 2*i, 20)
		keepBody(t, b, 2*i+1, 20)
		now = now.Add(20 * time.Second)
		if found, _ := all(t, a); len(found) > 50+4 {
			t.Fatalf("%d are kept after %d", len(found), 2*i+2)
		}
	}
}

func TestOldDeadLettersGo(t *testing.T) {
	b, _ := small(t)
	now := at
	b.now = func() time.Time { return now }
	put(t, b, 1)
	keepBody(t, b, 1, 20)
	now = now.Add(89 * 24 * time.Hour)
	again := record(2)
	again.LastAt = now
	harness.OK(t, b.PutRecord(t.Context(), inst, again))
	if found, _ := all(t, b); len(found) != 3 {
		t.Fatalf("%d are kept after 89 days, want 3", len(found))
	}
	now = now.Add(48 * time.Hour)
	harness.OK(t, b.Tidy(t.Context(), inst))
	found, dropped := all(t, b)
	if len(found) != 1 || found[0].ID != "company-2" || dropped.Attempts != 2 {
		t.Errorf("after 91 days: %+v, and %+v", found, dropped)
	}
}

// What lay there before there was a quota may be any number, and must not make the next
// body's answer wait for all of it.
func TestStoreBeyondTheQuotaIsTrimmedStepByStep(t *testing.T) {
	b, stream := small(t)
	for i := range 1_000 {
		_, err := stream.Put(t.Context(), events.DeadLetter{ID: fmt.Sprintf("callback-%d", i), Installation: inst, Kind: KindCallback, LastAt: at})
		harness.OK(t, err)
	}
	for i := range 20 {
		stream.deleted, stream.listed = 0, 0
		keepBody(t, b, i, 20)
		if stream.deleted > dropMost || stream.listed > 2*50+loadPage {
			t.Fatalf("put %d dropped %d and read %d", i, stream.deleted, stream.listed)
		}
	}
	if found, _ := all(t, b); len(found) > 50 {
		t.Errorf("%d are kept", len(found))
	}
}

// What was requeued or dismissed counts no more.
func TestTakenOffDeadLettersDoNotCount(t *testing.T) {
	b, _ := small(t)
	for round := range 3 {
		for i := range 40 {
			keepBody(t, b, 40*round+i, 20)
		}
		found, dropped := all(t, b)
		if len(found) != 40 || dropped.ID != "" {
			t.Fatalf("%d are kept, %+v", len(found), dropped)
		}
		for i, d := range found {
			drop := func() error { return b.Drop(t.Context(), inst, d.ID) }
			if i%2 == 0 {
				drop = func() error { return b.DropRead(t.Context(), inst, d) }
			}
			harness.OK(t, drop())
		}
	}
}

// Several wait for what one of them reads: none of them ends with another's request.
func TestReadingOutlivesTheRequestThatBeganIt(t *testing.T) {
	b, stream := small(t)
	stream.hold = make(chan struct{})
	gaveUp, cancel := context.WithCancelCause(t.Context())
	var wg sync.WaitGroup
	errs := make([]error, 2)
	wg.Go(func() { errs[0] = b.Keep(gaveUp, inst, body(0, 20), errUnreadable) })
	<-stream.hold
	wg.Go(func() { errs[1] = b.Keep(t.Context(), inst, body(1, 20), errUnreadable) })
	why := errors.New("the client went away")
	cancel(why)
	stream.hold <- struct{}{}
	wg.Wait()
	if errs[1] != nil || !errors.Is(errs[0], why) {
		t.Errorf("got %v, want the first alone to end", errs)
	}
}
