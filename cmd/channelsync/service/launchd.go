package service

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const plistFile = "Library/LaunchDaemons/" + Name + ".plist"

// launchd is the manager of macOS.
type launchd struct {
	root string // of the file system; tests have another one
	user string // whom the service runs as, and who owns the data; empty is root
	run  command
}

// Install writes a property list, for all of the machine: it starts before anybody logs in.
func (l launchd) Install(ctx context.Context, d Definition) error {
	args := []string{"-d", "-m", "0700"}
	if l.user != "" {
		args = append(args, "-o", l.user)
	}
	if err := l.run(ctx, "install", append(args, d.DataDir)...); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.WriteFile(l.path(), []byte(plist(d, l.user)), 0o644); err != nil { //nolint:gosec // it is no secret, and launchd wants this mode
		return fmt.Errorf("write the property list: %w", err)
	}
	return nil
}

func (l launchd) Start(ctx context.Context) error {
	if _, err := os.Stat(l.path()); errors.Is(err, fs.ErrNotExist) {
		return errors.New("there is no service: run channelsync service install first")
	}
	return l.run(ctx, "launchctl", "bootstrap", "system", l.path())
}

func (l launchd) Stop(ctx context.Context) error {
	return l.run(ctx, "launchctl", "bootout", "system/"+Name)
}

func (l launchd) Remove(ctx context.Context) error {
	if _, err := os.Stat(l.path()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: this program has not installed the service", l.path())
	}
	if l.run(ctx, "launchctl", "print", "system/"+Name) == nil { // it is loaded
		if err := l.Stop(ctx); err != nil {
			return err
		}
	}
	if err := os.Remove(l.path()); err != nil {
		return fmt.Errorf("remove the property list: %w", err)
	}
	return nil
}

func (l launchd) path() string { return filepath.Join(l.root, plistFile) }

// plist is the property list (launchd.plist(5)).
func plist(d Definition, user string) string {
	var b strings.Builder
	text := func(s string) string {
		var escaped strings.Builder
		_ = xml.EscapeText(&escaped, []byte(s)) // into memory
		return "<string>" + escaped.String() + "</string>\n"
	}
	key := func(name, value string) { b.WriteString("\t<key>" + name + "</key>\n\t" + value) }
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
`)
	key("Label", text(Name))
	var args strings.Builder
	for _, arg := range append([]string{d.Program}, d.arguments("serve")...) {
		args.WriteString("\t\t" + text(arg))
	}
	key("ProgramArguments", "<array>\n"+args.String()+"\t</array>\n")
	if user != "" {
		key("UserName", text(user))
	}
	key("WorkingDirectory", text(d.DataDir))
	key("StandardErrorPath", text(filepath.Join(d.DataDir, Name+".log")))
	key("Umask", "<integer>63</integer>\n") // 077
	key("RunAtLoad", "<true/>\n")
	key("KeepAlive", "<dict><key>SuccessfulExit</key><false/></dict>\n") // after a failure
	key("ThrottleInterval", "<integer>5</integer>\n")
	key("ExitTimeOut", "<integer>60</integer>\n")
	key("SoftResourceLimits", "<dict><key>NumberOfFiles</key><integer>65536</integer></dict>\n")
	b.WriteString("</dict>\n</plist>\n")
	return b.String()
}
