package control

import (
	"fmt"
	"strings"
	"time"

	"channelsync/sync/installation"
	"channelsync/sync/issue"
	"channelsync/sync/watch"
)

// contested are the issues of registrations that others change: of another address as soon as they did once, of
// anything else from when it is left alone.
func contested(in *installation.Installation) []issue.Issue {
	var moved, touched *installation.Registration
	for i := range in.Registrations {
		r := &in.Registrations[i]
		if r.Moved.Changes > 0 && (moved == nil || r.Moved.LastAt.After(moved.Moved.LastAt)) {
			moved = r
		}
		if r.Touched.Left && (touched == nil || r.Touched.LastAt.After(touched.Touched.LastAt)) {
			touched = r
		}
	}
	var out []issue.Issue
	if moved != nil {
		out = append(out, issue.Issue{Code: "webhook_contested", Detail: movedDetail(moved)})
	}
	if touched != nil {
		out = append(out, issue.Issue{Code: "webhook_disturbed", Detail: touchedDetail(touched), NextAt: touched.Touched.LastAt.Add(watch.TouchedAgain)})
	}
	return out
}

func movedDetail(r *installation.Registration) string {
	c := r.Moved
	said := fmt.Sprintf("Somebody else gave the webhook of %s the address %s, last at %s.", strings.ToLower(r.Entity), c.URL, clockOf(c.LastAt))
	if c.Left {
		return said + fmt.Sprintf(" It was put back to %s before, so it is left there now: this service finds changes by polling.", r.URL)
	}
	return said + fmt.Sprintf(" It was put back to %s. If it happens again, it is left there.", r.URL)
}

func touchedDetail(r *installation.Registration) string {
	c := r.Touched
	did, also := c.What, ""
	if c.What == watch.Deactivated {
		did, also = "switched off", ", which Autotask also does itself when it cannot deliver to "+r.URL
	}
	return fmt.Sprintf("Somebody %s the webhook of %s%s. It was put right, and happened again, last at %s; it is left alone for now, and changes are found by polling.",
		did, strings.ToLower(r.Entity), also, clockOf(c.LastAt))
}

func clockOf(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
