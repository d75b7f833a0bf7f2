package cli

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"channelsync/api/client"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

const (
	applyAtOnce    = 4  // trying credentials takes seconds, most of them waiting
	applyAtOnceMax = 16 // what an instance of the service is spared
)

// application is what apply is asked to do.
type application struct {
	path               string
	prune, yes, dryRun bool
	atOnce             int
}

// applyReport is what apply did, as its JSON.
type applyReport struct {
	DryRun bool           `json:"dryRun"`
	Items  []*applyItem   `json:"items"`
	Counts map[string]int `json:"counts"`
}

func (s *session) applyCommand() *command.Command {
	var a application
	return &command.Command{
		Name: "apply", Short: "bring the installations in line with a file",
		Long: `It creates and changes installations until they match the file, and leaves alone those that match already. It
finds an installation by username and tracking identifier, otherwise by name and connection together. It leaves
installations that are not in the file alone; with --prune it uninstalls them, but never erases them.

  defaults:                              # for installations that do not override them
    trackingIdentifierFile: tracking     # paths are relative to this file
    options: {timeZone: America/New_York}
  installations:
    - name: Acme
      username: api@acme.example
      secretFile: secrets/acme           # or secretEnv: ACME_SECRET; never the secret itself
      channelProgram: {connectionId: c-1, tokenFile: secrets/acme-token}
      syncs: [active_customers]          # default: both
      zone: America East                 # default: looked up by the user name
      stopped: false                     # default: unchanged
      options:                           # no options at all: unchanged
        overallCost: monthly
        contractTypes: [Recurring Service, 3]  # names or ids; a name must match exactly one
        exclude: ["Acme, Inc."]`,
		Examples: []string{
			"channelsync apply -f installations.yaml --dry-run",
			"channelsync apply -f installations.yaml --prune --yes",
		},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&a.path, "f", "", "`FILE` of installations in YAML; - is standard input")
			fs.BoolVar(&a.dryRun, "dry-run", false, "show what would change, and change nothing")
			fs.BoolVar(&a.prune, "prune", false, "uninstall installations that are not in the file")
			fs.BoolVar(&a.yes, "yes", false, "uninstall without asking")
			fs.IntVar(&a.atOnce, "at-once", applyAtOnce, "`N` installations at a time, at most 16")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			if a.path == "" {
				return command.Usage("channelsync apply -f installations.yaml --dry-run", "-f is missing: the file with the installations")
			}
			if a.atOnce < 1 || a.atOnce > applyAtOnceMax {
				return command.Usage("", "--at-once: got %d, want 1 to %d", a.atOnce, applyAtOnceMax)
			}
			return s.apply(ctx, a)
		},
	}
}

