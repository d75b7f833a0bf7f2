package cli

import (
	"context"
	"flag"
	"slices"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

const selectorArgs = "[installation]"

// selector is the installation that a command is about: its id or its name, as an
// argument or a flag; nothing where there is only one.
type selector struct{ ref string }

func (x *selector) flags(fs *flag.FlagSet) {
	fs.StringVar(&x.ref, "installation", "", "`NAME` or id of the installation; not needed while there is only one")
}

// take takes the installation from the only argument there may be.
func (x *selector) take(args []string) error {
	if len(args) > 1 {
		return command.Usage("put a name with spaces in quotes", "unexpected argument %q", args[1])
	}
	if len(args) == 1 {
		return x.set(args[0])
	}
	return nil
}

func (x *selector) set(ref string) error {
	if x.ref != "" && !v1.Same(x.ref, ref) {
		return command.Usage("", "got two installations, %q and %q", x.ref, ref)
	}
	x.ref = ref
	return nil
}

// open connects to the API and finds the installation.
func (s *session) open(ctx context.Context, x *selector) (*client.Client, v1.Installation, error) {
	api, err := s.api()
	if err != nil {
		return nil, v1.Installation{}, err
	}
	all, err := api.Installations(ctx)
	if err != nil {
		return nil, v1.Installation{}, err
	}
	in, err := x.among(all)
	return api, in, err
}

// onInstallation is how a command runs that is about one installation and takes no other argument.
func (s *session) onInstallation(
	which *selector, do func(context.Context, *client.Client, v1.Installation) error,
) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		if err := which.take(args); err != nil {
			return err
		}
		api, in, err := s.open(ctx, which)
		if err != nil {
			return err
		}
		return do(ctx, api, in)
	}
}

// among finds the one that is meant.
func (x *selector) among(all []v1.Installation) (v1.Installation, error) {
	var names []string
	var meant []v1.Installation
	for _, in := range all {
		names = append(names, in.Name)
		if in.ID == v1.Fold(x.ref) {
			return in, nil
		}
		if x.ref == "" || v1.Same(in.Name, x.ref) {
			meant = append(meant, in)
		}
	}
	switch {
	case len(meant) == 1:
		return meant[0], nil
	case len(all) == 0:
		return v1.Installation{}, &failure{"there is no installation yet", "channelsync installation create makes one"}
	case x.ref == "":
		hint := "name one of: " + strings.Join(names[:min(len(names), mostShown)], ", ")
		if len(names) > mostShown {
			hint += ", …; channelsync installation list shows all"
		}
		return v1.Installation{}, command.Usage(hint, "there are %d installations; say which one", len(all))
	case len(meant) > 1:
		ids := make([]string, len(meant))
		for i, in := range meant {
			ids[i] = in.ID
		}
		return v1.Installation{}, command.Usage("use its id: "+strings.Join(ids, ", "),
			"there are %d installations named %q", len(meant), x.ref)
	}
	hint := "channelsync installation list shows them"
	if near := command.Nearest(v1.Fold(x.ref), folded(names)); near != "" {
		hint = "did you mean " + names[slices.Index(folded(names), near)] + "?"
	}
	return v1.Installation{}, &failure{"there is no installation " + `"` + text(x.ref) + `"`, hint}
}

func folded(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = v1.Fold(n)
	}
	return out
}
