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
	page := v1.VersionPage{Items: []v1.Version{}, KnownSince: in.KnownSince(kind).UTC()}
	if q.At != "" {
		err := m.heldAt(&page, in, e, kept, q.At)
		return page, err
	}
	end := len(kept)
	if q.Cursor != "" {
		before, err := strconv.Atoi(q.Cursor)
		if err != nil || before < 1 {
			return v1.VersionPage{}, v1.InvalidCursor()
		}
		end, _ = slices.BinarySearchFunc(kept, before, func(v ledger.Version, n int) int { return v.Number - n })
	}
	from := max(0, end-max(1, q.Limit))
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

// heldAt puts what Channel Program held at a time or at the end of a day into the page.
func (m *Manager) heldAt(page *v1.VersionPage, in *installation.Installation, e *ledger.Entry, kept []ledger.Version, text string) error {
	at, err := m.instant(in.Options, text)
	if err != nil {
		return err
	}
	h := heldText{at: at, zone: in.Options.Zone(), kept: kept, entry: e, in: in}
	held := &v1.Held{At: at.UTC(), TimeZone: h.zone.String()}
	page.Held = held
	after := slices.IndexFunc(kept, func(v ledger.Version) bool { return v.At.After(at) })
	if after < 0 {
		after = len(kept)
	}
	if after < len(kept) {
		held.Until = new(kept[after].At.UTC())
	}
	if after == 0 {
		held.State, held.Detail = h.none()
		return nil
	}
	if gone := in.ConnectedUntil(kept[after-1].ConnectedAt); !gone.IsZero() {
		if !at.Before(gone) {
			held.State, held.Detail = v1.HeldUnknown, h.notYet(after)
			return nil
		}
		held.Until = new(gone.UTC())
	}
	held.State = v1.HeldVersion
	held.Detail, held.Edited = h.version(after - 1)
	page.Items = append(page.Items, shownVersion(kept, after-1))
	return nil
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
	since := h.in.KnownSince(h.entry.Kind)
	unknown := fmt.Sprintf("Records are kept here since %s, and nothing is known of the time before.", h.when(since))
	if len(h.kept) == 0 {
		if h.entry.PushedAt.IsZero() {
			return v1.HeldUnknown, unknown + " Nothing of this one was sent since then."
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
	case h.at.Before(since):
		return v1.HeldUnknown, unknown + fmt.Sprintf(" This one was first sent on %s; Channel Program did not have it then.", h.when(first.At))
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
func (h heldText) version(i int) (string, *v1.HeldEdit) {
	v := h.kept[i]
	out := []string{fmt.Sprintf("Channel Program held version %d: it took it on %s.", v.Number, h.when(v.At))}
	if len(v.Sent) == 0 {
		out = append(out, "It was too large to be kept.")
	}
	if v.Kind == v1.VersionRecovered {
		out = append(out, "The answer to that push was lost; what it had sent was found at the next one.")
	}
	next, gone := h.next(i), h.in.ConnectedUntil(v.ConnectedAt)
	switch {
	case next != nil:
		out = append(out, h.before(*next)...)
	case !gone.IsZero():
		out = append(out, fmt.Sprintf("That was the account that was connected until %s. Nothing was sent to it afterwards.", h.when(gone)))
	}
	edit := h.edit(i)
	if edit == nil {
		return strings.Join(append(out, editsKnown), " "), nil
	}
	return strings.Join(append(out, h.edited(*edit), editsKnown), " "), &edit.HeldEdit
}

// next is the version that replaced one at the same account; nil when none did.
func (h heldText) next(i int) *ledger.Version {
	if i+1 < len(h.kept) && h.kept[i+1].ConnectedAt.Equal(h.kept[i].ConnectedAt) {
		return &h.kept[i+1]
	}
	return nil
}

// before is what the next version tells of the time before it.
func (h heldText) before(next ledger.Version) []string {
	out := []string{fmt.Sprintf("It held it until %s, when version %d replaced it.", h.when(next.At), next.Number)}
	switch {
	case len(next.Edited) > 0: // what was edited tells it
	case next.BeforeUnknown:
		out = append(out, "What it held right before that is not known: the answer to another push was lost, or it had been set back to an older state.")
	case next.Answer == "created":
		out = append(out, "By then Channel Program did not have the record any more; since when is not known.")
	}
	return out
}

// edit is one that somebody made of a version in Channel Program.
type edit struct {
	v1.HeldEdit
	end string // how it ended, in words; empty: that is not known
}

// edits are those of a version, in the order in which they were seen.
func (h heldText) edits(i int) (out []edit) {
	v, next := h.kept[i], h.next(i)
	gone := h.in.ConnectedUntil(v.ConnectedAt)
	for _, d := range h.entry.Drifts {
		replaced := next != nil && !d.FoundAt.Before(next.At) || !gone.IsZero() && !d.FoundAt.Before(gone)
		if d.State == v1.DriftRepaired || d.FoundAt.Before(v.At) || replaced {
			continue // what was put right the next version knows, for as long as there is one
		}
		e := edit{HeldEdit: v1.HeldEdit{Since: d.FoundAt.UTC(), Fields: editedOf(v, d.Fields)}}
		if d.State == v1.DriftReverted {
			e.Until, e.end = new(d.ResolvedAt.UTC()), "it was seen to be undone"
		}
		out = append(out, e)
	}
	if next == nil || len(next.Edited) == 0 {
		return out
	}
	e := edit{v1.HeldEdit{Since: next.EditedSince.UTC(), Until: new(next.At.UTC()), Fields: editedOf(v, next.Edited)}, fmt.Sprintf("version %d put it right", next.Number)}
	if next.EditedSince.IsZero() || next.EditedSince.After(next.At) {
		e.Since = *e.Until
	}
	return append(out, e)
}

// editedOf are the fields of an edit beside what the version itself has. What differs only from what was to replace it
// was edited by nobody.
func editedOf(v ledger.Version, fields []v1.DriftField) []v1.DriftField {
	sent, out := v1.Flat(v.Sent), []v1.DriftField{}
	for _, f := range fields {
		if f.Theirs != nil && len(sent) > 0 {
			f.Due = sent[f.Field]
		}
		if f.Theirs == nil || *f.Theirs != f.Due {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return fields
	}
	return out
}

// edit is the one that a version had at the time that is asked about, else the first that was seen later; nil when none is known.
func (h heldText) edit(i int) (found *edit) {
	for _, e := range h.edits(i) {
		over := e.Until != nil && !h.at.Before(*e.Until)
		if !over && (found == nil || !e.Since.After(h.at)) {
			found = &e
		}
	}
	return found
}

// edited says what is known of an edit at the time that is asked about.
func (h heldText) edited(e edit) string {
	fields := named(e.Fields)
	if e.Since.After(h.at) {
		end := ""
		if e.end != "" {
			end = ", before " + e.end
		}
		return fmt.Sprintf("Somebody's edit of %s was seen there on %s%s; since when it was there is not known.", fields, h.when(e.Since), end)
	}
	if e.Until == nil {
		return fmt.Sprintf("From %s, when it was seen, it held somebody's edit of %s, and nothing is known to have undone that.", h.when(e.Since), fields)
	}
	return fmt.Sprintf("From %s, when it was seen, until %s, when %s, it held somebody's edit of %s.", h.when(e.Since), h.when(*e.Until), e.end, fields)
}

// named are the fields of an edit.
func named(fields []v1.DriftField) string {
	var out []string
	for _, f := range fields {
		out = append(out, f.Field)
	}
	return strings.Join(out, ", ")
}