func (s *session) apply(ctx context.Context, a application) error {
	entries, err := s.readEntries(a.path)
	if err != nil {
		return err
	}
	if len(entries) == 0 && a.prune {
		return command.Usage("channelsync installation uninstall removes one", "the file has no installation, and --prune would uninstall all")
	}
	api, err := s.api()
	if err != nil {
		return err
	}
	items, err := planApply(ctx, api, entries, a.prune)
	if err != nil {
		return err
	}
	if a.dryRun {
		return s.showApplied(items, true)
	}
	if err := s.confirmPrune(ctx, items, a.yes); err != nil {
		return err
	}
	s.runApply(ctx, api, items, a.atOnce)
	err = s.showApplied(items, false)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// confirmPrune asks before anything is uninstalled.
func (s *session) confirmPrune(ctx context.Context, items []*applyItem, yes bool) error {
	var what []string
	for _, x := range items {
		if x.Action == toUninstall {
			what = append(what, `"`+text(x.Name)+`"`)
		}
		for _, c := range x.Changes {
			if sync, is := strings.CutPrefix(c.To, "-"); is && c.Field == "syncs" {
				what = append(what, sync+` of "`+text(x.Name)+`"`)
			}
		}
	}
	if len(what) == 0 || yes {
		return nil
	}
	if _, ok := s.terminal(); !ok {
		return command.Usage("look at --dry-run, then add --yes to confirm",
			"this uninstalls %s and must be confirmed, but there is no terminal to ask on", strings.Join(what, ", "))
	}
	s.note("This uninstalls %s.", strings.Join(what, ", "))
	_, _ = s.Stderr.Write([]byte("Type yes to continue: "))
	typed, err := typing(ctx, s.line)
	if err != nil {
		return err
	}
	if typed != "yes" {
		return &failure{"that is not yes; nothing was done", ""}
	}
	return nil
}

// runApply does what was planned, some at a time, and goes on past what fails. What is
// uninstalled comes last, and only if all else went well: one that seems not to be in the
// file may be one that could not be recognised.
func (s *session) runApply(ctx context.Context, api *client.Client, items []*applyItem, atOnce int) {
	var first, last []*applyItem
	for _, x := range items {
		switch x.Action {
		case toCreate, toChange:
			first = append(first, x)
		case toUninstall:
			last = append(last, x)
		}
	}
	bar := s.progress("installations")
	defer bar.end()
	var done atomic.Int64
	run := func(batch []*applyItem) {
		var group errgroup.Group
		group.SetLimit(atOnce)
		for _, x := range batch {
			group.Go(func() error {
				if err := runSteps(ctx, api, x); err != nil {
					x.fail(err)
				}
				bar.at(int(done.Add(1)), len(first)+len(last))
				return nil
			})
		}
		_ = group.Wait() // what fails is in its item
	}
	run(first)
	if slices.ContainsFunc(items, func(x *applyItem) bool { return x.Action == failedToApply }) {
		for _, x := range last {
			x.Action, x.Notes = leftAlone, append(x.Notes, "not uninstalled, since something else failed")
		}
		return
	}
	run(last)
}

func runSteps(ctx context.Context, api *client.Client, x *applyItem) error {
	for _, step := range x.steps {
		if ctx.Err() != nil {
			return errors.New("interrupted: run it again to finish it")
		}
		if err := step(ctx, api, x); err != nil {
			return err
		}
	}
	return nil
}

// showApplied shows what was done, or would be, and fails where something failed.
func (s *session) showApplied(items []*applyItem, dryRun bool) error {
	counts := map[string]int{}
	for _, x := range items {
		counts[x.Action]++
	}
	if s.json {
		if err := s.writeJSON(applyReport{dryRun, append([]*applyItem{}, items...), counts}); err != nil {
			return err
		}
	} else {
		if dryRun {
			s.showApplyDiff(items)
		} else if err := s.showApplyTable(items); err != nil {
			return err
		}
		s.say("%s", applySentence(counts, dryRun))
	}
	for _, x := range items {
		if x.Error != nil {
			code := ""
			if x.Error.Code != "" {
				code = " (" + x.Error.Code + ")"
			}
			s.note(`failed: "%s": %s%s`, text(x.Name), strings.TrimSuffix(text(x.Error.Detail), "."), code)
			s.hint(x.Error.Hint)
		}
	}
	if counts[failedToApply] > 0 {
		return errShown
	}
	return nil
}

// applySign marks what would be done, as a diff does.
func applySign(action string) (sign, more string) {
	switch action {
	case toCreate:
		return "+", ""
	case toChange:
		return "~", ""
	case toUninstall:
		return "-", ": not in the file, to be uninstalled"
	case leftAlone:
		return "?", ": not in the file, left as it is; --prune uninstalls it"
	case failedToApply:
		return "!", ""
	}
	return " ", ""
}

func (s *session) showApplyDiff(items []*applyItem) {
	for _, x := range items {
		if x.Action == asItIs && len(x.Notes) == 0 {
			continue
		}
		sign, more := applySign(x.Action)
		s.say("%s %s%s", sign, text(x.Name), more)
		for _, c := range x.Changes {
			s.say("    %s", text(c.line()))
		}
		for _, n := range x.Notes {
			s.say("    (%s)", text(n))
		}
	}
}

// line is a change as a person reads it; of a secret it says only that it is another one.
func (c applyChange) line() string {
	switch {
	case c.From == "" && c.To == "":
		return c.Field + ": another one"
	case c.From == "":
		return c.Field + ": " + c.To
	}
	return c.Field + ": " + c.From + " → " + c.To
}

// showApplyTable lists what was not left as it was.
func (s *session) showApplyTable(items []*applyItem) error {
	words := map[string]string{
		toCreate: "created", toChange: "changed", toUninstall: "uninstalled", leftAlone: "left", failedToApply: "failed",
		asItIs: "unchanged",
	}
	t := screen.Table{Header: []string{"INSTALLATION", "RESULT", "WHAT"}}
	for _, x := range items {
		if x.Action == asItIs && len(x.Notes) == 0 {
			continue
		}
		var what []string
		for _, c := range x.Changes {
			what = append(what, c.Field)
		}
		if x.Action == toCreate {
			what = []string{x.ID}
		}
		if x.Action == leftAlone && len(x.Notes) == 0 {
			what = append(what, "not in the file; --prune uninstalls it")
		}
		if x.Error != nil {
			what = []string{x.Error.Detail}
		}
		t.Add(x.Name, words[x.Action], strings.Join(append(what, x.Notes...), ", "))
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return s.writeTable(t)
}

// applySentence counts, such as "2 created, 198 unchanged."
func applySentence(counts map[string]int, dryRun bool) string {
	words := []struct{ action, did, would string }{
		{toCreate, "created", "to create"},
		{toChange, "changed", "to change"},
		{toUninstall, "uninstalled", "to uninstall"},
		{failedToApply, "failed", "not comparable"},
		{leftAlone, "not in the file", "not in the file"},
		{asItIs, "unchanged", "unchanged"},
	}
	var parts []string
	for _, w := range words {
		n := counts[w.action]
		if n == 0 {
			continue
		}
		word := w.did
		if dryRun {
			word = w.would
		}
		parts = append(parts, strconv.Itoa(n)+" "+word)
	}
	sentence := cmp.Or(strings.Join(parts, ", "), "no installation")
	if dryRun {
		return sentence + ". Nothing was done."
	}
	return sentence + "."
}
