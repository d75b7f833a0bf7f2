package cli

import (
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) replayCommand() *command.Command {
	var which selector
	var in v1.ReplayRequest
	var kind string
	var noWait bool
	return &command.Command{
		Name: "replay", Args: selectorArgs, Short: "reconcile again what changed in a period",
		Long: "Without bounds it reads every stored change; several bounds must all match. It fetches each record afresh\n" +
			"and pushes only what differs, unless you pass --force.",
		Examples: []string{
			"channelsync replay --from 2h --dry-run",
			"channelsync replay Acme --from 2026-11-23T09:00:00Z --kind contract --id 7 --force",
		},
		Values: map[string][]string{"kind": replayKinds()},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			s.timeFlag(fs, "from", "changes stored since", &in.From)
			s.timeFlag(fs, "to", "changes stored before", &in.To)
			fs.Uint64Var(&in.FromSequence, "from-sequence", 0, "changes from this sequence `NUMBER` of the journal on")
			fs.StringVar(&kind, "kind", "", "only this `KIND`: "+strings.Join(replayKinds(), ", "))
			fs.StringVar(&in.ID, "id", "", "only the record with this `ID`; needs --kind")
			fs.BoolVar(&in.Force, "force", false, "push even what has not changed since the last push")
			jobFlags(fs, &in.DryRun, &noWait)
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			in.Kind = v1.Kind(kind)
			if err := checkReplay(in, which.ref, s.now()); err != nil {
				return err
			}
			api, inst, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			job, err := api.Replay(ctx, inst.ID, in)
			if err != nil {
				return err
			}
			return s.started(ctx, api, inst.ID, job, !noWait)
		},
	}
}

// clocksDiffer is how much later it may be for the service than here.
const clocksDiffer = 5 * time.Minute

func replayKinds() []string { return append(recordKinds(), string(v1.KindContact)) }

func checkReplay(in v1.ReplayRequest, installation string, now time.Time) error {
	line := "channelsync replay"
	if installation != "" {
		line += " " + quoted(installation)
	}
	switch {
	case in.From != nil && in.From.After(now.Add(clocksDiffer)):
		return command.Usage("such as: "+line+" --from 2h --dry-run", "--from: got %s, which is to come: no change is stored since", in.From.Format(time.RFC3339))
	case in.Kind != "" && !slices.Contains(replayKinds(), string(in.Kind)):
		return command.Usage("the kinds are "+strings.Join(replayKinds(), ", "), "there is no kind %q", string(in.Kind))
	case in.ID != "" && in.Kind == "":
		return command.Usage("say --kind company, contract or contact", "--id needs --kind")
	case in.ID != "" && !isID(in.ID):
		return command.Usage("channelsync record list shows the ids", "--id: got %q, want a decimal number", in.ID)
	case in.From != nil && in.To != nil && !in.From.Before(*in.To):
		return command.Usage("such as: "+line+" --from 2h --to 1h --dry-run", "--to is not after --from")
	}
	return nil
}

func (s *session) timeFlag(fs *flag.FlagSet, name, usage string, to **time.Time) {
	fs.Func(name, "`TIME`: "+usage+": 2026-11-23T09:00:00Z, 2026-11-23, or 2h for two hours ago", func(v string) error {
		t, err := parseTime(s.now(), v)
		if err == nil {
			*to = &t
		}
		return err
	})
}

// parseTime reads a moment, a day (its beginning, in local time), or how long ago.
func parseTime(now time.Time, v string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, v, now.Location()); err == nil {
		return t, nil
	}
	if d, err := time.ParseDuration(v); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return time.Time{}, errors.New("want a time such as 2026-11-23T09:00:00Z, 2026-11-23 or 2h")
}
