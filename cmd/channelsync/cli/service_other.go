//go:build !windows

package cli

import "channelsync/cmd/channelsync/cli/internal/command"

// serviceRun is nothing here: these managers start channelsync serve.
func (s *session) serviceRun() []*command.Command { return nil }
