package reconcile

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"channelsync/sync/upstream"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/events"
)

func TestJudge(t *testing.T) {
	answered := func(kind channelprogram.Kind) error { return &channelprogram.Error{Kind: kind, Detail: string(kind)} }
	const (
		unavailable, pause, throttled = channelprogram.KindUnavailable, channelprogram.KindPause, channelprogram.KindThrottled
		rejected, invalid, breach     = channelprogram.KindRejected, channelprogram.KindInvalid, channelprogram.KindBreach
	)
	lost := errors.New("the lease is lost")
	for name, row := range map[string]struct {
		evidence evidence
		want     verdict
		kind     channelprogram.Kind // of the upstream's failure; empty: not the target's
		err      error               // that it is, if not the target's
	}{
		"a 5xx, and a stored record is taken":      {evidence{answer: answered(unavailable), probe: probeStored}, upstreamWorks, "", nil},
		"a 5xx, and none is stored":                {evidence{answer: answered(unavailable), probe: probeNot}, upstreamWorks, "", nil},
		"a 5xx, and a stored record is not taken":  {evidence{answer: answered(unavailable), probe: probeFailed, refused: answered(unavailable)}, upstreamFails, unavailable, nil},
		"a 5xx, and the handshake fails":           {evidence{answer: answered(unavailable), handshake: answered(unavailable), probe: probeNot}, upstreamFails, unavailable, nil},
		"a 5xx, and the handshake refuses":         {evidence{answer: answered(unavailable), handshake: answered(pause), probe: probeNot}, upstreamFails, pause, nil},
		"a 5xx, and the handshake throttles":       {evidence{answer: answered(unavailable), handshake: answered(throttled), probe: probeNot}, upstreamFails, throttled, nil},
		"a 5xx, and who could tell is busy":        {evidence{answer: answered(unavailable), probe: probeBusy}, undecided, "", nil},
		"a 403 to the records alone":               {evidence{answer: answered(pause), probe: probeNot}, upstreamWorks, "", nil},
		"a 403 to the handshake too":               {evidence{answer: answered(pause), handshake: answered(pause), probe: probeNot}, upstreamFails, pause, nil},
		"a 403 to a stored record too":             {evidence{answer: answered(pause), probe: probeFailed, refused: answered(pause)}, upstreamFails, unavailable, nil},
		"a 429 asks nothing":                       {evidence{answer: answered(throttled), probe: probeNot}, upstreamFails, throttled, nil},
		"a 429 to the probe":                       {evidence{answer: answered(unavailable), probe: probeFailed, refused: answered(throttled)}, upstreamFails, throttled, nil},
		"a 400":                                    {evidence{answer: answered(invalid), probe: probeNot}, upstreamWorks, "", nil},
		"a 422":                                    {evidence{answer: answered(rejected), probe: probeNot}, upstreamWorks, "", nil},
		"an answer that breaks the contract":       {evidence{answer: answered(breach), probe: probeNot}, upstreamWorks, "", nil},
		"a handshake that breaks the contract too": {evidence{answer: answered(breach), handshake: answered(breach), probe: probeNot}, upstreamFails, breach, nil},
		"no answer of the target's at all":         {evidence{answer: lost, probe: probeNot}, upstreamFails, "", lost},
		"our own end while asking":                 {evidence{answer: answered(unavailable), handshake: context.Canceled, probe: probeNot}, upstreamFails, "", context.Canceled},
		"our own end while probing":                {evidence{answer: answered(unavailable), probe: probeFailed, refused: lost}, upstreamFails, "", lost},
		"asked beforehand, and all is well":        {evidence{probe: probeStored}, upstreamWorks, "", nil},
		"asked beforehand, and writes are down":    {evidence{probe: probeFailed, refused: answered(unavailable)}, upstreamFails, unavailable, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := judge(row.evidence)
			if got != row.want || channelprogram.KindOf(err) != row.kind || row.err != nil && !errors.Is(err, row.err) {
				t.Errorf("got %s, %v; want %s of kind %q", got, err, row.want, row.kind)
			}
			if (err != nil) != (row.want == upstreamFails) {
				t.Errorf("%s with the error %v", got, err)
			}
		})
	}
}

// TestFailureOfAProbeAsksForNobody: the handshake says that the connection may be used.
func TestFailureOfAProbeAsksForNobody(t *testing.T) {
	_, err := judge(evidence{probe: probeFailed, refused: &channelprogram.Error{Kind: channelprogram.KindPause, Status: 403, Code: "http_403"}})
	failure := upstream.FailureOf(err, time.Now())
	if failure.Upstream != upstream.Target || failure.NeedsPerson || failure.Code != "channel_program_unavailable" || !strings.Contains(failure.Err.Error(), "HTTP 403") {
		t.Errorf("got %+v", failure)
	}
}

