package control

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/sync/installation"
	"channelsync/sync/ledger"
)

// Versions lists what was sent of a record, newest first, or answers what Channel Program held
// of it at a time.
func (m *Manager) Versions(ctx context.Context, id string, kind v1.Kind, rec int64, q v1.VersionQuery) (v1.VersionPage, error) {
	in, err := m.get(id)
	if err != nil {
		return v1.VersionPage{}, err
	}
	e, err := m.entry(ctx, id, kind, rec)
	if err != nil {
		return v1.VersionPage{}, err
	}
	kept := e.Versions()
	if q.At != "" {
		return m.heldAt(in, e, kept, q.At)
	}
	end := len(kept)
	if q.Cursor != "" {
		before, err := strconv.Atoi(q.Cursor)
		if err != nil || before < 1 {
			return v1.VersionPage{}, v1.InvalidCursor()
		}
		end, _ = slices.BinarySearchFunc(kept, before, func(v ledger.Version, n int) int { return v.Number - n })
	}
	page, from := v1.VersionPage{Items: []v1.Version{}}, max(0, end-max(1, q.Limit))
	for i := end - 1; i >= from; i-- {
		page.Items = append(page.Items, shownVersion(kept, i))
	}
	if from > 0 && from < end {
		page.NextCursor = new(strconv.Itoa(kept[from].Number))
	}
	return page, nil
}

// shownVersion is one of the versions that are kept, with what it changed.
func shownVersion(kept []ledger.Version, i int) v1.Version {
	v := kept[i]
	out := v1.Version{
		Number: v.Number, SentAt: v.At, Kind: v.Kind, Cause: v.Cause, Answer: v.Answer, BeforeUnknown: v.BeforeUnknown,
		Projection: v.Sent, Changes: []v1.Difference{}, Edited: v.Edited,
	}
	if len(v.Sent) == 0 {
		out.Projection = []byte("null")
	}
	out.NewAccount = i > 0 && !v.ConnectedAt.Equal(kept[i-1].ConnectedAt)
	if i > 0 && len(kept[i-1].Sent) > 0 && len(v.Sent) > 0 {
		out.Changes = v1.Differences(kept[i-1].Sent, v.Sent)
	}
	return out
}

// heldAt is the page that answers what Channel Program held at a time or at the end of a day.
func (m *Manager) heldAt(in *installation.Installation, e *ledger.Entry, kept []ledger.Version, text string) (v1.VersionPage, error) {
	at, err := m.instant(in.Options, text)
	if err != nil {
		return v1.VersionPage{}, err
	}
	h := heldText{at: at, zone: in.Options.Zone(), kept: kept, entry: e, in: in}
	held := &v1.Held{At: at.UTC(), TimeZone: h.zone.String()}
	page := v1.VersionPage{Items: []v1.Version{}, Held: held}
	after := slices.IndexFunc(kept, func(v ledger.Version) bool { return v.At.After(at) })
	if after < 0 {
		after = len(kept)
	}
	if after < len(kept) {
		held.Until = new(kept[after].At.UTC())
	}
	if after == 0 {
		held.State, held.Detail = h.none()
		return page, nil
	}
	if gone := in.ConnectedUntil(kept[after-1].ConnectedAt); !gone.IsZero() {
		if !at.Before(gone) {
			held.State, held.Detail = v1.HeldUnknown, h.notYet(after)
			return page, nil
		}
		held.Until = new(gone.UTC())
	}
	held.State, held.Detail = v1.HeldVersion, h.version(after-1)
	page.Items = append(page.Items, shownVersion(kept, after-1))
	return page, nil
}

// instant is a time that has passed: the end of a day is where the tenant is.
func (m *Manager) instant(o v1.Options, text string) (time.Time, error) {
	now := m.Now()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return at, v1.Invalid("The query of the request is not valid.", v1.FieldError{Pointer: "?at", Code: "time", Detail: "want a day or a time"})
		}
		at = endOfDay(day, o.Zone())
		if at.After(now) && text <= now.In(o.Zone()).Format(time.DateOnly) {
			at = now
		}
	}
	if at.After(now) {
		return at, v1.Invalid("The query of the request is not valid.", v1.FieldError{Pointer: "?at", Code: "future", Detail: "got a time to come, want one that has passed"})
	}
	return at, nil
}

// endOfDay is the last instant of a day in a zone, where midnight may be left out or come twice.
func endOfDay(day time.Time, zone *time.Location) time.Time {
	text := day.Format(time.DateOnly)
	noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, zone)
	seconds := sort.Search(36*60*60, func(s int) bool { return noon.Add(time.Duration(s)*time.Second).Format(time.DateOnly) > text })
	return noon.Add(time.Duration(seconds)*time.Second - time.Nanosecond)
}

