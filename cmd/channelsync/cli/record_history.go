package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) recordHistory() *command.Command {
	var on, compare string
	var page pageFlags
	c := s.ofRecord(command.Command{
		Name: "history", Short: "show what was sent of a record over time, and compare it",
		Long: "Each push that Channel Program accepted makes a version; the newest is first. The newest 50 are kept, and all others\n" +
			"for 90 days after they were replaced. --on shows what Channel Program held on a day (at its end, in the\n" +
			"installation's time zone) or at a time, and --compare shows two versions side by side.",
		Examples: []string{
			"channelsync record history company 7", "channelsync record history 'acme gmbh' --on 2026-11-03",
			"channelsync record history company 7 --compare 3,5", "channelsync record history company 7 --output csv > versions.csv",
		},
		Values: map[string][]string{"output": outputs},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&on, "on", "", "what Channel Program held on this `DAY`, such as 2026-11-03, or at a time with its offset")
			fs.StringVar(&compare, "compare", "", "compare two versions by their `NUMBERS`, such as 3,5; a single number is compared with the version before it")
			page.flags(fs)
			s.outputFlag(fs)
		},
	}, func(ctx context.Context, of foundRecord) error {
		switch {
		case on != "":
			return s.heldOn(ctx, of, on)
		case compare != "":
			return s.compareVersions(ctx, of, compare)
		}
		return s.versions(ctx, of, page)
	})
	run := c.Run
	c.Run = func(ctx context.Context, args []string) error {
		one, list := on != "" || compare != "", page.cursor != "" || page.all || page.limit != defaultPage || s.output != ""
		switch {
		case on != "" && compare != "":
			return command.Usage("ask for one of them", "--on and --compare cannot be combined")
		case one && list:
			return command.Usage("", "--on and --compare show single versions: leave out --limit, --cursor, --all and --output")
		}
		if err := checkDay(on); err != nil {
			return err
		}
		if _, _, err := versionNumbers(compare); compare != "" && err != nil {
			return err
		}
		if err := page.check(); err != nil {
			return err
		}
		return run(ctx, args)
	}
	return c
}

// checkDay refuses what is neither a day nor a time; nothing is none.
func checkDay(on string) error {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if _, err := time.Parse(layout, on); err == nil || on == "" {
			return nil
		}
	}
	return command.Usage("", "--on: got %q, want a day such as 2026-11-03, or a time such as 2026-11-03T17:00:00+01:00", on)
}

// versionNumbers are those that a text such as 3,5 names; of one alone the other is the one before it.
func versionNumbers(text string) (a, b int, err error) {
	first, second, two := strings.Cut(text, ",")
	a, errA := strconv.Atoi(strings.TrimSpace(first))
	b, errB := strconv.Atoi(strings.TrimSpace(second))
	if !two {
		a, b, errB = a-1, a, nil
	}
	if errA != nil || errB != nil || a < 1 || b < 1 || a == b {
		return 0, 0, command.Usage("", "--compare: got %q, want the numbers of two versions such as 3,5, or one from 2 on to compare it with the one before", text)
	}
	return min(a, b), max(a, b), nil
}

