package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	stateDir = "/var/lib/" + Name
	unitFile = "etc/systemd/system/" + Name + ".service"
)

// systemd is the manager of most Linux machines.
type systemd struct {
	root string // of the file system; tests have another one
	run  command
}

// Install writes a unit and makes the user that the service runs as.
func (s systemd) Install(ctx context.Context, d Definition) error {
	if _, err := os.Stat(filepath.Join(s.root, "run/systemd/system")); err != nil {
		return fmt.Errorf("this machine does not run systemd: have its own service manager run %s %s", d.Program, strings.Join(d.arguments("serve"), " "))
	}
	for _, packaged := range []string{"lib/systemd/system", "usr/lib/systemd/system"} {
		if _, err := os.Stat(filepath.Join(s.root, packaged, Name+".service")); err == nil {
			return errors.New("a package has installed the service: edit its settings in /etc/channelsync/channelsync.yaml, " +
				"then run systemctl enable --now channelsync")
		}
	}
	for _, path := range []string{d.Program, d.Config, d.DataDir} {
		if below(path, "/home", "/root", "/run/user", "/tmp", "/var/tmp") {
			return fmt.Errorf("the service does not see %s, because home and temporary directories are hidden from it: "+
				"put the program into /usr/local/bin, settings into /etc/channelsync and data into %s", path, stateDir)
		}
	}
	if _, err := user.Lookup(Name); err != nil {
		if err := s.run(ctx, "useradd", "--system", "--user-group", "--home-dir", stateDir, "--no-create-home", "--shell", "/usr/sbin/nologin", Name); err != nil {
			return fmt.Errorf("make the user of the service: %w", err)
		}
	}
	if d.DataDir != stateDir { // that one is systemd's to make
		if err := s.run(ctx, "install", "--directory", "--mode=0700", "--owner="+Name, "--group="+Name, d.DataDir); err != nil {
			return fmt.Errorf("make the data directory: %w", err)
		}
	}
	path := filepath.Join(s.root, unitFile)
	if err := os.WriteFile(path, []byte(unit(d)), 0o644); err != nil { //nolint:gosec // a unit is no secret
		return fmt.Errorf("write the unit: %w", err)
	}
	if err := s.run(ctx, "systemctl", "daemon-reload"); err != nil {
		return err
	}
	return s.run(ctx, "systemctl", "enable", Name)
}

func (s systemd) Start(ctx context.Context) error { return s.run(ctx, "systemctl", "start", Name) }

func (s systemd) Stop(ctx context.Context) error { return s.run(ctx, "systemctl", "stop", Name) }

func (s systemd) Remove(ctx context.Context) error {
	path := filepath.Join(s.root, unitFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: this program has not installed the service", path)
	}
	if err := s.run(ctx, "systemctl", "disable", "--now", Name); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the unit: %w", err)
	}
	return s.run(ctx, "systemctl", "daemon-reload")
}

// unit is that of the packages (deploy/systemd), with other paths.
func unit(d Definition) string {
	exec := quoted(d.Program)
	for _, arg := range d.arguments("serve") {
		exec += " " + quoted(arg)
	}
	data := "StateDirectory=channelsync\nStateDirectoryMode=0700"
	if d.DataDir != stateDir {
		data = "ReadWritePaths=" + quoted(d.DataDir)
	}
	return strings.NewReplacer("{exec}", exec, "{dir}", strings.ReplaceAll(d.DataDir, "%", "%%"), "{data}", data).Replace(unitText)
}

// quoted is an argument as a unit has it (systemd.service(5)).
func quoted(arg string) string {
	arg = strings.NewReplacer("%", "%%", "$", "$$").Replace(arg)
	if strings.ContainsAny(arg, " \t\"'\\;") {
		return strconv.Quote(arg)
	}
	return arg
}

const unitText = `# Made by channelsync service install; channelsync service remove takes it away.
[Unit]
Description=channelsync: Autotask PSA to Channel Program
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=10min
StartLimitBurst=20

[Service]
Type=notify
User=channelsync
Group=channelsync
ExecStart={exec}
WorkingDirectory={dir}
{data}
ConfigurationDirectory=channelsync
UMask=0077
LimitNOFILE=65536
LimitCORE=0
Restart=on-failure
RestartSec=5s
TimeoutStartSec=15min
TimeoutStopSec=60s
WatchdogSec=60s
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`
