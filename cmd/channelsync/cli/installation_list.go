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
	var f installationFlags
	return &command.Command{
		Name: "list", Short: "list the installations",
		Examples: []string{
			"channelsync installation list --standing action_required", "channelsync installation list --sort backlog --limit 20",
		},
		Values: installationValues(),
		Flags:  func(fs *flag.FlagSet) { f.flags(fs); s.listFlags(fs); s.watchFlag(fs) },
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			q, err := s.installationQuery(&f)
			if err != nil {
				return err
			}
			if done, err := s.export(ctx, api, client.ExportInstallations, f.filter(), f.page()); done {
				return err
			}
			return s.watching(ctx, func(ctx context.Context) error { return s.listInstallations(ctx, api, q, f.asks()) })
		}),
	}
}

func (s *session) listInstallations(ctx context.Context, api *client.Client, q v1.InstallationQuery, asks bool) error {
	list, err := api.InstallationList(ctx, q)
	if err != nil {
		return err
	}
	if s.json {
		return s.writeJSON(list)
	}
	if len(list.Items) == 0 && asks {
		s.say("There are no such installations.")
		return nil
	}
	if len(list.Items) == 0 {
		s.say("There is no installation yet; channelsync installation create makes one.")
		return nil
	}
	t := screen.Table{Header: []string{"NAME", "ID", "STATE", "SYNCS", "BACKLOG", "ISSUES"}}
	for _, in := range list.Items {
		t.Add(in.Name, in.ID, string(in.State), shortSyncs(in), strconv.Itoa(in.Backlog), strconv.Itoa(len(in.Issues)))
	}
	if err := s.writeTable(t); err != nil {
		return err
	}
	s.nextPageHint(list.NextCursor)
	return nil
}

// nextPageHint says how to go on where a page ended.
func (s *session) nextPageHint(next *string) {
	if next != nil {
		s.note("There are more: continue with --cursor %s.", text(*next))
	}
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
