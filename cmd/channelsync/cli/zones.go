package cli

import (
	"context"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) zonesCommand() *command.Command {
	return &command.Command{
		Name: "zones", Short: "list the Autotask zones", Flags: s.jsonFlag,
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
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
		}),
	}
}
