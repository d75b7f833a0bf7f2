// Package cli is the command line: one file per command. Every command speaks to
// the admin API of a running service, but serve, which is that service, and those
// that work on its store while it does not run. It holds no rule of the sync, and
// never prints a secret that it was given.
package cli

import (
	"context"
	"io"
	"slices"

	"channelsync/cmd/channelsync/cli/internal/command"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// Invocation is what a command sees of the process it runs in.
type Invocation struct {
	Args           []string // without the program's name
	LookupEnv      func(string) (string, bool)
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run runs one command and returns the exit code: 0 ok, 1 failed, 2 wrong usage.
func Run(ctx context.Context, inv Invocation) int {
	if slices.Equal(inv.Args, []string{"--version"}) {
		inv.Args = []string{"version"} // as people type it
	}
	s := newSession(inv)
	defer s.close()
	path, err := s.program().Run(ctx, inv.Args)
	return s.report(path, err)
}

func (s *session) program() *command.Program {
	return &command.Program{Global: s.global.flags, Stdout: s.Stdout, Root: &command.Command{
		Name:  "channelsync",
		Short: "keep Channel Program in sync with Autotask PSA",
		Long: `All commands but serve, service, config, restore and migrate use the admin API of a running service.
Exit codes: 0 ok, 1 failed, 2 wrong usage.`,
		Subs: []*command.Command{
			s.serveCommand(), s.configCommand(), s.checkCommand(), s.statusCommand(), s.installationCommand(), s.applyCommand(), s.webhookCommand(),
			s.recordCommand(), s.driftCommand(), s.resyncCommand(), s.replayCommand(), s.jobCommand(), s.deadLetterCommand(),
			s.heldCommand(), s.bridgeCommand(), s.exportCommand(), s.zonesCommand(), s.auditCommand(), s.tokenCommand(),
			s.backupCommand(), s.restoreCommand(), s.migrateCommand(), s.serviceCommand(),
			s.healthcheckCommand(), s.completionCommand(), s.completeCommand(), s.manCommand(), s.helpCommand(), s.versionCommand(),
		},
	}}
}
