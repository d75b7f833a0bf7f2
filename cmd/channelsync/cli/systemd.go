package cli

import (
	"fmt"
	"sync"

	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"
)

// systemd tells the service manager how the service stands (sd_notify(3)). Where none
// started it, nobody is notified.
type systemd struct {
	log    *zap.Logger
	failed *sync.Once // a manager that does not listen is logged once
}

func newSystemd(log *zap.Logger) systemd { return systemd{log: log, failed: &sync.Once{}} }

// ready says that callbacks are taken.
func (s systemd) ready(callback, admin string) {
	s.notify(daemon.SdNotifyReady + fmt.Sprintf("\nSTATUS=callbacks on %s, console on %s", callback, admin))
}

// alive feeds the manager's watchdog (WatchdogSec=). What the progress watchdog cannot
// start anew ends the process by itself; this is for a process in which that one stands
// still too.
func (s systemd) alive() { s.notify(daemon.SdNotifyWatchdog) }

func (s systemd) stopping() { s.notify(daemon.SdNotifyStopping) }

func (s systemd) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.failed.Do(func() { s.log.Warn("notify the service manager failed", zap.Error(err)) })
	}
}
