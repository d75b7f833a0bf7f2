package cli

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

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
			"channelsync record history company 7 --compare 3,5",
		},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&on, "on", "", "what Channel Program held on this `DAY`, such as 2026-11-03, or at a time with its offset")
			fs.StringVar(&compare, "compare", "", "compare two versions by their `NUMBERS`, such as 3,5; a single number is compared with the version before it")
			page.flags(fs)
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
		if on != "" && compare != "" {
			return command.Usage("ask for one of them", "--on and --compare cannot be combined")
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

// versionNumbers are those that a text such as 3,5 names; of one alone the other is the one before it.
func versionNumbers(text string) (a, b int, err error) {
	first, second, two := strings.Cut(text, ",")
	a, errA := strconv.Atoi(strings.TrimSpace(first))
	b, errB := strconv.Atoi(strings.TrimSpace(second))
	if !two {
		a, b, errB = a-1, a, nil
	}
	if errA != nil || errB != nil || a < 1 || b < 1 || a == b {
		return 0, 0, command.Usage("write it as --compare 3,5", "%q does not name two versions", text)
	}
	return min(a, b), max(a, b), nil
}

func (s *session) versions(ctx context.Context, of foundRecord, page pageFlags) error {
	var found v1.VersionPage
	var err error
	if page.all {
		var all v1.Page[v1.Version]
		all, err = onOnePage(of.api.AllVersions(ctx, of.installation, of.kind, of.id))
		found.Items = all.Items
	} else {
		found, err = of.api.Versions(ctx, of.installation, of.kind, of.id, v1.VersionQuery{Cursor: page.cursor, Limit: page.limit})
	}
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(found)
	}
	if len(found.Items) == 0 {
		s.say("Nothing of this record was sent.")
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
		theirs := "(overwritten unread)"
		if f.Theirs != nil {
			theirs = orNothing(*f.Theirs)
		}
		out = append(out, f.Field+" put right: "+theirs+" → "+orNothing(f.Due))
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
		t := screen.Table{Header: []string{"FIELD", "HELD"}, Fold: 1}
		fields := v1.Flat(v.Projection)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			t.Add(name, fields[name])
		}
		if err := s.writeTable(t); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) compareVersions(ctx context.Context, of foundRecord, numbers string) error {
	first, second, err := versionNumbers(numbers)
	if err != nil {
		return err
	}
	var two [2]v1.Version
	for i, n := range []int{first, second} {
		if two[i], err = of.api.Version(ctx, of.installation, of.kind, of.id, n); err != nil {
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
