// Package service installs channelsync as a service of systemd, launchd or Windows, which
// start it at boot and after a failure. It writes and removes the manager's description of
// the service; the data stays.
//
// It knows no settings except where the settings and the data are. cmd/channelsync/cli calls it.
package service

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Name is what the service is called everywhere.
const Name = "channelsync"

// Definition is what a manager knows about the service. All paths are absolute.
type Definition struct {
	Program string // this program
	Config  string // the file with its settings
	DataDir string // where the store and the keys are
}

func (d Definition) arguments(command ...string) []string {
	return append(command, "--config", d.Config, "--data-dir", d.DataDir)
}

// Manager is the service manager of this machine. Its errors say what to do.
type Manager interface {
	// Install creates the service, which starts with the machine, but does not start it yet.
	Install(ctx context.Context, d Definition) error
	// Start returns when the service takes callbacks, if the manager learns of that.
	Start(ctx context.Context) error
	// Stop returns when the service has ended. The service still starts with the machine.
	Stop(ctx context.Context) error
	// Remove stops the service and forgets it; settings and data stay.
	Remove(ctx context.Context) error
}

// command runs a manager's own command.
type command func(ctx context.Context, name string, args ...string) error

func execute(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return errors.New(name + " " + strings.Join(args, " ") + ": " + err.Error() + ": " + strings.TrimSpace(string(out)))
	}
	return nil
}

// below says whether a path is in one of some directories.
func below(path string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return strings.HasPrefix(filepath.Clean(path), dir+"/") })
}
