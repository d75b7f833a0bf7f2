package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf8"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/yamlfile"
)

// maxFile is how large a configuration file may be.
const maxFile = 1 << 20

// configName is the flag, and by its variable the environment's name, of the configuration file.
const configName = "config"

// file is what a configuration file says.
type file struct {
	path    string
	entries map[string]entry // by the name of the setting, or of a secret's file
}

// entry is the value of a setting, and where it stands.
type entry struct {
	value string
	line  int
}

func (f file) lookup(name string) (string, bool) {
	e, ok := f.entries[name]
	return e.value, ok && v1.Trim(e.value) != ""
}

// line says where a setting stands.
func (f file) line(name string) string { return fmt.Sprintf("%s:%d", f.path, f.entries[name].line) }

// shown is a setting with the line where it stands.
func (f file) shown(name string) string { return f.line(name) + ": " + name }

// readFile reads a configuration file: YAML, a mapping of the flags' names to their values.
// A list counts as its elements with commas between them. A name that nothing has is an
// error, so that one that is mistyped is not passed over; settings that another command
// reads are passed over. A file with a secret in it must be as private as one that holds
// nothing else.
func readFile(path string) (file, error) {
	f := file{path: path, entries: map[string]entry{}}
	text, private, err := readConfig(path)
	if err != nil {
		return f, err
	}
	fields, err := yamlfile.Parse(path, text)
	if errors.Is(err, yamlfile.ErrNoMapping) {
		return f, fmt.Errorf("--%s: got %s with something else, want one mapping of settings to values", configName, path)
	}
	if err != nil {
		return f, err
	}
	known := allowed()
	var errs []error
	for _, field := range fields {
		name, line := field.Name, field.Line
		value, err := field.Value.Text()
		switch {
		case known[name] == nil:
			err = errors.New("there is no such setting: channelsync serve --help lists them")
		case err == nil && private != nil && known[name](value):
			err = fmt.Errorf("the file holds a secret here: %w", private)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %s: %w", path, line, name, err))
		}
		f.entries[name] = entry{value, line}
	}
	return f, errors.Join(errs...)
}

// readConfig returns the text of a file, and why it may hold no secret.
func readConfig(path string) (text []byte, private, err error) {
	open, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("--%s: %w", configName, err)
	}
	defer func() { _ = open.Close() }()
	info, err := open.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("--%s: %w", configName, err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("--%s: got %s, which is not a regular file", configName, path)
	}
	text, err = io.ReadAll(io.LimitReader(open, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("got %s with more than 1 MiB", path)
	}
	if err == nil && !utf8.Valid(text) {
		err = fmt.Errorf("got %s, which is not UTF-8 text", path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("--%s: %w", configName, err)
	}
	return text, mayHoldSecret(path, info), nil
}

// allowed are the names that may stand in a file, each with whether a value of it holds a secret.
func allowed() map[string]func(value string) bool {
	never := func(string) bool { return false }
	all := map[string]func(string) bool{}
	for _, d := range definitions() {
		switch {
		case d.name == configName || d.name == "print-config":
		case d.secret:
			all[d.name] = func(v string) bool { return v1.Trim(v) != "" }
		default:
			all[d.name] = func(v string) bool { return d.masked(v) != v }
		}
		if d.hasFile() {
			all[d.name+"-file"] = never
		}
	}
	return all
}
