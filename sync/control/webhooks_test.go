package control

import (
	"strings"
	"testing"
	"time"

	"channelsync/sync/installation"
	"channelsync/sync/watch"
)

func TestContestedWebhooksAreSaid(t *testing.T) {
	at := time.Date(2026, 11, 29, 14, 2, 0, 0, time.UTC)
	moved := func(left bool) installation.Contest {
		return installation.Contest{What: watch.Moved, URL: "https://theirs.example/x", Changes: 1, LastAt: at, Left: left}
	}
	touched := func(what string, left bool) installation.Contest {
		return installation.Contest{What: what, Changes: 2, LastAt: at, Left: left}
	}
	for name, one := range map[string]struct {
		reg  installation.Registration
		code string
		says []string
	}{
		"nothing":                {installation.Registration{}, "", nil},
		"put right once":         {installation.Registration{Moved: moved(false)}, "webhook_contested", []string{"https://theirs.example/x", "put back to https://ours.example/x", "14:02:00 UTC", "If it happens again"}},
		"left":                   {installation.Registration{Moved: moved(true)}, "webhook_contested", []string{"https://theirs.example/x", "left there now", "polling"}},
		"deleted once":           {installation.Registration{Touched: touched(watch.Deleted, false)}, "", nil},
		"deleted again":          {installation.Registration{Touched: touched(watch.Deleted, true)}, "webhook_disturbed", []string{"deleted the webhook of companies"}},
		"changed again":          {installation.Registration{Touched: touched(watch.Changed, true)}, "webhook_disturbed", []string{"changed the webhook of companies"}},
		"switched off for hours": {installation.Registration{Touched: touched(watch.Deactivated, true)}, "webhook_disturbed", []string{"switched off", "https://ours.example/x"}},
	} {
		t.Run(name, func(t *testing.T) {
			one.reg.Entity, one.reg.URL = "Companies", "https://ours.example/x"
			// Contacts' went the same way, as they do: it is one issue all the same.
			other := one.reg
			other.Entity = "Contacts"
			other.Moved.LastAt, other.Touched.LastAt = other.Moved.LastAt.Add(-time.Second), other.Touched.LastAt.Add(-time.Second)
			got := contested(&installation.Installation{Registrations: []installation.Registration{one.reg, other}})
			if one.code == "" {
				if len(got) != 0 {
					t.Errorf("got %+v", got)
				}
				return
			}
			if len(got) != 1 || got[0].Code != one.code {
				t.Fatalf("got %+v, want one %s", got, one.code)
			}
			for _, text := range one.says {
				if !strings.Contains(got[0].Detail, text) {
					t.Errorf("%q does not say %q", got[0].Detail, text)
				}
			}
			if strings.Contains(got[0].Detail, "%!") {
				t.Errorf("detail %q", got[0].Detail)
			}
		})
	}
}
