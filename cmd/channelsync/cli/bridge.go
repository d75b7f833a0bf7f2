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

func (s *session) bridgeCommand() *command.Command {
	return &command.Command{
		Name: "bridge", Short: "accept signed callbacks from your own programs",
		Subs: []*command.Command{s.bridgeCreate(), s.bridgeList(), s.bridgeRotate(), s.bridgeDelete()},
	}
}

func (s *session) bridgeCreate() *command.Command {
	var which selector
	var name string
	return &command.Command{
		Name: "create", Args: selectorArgs, Short: "create a GUID and a secret for signing callbacks",
		Long: "Autotask has no webhooks for contracts. A callback signed with this secret is treated like one from\n" +
			"Autotask. The secret is shown only once.",
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&name, "name", "", "`NAME` that says what the bridge is for")
			s.jsonFlag(fs)
		},
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			made, err := api.CreateBridge(ctx, in.ID, name)
			if err != nil {
				return err
			}
			return s.showBridge(made)
		}),
	}
}

func (s *session) showBridge(made v1.Bridge) error {
	if s.json {
		return s.writeJSON(made)
	}
	s.say("url     %s\nguid    %s\nsecret  %s", text(made.URL), text(made.GUID), text(made.Secret))
	s.note("The secret is shown only once: save it now.")
	return nil
}

func (s *session) bridgeList() *command.Command {
	var which selector
	return &command.Command{
		Name: "list", Args: selectorArgs, Short: "list the bridges; none shows its secret",
		Values: map[string][]string{"output": outputs},
		Flags:  func(fs *flag.FlagSet) { which.flags(fs); s.listFlags(fs) },
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			if done, err := s.export(ctx, api, client.ExportOf(in.ID, "bridges"), nil, nil); done {
				return err
			}
			all, err := api.Bridges(ctx, in.ID)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(v1.BridgeList{Items: all})
			}
			if len(all) == 0 {
				s.say("There is no bridge; channelsync bridge create makes one.")
				return nil
			}
			t := screen.Table{Header: []string{"NAME", "GUID", "CREATED", "LAST USED"}}
			for _, b := range all {
				t.Add(b.Name, b.GUID, screen.When(s.now(), b.CreatedAt), screen.WhenPtr(s.now(), b.LastUsedAt, "never"))
			}
			return s.writeTable(t)
		}),
	}
}

func (s *session) bridgeRotate() *command.Command {
	var which selector
	var now bool
	return &command.Command{
		Name: "rotate", Args: "<bridge>", Short: "give a bridge a new secret; the old one stays valid for an hour",
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.BoolVar(&now, "now", false, "end the old secret at once")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			api, in, b, err := s.oneBridge(ctx, &which, args)
			if err != nil {
				return err
			}
			made, err := api.RotateBridge(ctx, in.ID, b.GUID, now)
			if err != nil {
				return err
			}
			return s.showBridge(made)
		},
	}
}

func (s *session) bridgeDelete() *command.Command {
	var which selector
	return &command.Command{
		Name: "delete", Args: "<bridge>", Short: "end a bridge: callbacks signed with it are refused", Flags: which.flags,
		Run: func(ctx context.Context, args []string) error {
			api, in, b, err := s.oneBridge(ctx, &which, args)
			if err != nil {
				return err
			}
			if err := api.EndBridge(ctx, in.ID, b.GUID); err != nil {
				return err
			}
			s.say("Ended %s.", text(b.GUID))
			return nil
		},
	}
}

// oneBridge finds the one bridge that is said, by its GUID or its name.
func (s *session) oneBridge(ctx context.Context, which *selector, args []string) (*client.Client, v1.Installation, v1.BridgeStatus, error) {
	fail := func(err error) (*client.Client, v1.Installation, v1.BridgeStatus, error) {
		return nil, v1.Installation{}, v1.BridgeStatus{}, err
	}
	if len(args) != 1 {
		return fail(command.Usage("channelsync bridge list shows them", "name one bridge"))
	}
	api, in, err := s.open(ctx, which)
	if err != nil {
		return fail(err)
	}
	all, err := api.Bridges(ctx, in.ID)
	if err != nil {
		return fail(err)
	}
	var meant []v1.BridgeStatus
	for _, b := range all {
		if strings.EqualFold(b.GUID, args[0]) {
			return api, in, b, nil
		}
		if b.Name != "" && v1.Same(b.Name, args[0]) {
			meant = append(meant, b)
		}
	}
	switch len(meant) {
	case 0:
		return fail(&failure{"there is no bridge " + strconv.Quote(args[0]), "channelsync bridge list shows them"})
	case 1:
		return api, in, meant[0], nil
	}
	return fail(command.Usage("give its GUID", "there are %d bridges named %q", len(meant), args[0]))
}
