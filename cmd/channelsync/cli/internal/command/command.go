// Package command is the grammar of the command line: a tree of commands with
// flags that may stand anywhere, help, hints at what was probably meant, and
// completion. It knows no command itself, reads no environment and never ends
// the process. Used by package cli only.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// Command is a command, or a group of them when it has Subs. One with Subs and Run is both: it runs when none is named.
type Command struct {
	Name     string
	Args     string   // positional arguments as help writes them, such as "[installation]"
	Short    string   // one line, without a full stop
	Long     string   // what more there is to know; may be empty
	Examples []string // whole command lines

	Flags  func(*flag.FlagSet)
	Words  []string            // completions of positional arguments
	Values map[string][]string // completions of flags' values, by the name of the flag

	// Ask gives more completions of a positional argument, behind those before it.
	Ask func(before []string, last string) []Candidate

	Raw    bool // Run takes all that follows the name as it stands, --help too
	Hidden bool // neither listed nor completed
	Run    func(ctx context.Context, args []string) error
	Subs   []*Command
}

// UsageError is a command line that cannot be run as it stands.
type UsageError struct {
	Text string
	Hint string // what to type instead; may be empty
}

func (e *UsageError) Error() string { return e.Text }

// Usage makes a UsageError.
func Usage(hint, format string, args ...any) *UsageError {
	return &UsageError{Text: fmt.Sprintf(format, args...), Hint: hint}
}

// ErrHelpShown is returned for a group without a command: its help is the answer.
var ErrHelpShown = errors.New("no command was given")

// Program is a whole command line.
type Program struct {
	Root *Command
	// Global adds the flags that every command takes, before its name or after. It
	// is called more than once, so it must keep what was set (flag.Func does).
	Global func(*flag.FlagSet)
	Stdout io.Writer // where help goes
	// AskValue gives completions of a flag's value where the command lists none; may be nil.
	AskValue func(flag, last string) []Candidate
}

// Optional is the value of a flag that takes one only behind an equals sign. IsValue says whether an argument right
// behind the flag is one that was meant for it.
type Optional interface {
	flag.Value
	IsValue(arg string) bool
}

// Run runs the command that args name. It returns that command's own error, a
// *UsageError, or ErrHelpShown. Path is what was named, for messages.
func (p *Program) Run(ctx context.Context, args []string) (path string, err error) {
	at := []*Command{p.Root}
	for {
		c := at[len(at)-1]
		path = join(at)
		if c.Raw {
			return path, c.Run(ctx, args)
		}
		if len(c.Subs) == 0 || c.Run != nil && (len(args) == 0 || c.sub(args[0]) == nil) {
			args, err = p.parse(at, args)
			if errors.Is(err, flag.ErrHelp) {
				return path, p.Help(at)
			}
			if err != nil {
				return path, err
			}
			return path, c.Run(ctx, args)
		}
		fs := p.flags(c)
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return path, p.Help(at)
		} else if err != nil {
			return path, wrongFlag(err, fs, path)
		}
		args = fs.Args()
		if len(args) == 0 {
			return path, errors.Join(ErrHelpShown, p.Help(at))
		}
		next := c.sub(args[0])
		if next == nil {
			return path, c.unknown(path, args[0])
		}
		at, args = append(at, next), args[1:]
	}
}

// Find follows names from the root.
func (p *Program) Find(names []string) ([]*Command, error) {
	at := []*Command{p.Root}
	for _, name := range names {
		c := at[len(at)-1]
		next := c.sub(name)
		if next == nil {
			return nil, c.unknown(join(at), name)
		}
		at = append(at, next)
	}
	return at, nil
}

func (c *Command) sub(name string) *Command {
	for _, s := range c.Subs {
		if s.Name == name {
			return s
		}
	}
	return nil
}

