package cli

import (
	"context"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) zonesCommand() *command.Command {
	return &command.Command{
		Name: "zones", Short: "list the Autotask zones", Flags: s.jsonFlag,
		Run: func(ctx context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			api, err := s.api()
			if err != nil {
				return err
			}
			zones, err := api.Zones(ctx)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(map[string][]v1.Zone{"items": zones})
			}
			t := screen.Table{Header: []string{"ZONE", "URL"}}
			for _, z := range zones {
				t.Add(z.Name, z.URL)
			}
			return s.writeTable(t)
		},
	}
}
