package control

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"channelsync/sync/installation"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestASecretThatOthersChangedIsPutRight once two bodies in a row are not signed with own, and once an hour at most.
func TestASecretThatOthersChangedIsPutRight(t *testing.T) {
	d := newDesk(t, setup{publicURL: "https://sync.msp.example"})
	d.run()
	in := d.live(d.create().ID)
	hook := d.at.Webhooks()[0]
	secret := func() any {
		row, _ := d.at.Get(hook.Collection, hook.ID)
		return row["secretKey"]
	}
	own := secret()
	typed := func() {
		t.Helper()
		harness.OK(t, d.at.Edit(hook.Collection, hook.ID, atsim.Row{"secretKey": "typed by hand"}))
	}
	guid := strings.ToLower(hook.GUID)
	doubt := func(times int) {
		for range times {
			d.SecretDoubted(t.Context(), in.ID, guid)
		}
	}
	right := func() {
		t.Helper()
		d.eventually("the secret is own again", func() error {
			if now := secret(); now != own {
				return fmt.Errorf("the secret is %v", now)
			}
			for _, h := range d.live(in.ID).Webhooks {
				if h.GUID == hook.GUID && h.ID != hook.ID {
					return fmt.Errorf("the registration is not known: %+v", h)
				}
			}
			return nil
		})
	}
	known := func() bool {
		stored, err := d.Store.Get(in.ID)
		harness.OK(t, err)
		return !slices.ContainsFunc(stored.Registrations, func(r installation.Registration) bool { return r.ID == 0 })
	}
	typed()
	doubt(1)
	d.Delivered(in.ID, hook.GUID, nil, time.Now()) // one that is right in between
	doubt(1)
	if !known() {
		t.Error("one is taken for a change")
	}
	doubt(1)
	right()

	typed()
	doubt(9)
	if !known() {
		t.Error("it is put right again within the hour")
	}
	d.SecretDoubted(t.Context(), in.ID, "another")
	d.SecretDoubted(t.Context(), "01another", guid)
}

func TestSkips(t *testing.T) {
	for _, tc := range []struct {
		last, next int64
		want       bool
	}{
		{1, 2, false},
		{1, 3, true},
		{2, 2, false},
		{3, 1, false},
		{math.MaxInt64, 1, false}, // the sum of one more would be less than any number
		{math.MaxInt64 - 1, math.MaxInt64, false},
		{1, math.MaxInt64, true},
		{math.MinInt64, math.MinInt64, false},
	} {
		if got := skips(tc.last, tc.next); got != tc.want {
			t.Errorf("from %d to %d: got %v, want %v", tc.last, tc.next, got, tc.want)
		}
	}
}
