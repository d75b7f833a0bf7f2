package watch

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	"channelsync/sync/installation"
)

const (
	oursAt   = "https://ours.example/callbacks/autotask/x"
	theirsAt = "https://theirs.example/callbacks/autotask/x"
	beforeAt = "https://before.example/callbacks/autotask/x"
)

// hook is a registration as we leave it, changed as a test says.
func hook(id int64, edit ...func(*autotask.Webhook)) autotask.Webhook {
	h := autotask.Webhook{
		ID: id, GUID: fmt.Sprint("guid-", id), Name: "ours", WebhookURL: oursAt, DeactivationURL: oursAt + "/deactivated", IsActive: true,
		IsSubscribedToCreateEvents: true, IsSubscribedToUpdateEvents: true, IsSubscribedToDeleteEvents: true,
	}
	for _, e := range edit {
		e(&h)
	}
	return h
}

func at(url string) func(*autotask.Webhook) {
	return func(h *autotask.Webhook) { h.WebhookURL, h.DeactivationURL = url, url+"/deactivated" }
}

func owned(by int64) func(*autotask.Webhook) {
	return func(h *autotask.Webhook) { h.OwnerResourceID = &by }
}

func off(h *autotask.Webhook) { h.IsActive = false }

func TestSortOut(t *testing.T) {
	reg := func(id, owner int64) installation.Registration {
		return installation.Registration{Entity: "Companies", ID: id, GUID: fmt.Sprint("guid-", id), Owner: owner}
	}
	former := func(n int, id, owner int64) installation.Registration {
		r := reg(id, owner)
		r.Entity, r.Former = fmt.Sprint("former Companies ", n), true
		if id == 0 {
			r.GUID = ""
		}
		return r
	}
	forgotten := func(r installation.Registration) installation.Registration { r.ID = 0; return r }
	type want struct {
		hook   int64
		others []int64
		former []int64
	}
	for name, one := range map[string]struct {
		known []installation.Registration
		rows  []autotask.Webhook
		want  want
	}{
		"nothing there":                        {nil, nil, want{}},
		"made, and not noted before a crash":   {nil, []autotask.Webhook{hook(4, owned(1))}, want{hook: 4}},
		"made twice":                           {nil, []autotask.Webhook{hook(4), hook(5)}, want{4, []int64{5}, nil}},
		"known by id":                          {[]installation.Registration{reg(5, 1)}, []autotask.Webhook{hook(4, owned(1)), hook(5, owned(1))}, want{5, []int64{4}, nil}},
		"known by GUID, after a restore":       {[]installation.Registration{forgotten(reg(5, 1))}, []autotask.Webhook{hook(4), hook(5)}, want{5, []int64{4}, nil}},
		"deleted, and another owner's there":   {[]installation.Registration{reg(5, 1)}, []autotask.Webhook{hook(6, owned(2))}, want{0, []int64{6}, nil}},
		"deleted, and made anew, not noted":    {[]installation.Registration{reg(5, 1)}, []autotask.Webhook{hook(6, owned(1))}, want{hook: 6}},
		"a build that does not tell the owner": {[]installation.Registration{reg(5, 0)}, []autotask.Webhook{hook(6)}, want{hook: 6}},

		"handed over": {[]installation.Registration{former(1, 5, 1)}, []autotask.Webhook{hook(5, owned(1))}, want{0, []int64{5}, []int64{5}}},
		"handed over, the new one made, not noted": {
			[]installation.Registration{former(1, 5, 1)}, []autotask.Webhook{hook(5, owned(1)), hook(6, owned(2))}, want{6, []int64{5}, []int64{5}},
		},
		"handed over, the new one noted": {
			[]installation.Registration{former(1, 5, 1), reg(6, 2)},
			[]autotask.Webhook{hook(5, owned(1)), hook(6, owned(2))},
			want{6, []int64{5}, []int64{5}},
		},
		"the former user had made one more": {
			[]installation.Registration{former(1, 5, 1)},
			[]autotask.Webhook{hook(4, owned(1)), hook(5, owned(1)), hook(6, owned(2))},
			want{6, []int64{4, 5}, []int64{4, 5}},
		},
		"the former user's was not noted, so whose one is is not known": {
			[]installation.Registration{former(1, 0, 0)}, []autotask.Webhook{hook(5, owned(1))}, want{0, []int64{5}, nil},
		},
		"the former user's was not noted, and the new one is": {
			[]installation.Registration{former(1, 0, 0), reg(6, 2)},
			[]autotask.Webhook{hook(5, owned(1)), hook(6, owned(2))},
			want{6, []int64{5}, nil},
		},
		"the owner is read from the row of an upgraded one": {
			[]installation.Registration{former(1, 5, 0)}, []autotask.Webhook{hook(5, owned(1)), hook(6, owned(2))}, want{6, []int64{5}, []int64{5}},
		},
		"back to a user before": {
			[]installation.Registration{former(1, 5, 1), former(2, 6, 2), reg(7, 1)},
			[]autotask.Webhook{hook(5, owned(1)), hook(6, owned(2)), hook(7, owned(1))},
			want{7, []int64{5, 6}, []int64{5, 6}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := sortOut(&installation.Installation{Registrations: one.known}, "Companies", one.rows)
			got := want{former: s.former}
			if s.hook != nil {
				got.hook = s.hook.ID
			}
			for _, h := range s.others {
				got.others = append(got.others, h.ID)
			}
			if diff := cmp.Diff(one.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	left := installation.Registration{Entity: "Companies", ID: 5, GUID: "guid-5", URL: oursAt, Fields: []int64{7, 24}}
	changed := func(edit func(*installation.Registration)) *installation.Registration {
		r := left
		edit(&r)
		return &r
	}
	fields := []autotask.WebhookField{{ID: 1, FieldID: 24, IsSubscribedField: true}, {ID: 2, FieldID: 7, IsSubscribedField: true}}
	for name, one := range map[string]struct {
		reg    *installation.Registration
		rows   []autotask.Webhook
		fields []autotask.WebhookField
		want   finding
	}{
		"as it was left":                      {&left, []autotask.Webhook{hook(5)}, fields, finding{}},
		"never made":                          {nil, nil, nil, finding{}},
		"of a version that noted no address":  {changed(func(r *installation.Registration) { r.URL = "" }), []autotask.Webhook{hook(5, at(theirsAt))}, fields, finding{}},
		"of a restored backup":                {changed(func(r *installation.Registration) { r.ID = 0 }), []autotask.Webhook{hook(5, at(theirsAt))}, fields, finding{}},
		"our own public URL is another now":   {changed(func(r *installation.Registration) { r.URL = beforeAt }), []autotask.Webhook{hook(5, at(beforeAt))}, fields, finding{}},
		"our own change was not noted":        {changed(func(r *installation.Registration) { r.URL = beforeAt }), []autotask.Webhook{hook(5)}, fields, finding{}},
		"moved":                               {&left, []autotask.Webhook{hook(5, at(theirsAt))}, fields, finding{what: Moved, url: theirsAt}},
		"moved while ours became another":     {changed(func(r *installation.Registration) { r.URL = beforeAt }), []autotask.Webhook{hook(5, at(theirsAt))}, fields, finding{what: Moved, url: theirsAt}},
		"moved and switched off":              {&left, []autotask.Webhook{hook(5, at(theirsAt), off)}, fields, finding{what: Moved, url: theirsAt, inactive: true}},
		"another was made in its place":       {&left, []autotask.Webhook{hook(6, at(theirsAt))}, nil, finding{what: Moved, url: theirsAt}},
		"another was made beside it":          {&left, []autotask.Webhook{hook(5), hook(6, at(theirsAt))}, fields, finding{what: Moved, url: theirsAt}},
		"a copy beside it":                    {&left, []autotask.Webhook{hook(5), hook(6)}, fields, finding{}},
		"deleted":                             {&left, nil, nil, finding{what: Deleted}},
		"deleted, made anew by us, not noted": {&left, []autotask.Webhook{hook(6)}, nil, finding{}},
		"switched off":                        {&left, []autotask.Webhook{hook(5, off)}, fields, finding{what: Deactivated}},
		"renamed":                             {&left, []autotask.Webhook{hook(5, func(h *autotask.Webhook) { h.Name = "x" })}, fields, finding{what: Changed}},
		"fewer events":                        {&left, []autotask.Webhook{hook(5, func(h *autotask.Webhook) { h.IsSubscribedToDeleteEvents = false })}, fields, finding{what: Changed}},
		"a field less":                        {&left, []autotask.Webhook{hook(5)}, fields[:1], finding{what: Changed}},
		"a field only shown":                  {&left, []autotask.Webhook{hook(5)}, []autotask.WebhookField{fields[0], {ID: 2, FieldID: 7}}, finding{what: Changed}},
	} {
		t.Run(name, func(t *testing.T) {
			in := &installation.Installation{}
			if one.reg != nil {
				in.Registrations = []installation.Registration{*one.reg}
			}
			got := judge(one.reg, sortOut(in, "Companies", one.rows), one.fields, oursAt, "ours")
			if one.want.what != Moved {
				got.inactive = false
			}
			if diff := cmp.Diff(one.want, got, cmp.AllowUnexported(finding{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The registration of a former API user at an earlier address is nobody's move.
func TestAFormerUsersRegistrationIsNoMove(t *testing.T) {
	reg := installation.Registration{Entity: "Companies", ID: 6, GUID: "guid-6", URL: oursAt, Owner: 2}
	in := &installation.Installation{Registrations: []installation.Registration{
		reg, {Entity: "former Companies 1", Former: true, ID: 5, GUID: "guid-5", Owner: 1},
	}}
	s := sortOut(in, "Companies", []autotask.Webhook{hook(5, owned(1), at(beforeAt)), hook(6, owned(2))})
	if got := judge(&reg, s, nil, oursAt, "ours"); got.what != "" {
		t.Errorf("found %+v", got)
	}
}

// TestWeigh plays what checks find, one after the other, and says which of it is put right.
func TestWeigh(t *testing.T) {
	type check struct {
		after time.Duration // since the check before
		found finding
		put   bool
		asked bool // a person asked before it
	}
	none := finding{}
	theirs, third := finding{what: Moved, url: theirsAt}, finding{what: Moved, url: beforeAt}
	dead := finding{what: Moved, url: theirsAt, inactive: true}
	gone, switchedOff, changed := finding{what: Deleted}, finding{what: Deactivated}, finding{what: Changed}
	const often, hour, day = 5 * time.Minute, time.Hour, 24 * time.Hour
	for name, checks := range map[string][]check{
		"moved once is put right": {{0, theirs, true, false}, {often, none, true, false}},
		"moved again is left, for good": {
			{0, theirs, true, false}, {often, theirs, false, false}, {often, theirs, false, false}, {100 * day, theirs, false, false},
		},
		"moved again after quiet checks":       {{0, theirs, true, false}, {often, none, true, false}, {6 * hour, none, true, false}, {hour, theirs, false, false}},
		"moved again by a third":               {{0, theirs, true, false}, {often, third, false, false}},
		"moved again after a day is the first": {{0, theirs, true, false}, {often, none, true, false}, {25 * hour, theirs, true, false}},
		"the other gives up": {
			{0, theirs, true, false}, {often, theirs, false, false}, {often, none, true, false}, {often, theirs, true, false},
		},
		"the other uninstalls": {{0, theirs, true, false}, {often, theirs, false, false}, {often, gone, true, false}},
		"the other is dead: Autotask switched it off, and nobody switches it on": {
			{0, theirs, true, false}, {often, theirs, false, false}, {often, dead, false, false}, {often, dead, false, false}, {hour, dead, true, false},
		},
		"the other is switched on again": {
			{0, theirs, true, false}, {often, theirs, false, false}, {often, dead, false, false}, {often, theirs, false, false}, {hour, dead, false, false},
		},
		"a person asks": {
			{0, theirs, true, false}, {often, theirs, false, false}, {often, theirs, true, true}, {often, theirs, true, false}, {often, theirs, false, false},
		},
		"deleted again is left for an hour": {
			{0, gone, true, false}, {often, gone, false, false}, {often, gone, false, false}, {hour, gone, true, false}, {often, gone, false, false},
		},
		"deleted twice, hours apart": {{0, gone, true, false}, {2 * hour, gone, true, false}, {2 * hour, gone, true, false}},
		"changed again is left for an hour, until somebody puts it right": {
			{0, changed, true, false}, {often, changed, false, false}, {often, none, true, false}, {often, changed, true, false},
		},
		"Autotask switches it off, and it is switched on again as long as that can help": {
			{0, switchedOff, true, false},
			{often, switchedOff, true, false},
			{often, switchedOff, true, false},
			{often, switchedOff, true, false},
			{often, switchedOff, false, false},
			{often, switchedOff, false, false},
			{hour, switchedOff, true, false},
		},
		"one thing after the other is no contest": {
			{0, gone, true, false}, {often, switchedOff, true, false}, {often, changed, true, false}, {often, gone, true, false},
		},
		"a move counts whatever comes between": {{0, theirs, true, false}, {often, switchedOff, true, false}, {often, gone, true, false}, {often, theirs, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			reg, now := installation.Registration{}, time.Now()
			for i, c := range checks {
				now, reg.AskedAt = now.Add(c.after), time.Time{}
				if c.asked {
					reg.AskedAt = now
				}
				if put := weigh(&reg, c.found, now); put != c.put {
					t.Fatalf("check %d: put right %v; %+v, %+v", i+1, put, reg.Moved, reg.Touched)
				}
			}
		})
	}
}