func (s *session) versions(ctx context.Context, of foundRecord, page pageFlags) error {
	list := client.ExportVersions(of.installation, of.kind, of.id)
	if done, err := s.export(ctx, of.api, list, nil, &page); done {
		return err
	}
	q := v1.VersionQuery{Cursor: page.cursor, Limit: page.limit}
	if page.all {
		q = v1.VersionQuery{Limit: mostOnPage}
	}
	found, err := of.api.Versions(ctx, of.installation, of.kind, of.id, q)
	for err == nil && page.all && found.NextCursor != nil {
		q.Cursor = *found.NextCursor
		var more v1.VersionPage
		more, err = of.api.Versions(ctx, of.installation, of.kind, of.id, q)
		found.Items, found.NextCursor = append(found.Items, more.Items...), more.NextCursor
	}
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(found)
	}
	if len(found.Items) == 0 && q.Cursor != "" {
		s.say("There are no older versions of this record.")
		return nil
	}
	if len(found.Items) == 0 {
		s.say("This record has not been sent since %s; nothing older is kept here.", moment(found.KnownSince))
		return nil
	}
	t := screen.Table{Header: []string{"VERSION", "SENT", "CAUSE", "WHAT CHANGED"}, Fold: 1}
	for _, v := range found.Items {
		t.Add(strconv.Itoa(v.Number), moment(v.SentAt), causeOf(v), changesOf(v))
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	s.moreHint(found.NextCursor)
	return nil
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// causeOf is why a version was sent, in the API's own words.
func causeOf(v v1.Version) string {
	cause := string(v.Trigger)
	switch {
	case v.Kind == v1.VersionEarlier:
		return "sent before versions were kept"
	case v.Job != "" && v.Trigger == v1.TriggerManual:
		cause = "resync"
	case v.Trigger == v1.TriggerManual:
		cause = "sync now"
	}
	if v.Kind == v1.VersionRepaired {
		cause = "repair, " + cause
	}
	if v.Kind == v1.VersionRecovered {
		cause = strings.TrimSuffix("answer lost, "+cause, ", ")
	}
	if v.By != "" {
		cause += " by " + v.By
	}
	return cause
}

// changesOf is what a version changed, field by field.
func changesOf(v v1.Version) string {
	var out []string
	for _, f := range v.Edited {
		out = append(out, f.Field+" put right: "+theirsOf(f)+" → "+orNothing(f.Due))
	}
	for _, d := range v.Changes {
		out = append(out, d.Field+": "+orNothing(d.From)+" → "+orNothing(d.To))
	}
	if v.NewAccount {
		out = append([]string{"the first in another account of Channel Program"}, out...)
	}
	switch {
	case len(out) > 0:
	case string(v.Projection) == "null":
		return "(too large to be kept)"
	case v.Answer == "created" && v.Number > 1:
		return "(made anew: it was gone there)"
	default:
		return "(all of it)"
	}
	return strings.Join(out, "; ")
}

// theirsOf is what a field was edited to.
func theirsOf(f v1.DriftField) string {
	if f.Theirs == nil {
		return "(overwritten unread)"
	}
	return orNothing(*f.Theirs)
}

func orNothing(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}

func (s *session) heldOn(ctx context.Context, of foundRecord, on string) error {
	page, err := of.api.Versions(ctx, of.installation, of.kind, of.id, v1.VersionQuery{At: on})
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(page)
	}
	if page.Held == nil {
		return &failure{"the service does not answer what was held at a time", "update it"}
	}
	s.say("%s %s at %s", of.kind, of.id, page.Held.At.Format(time.RFC3339))
	s.para("", "%s (Times are of %s.)", page.Held.Detail, page.Held.TimeZone)
	for _, v := range page.Items {
		s.say("  cause       %s", text(causeOf(v)))
		s.say("")
		if err := s.writeTable(heldTable(*page.Held, v)); err != nil {
			return err
		}
	}
	return nil
}

// heldTable is what was sent of a version, beside what somebody had edited of it by then.
func heldTable(held v1.Held, v v1.Version) screen.Table {
	fields := v1.Flat(v.Projection)
	if !held.WasEdited() {
		t := screen.Table{Header: []string{"FIELD", "HELD"}, Fold: 1}
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			t.Add(name, fields[name])
		}
		return t
	}
	edited, names := map[string]string{}, maps.Clone(fields)
	for _, f := range held.Edited.Fields {
		edited[f.Field], names[f.Field] = theirsOf(f), ""
	}
	t := screen.Table{Header: []string{"FIELD", "SENT", "EDITED TO"}, Fold: 1}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		t.Add(name, orNothing(fields[name]), edited[name])
	}
	return t
}

func (s *session) compareVersions(ctx context.Context, of foundRecord, numbers string) error {
	first, second, err := versionNumbers(numbers)
	if err != nil {
		return err
	}
	var two [2]v1.Version
	for i, n := range []int{first, second} {
		two[i], err = of.api.Version(ctx, of.installation, of.kind, of.id, n)
		if errors.Is(err, client.ErrNoVersion) {
			return &failure{
				fmt.Sprintf("there is no version %d of this record, or it is no longer kept", n),
				fmt.Sprintf("channelsync record history %s %s lists those that are", of.kind, of.id),
			}
		}
		if err != nil {
			return err
		}
	}
	if s.json {
		return s.writeJSON(struct {
			Versions    [2]v1.Version   `json:"versions"`
			Differences []v1.Difference `json:"differences"`
		}{two, v1.Differences(two[0].Projection, two[1].Projection)})
	}
	for _, v := range two {
		s.say("Version %d  %s  %s", v.Number, moment(v.SentAt), text(causeOf(v)))
	}
	s.say("")
	a, b := v1.Flat(two[0].Projection), v1.Flat(two[1].Projection)
	names := maps.Clone(a)
	maps.Copy(names, b)
	t := screen.Table{Header: []string{"FIELD", "", "VERSION " + strconv.Itoa(first), "VERSION " + strconv.Itoa(second)}, Fold: 2}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		sign := "="
		if a[name] != b[name] {
			sign = "≠"
		}
		t.Add(name, sign, orNothing(a[name]), orNothing(b[name]))
	}
	return s.writeTable(t)
}
