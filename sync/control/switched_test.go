package control

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	atsim "channelsync/test/sim/autotask/sim"
)

// Connecting another account of Channel Program and going back was taken for an edit by a person,
// and what one account held was said of the other.
func TestAnotherAccountIsNoEdit(t *testing.T) {
	for _, drift := range []string{"report", "repair"} {
		t.Run(drift, func(t *testing.T) {
			d := newDesk(t, setup{})
			d.run()
			client := d.customer("First")
			rec := strconv.FormatInt(client, 10)
			req := request(v1.SyncActiveCustomers)
			req.Options = &v1.Options{Drift: drift}
			in, err := d.Create(t.Context(), req)
			harness.OK(t, err)
			holds := func(account, name string) {
				t.Helper()
				d.eventually(account+" holds "+name, func() error {
					if c, _ := d.cp.Client(account, rec); c.Data.Name != name {
						return fmt.Errorf("it holds %q", c.Data.Name)
					}
					e, err := d.entry(t.Context(), in.ID, v1.KindCompany, client)
					if err == nil && (e.SentElsewhere(d.kept(in.ID).ConnectedAt()) || e.Fingerprint == "") {
						return errors.New("that is not remembered yet")
					}
					return err
				})
			}
			connect := func(account, token string) {
				t.Helper()
				_, err := d.SetChannelProgram(t.Context(), in.ID, v1.ChannelProgramTarget{ConnectionID: account, Token: v1.Secret(token)})
				harness.OK(t, err)
			}
			holds(connection, "First")
			inFirst := time.Now()
			connect("other", cpToken+"-other")
			holds("other", "First")
			d.at.Put("Companies", atsim.Row{"id": client, "companyName": "Second", "companyType": 1, "isActive": true})
			harness.OK(t, d.Reconcile(t.Context(), in.ID, v1.KindCompany, client))
			holds("other", "Second")
			connect(connection, cpToken)
			holds(connection, "Second")

			page, err := d.Ledger.DriftList(t.Context(), in.ID, v1.DriftQuery{Limit: 10}, d.Now())
			if err != nil || len(page.Items) != 0 {
				t.Errorf("edits by a person: %+v %v", page.Items, err)
			}
			all, err := d.Versions(t.Context(), in.ID, v1.KindCompany, client, v1.VersionQuery{Limit: 10})
			harness.OK(t, err)
			var got []string
			for _, v := range all.Items {
				got = append(got, fmt.Sprintf("%d %s %s new account: %v, before unknown: %v", v.Number, v.Kind, v.Answer, v.NewAccount, v.BeforeUnknown))
			}
			want := []string{
				"4 sent updated new account: true, before unknown: true", "3 sent updated new account: false, before unknown: false",
				"2 sent created new account: true, before unknown: false", "1 sent created new account: false, before unknown: false",
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n%s", strings.Join(got, "\n"))
			}
			held := func(at time.Time) v1.VersionPage {
				t.Helper()
				page, err := d.Versions(t.Context(), in.ID, v1.KindCompany, client, v1.VersionQuery{At: at.Format(time.RFC3339Nano)})
				harness.OK(t, err)
				return page
			}
			first := held(inFirst)
			if first.Held.State != v1.HeldVersion || !strings.Contains(first.Held.Detail, "the account that was connected until") || strings.Contains(first.Held.Detail, "did not have") {
				t.Errorf("before the first switch: %+v", first.Held)
			}
			for i, at := range d.kept(in.ID).Switches {
				if h := held(at).Held; h.State != v1.HeldUnknown || !strings.Contains(h.Detail, "Nothing of it had been sent to the account") || h.Until == nil {
					t.Errorf("right after switch %d: %+v", i+1, h)
				}
			}
			if last := held(d.Now()); last.Held.State != v1.HeldVersion || last.Items[0].Number != 4 || last.Held.Until != nil || strings.Contains(last.Held.Detail, "until") {
				t.Errorf("now: %+v", last.Held)
			}
		})
	}
}
