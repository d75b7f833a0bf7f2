package cli

import (
	"fmt"
	"io"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// systemd tells the service manager how the service stands (sd_notify(3)). Where none
// started it, nobody is notified.
type systemd struct {
	log    *zap.Logger
	stderr io.Writer
	failed *sync.Once // a manager that does not listen is logged once
}

func newSystemd(log *zap.Logger, stderr io.Writer) systemd {
	return systemd{log: log, stderr: stderr, failed: &sync.Once{}}
}

// Ready says that callbacks are taken.
func (s systemd) Ready(callback, admin string) {
	s.notify(daemon.SdNotifyReady + fmt.Sprintf("\nSTATUS=callbacks on %s, console on %s", callback, admin))
}

// Alive feeds the manager's watchdog (WatchdogSec=). What the progress watchdog cannot
// start anew ends the process by itself; this is for a process in which that one stands
// still too.
func (s systemd) Alive() { s.notify(daemon.SdNotifyWatchdog) }

// Stopping says that the service ends in order.
func (s systemd) Stopping() { s.notify(daemon.SdNotifyStopping) }

// Failed says why the service does not run.
func (s systemd) Failed(why string) { fmt.Fprintf(s.stderr, "channelsync serve: %s\n", why) }

func (s systemd) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.failed.Do(func() { s.log.Warn("notify the service manager failed", zap.Error(err)) })
	}
}
