package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/test/harness"
	"channelsync/test/harness/receipts"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestNothingAnsweredIsLostInACrash: the real program is killed again and again
// in the middle of callbacks; every one that it answered is in its journal, and
// in the end both sides agree.
func TestNothingAnsweredIsLostInACrash(t *testing.T) {
	t.Parallel()
	const kills, companies = 5, 150
	carried := &receipts.Carrier{}
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
		target := carried.Count() + 20 + rand.IntN(150)
		w.Eventually(fmt.Sprintf("callbacks before kill %d", kill+1), 30*time.Second, func() error {
			if n := carried.Count(); n < target {
				return fmt.Errorf("%d of %d answered", n, target)
			}
			return nil
		})
		w.Kill()
		w.Start()
	}
	t.Logf("%d edits, %d callbacks answered", stop(), carried.Count())
	w.DeliverAll(60 * time.Second)
	w.Agree(30*time.Second, v1.SyncActiveCustomers)
	w.Idle(in.ID, 30*time.Second)
	if o := w.Target.Overlaps(); len(o) > 0 {
		t.Errorf("overlapping writes: %+v", o)
	}
	deadLetters(t, w, in.ID)
	w.Stop()
	w.Store(func(bus *events.Bus) { carried.AllIn(t, bus, in.ID) })
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
