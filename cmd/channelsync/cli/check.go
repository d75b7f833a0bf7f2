package cli

import (
	"context"
	"errors"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// checkReport is what check found, as its JSON.
type checkReport struct {
	Service       client.Readiness    `json:"service"`
	Installations []installationCheck `json:"installations"`
}

type installationCheck struct {
	ID     string     `json:"id"`
	Name   string     `json:"name"`
	Checks []v1.Check `json:"checks"`
}

func (s *session) checkCommand() *command.Command {
	return &command.Command{
		Name: "check", Short: "test everything: NATS, zones, credentials, permissions, webhooks, Channel Program",
		Long:  "Exits 1 if anything that a sync needs is refused.",
		Flags: s.jsonFlag,
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			report, err := inspect(ctx, api)
			if err != nil {
				return err
			}
			return s.showCheck(report)
		}),
	}
}

func inspect(ctx context.Context, api *client.Client) (checkReport, error) {
	report := checkReport{Installations: []installationCheck{}}
	var err error
	if report.Service, err = api.Ready(ctx); err != nil {
		return report, err
	}
	all, err := api.Installations(ctx)
	if err != nil {
		return report, err
	}
	for _, in := range all {
		found := installationCheck{ID: in.ID, Name: in.Name}
		tried, err := api.TestInstallation(ctx, in.ID)
		if err != nil {
			if ctx.Err() != nil {
				return report, err
			}
			// One that cannot be tried must not hide how the others are.
			tried.Checks = []v1.Check{failedTest(err)}
		}
		found.Checks = tried.Checks
		report.Installations = append(report.Installations, found)
	}
	return report, nil
}

func failedTest(err error) v1.Check {
	if p, ok := errors.AsType[*v1.Problem](err); ok {
		return v1.Check{Name: "test", Detail: p.Detail, Fix: p.Hint}
	}
	return v1.Check{Name: "test", Detail: err.Error()}
}

func (s *session) showCheck(report checkReport) error {
	refused := report.Service.Status != "ready" || anyRefused(report.Service.Checks)
	t := screen.Table{Header: []string{"WHAT", "CHECK", "RESULT", "DETAIL"}, Fold: 1}
	for _, c := range report.Service.Checks {
		t.Add("service", c.Name, verdict(c), c.Detail)
	}
	for _, in := range report.Installations {
		refused = refused || anyRefused(in.Checks)
		for _, c := range in.Checks {
			t.Add(in.Name, c.Name, verdict(c), c.Detail)
		}
	}
	if s.json {
		if err := s.writeJSON(report); err != nil {
			return err
		}
	} else {
		if err := s.writeTable(t); err != nil {
			return err
		}
		s.showFixes(report.Service.Checks)
		for _, in := range report.Installations {
			s.showFixes(in.Checks)
		}
		if len(report.Installations) == 0 {
			s.say("\nThere is no installation yet; channelsync installation create makes one.")
		}
	}
	if refused {
		return errShown
	}
	return nil
}