func (c *Command) unknown(path, name string) *UsageError {
	var names []string
	for _, s := range c.Subs {
		if !s.Hidden {
			names = append(names, s.Name)
		}
	}
	hint := path + " --help lists the commands"
	if near := Nearest(name, names); near != "" {
		hint = "did you mean " + path + " " + near + "?"
	}
	return Usage(hint, "there is no command %q", name)
}

// flags are the flags of one command, the global ones among them.
func (p *Program) flags(c *Command) *flag.FlagSet {
	fs := flag.NewFlagSet(c.Name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	p.Global(fs)
	if c.Flags != nil {
		c.Flags(fs)
	}
	return fs
}

// parse reads flags wherever they stand and returns the other arguments. What
// follows "--" is no flag.
func (p *Program) parse(at []*Command, args []string) ([]string, error) {
	fs := p.flags(at[len(at)-1])
	var positional []string
	for {
		if err := fs.Parse(args); err != nil {
			return nil, wrongFlag(err, fs, join(at))
		}
		rest := fs.Args()
		if len(rest) == 0 {
			return positional, nil
		}
		taken := len(args) - len(rest)
		if taken > 0 && args[taken-1] == "--" {
			return append(positional, rest...), nil
		}
		if taken > 0 {
			if err := apart(fs, args[taken-1], rest[0]); err != nil {
				return nil, err
			}
		}
		positional, args = append(positional, rest[0]), rest[1:]
	}
}

// apart refuses a value that stands behind a flag which takes it with an equals sign only: as an argument it would mean
// something else, and "--dry-run false" would be no dry run less.
func apart(fs *flag.FlagSet, before, value string) error {
	f := fs.Lookup(strings.TrimLeft(before, "-"))
	if f == nil || !strings.HasPrefix(before, "-") {
		return nil
	}
	meant := value == "true" || value == "false"
	if optional, is := f.Value.(Optional); is {
		meant = optional.IsValue(value)
	} else if b, is := f.Value.(interface{ IsBoolFlag() bool }); !is || !b.IsBoolFlag() {
		return nil // the value of a flag that always has one
	}
	if !meant {
		return nil
	}
	return Usage("such as --"+f.Name+"="+value, "--%s: got %q after a space, want it after an equals sign", f.Name, value)
}

// wrongFlag puts what package flag says into our words.
func wrongFlag(err error, fs *flag.FlagSet, path string) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	hint := path + " --help lists the flags"
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		var names []string
		fs.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
		if near := Nearest(strings.TrimLeft(name, "-"), names); near != "" {
			hint = "did you mean --" + near + "?"
		}
		return Usage(hint, "there is no flag --%s", strings.TrimLeft(name, "-"))
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		return Usage(hint, "--%s needs a value", strings.TrimLeft(name, "-"))
	}
	for kind, of := range map[string]string{"invalid value ": " for flag -", "invalid boolean value ": " for -"} {
		if rest, ok := strings.CutPrefix(text, kind); ok {
			if value, rest, ok := strings.Cut(rest, of); ok {
				name, why, _ := strings.Cut(rest, ": ")
				return Usage(hint, "--%s: got %s, want %s", name, value, strings.TrimPrefix(want(fs.Lookup(name), why), "want "))
			}
		}
	}
	return Usage(hint, "%s", text)
}

// want says what a flag wants where package flag only says that it failed.
func want(f *flag.Flag, why string) string {
	if why != "parse error" && why != "value out of range" || f == nil {
		return why
	}
	g, _ := f.Value.(flag.Getter)
	if g == nil {
		return "another kind of value"
	}
	switch g.Get().(type) {
	case bool:
		return "true or false, such as --" + f.Name + "=true"
	case int:
		return "a whole number, such as --" + f.Name + " 50"
	case uint64:
		return "a whole number from 0 up, such as --" + f.Name + " 50"
	}
	return "another kind of value"
}

func join(at []*Command) string {
	names := make([]string, len(at))
	for i, c := range at {
		names[i] = c.Name
	}
	return strings.Join(names, " ")
}
