package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"channelsync/cmd/channelsync/cli/internal/command"
)

func (s *session) manCommand() *command.Command {
	return &command.Command{
		Name: "man", Args: "<directory>", Short: "write the manual pages of all commands",
		Examples: []string{"channelsync man ~/.local/share/man/man1"},
		Run: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return command.Usage("such as ~/.local/share/man/man1", "name one directory")
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("write manual pages: %w", err)
			}
			pages := s.program().ManPages()
			for name, page := range pages {
				if err := os.WriteFile(filepath.Join(args[0], name), page, 0o644); err != nil {
					return fmt.Errorf("write manual pages: %w", err)
				}
			}
			s.say("Wrote %s to %s.", plural(len(pages), "page"), text(args[0]))
			return nil
		},
	}
}
