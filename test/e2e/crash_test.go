package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// receipts carries Autotask's callouts and remembers which of them were answered 2xx.
type receipts struct {
	http.Transport

	mu    sync.Mutex
	taken map[receipt]bool
}

type receipt struct {
	GUID     string `json:"Guid"`
	Sequence int64  `json:"SequenceNumber"`
}

func (r *receipts) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	resp, err := r.Transport.RoundTrip(req)
	if err != nil || resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp, err
	}
	var sent receipt
	if err := json.Unmarshal(raw, &sent); err != nil {
		return nil, fmt.Errorf("read callout: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken[sent] = true
	return resp, nil
}

func (r *receipts) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.taken)
}

// TestNothingAnsweredIsLostInACrash: the real program is killed again and again
// in the middle of callbacks; every one that it answered is in its journal, and
// in the end both sides agree.
func TestNothingAnsweredIsLostInACrash(t *testing.T) {
	t.Parallel()
	const kills, companies = 5, 150
	carried := &receipts{taken: map[receipt]bool{}}
	tenant := service.Unlimited()
	tenant.Scale, tenant.Transport = 0.02, carried
	w := service.New(t, service.Options{Autotask: tenant, Binary: service.Build(t)})
	ids := make([]int64, companies)
	for i := range ids {
		ids[i] = w.Company(fmt.Sprintf("Client %04d", i))
		w.Contact(ids[i], fmt.Sprintf("c%d@client.example", i))
	}
	in := w.Install(v1.SyncActiveCustomers)

	stop := edits(t, w, ids)
	for kill := range kills {
		target := carried.count() + 20 + rand.IntN(150)
		w.Eventually(fmt.Sprintf("callbacks before kill %d", kill+1), 30*time.Second, func() error {
			if n := carried.count(); n < target {
				return fmt.Errorf("%d of %d answered", n, target)
			}
			return nil
		})
		w.Kill()
		w.Start()
	}
	t.Logf("%d edits, %d callbacks answered", stop(), carried.count())
	w.DeliverAll(60 * time.Second)
	w.Agree(30*time.Second, v1.SyncActiveCustomers)
	w.Idle(in.ID, 30*time.Second)
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
	deadLetters(t, w, in.ID)
	w.Stop()
	w.Store(func(bus *events.Bus) { kept(t, bus, in.ID, carried) })
}

// edits changes companies and contacts until the returned function is called,
// which tells how many it made.
func edits(t *testing.T, w *service.Harness, ids []int64) (stop func() int) {
	t.Helper()
	contacts := w.Autotask.All("Contacts")
	return harness.Every(t, 4*time.Millisecond, func(n int) {
		var err error
		if n%4 == 0 {
			contact := contacts[rand.IntN(len(contacts))]["id"].(int64)
			err = w.Autotask.Edit("Contacts", contact, atsim.Row{"emailAddress": fmt.Sprintf("mail%d@client.example", n)})
		} else {
			err = w.Autotask.Edit("Companies", ids[rand.IntN(len(ids))], atsim.Row{"companyName": newName(n)})
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// kept says which answered callbacks the journal does not hold.
func kept(t *testing.T, bus *events.Bus, installation string, carried *receipts) {
	t.Helper()
	held := map[receipt]bool{}
	err := bus.Journal().Read(t.Context(), events.ReadFrom{Installation: installation}, func(c events.StoredChange) error {
		if c.SequenceNumber != nil {
			held[receipt{c.WebhookGUID, *c.SequenceNumber}] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	lost := 0
	for r := range carried.taken {
		if !held[r] {
			lost++
		}
	}
	if lost > 0 || len(carried.taken) == 0 {
		t.Errorf("%d of %d answered callbacks are not in the journal, which holds %d", lost, len(carried.taken), len(held))
	}
}
