package operate

import (
	"context"
	"errors"
	"net/http"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestTheFeedTellsOfOutcomesAsTheyHappen to several readers, and ends with the service.
func TestTheFeedTellsOfOutcomesAsTheyHappen(t *testing.T) {
	t.Parallel()
	w := start(t, service.Options{})
	id := w.Company("Northwind Dental")
	in := w.Install(customers)
	w.Quiesce(in.ID)

	type received struct {
		event v1.FeedEvent
		err   error
	}
	follow := func() <-chan received {
		c := make(chan received, 64)
		admin := w.Admin
		go func() {
			defer close(c)
			for e, err := range admin.Feed(t.Context(), in.ID) {
				c <- received{e, err}
			}
		}()
		return c
	}
	readers := []<-chan received{follow(), follow()}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	hears := func(reader int, want v1.Outcome, reason string) v1.FeedEvent {
		t.Helper()
		for {
			select {
			case h, open := <-readers[reader]:
				if !open || h.err != nil {
					t.Fatalf("reader %d: the feed ended: %v", reader, h.err)
				}
				if h.event.Outcome == want && (reason == "" || len(h.event.Reasons) == 1 && h.event.Reasons[0] == reason) {
					return h.event
				}
			case <-ctx.Done():
				t.Fatalf("reader %d: no event %s %s", reader, want, reason)
			}
		}
	}
	// A feed tells of nothing that was before it: edit until both follow.
	n := 0
	w.Eventually("both readers hear", soon, func() error {
		n++
		w.Edit("Companies", id, atsim.Row{"phone": "518-555-0" + service.Text(int64(n))})
		w.Quiesce(in.ID)
		if len(readers[0]) == 0 || len(readers[1]) == 0 {
			return errors.New("one of them has received nothing")
		}
		return nil
	})
	for reader := range readers {
		e := hears(reader, v1.OutcomePushed, "")
		if e.Kind != v1.KindCompany || e.ID != service.Text(id) || e.Name != "Northwind Dental" || !e.Pushed ||
			e.Trigger != v1.TriggerCallback || e.At.IsZero() {
			t.Errorf("reader %d: %+v", reader, e)
		}
	}
	w.Edit("Companies", id, atsim.Row{"isActive": false})
	for reader := range readers {
		if e := hears(reader, v1.OutcomeNotMet, v1.ReasonStatusInactive); e.Pushed {
			t.Errorf("reader %d: %+v", reader, e)
		}
	}
	w.Stop()
	for reader, c := range readers {
		for h := range c {
			if h.err != nil {
				t.Errorf("reader %d: the end is an error: %v", reader, h.err)
			}
		}
	}
	w.Start()
	for _, err := range w.Admin.Feed(ctx, "01hzzzzzzzzzzzzzzzzzzzzzzz") {
		problemIs(t, err, http.StatusNotFound, v1.CodeNotFound)
	}
}
