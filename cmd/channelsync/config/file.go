package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	yaml "github.com/goccy/go-yaml/token"

	v1 "channelsync/api/v1"
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
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return f, f.malformed(err)
	}
	known := allowed()
	var errs []error
	for _, pair := range pairs(tree) {
		if pair == nil {
			return f, fmt.Errorf("--%s: got %s with something else, want one mapping of settings to values", configName, path)
		}
		name, line := pair.Key.GetToken().Value, pair.Key.GetToken().Position.Line
		value, err := valueOf(pair.Value)
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
		return nil, nil, fmt.Errorf("--%s: got %s, which is no regular file", configName, path)
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
	return text, factsOf(path, info).judge(path, os.Geteuid()), nil
}

// malformed says where a file is not YAML, without the line itself, which may hold a secret.
func (f file) malformed(err error) error {
	var at interface {
		GetToken() *yaml.Token
		GetMessage() string
	}
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("--%s: got %s, which is no YAML", configName, f.path)
	}
	return fmt.Errorf("%s:%d: not YAML: %s", f.path, at.GetToken().Position.Line, at.GetMessage())
}

// allowed are the names that may stand in a file, each with whether a value of it holds a secret.
func allowed() map[string]func(value string) bool {
	never := func(string) bool { return false }
	all := map[string]func(string) bool{}
	for _, d := range definitions() {
		switch {
		case d.name == configName || d.name == "print-config":
		case d.secret:
			all[d.name], all[d.name+"-file"] = func(v string) bool { return v1.Trim(v) != "" }, never
		default:
			all[d.name] = func(v string) bool { return d.masked(v) != v }
		}
	}
	return all
}

// pairs are the settings of a file; one that is nil stands for what is no mapping.
func pairs(tree *ast.File) (all []*ast.MappingValueNode) {
	for _, doc := range tree.Docs {
		switch body := doc.Body.(type) {
		case nil, *ast.NullNode, *ast.CommentGroupNode:
		case *ast.MappingValueNode:
			all = append(all, body)
		case *ast.MappingNode:
			all = append(all, body.Values...)
		default:
			return []*ast.MappingValueNode{nil}
		}
	}
	if len(tree.Docs) > 1 {
		return []*ast.MappingValueNode{nil}
	}
	return all
}

// valueOf is a value as it would stand behind the flag: a number as it is written.
func valueOf(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.NullNode:
		return "", nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.SequenceNode:
		var parts []string
		for _, one := range n.Values {
			if _, nested := one.(*ast.SequenceNode); nested {
				return "", errors.New("got a list in a list, want values")
			}
			part, err := valueOf(one)
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ","), nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("got a %s, want a value or a list of values", strings.ToLower(n.Type().String()))
}
