package service

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

var packaged = Definition{Program: "/usr/bin/channelsync", Config: "/etc/channelsync/channelsync.yaml", DataDir: "/var/lib/channelsync"}

// TestTheUnitIsThatOfThePackages, line by line, but for its comments and documentation: what
// hardens one hardens the other.
func TestTheUnitIsThatOfThePackages(t *testing.T) {
	of, err := os.ReadFile("../../../deploy/systemd/channelsync.service")
	harness.OK(t, err)
	lines := func(text string) (all []string) {
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "Documentation=") {
				all = append(all, line)
			}
		}
		return all
	}
	want := lines(strings.Replace(string(of), "channelsync.yaml\n", "channelsync.yaml --data-dir /var/lib/channelsync\n", 1))
	if diff := cmp.Diff(want, lines(unit(packaged))); diff != "" {
		t.Error(diff)
	}
}

func TestTheUnitHasThePathsOfItsService(t *testing.T) {
	got := unit(Definition{Program: "/opt/50% off/channelsync", Config: "/etc/a b.yaml", DataDir: "/srv/data"})
	for _, want := range []string{
		`ExecStart="/opt/50%% off/channelsync" serve --config "/etc/a b.yaml" --data-dir /srv/data` + "\n",
		"WorkingDirectory=/srv/data\n", "ReadWritePaths=/srv/data\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "StateDirectory") {
		t.Errorf("it has a state directory that it does not use:\n%s", got)
	}
}

// machine is a file system with what a manager is asked.
type machine struct {
	root string
	ran  []string
	fail string // the command that fails
}

func newMachine(t *testing.T, dirs ...string) *machine {
	t.Helper()
	m := &machine{root: t.TempDir()}
	for _, dir := range dirs {
		harness.OK(t, os.MkdirAll(filepath.Join(m.root, dir), 0o700))
	}
	return m
}

func (m *machine) run(_ context.Context, name string, args ...string) error {
	line := strings.Join(append([]string{name}, args...), " ")
	m.ran = append(m.ran, line)
	if line == m.fail {
		return errors.New(line + " fails")
	}
	return nil
}

func (m *machine) has(path string) bool {
	_, err := os.Stat(filepath.Join(m.root, path))
	return err == nil
}

func TestAServiceOfSystemd(t *testing.T) {
	m := newMachine(t, "run/systemd/system", "etc/systemd/system")
	s := systemd{root: m.root, run: m.run}
	if err := s.Remove(t.Context()); err == nil || len(m.ran) > 0 {
		t.Errorf("removed what was not installed: %v, ran %q", err, m.ran)
	}
	for _, step := range []struct {
		do   func(context.Context) error
		want []string
	}{
		{func(ctx context.Context) error { return s.Install(ctx, packaged) }, []string{"systemctl daemon-reload", "systemctl enable channelsync"}},
		{s.Start, []string{"systemctl start channelsync"}},
		{s.Stop, []string{"systemctl stop channelsync"}},
		{s.Remove, []string{"systemctl disable --now channelsync", "systemctl daemon-reload"}},
	} {
		m.ran = nil
		harness.OK(t, step.do(t.Context()))
		m.ran = slices.DeleteFunc(m.ran, func(line string) bool { return strings.HasPrefix(line, "useradd ") }) // if it is not there
		if diff := cmp.Diff(step.want, m.ran); diff != "" {
			t.Error(diff)
		}
	}
	if m.has(unitFile) {
		t.Error("the unit is still there")
	}
}

func TestAServiceThatSystemdWouldNotRunIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name string
		dirs []string
		d    Definition
		want string
	}{
		{"no systemd", nil, packaged, "have its own service manager run /usr/bin/channelsync serve --config /etc/channelsync/channelsync.yaml"},
		{"a package is installed", []string{"run/systemd/system", "lib/systemd/system/channelsync.service"}, packaged, "systemctl enable --now channelsync"},
		{"a program at home", []string{"run/systemd/system"}, Definition{Program: "/home/ann/channelsync", Config: "/etc/c.yaml", DataDir: stateDir}, "does not see /home/ann/channelsync"},
		{"data in a temporary directory", []string{"run/systemd/system"}, Definition{Program: "/opt/c", Config: "/etc/c.yaml", DataDir: "/tmp/data"}, "does not see /tmp/data"},
	} {
		m := newMachine(t, append(tc.dirs, "etc/systemd/system")...)
		err := systemd{root: m.root, run: m.run}.Install(t.Context(), tc.d)
		if err == nil || !strings.Contains(err.Error(), tc.want) || len(m.ran) > 0 || m.has(unitFile) {
			t.Errorf("%s: got %v, ran %q, want %q and nothing done", tc.name, err, m.ran, tc.want)
		}
	}
}

func TestAServiceOfLaunchd(t *testing.T) {
	m := newMachine(t, "Library/LaunchDaemons")
	l := launchd{root: m.root, user: "ann", run: m.run}
	if err := l.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "service install") {
		t.Errorf("started what was not installed: %v", err)
	}
	path := filepath.Join(m.root, plistFile)
	for _, step := range []struct {
		do   func(context.Context) error
		want []string
	}{
		{func(ctx context.Context) error { return l.Install(ctx, packaged) }, []string{"install -d -m 0700 -o ann /var/lib/channelsync"}},
		{l.Start, []string{"launchctl bootstrap system " + path}},
		{l.Stop, []string{"launchctl bootout system/channelsync"}},
		{l.Remove, []string{"launchctl print system/channelsync", "launchctl bootout system/channelsync"}},
	} {
		m.ran = nil
		harness.OK(t, step.do(t.Context()))
		if diff := cmp.Diff(step.want, m.ran); diff != "" {
			t.Error(diff)
		}
	}
	if m.has(plistFile) {
		t.Error("the property list is still there")
	}
	harness.OK(t, l.Install(t.Context(), packaged))
	m.fail = "launchctl print system/channelsync" // it does not run
	m.ran = nil
	if err := l.Remove(t.Context()); err != nil || m.has(plistFile) || len(m.ran) != 1 {
		t.Errorf("one that does not run: %v, ran %q", err, m.ran)
	}
}

// TestThePropertyListIsXML whatever stands in a path, and says what is run as whom.
func TestThePropertyListIsXML(t *testing.T) {
	d := Definition{Program: "/opt/A & B/channelsync", Config: "/etc/<c>.yaml", DataDir: `/var/"d"`}
	text := plist(d, "ann")
	var all []string
	for in := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if data, is := token.(xml.CharData); is && strings.TrimSpace(string(data)) != "" {
			all = append(all, string(data))
		}
	}
	want := []string{
		"Label", "channelsync", "ProgramArguments", d.Program, "serve", "--config", d.Config, "--data-dir", d.DataDir, "UserName", "ann",
		"WorkingDirectory", d.DataDir, "StandardErrorPath", filepath.Join(d.DataDir, "channelsync.log"), "Umask", "63", "RunAtLoad",
		"KeepAlive", "SuccessfulExit", "ThrottleInterval", "5", "ExitTimeOut", "60", "SoftResourceLimits", "NumberOfFiles", "65536",
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(plist(d, ""), "UserName") {
		t.Error("nobody is a user")
	}
}