func TestPatienceFollowsAndForgetsASlowTarget(t *testing.T) {
	var h health
	if got := h.Patience(); got != upstream.LeastPatience {
		t.Errorf("at first %s", got)
	}
	h.stored1(v1.KindCompany, []int64{1}, 200*time.Millisecond)
	if got := h.Patience(); got != upstream.LeastPatience {
		t.Errorf("with a quick target %s", got)
	}
	h.stored1(v1.KindCompany, []int64{1}, 3*time.Second)
	if got := h.Patience(); got != 9*time.Second {
		t.Errorf("with a slow one %s", got)
	}
	h.stored1(v1.KindCompany, []int64{1}, 15*time.Second)
	if got := h.Patience(); got != channelprogram.Timeout {
		t.Errorf("with a very slow one %s", got)
	}
	for range 40 {
		h.stored1(v1.KindCompany, []int64{1}, time.Millisecond)
	}
	if got := h.Patience(); got != upstream.LeastPatience {
		t.Errorf("quick again: %s", got)
	}
}

func TestSizeIsLearntTheSecondTimeAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h health
		check := func(when string, want int) {
			t.Helper()
			if got := h.most(v1.KindCompany); got != want {
				t.Errorf("%s: %d, want %d", when, got, want)
			}
		}
		check("at first", 0)
		h.tooLarge(v1.KindCompany, 13)
		check("once may be an outage that has just ended", 0)
		h.tooLarge(v1.KindCompany, 13)
		check("twice", 13)
		if n := h.most(v1.KindContract); n != 0 {
			t.Errorf("of the other kind: %d", n)
		}
		h.tooLarge(v1.KindCompany, 2)
		check("still too large", 2)
		<-time.After(sizeFor)
		check("after a while", 0)
		h.tooLarge(v1.KindCompany, 13)
		check("once more", 0)
	})
}

func TestStoredRecordsAreKeptLatestFirst(t *testing.T) {
	var h health
	h.stored1(v1.KindCompany, []int64{1, 2, 3}, 0)
	h.stored1(v1.KindCompany, []int64{2}, 0)
	h.stored1(v1.KindContract, []int64{9}, 0)
	if got := h.latest(v1.KindCompany); len(got) != 3 || got[0] != 2 {
		t.Errorf("got %v", got)
	}
	for id := range int64(100) {
		h.stored1(v1.KindCompany, []int64{id}, 0)
	}
	if got := h.latest(v1.KindCompany); len(got) != storedKept || got[0] != 99 {
		t.Errorf("got %v", got)
	}
}

func TestNoRecordIsInTwoHands(t *testing.T) {
	var h records
	taken, busy := h.add(v1.KindCompany, 1, 2)
	if len(taken) != 2 || len(busy) != 0 {
		t.Errorf("took %v, busy %v", taken, busy)
	}
	if taken, busy = h.add(v1.KindCompany, 2, 3); len(taken) != 1 || taken[0] != 3 || len(busy) != 1 || busy[0] != 2 {
		t.Errorf("took %v, busy %v", taken, busy)
	}
	if taken, _ := h.add(v1.KindContract, 2); len(taken) != 1 {
		t.Error("a contract of the same number is another record")
	}
	h.drop(v1.KindCompany, 1, 2)
	if _, busy := h.add(v1.KindCompany, 1, 2); len(busy) != 0 {
		t.Errorf("busy %v", busy)
	}
}

// TestARecordInOtherHandsFollowsThere: an edit of a record that is being sent apart is
// not sent beside it.
func TestARecordInOtherHandsFollowsThere(t *testing.T) {
	b := newBench(t, setup{syncs: []v1.Sync{v1.SyncActiveCustomers}})
	one, other := b.customer("One"), b.customer("Other")
	b.rec.inProgress.add(v1.KindCompany, one)
	b.batch(v1.KindCompany, one, other)
	if e := b.entry(v1.KindCompany, one); e.Outcome != "" || b.pushes(one) != 0 {
		t.Errorf("it was sent: %+v", e)
	}
	b.outcome(v1.KindCompany, other, v1.OutcomePushed)
	if left := b.apart(v1.KindCompany); len(left) != 1 || left[0].ID != one || left[0].Lane != events.LaneApart {
		t.Errorf("due apart: %+v", left)
	}
	b.rec.inProgress.drop(v1.KindCompany, one)
	b.alone(v1.KindCompany)
	b.outcome(v1.KindCompany, one, v1.OutcomePushed)
	if left := b.apart(v1.KindCompany); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}
