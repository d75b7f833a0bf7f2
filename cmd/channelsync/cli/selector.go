package cli

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strconv"
	"strings"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/internal/search"
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
	in, err := s.choose(ctx, api, x)
	return api, in, err
}

// choose finds the installation.
func (s *session) choose(ctx context.Context, api *client.Client, x *selector) (v1.Installation, error) {
	all, err := api.Installations(ctx)
	if err != nil {
		return v1.Installation{}, err
	}
	s.opened, err = x.among(all)
	return s.opened, err
}

// unknownInstallation is what was given for one, and the name or id that was probably meant; empty where none is near.
type unknownInstallation struct{ given, near string }

func (u *unknownInstallation) Error() string {
	return "there is no installation " + strconv.Quote(text(u.given))
}

// suggest says what to type instead: the same command with what was probably meant, where that is known.
func (s *session) suggest(u *unknownInstallation) error {
	hint := "channelsync installation list shows them"
	if u.near != "" {
		hint = "did you mean " + quoted(u.near) + "?"
		if line := s.again(u.given, u.near); line != "" {
			hint += " Then: " + line
		}
	}
	return &failure{u.Error(), hint}
}

// again is the command line with one argument in the place of another. It is empty where a secret may stand in it, and
// where the command would not ask before it removes what was only guessed.
func (s *session) again(given, instead string) string {
	words, done := []string{"channelsync"}, false
	for _, arg := range s.Args {
		name, value, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(name, "-") && (strings.HasSuffix(name, "token") || strings.HasSuffix(name, "secret") || name == "--yes" || name == "-yes") {
			return ""
		}
		switch {
		case done:
		case arg == given:
			arg, done = instead, true
		case value == given && strings.HasPrefix(name, "-"):
			arg, done = name+"="+instead, true
		}
		words = append(words, quoted(arg))
	}
	return strings.Join(words, " ")
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
	return v1.Installation{}, &unknownInstallation{x.ref, nearest(x.ref, all)}
}

// nearest is the name or the id that was probably meant.
func nearest(given string, all []v1.Installation) string {
	words := map[string]string{}
	var names []string
	for _, in := range all {
		names = append(names, in.Name)
		words[v1.Fold(in.Name)], words[in.ID] = in.Name, in.ID
	}
	if near := command.Nearest(v1.Fold(given), slices.Sorted(maps.Keys(words))); near != "" {
		return words[near]
	}
	if near := search.Near(given, names, 1); len(near) > 0 {
		return near[0]
	}
	return ""
}
