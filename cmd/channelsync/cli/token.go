package cli

import (
	"context"
	"flag"
	"strconv"
	"strings"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) tokenCommand() *command.Command {
	return &command.Command{
		Name: "token", Short: "who may use the admin API, and in which role",
		Long: "A viewer reads. An operator also stops, starts, tests, reconciles, resyncs, replays, requeues, dismisses\n" +
			"and approves. An admin also installs, changes settings, uninstalls, erases, backs up, and manages tokens and\n" +
			"bridges. --admin-token is an admin token named root.",
		Subs: []*command.Command{s.tokenCreate(), s.tokenList(), s.tokenRotate(), s.tokenDelete()},
	}
}

func (s *session) tokenCreate() *command.Command {
	var role, expires string
	var only []string
	return &command.Command{
		Name: "create", Args: "<name>", Short: "create a token; it is shown only once",
		Examples: []string{
			"channelsync token create monitoring --role viewer",
			`channelsync token create acme-ops --role operator --only "Acme MSP" --expires 2160h`,
		},
		Flags: func(fs *flag.FlagSet) {
			fs.StringVar(&role, "role", "", "`ROLE`: viewer, operator or admin")
			fs.Func("only", "limit the token to the installation with this `NAME` or id; may be repeated", func(v string) error {
				only = append(only, v1.Trim(v))
				return nil
			})
			fs.StringVar(&expires, "expires", "", "`WHEN` the token ends: a time such as 2027-01-31T00:00:00Z, or a duration such as 720h")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return command.Usage("put a name with spaces in quotes", "name the token")
			}
			in := v1.CreateToken{Name: args[0], Role: v1.Role(role)}
			if !in.Role.Covers(v1.RoleViewer) {
				return command.Usage("", "--role: got %q, want viewer, operator or admin", role)
			}
			until, err := s.until(expires)
			if err != nil {
				return err
			}
			in.ExpiresAt = until
			api, err := s.api()
			if err != nil {
				return err
			}
			if in.Installations, err = installationIDs(ctx, api, only); err != nil {
				return err
			}
			made, err := api.CreateToken(ctx, in)
			if err != nil {
				return err
			}
			return s.showToken(made)
		},
	}
}

// until reads a time, or a duration from now; nil for none.
func (s *session) until(expires string) (*time.Time, error) {
	if expires == "" {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339, expires)
	if d, isDuration := time.ParseDuration(expires); isDuration == nil {
		at, err = s.now().Add(d).UTC().Truncate(time.Second), nil
	}
	if err != nil || !at.After(s.now()) {
		return nil, command.Usage("", "--expires: got %q, want a time to come such as 2027-01-31T00:00:00Z, or a duration such as 720h", expires)
	}
	return &at, nil
}

// installationIDs are the ids of the installations that are named; none for all.
func installationIDs(ctx context.Context, api *client.Client, refs []string) ([]string, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	all, err := api.Installations(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, ref := range refs {
		if ref == "" {
			return nil, command.Usage("leave --only out for all installations", "--only: got nothing, want an installation")
		}
		in, err := (&selector{ref}).among(all)
		if err != nil {
			return nil, err
		}
		ids = append(ids, in.ID)
	}
	return ids, nil
}

func (s *session) showToken(made v1.NewToken) error {
	if s.json {
		return s.writeJSON(made)
	}
	s.say("id     %s\ntoken  %s", text(made.ID), text(made.Token))
	s.note("The token is shown only once: save it now.")
	return nil
}

func (s *session) tokenList() *command.Command {
	return &command.Command{
		Name: "list", Short: "list the tokens, without their secrets", Flags: s.listFlags,
		Values: map[string][]string{"output": outputs},
		Run: s.withAPI(func(ctx context.Context, api *client.Client) error {
			if done, err := s.export(ctx, api, client.ExportTokens, nil, nil); done {
				return err
			}
			all, err := api.Tokens(ctx)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(v1.TokenList{Items: all})
			}
			if len(all) == 0 {
				s.say("There is no token except --admin-token; channelsync token create makes one.")
				return nil
			}
			t := screen.Table{Header: []string{"NAME", "ID", "ROLE", "INSTALLATIONS", "CREATED", "LAST USED", "EXPIRES"}}
			for _, one := range all {
				scope := "all"
				if len(one.Installations) > 0 {
					scope = strings.Join(one.Installations, ", ")
				}
				t.Add(one.Name, one.ID, string(one.Role), scope, screen.When(s.now(), one.CreatedAt), screen.WhenPtr(s.now(), one.LastUsedAt, "never"), screen.WhenPtr(s.now(), one.ExpiresAt, "never"))
			}
			return s.writeTable(t)
		}),
	}
}

func (s *session) tokenRotate() *command.Command {
	var now bool
	return &command.Command{
		Name: "rotate", Args: "<token>", Short: "give a token a new secret, shown only once; the old one stays valid for an hour",
		Flags: func(fs *flag.FlagSet) {
			fs.BoolVar(&now, "now", false, "end the old secret, and sessions opened with it, at once")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			api, one, err := s.oneToken(ctx, args)
			if err != nil {
				return err
			}
			made, err := api.RotateToken(ctx, one.ID, now)
			if err != nil {
				return err
			}
			return s.showToken(made)
		},
	}
}

func (s *session) tokenDelete() *command.Command {
	return &command.Command{
		Name: "delete", Args: "<token>", Short: "end a token and its sessions",
		Run: func(ctx context.Context, args []string) error {
			api, one, err := s.oneToken(ctx, args)
			if err != nil {
				return err
			}
			if err := api.DeleteToken(ctx, one.ID); err != nil {
				return err
			}
			s.say("Deleted %s.", text(one.Name))
			return nil
		},
	}
}

// oneToken finds the one token that is said, by its name or its id.
func (s *session) oneToken(ctx context.Context, args []string) (*client.Client, v1.Token, error) {
	if len(args) != 1 {
		return nil, v1.Token{}, command.Usage("channelsync token list shows them", "name one token")
	}
	api, err := s.api()
	if err != nil {
		return nil, v1.Token{}, err
	}
	all, err := api.Tokens(ctx)
	if err != nil {
		return nil, v1.Token{}, err
	}
	one, err := tokenAmong(all, args[0])
	return api, one, err
}

// tokenAmong finds the one that is meant: an id is nothing else, whatever another token is called.
func tokenAmong(all []v1.Token, ref string) (v1.Token, error) {
	var ids []string
	var meant v1.Token
	for _, one := range all {
		if one.ID == v1.Fold(ref) {
			return one, nil
		}
		if v1.Same(one.Name, ref) {
			meant, ids = one, append(ids, one.ID)
		}
	}
	switch len(ids) {
	case 0:
		return meant, &failure{"there is no token " + strconv.Quote(ref), "channelsync token list shows them"}
	case 1:
		return meant, nil
	}
	return v1.Token{}, command.Usage("use its id: "+strings.Join(ids, ", "), "there are %d tokens named %q", len(ids), ref)
}
