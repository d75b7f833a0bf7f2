package cli

import (
	"context"
	"encoding/csv"
	"fmt"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) exportCommand() *command.Command {
	var which selector
	return &command.Command{
		Name: "export", Short: "write files that Channel Program imports",
		Subs: []*command.Command{{
			Name: "clients", Args: selectorArgs, Short: "write the clients in scope as CSV",
			Long: "The format is that of Channel Program's own client import: companyName,numberOfEndpoints. The second\n" +
				"column is empty, because Autotask does not know the endpoints.",
			Examples: []string{"channelsync export clients Acme > clients.csv"},
			Flags:    which.flags,
			Run: func(ctx context.Context, args []string) error {
				if err := which.take(args); err != nil {
					return err
				}
				return s.exportClients(ctx, &which)
			},
		}},
	}
}

func (s *session) exportClients(ctx context.Context, which *selector) error {
	api, in, err := s.open(ctx, which)
	if err != nil {
		return err
	}
	found, err := records(ctx, api, in.ID, v1.RecordQuery{Kind: v1.KindCompany}, true)
	if err != nil {
		return err
	}
	w := csv.NewWriter(s.Stdout)
	_ = w.Write([]string{"companyName", "numberOfEndpoints"}) // the writer keeps its error
	for _, r := range found.Items {
		if isClient(r) && r.Name != "" {
			_ = w.Write([]string{text(r.Name), ""})
		}
	}
	if w.Flush(); w.Error() != nil {
		return fmt.Errorf("write clients: %w", w.Error())
	}
	return nil
}

// isClient says whether a company was in scope when it was last looked at. Of one
// that failed only what was pushed before is known.
func isClient(r v1.Record) bool {
	switch r.Outcome {
	case v1.OutcomePushed, v1.OutcomeUnchanged, v1.OutcomeWaiting:
		return true
	case v1.OutcomeRetrying, v1.OutcomeDead:
		return r.PushedAt != nil
	}
	return false
}
