package operate

import (
	"encoding/json"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
	atsim "channelsync/test/sim/autotask/sim"
)

// TestWhatChannelProgramHeldOnADay: a client is edited over several days, here and there, and each
// day is answered as Channel Program had it in the end.
func TestWhatChannelProgramHeldOnADay(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w := start(t, service.Options{Now: now})
	id := w.Company("Monday")
	in := w.Install(v1.SyncActiveCustomers)
	w.Quiesce(in.ID)
	options := in.Options
	options.TimeZone = "America/New_York"
	_, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: &options})
	harness.OK(t, err)
	w.Quiesce(in.ID)

	type day struct{ on, name, phone string }
	var days []day
	for _, name := range []string{"Monday", "Tuesday", "Tuesday", "Thursday", "Friday"} {
		w.Edit("Companies", id, atsim.Row{"companyName": name, "phone": "518-555-0" + name[:3]})
		w.ClientBecomes(id, name, soon, service.Named(name))
		w.Quiesce(in.ID)
		if name == "Thursday" { // somebody edits it there, and it is put right
			drift(t, w, id, map[string]any{"name": "Edited there"})
			ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
			ended(t, w, in.ID, ref, err)
		}
		c := w.Client(id)
		days = append(days, day{now().In(options.Zone()).Format(time.DateOnly), c.Data.Name, c.Data.Phones[0].Value})
		ahead.Add(int64(24 * time.Hour))
	}

	ask := func(at string) v1.VersionPage {
		t.Helper()
		page, err := w.Admin.Versions(t.Context(), in.ID, v1.KindCompany, service.Text(id), v1.VersionQuery{At: at})
		harness.OK(t, err)
		return page
	}
	var got []day
	for _, d := range days {
		page := ask(d.on)
		var sent struct {
			Name   string
			Phones []struct{ Value string }
		}
		if len(page.Items) != 1 || page.Held.State != v1.HeldVersion || json.Unmarshal(page.Items[0].Projection, &sent) != nil || len(sent.Phones) != 1 {
			t.Fatalf("on %s: %+v", d.on, page)
		}
		got = append(got, day{d.on, sent.Name, sent.Phones[0].Value})
	}
	if diff := cmp.Diff(days, got, cmp.AllowUnexported(day{})); diff != "" {
		t.Error(diff)
	}
	if page := ask("2020-01-01"); len(page.Items) != 0 || page.Held.State != v1.HeldUnknown || !page.KnownSince.Equal(in.CreatedAt) {
		t.Errorf("before it was installed: %+v", page.Held)
	}

	all, err := w.Admin.Versions(t.Context(), in.ID, v1.KindCompany, service.Text(id), v1.VersionQuery{})
	harness.OK(t, err)
	i := slices.IndexFunc(all.Items, func(v v1.Version) bool { return v.Kind == v1.VersionRepaired })
	if i < 0 {
		t.Fatalf("no version is a repair: %+v", all.Items)
	}
	repair := all.Items[i]
	if f := repair.Edited; len(f) != 1 || f[0].Field != "name" || f[0].Theirs == nil || *f[0].Theirs != "Edited there" || f[0].Due != "Thursday" || repair.By != "root" || repair.Job == "" {
		t.Errorf("the repair is %+v", repair)
	}
	if first := all.Items[len(all.Items)-1]; first.Number != 1 || first.Trigger != v1.TriggerBackfill || first.Answer != "created" || first.By != "root" {
		t.Errorf("the first version is %+v", first)
	}
}

// Once ours had been pushed over an edit, a day on which the edit was there was answered as if nobody had edited anything.
func TestWhatChannelProgramHeldWhileAnEditWaited(t *testing.T) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	w := start(t, service.Options{Now: now})
	id := w.Company("Northwind")
	in := w.Install(v1.SyncActiveCustomers)
	options := in.Options
	options.Drift = "report"
	_, err := w.Admin.UpdateInstallation(t.Context(), in.ID, v1.UpdateInstallation{Options: &options})
	harness.OK(t, err)
	w.Quiesce(in.ID)
	ask := func(at time.Time) *v1.Held {
		t.Helper()
		page, err := w.Admin.Versions(t.Context(), in.ID, v1.KindCompany, service.Text(id), v1.VersionQuery{At: at.Format(time.RFC3339Nano)})
		harness.OK(t, err)
		return page.Held
	}
	before := now()
	ahead.Add(int64(24 * time.Hour))
	drift(t, w, id, map[string]any{"name": "Edited there"})
	ref, err := w.Admin.Resync(t.Context(), in.ID, v1.ResyncRequest{})
	ended(t, w, in.ID, ref, err)
	list, err := w.Admin.Drift(t.Context(), in.ID, v1.DriftQuery{})
	harness.OK(t, err)
	if len(list.Items) != 1 || list.Items[0].State != v1.DriftOpen {
		t.Fatalf("drift: %+v", list.Items)
	}
	seen := list.Items[0].FoundAt
	ahead.Add(int64(24 * time.Hour))
	between := now()
	if h := ask(between); !h.WasEdited() || h.Edited.Until != nil {
		t.Errorf("while it waits: %+v", h)
	}
	ahead.Add(int64(24 * time.Hour))
	harness.OK(t, w.Admin.PushOurs(t.Context(), in.ID, v1.KindCompany, service.Text(id)))
	w.ClientBecomes(id, "ours", soon, service.Named("Northwind"))
	w.Until(in.ID, "it is put right", soon, func(in v1.Installation) bool { return in.Drift == v1.DriftCounts{Repaired: 1} })

	h := ask(between)
	if !h.WasEdited() || !h.Edited.Since.Equal(seen) || h.Edited.Until == nil || !h.Edited.Until.After(between) || len(h.Edited.Fields) != 1 {
		t.Fatalf("after it was put right: %+v", h)
	}
	if f := h.Edited.Fields[0]; f.Field != "name" || f.Theirs == nil || *f.Theirs != "Edited there" || f.Due != "Northwind" {
		t.Errorf("edited: %+v", f)
	}
	if h := ask(before); h.WasEdited() || h.Edited == nil || !h.Edited.Since.Equal(seen) {
		t.Errorf("before it was seen: %+v", h)
	}
	if h := ask(now()); h.Edited != nil {
		t.Errorf("now: %+v", h)
	}
}
