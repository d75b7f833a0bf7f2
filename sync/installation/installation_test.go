package installation

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/test/harness"
)

func TestWhatIsInstalledRunsAndIsUsed(t *testing.T) {
	customers, contracts := v1.SyncActiveCustomers, v1.SyncActiveCustomerContracts
	type want struct {
		installed, running          []v1.Sync
		company, contact, contracts bool
	}
	for name, one := range map[string]struct {
		in   Installation
		want want
	}{
		"customers alone": {
			Installation{Syncs: map[v1.Sync]*SyncSettings{customers: {}}},
			want{[]v1.Sync{customers}, []v1.Sync{customers}, true, true, false},
		},
		"contracts alone need their companies, not the contacts": {
			Installation{Syncs: map[v1.Sync]*SyncSettings{contracts: {}}},
			want{[]v1.Sync{contracts}, []v1.Sync{contracts}, true, false, true},
		},
		"one of two is stopped": {
			Installation{Syncs: map[v1.Sync]*SyncSettings{customers: {Stopped: true}, contracts: {}}},
			want{[]v1.Sync{customers, contracts}, []v1.Sync{contracts}, true, true, true},
		},
		"one of two is uninstalled": {
			Installation{Syncs: map[v1.Sync]*SyncSettings{customers: {Uninstalled: true}, contracts: {}}},
			want{[]v1.Sync{contracts}, []v1.Sync{contracts}, true, false, true},
		},
		"stopped as a whole": {
			Installation{Stopped: true, Syncs: map[v1.Sync]*SyncSettings{customers: {}}},
			want{[]v1.Sync{customers}, nil, true, true, false},
		},
		"uninstalled as a whole": {
			Installation{Uninstalled: true, Syncs: map[v1.Sync]*SyncSettings{customers: {}, contracts: {}}},
			want{nil, nil, false, false, false},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var running []v1.Sync
			for _, s := range v1.Syncs {
				if one.in.Running(s) {
					running = append(running, s)
				}
			}
			uses := one.in.Uses()
			got := want{one.in.InstalledSyncs(), running, uses[v1.KindCompany], uses[v1.KindContact], uses[v1.KindContract]}
			if diff := cmp.Diff(one.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOldSecretIsValidUntilItsTime(t *testing.T) {
	now := time.Now()
	s := Signer{Current: "new", Previous: "old", Until: now}
	for name, one := range map[string]struct {
		at   time.Time
		want []v1.Secret
	}{
		"before": {now.Add(-time.Second), []v1.Secret{"new", "old"}},
		"then":   {now, []v1.Secret{"new"}},
		"after":  {now.Add(time.Hour), []v1.Secret{"new"}},
	} {
		if diff := cmp.Diff(one.want, s.Valid(one.at)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSameAccount(t *testing.T) {
	in := Installation{Secrets: Secrets{Username: "Api@MSP.example", TrackingIdentifier: "TRACK"}}
	harness.Table(t, func(of [2]string) bool { return in.SameAccount(of[0], of[1]) }, map[[2]string]bool{
		{"api@msp.example", "TRACK"}:          true,
		{"api@msp.example", "track"}:          true,
		{"API@msp.example", "TRACK\u00a0"}:    true,
		{"api@msp.example\u200b", " TRACK\n"}: true,
		{"other@msp.example", "TRACK"}:        false,
		{"api@msp.example", "TRACK2"}:         false,
	})
}