// heldText says what is known of what Channel Program held.
type heldText struct {
	at    time.Time
	zone  *time.Location
	kept  []ledger.Version
	entry *ledger.Entry
	in    *installation.Installation
}

func (h heldText) when(t time.Time) string {
	return t.In(h.zone).Format("2 January 2006 at 15:04:05 -07:00")
}

// none is what is known of a time before the first version that is kept.
func (h heldText) none() (v1.HeldState, string) {
	if len(h.kept) == 0 {
		if h.entry.PushedAt.IsZero() {
			return v1.HeldNothing, "Nothing of it was ever sent."
		}
		return v1.HeldUnknown, "What was sent of it is too large to be kept."
	}
	switch first := h.kept[0]; {
	case first.Number > 1:
		return v1.HeldUnknown, fmt.Sprintf("The oldest version that is kept is number %d, of %s. What Channel Program held before is kept no longer.", first.Number, h.when(first.At))
	case first.Kind == v1.VersionEarlier:
		return v1.HeldUnknown, fmt.Sprintf("Versions were not kept yet. The first that is known was sent on %s.", h.when(first.At))
	case first.BeforeUnknown:
		return v1.HeldUnknown, fmt.Sprintf("When it was first sent, on %s, Channel Program had a record of it already. What that held is not known.", h.when(first.At))
	default:
		return v1.HeldNothing, fmt.Sprintf("Nothing of it had been sent yet. It was first sent on %s.", h.when(first.At))
	}
}

// notYet is what is known of a time after another account was connected and before a version was sent to it.
func (h heldText) notYet(next int) string {
	var since time.Time // of the account that was connected then
	for _, at := range h.in.Switches {
		if !at.After(h.at) {
			since = at
		}
	}
	out := fmt.Sprintf("Nothing of it had been sent to the account of Channel Program that was connected on %s. What that account held is not known.", h.when(since))
	if next < len(h.kept) {
		out += fmt.Sprintf(" Version %d was sent on %s.", h.kept[next].Number, h.when(h.kept[next].At))
	}
	return out + fmt.Sprintf(" The account that was connected before took version %d.", h.kept[next-1].Number)
}

// editsKnown is true of every answer: a push does not read what it overwrites.
const editsKnown = "An edit made there is known only if a sweep, a resync or a report found it."

// version is what is known of a time at which a version was held.
func (h heldText) version(i int) string {
	v := h.kept[i]
	out := []string{fmt.Sprintf("Channel Program held version %d: it took it on %s.", v.Number, h.when(v.At))}
	if len(v.Sent) == 0 {
		out = append(out, "It was too large to be kept.")
	}
	if v.Kind == v1.VersionRecovered {
		out = append(out, "The answer to that push was lost; what it had sent was found at the next one.")
	}
	for _, d := range h.entry.Drifts {
		ended := d.State != v1.DriftOpen && d.ResolvedAt.Before(h.at)
		if d.State != v1.DriftRepaired && !d.FoundAt.After(h.at) && !ended {
			out = append(out, fmt.Sprintf("But somebody had edited %s there: that was found on %s.", named(d.Fields), h.when(d.FoundAt)))
		}
	}
	switch gone := h.in.ConnectedUntil(v.ConnectedAt); {
	case i+1 < len(h.kept) && h.kept[i+1].ConnectedAt.Equal(v.ConnectedAt):
		out = append(out, h.before(h.kept[i+1])...)
	case !gone.IsZero():
		out = append(out, fmt.Sprintf("That was the account that was connected until %s. Nothing was sent to it afterwards.", h.when(gone)))
	}
	return strings.Join(append(out, editsKnown), " ")
}

// before is what the next version tells of the time before it.
func (h heldText) before(next ledger.Version) []string {
	out := []string{fmt.Sprintf("It held it until %s, when version %d replaced it.", h.when(next.At), next.Number)}
	switch {
	case len(next.Edited) > 0:
		out = append(out, fmt.Sprintf("By then somebody had edited %s in Channel Program; when is not known.", named(next.Edited)))
	case next.BeforeUnknown:
		out = append(out, "What it held right before that is not known: the answer to another push was lost, or it had been set back to an older state.")
	case next.Answer == "created":
		out = append(out, "By then Channel Program did not have the record any more; since when is not known.")
	}
	return out
}

// named are the fields of an edit.
func named(fields []v1.DriftField) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Field)
	}
	return strings.Join(out, ", ")
}
