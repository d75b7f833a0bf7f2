package cli

import (
	"context"
	"flag"
	"strconv"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) installationList() *command.Command {
	return &command.Command{
		Name: "list", Short: "list the installations",
		Values: map[string][]string{"output": outputs},
		Flags:  func(fs *flag.FlagSet) { s.listFlags(fs); s.watchFlag(fs) },
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			if done, err := s.export(ctx, api, client.ExportInstallations, nil, nil); done {
				return err
			}
			return s.watching(ctx, func(ctx context.Context) error { return s.listInstallations(ctx, api) })
		}),
	}
}

func (s *session) listInstallations(ctx context.Context, api *client.Client) error {
	all, err := api.Installations(ctx)
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(v1.Page[v1.Installation]{Items: all})
	}
	if len(all) == 0 {
		s.say("There is no installation yet; channelsync installation create makes one.")
		return nil
	}
	t := screen.Table{Header: []string{"NAME", "ID", "STATE", "SYNCS", "BACKLOG", "ISSUES"}}
	for _, in := range all {
		t.Add(in.Name, in.ID, string(in.State), shortSyncs(in), strconv.Itoa(in.Backlog), strconv.Itoa(len(in.Issues)))
	}
	return s.writeTable(t)
}

// shortSyncs is "customers, contracts (stopped)".
func shortSyncs(in v1.Installation) string {
	var words []string
	for _, sync := range v1.Syncs {
		st, installed := in.Syncs[sync]
		if !installed {
			continue
		}
		word := syncWord(sync)
		if st.State != v1.SyncRunning {
			word += " (" + string(st.State) + ")"
		}
		words = append(words, word)
	}
	return strings.Join(words, ", ")
}

// syncWord is a sync's name in a narrow column.
func syncWord(sync v1.Sync) string {
	switch sync {
	case v1.SyncActiveCustomers:
		return "customers"
	case v1.SyncActiveCustomerContracts:
		return "contracts"
	}
	return string(sync)
}
