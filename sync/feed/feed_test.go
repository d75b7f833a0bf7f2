package feed

import (
	"context"
	"testing"
	"testing/synctest"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// A subscriber that does not read misses what does not fit, holds nobody up, and sees the
// end.
func TestASlowSubscriberHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Feeds
		ctx, end := context.WithCancel(t.Context())
		c := f.Subscribe(ctx, "one")
		for range buffer + 10 {
			f.Publish("one", v1.FeedEvent{ID: "7"})
		}
		f.Publish("another", v1.FeedEvent{ID: "8"})
		if !f.Subscribed("one") || f.Subscribed("another") {
			t.Error("subscribed to the wrong installation")
		}
		end()
		synctest.Wait()
		if f.Subscribed("one") {
			t.Error("subscribed after the end")
		}
		n := 0
		for e := range c {
			if n++; e.ID != "7" {
				t.Errorf("got %+v", e)
			}
		}
		if n != buffer {
			t.Errorf("got %d outcomes, want %d", n, buffer)
		}
	})
}
