package cli

import (
	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) installationCommand() *command.Command {
	return &command.Command{
		Name: "installation", Short: "set up, change, stop, start and remove installations",
		Long: "An installation connects one Autotask with one Channel Program company. Refer to it by id or by name;\n" +
			"if there is only one, you can leave it out.",
		Subs: []*command.Command{
			s.installationCreate(), s.installationList(), s.installationShow(), s.installationTest(),
			s.installationUpdate(), s.installationChoices(), s.installationSetCredentials(), s.installationSetChannelProgram(),
			s.installationStop(), s.installationStart(), s.installationInstallSync(), s.installationUninstall(),
			s.installationReinstall(), s.installationErase(),
		},
	}
}
