package notify

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	v1 "channelsync/api/v1"
)

// recoveredDetail stands in for the detail of an issue that is no longer so.
const recoveredDetail = "This is no longer so; nothing is left to do."

// key is what is notified once while it lasts.
type key struct{ installation, code string }

func (k key) String() string { return k.installation + "." + k.code }

func parseKey(s string) (key, bool) {
	installation, code, ok := strings.Cut(s, ".")
	return key{installation, code}, ok && installation != "" && code != ""
}

// note is what the table holds of a cause: the last event of it. The issue is
// without its detail, and there is no name.
type note struct {
	Event     string    `json:"event"` // its id
	Type      string    `json:"type"`
	At        time.Time `json:"at"`
	Delivered bool      `json:"delivered"`
	Issue     Issue     `json:"issue"`
}

// entry is a note and what this process knows beside it.
type entry struct {
	key
	note
	saved        bool      // the table holds the note as it is
	name, detail string    // as last seen
	seen         bool      // since the process, or the installation, began to work
	absent       time.Time // since when it is not there; zero while it is
	attempts     int
	nextAt       time.Time
}

// book decides what to notify. It reads no clock and does no I/O.
type book struct {
	quiet   time.Duration // how long an issue must be there, or be gone
	unseen  time.Duration // how long it must be gone when this process never saw it
	entries map[key]*entry
	waiting map[key]time.Time // not notified yet: first seen
}

func newBook(quiet, unseen time.Duration) *book {
	return &book{quiet: quiet, unseen: unseen, entries: map[key]*entry{}, waiting: map[key]time.Time{}}
}

// resting says that an installation does not work, so that an issue which is not there says nothing.
func resting(s v1.State) bool { return s == v1.StateStopped || s == v1.StateInstalling }

// observe takes in how every installation stands.
func (b *book) observe(now time.Time, all []v1.InstallationStatus) {
	here := make(map[string]v1.InstallationStatus, len(all))
	open := map[key]v1.Issue{}
	for _, in := range all {
		if in.State == v1.StateUninstalled {
			continue // nobody has to act for it any more
		}
		here[in.ID] = in
		for _, i := range in.Issues {
			if i.Severity == v1.SeverityAct {
				open[key{in.ID, i.Code}] = i
			}
		}
	}
	for _, e := range b.entries {
		b.follow(now, e, here, open)
	}
	for k := range b.waiting {
		if _, is := open[k]; !is || resting(here[k.installation].State) {
			delete(b.waiting, k)
		}
	}
	for k, i := range open {
		if b.entries[k] == nil && !resting(here[k.installation].State) {
			b.wait(now, k, i, here[k.installation].Name)
		}
	}
}

// follow checks whether a notified cause is still there. While a recovery is on its way the
// cause may come again: it is notified after it, as a new one.
func (b *book) follow(now time.Time, e *entry, here map[string]v1.InstallationStatus, open map[key]v1.Issue) {
	in, known := here[e.installation]
	if known {
		e.name = in.Name
	}
	if e.Type == TypeRecovered {
		return
	}
	i, is := open[e.key]
	switch {
	case is:
		e.seen, e.absent, e.detail = true, time.Time{}, i.Detail
		if !e.Delivered {
			e.Issue.Records = i.Records
		}
	case !known:
		e.recover(now)
	case resting(in.State):
		e.seen, e.absent = false, time.Time{}
	case e.absent.IsZero():
		e.absent = now
	case now.Sub(e.absent) >= b.patience(e):
		e.recover(now)
	}
}

// patience is longer after a restart: some issues are found again only by the next check.
func (b *book) patience(e *entry) time.Duration {
	if e.seen {
		return b.quiet
	}
	return b.unseen
}

// wait notifies of an issue once every observation found it for long enough. The time of the
// issue counts too: one that comes and goes between two observations begins anew.
func (b *book) wait(now time.Time, k key, i v1.Issue, name string) {
	since, waits := b.waiting[k]
	if !waits {
		b.waiting[k] = now
		return
	}
	if now.Sub(since) < b.quiet || now.Sub(i.FirstAt) < b.quiet {
		return
	}
	delete(b.waiting, k)
	b.entries[k] = &entry{
		key: k, name: name, detail: i.Detail, seen: true,
		note: note{Event: ulid.Make().String(), Type: TypeOpened, At: now, Issue: Issue{
			Code: i.Code, Severity: i.Severity, Title: i.Title, Fix: i.Fix, Records: i.Records, FirstAt: i.FirstAt,
		}},
	}
}

// recover makes the next event. An opening that was never confirmed is given up:
// the receiver may have it nevertheless, so the recovery is notified all the same.
func (e *entry) recover(now time.Time) {
	e.Event, e.Type, e.At, e.Delivered, e.saved = ulid.Make().String(), TypeRecovered, now, false, false
	e.attempts, e.nextAt = 0, time.Time{}
}

// due returns what is to be posted now, the longest due first. An opening that
// was found in the table waits until its issue is seen again.
func (b *book) due(now time.Time) []*entry {
	var out []*entry
	for _, e := range b.entries {
		if e.saved && !e.Delivered && !e.nextAt.After(now) && (e.seen || e.Type == TypeRecovered) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *entry) int {
		return cmp.Or(a.nextAt.Compare(b.nextAt), a.At.Compare(b.At), cmp.Compare(a.Event, b.Event))
	})
	return out
}

// event is the notification of an entry.
func (e *entry) event() Event {
	out := Event{ID: e.Event, Type: e.Type, At: e.At, Installation: Installation{ID: e.installation, Name: e.name}, Issue: e.Issue}
	out.Issue.Detail = e.detail
	if e.Type == TypeRecovered {
		out.Issue.Detail = recoveredDetail
	}
	return out
}
