package service

import (
	"cmp"
	"context"
	"crypto/sha1" //nolint:gosec // Windows names the accounts of services by it
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"channelsync/internal/disk"
)

// account is one that Windows has for this service alone: it has no password, and no right
// but those of an ordinary user.
const account = `NT SERVICE\` + Name

// DataDir is where the service keeps its data unless its settings say otherwise.
func DataDir() string {
	return filepath.Join(cmp.Or(os.Getenv("ProgramData"), `C:\ProgramData`), Name)
}

// New is the manager of this machine.
func New() Manager { return controlManager{} }

var errThere = errors.New("the service is there already: run channelsync service remove first; its data stays")

// controlManager is Windows' service control manager.
type controlManager struct{}

// Install makes the service, its source of events, and its data directory, which it alone
// may open besides administrators.
func (controlManager) Install(_ context.Context, d Definition) (err error) {
	m, err := connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	if s, err := m.OpenService(Name); err == nil {
		_ = s.Close()
		return errThere
	}
	s, err := m.CreateService(Name, d.Program, mgr.Config{
		StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal, DisplayName: Name, ServiceStartName: account,
		Description: "Keeps the clients and contracts of Channel Program in line with those of Autotask PSA.",
	}, d.arguments("service", "run")...)
	if errors.Is(err, windows.ERROR_SERVICE_EXISTS) {
		return errThere
	}
	if err != nil {
		return fmt.Errorf("make the service: %w", err)
	}
	defer func() { _ = s.Close() }()
	defer func() {
		if err != nil {
			_ = s.Delete()
		}
	}()
	if err := startAgain(s); err != nil {
		return fmt.Errorf("let the service start again after a failure: %w", err)
	}
	if err := eventlog.InstallAsEventCreate(Name, eventlog.Error|eventlog.Warning|eventlog.Info); err != nil && !strings.Contains(err.Error(), "exists") {
		return fmt.Errorf("make the source of events: %w", err)
	}
	if err := disk.MakePrivate(d.DataDir); err != nil {
		return err
	}
	return disk.Grant(d.DataDir, sidOf(Name))
}

// startAgain has the service started again whenever it fails, as a crash or with an exit code.
func startAgain(s *mgr.Service) error {
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: 5 * time.Second}
	err := s.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, uint32((10 * time.Minute).Seconds()))
	if err == nil {
		err = s.SetRecoveryActionsOnNonCrashFailures(true)
	}
	if errors.Is(err, windows.ERROR_INVALID_LEVEL) {
		return nil // Wine's manager knows none
	}
	return err
}

func (controlManager) Start(ctx context.Context) error {
	return with(func(s *mgr.Service) error {
		if err := s.Start(); err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
			return fmt.Errorf("start the service: %w", err)
		}
		return becomes(ctx, s, svc.Running)
	})
}

func (controlManager) Stop(ctx context.Context) error {
	return with(func(s *mgr.Service) error { return stop(ctx, s) })
}

func (controlManager) Remove(ctx context.Context) error {
	return with(func(s *mgr.Service) error {
		if err := stop(ctx, s); err != nil {
			return err
		}
		if err := s.Delete(); err != nil {
			return fmt.Errorf("remove the service: %w", err)
		}
		if err := eventlog.Remove(Name); err != nil {
			return fmt.Errorf("remove the source of events: %w", err)
		}
		return nil
	})
}

func stop(ctx context.Context, s *mgr.Service) error {
	if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return fmt.Errorf("stop the service: %w", err)
	}
	return becomes(ctx, s, svc.Stopped)
}

// becomes waits for a state. One that is on its way to it takes as long as it says.
func becomes(ctx context.Context, s *mgr.Service, want svc.State) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := s.Query()
		switch {
		case err != nil:
			return fmt.Errorf("ask for the state of the service: %w", err)
		case now.State == want:
			return nil
		case now.State == svc.Stopped:
			return fmt.Errorf("the service ended with exit code %d: the event log says why (Event Viewer, Windows Logs, Application, source %s)",
				cmp.Or(now.ServiceSpecificExitCode, now.Win32ExitCode), Name)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func connect() (*mgr.Mgr, error) {
	m, err := mgr.Connect()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return nil, errors.New("only administrators may do that: run it in a terminal that was opened with Run as administrator")
	}
	if err != nil {
		return nil, fmt.Errorf("ask the service manager: %w", err)
	}
	return m, nil
}

// with does something with the service.
func with(do func(*mgr.Service) error) error {
	m, err := connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(Name)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return errors.New("there is no service: run channelsync service install first")
	}
	if err != nil {
		return fmt.Errorf("find the service: %w", err)
	}
	defer func() { _ = s.Close() }()
	return do(s)
}

// sidOf is the identity of a service's account, before Windows has made it: S-1-5-80 and
// the SHA-1 of its name in capitals.
func sidOf(name string) string {
	var text []byte
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		text = binary.LittleEndian.AppendUint16(text, unit)
	}
	sum := sha1.Sum(text) //nolint:gosec // as above
	sid := "S-1-5-80"
	for part := sum[:]; len(part) > 0; part = part[4:] {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(part))
	}
	return sid
}
