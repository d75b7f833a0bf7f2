package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) versionCommand() *command.Command {
	return &command.Command{
		Name: "version", Short: "print the version and the commit",
		Run: func(_ context.Context, args []string) error {
			if err := noArguments(args); err != nil {
				return err
			}
			info, ok := debug.ReadBuildInfo()
			if !ok {
				info = &debug.BuildInfo{}
			}
			_, err := fmt.Fprintf(s.Stdout, "%s, %s %s/%s\n", buildOf(info), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}

// Version is the module's version, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return buildOf(info).version
}

// build is what a program knows of its own making. Go writes it into the program from the repository, so nothing has to be
// passed on, and the same commit gives the same bytes.
type build struct {
	version, commit, at string // commit and its time are empty where it was not made in a repository
	modified            bool   // it has more in it than the commit
}

func buildOf(info *debug.BuildInfo) build {
	b := build{version: info.Main.Version}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = s.Value
		case "vcs.time":
			b.at = s.Value
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	if b.version == "" || b.version == "(devel)" {
		b.version = "devel"
		if b.commit != "" {
			b.version += "-" + b.commit[:min(12, len(b.commit))]
		}
	}
	return b
}

// String is the version with the commit and its date, as far as they are known.
func (b build) String() string {
	text := "channelsync " + b.version
	if b.commit != "" {
		text += ", commit " + b.commit + " of " + b.at
	}
	if b.modified {
		text += ", with changes"
	}
	return text
}
