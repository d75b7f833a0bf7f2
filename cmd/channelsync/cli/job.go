package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
	"channelsync/internal/lifecycle"
)

const (
	firstPoll = 100 * time.Millisecond // of a job that was just started
	lastPoll  = 2 * time.Second        // of a long one
)

func (s *session) jobCommand() *command.Command {
	return &command.Command{
		Name: "job", Short: "backfills, resyncs and replays",
		Subs: []*command.Command{s.jobList(), s.jobShow(), s.jobCancel()},
	}
}

func (s *session) jobList() *command.Command {
	var which selector
	return &command.Command{
		Name: "list", Args: selectorArgs, Short: "list running and recent jobs",
		Values: map[string][]string{"output": outputs},
		Flags:  func(fs *flag.FlagSet) { which.flags(fs); s.listFlags(fs) },
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			if done, err := s.export(ctx, api, client.ExportOf(in.ID, "jobs"), nil, nil); done {
				return err
			}
			jobs, err := api.Jobs(ctx, in.ID)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(v1.JobList{Items: jobs})
			}
			t := screen.Table{Header: []string{"JOB", "TYPE", "STATE", "DONE", "STARTED", "DETAIL"}, Fold: 1}
			for _, j := range jobs {
				t.Add(j.ID, j.Type, string(j.State), fmt.Sprintf("%d of %d", j.Done, j.Total), screen.When(s.now(), j.StartedAt), j.Detail)
			}
			return s.writeTable(t)
		}),
	}
}

// jobArgs reads [installation] <job>.
func jobArgs(which *selector, args []string) (job string, err error) {
	switch len(args) {
	case 0:
		return "", command.Usage("channelsync job list shows them", "name the job")
	case 1:
		return args[0], nil
	}
	return args[len(args)-1], which.take(args[:len(args)-1])
}

func (s *session) jobShow() *command.Command {
	var which selector
	var wait bool
	return &command.Command{
		Name: "show", Args: selectorArgs + " <job>", Short: "show the progress of a job",
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.BoolVar(&wait, "wait", false, "wait for its end")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			id, err := jobArgs(&which, args)
			if err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if wait {
				return s.follow(ctx, api, in.ID, id)
			}
			j, err := api.Job(ctx, in.ID, id)
			if err != nil {
				return err
			}
			return s.showJob(j)
		},
	}
}

func (s *session) jobCancel() *command.Command {
	var which selector
	return &command.Command{
		Name: "cancel", Args: selectorArgs + " <job>", Short: "cancel a job; what it has done stays done",
		Flags: which.flags,
		Run: func(ctx context.Context, args []string) error {
			id, err := jobArgs(&which, args)
			if err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			if err := api.CancelJob(ctx, in.ID, id); err != nil {
				return err
			}
			s.say("The job %s is being cancelled.", text(id))
			return nil
		},
	}
}

// follow waits for the end of a job with a progress bar, and says how it ended.
func (s *session) follow(ctx context.Context, api *client.Client, installation, job string) error {
	bar := s.progress("records")
	defer bar.end()
	for wait := firstPoll; ; wait = min(wait*3/2, lastPoll) {
		j, err := api.Job(ctx, installation, job)
		if err == nil && j.State != v1.JobRunning {
			bar.end()
			return s.showJob(j)
		}
		if err == nil {
			bar.at(j.Done, j.Total)
			err = lifecycle.Sleep(ctx, wait)
		}
		if ctx.Err() != nil {
			return &failure{
				"stopped watching; the job continues",
				"channelsync job show " + job + " shows it, job cancel " + job + " ends it",
			}
		}
		if err != nil {
			return err
		}
	}
}

// showJob says how a job stands, and fails when it failed.
func (s *session) showJob(j v1.Job) error {
	if s.json {
		if err := s.writeJSON(j); err != nil {
			return err
		}
	} else {
		s.say("%s", s.describeJob(j))
		if j.Failed > 0 {
			s.note("hint: channelsync record list --outcome retrying, or --outcome dead, lists what failed")
		}
	}
	if j.State == v1.JobFailed || j.State == v1.JobCancelled {
		return errShown
	}
	return nil
}

func (s *session) describeJob(j v1.Job) string {
	kind := strings.ToUpper(j.Type[:min(1, len(j.Type))]) + j.Type[min(1, len(j.Type)):]
	took := s.now().Sub(j.StartedAt)
	if j.FinishedAt != nil {
		took = j.FinishedAt.Sub(j.StartedAt)
	}
	state := map[v1.JobState]string{
		v1.JobRunning:   fmt.Sprintf("running since %s, %d of %d done", screen.Short(took), j.Done, j.Total),
		v1.JobDone:      fmt.Sprintf("done in %s, %s", screen.Seconds(took.Seconds()), plural(j.Total, "record")),
		v1.JobFailed:    "failed after " + screen.Short(took),
		v1.JobCancelled: "cancelled after " + screen.Short(took),
	}[j.State]
	pushed := fmt.Sprintf("%d pushed", j.Pushed)
	if j.DryRun {
		pushed = fmt.Sprintf("%d would be pushed", j.Pushed)
	}
	if j.Drift > 0 {
		pushed += fmt.Sprintf(" (%d had been edited there", j.Drift)
		if len(j.DriftFields) > 0 {
			pushed += ": " + strings.Join(j.DriftFields, ", ")
		}
		pushed += ")"
	}
	out := fmt.Sprintf("%s %s: %s, %d unchanged, %d not met, %d failed.",
		text(kind), state, pushed, j.Unchanged, j.NotMet, j.Failed)
	switch {
	case j.Detail != "":
		out += "\n" + text(j.Detail)
	case j.DryRun:
		out += " Nothing was pushed."
	}
	return out
}

// started ends a command that started a job: it follows the job, or says how to.
func (s *session) started(
	ctx context.Context, api *client.Client, installation string, ref v1.JobRef, wait bool,
) error {
	if wait {
		return s.follow(ctx, api, installation, ref.Job)
	}
	if s.json {
		return s.writeJSON(ref)
	}
	s.say("Started job %s; channelsync job show %s shows it.", text(ref.Job), text(ref.Job))
	return nil
}

// waitForBackfill waits until the backfill of an installation is done.
func (s *session) waitForBackfill(
	ctx context.Context, api *client.Client, in v1.Installation,
) (v1.Installation, error) {
	bar := s.progress("records")
	defer bar.end()
	begun := []v1.State{v1.StateInstalling, v1.StateBackfilling}
	for wait := firstPoll; slices.Contains(begun, in.State); wait = min(wait*3/2, lastPoll) {
		done, total := 0, 0
		for _, j := range in.Jobs {
			done, total = done+j.Done, total+j.Total
		}
		bar.at(done, total)
		err := lifecycle.Sleep(ctx, wait)
		if err == nil {
			in, err = api.Installation(ctx, in.ID)
		}
		if ctx.Err() != nil {
			return in, &failure{"stopped watching; the backfill continues", "channelsync status shows the progress"}
		}
		if err != nil {
			return in, err
		}
	}
	bar.end()
	for _, sync := range v1.Syncs {
		st, installed := in.Syncs[sync]
		if !installed {
			continue
		}
		s.say("%s: %d in scope, %d pushed, %d unchanged, %d not met, %d failed.",
			sync, st.Counts.InScope, st.Counts.Pushed, st.Counts.Unchanged, st.Counts.NotMet, st.Counts.Failed)
	}
	if in.State != v1.StateLive {
		return in, &failure{"the installation is " + string(in.State), "channelsync status says why"}
	}
	return in, nil
}
