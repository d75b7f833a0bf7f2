package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	v1 "channelsync/api/v1"
)

const envPrefix = "CHANNELSYNC_"

// setting is what Config remembers of a value: never a secret, since fmt reaches
// into every field of a struct.
type setting struct {
	name   string
	shown  string // the value with whatever is secret masked; empty when nothing was given
	source string // "default", "flag", the environment variable, or the file it was read from
	secret bool
	masked bool // shown is not all of it
	length int  // characters of the value
}

// given is one value as it came.
type given struct {
	definition
	value  string
	source string
}

// LookupEnv finds an environment variable, as os.LookupEnv does.
type LookupEnv func(name string) (string, bool)

// Parse reads the settings: a flag wins over its environment variable, and that over the
// file that --config names. A secret may come from the file that <flag>-file or <VARIABLE>_FILE names; to give it
// both ways is an error. An empty variable counts as not set. The error has one line for each wrong setting,
// and never the value of a secret; it is flag.ErrHelp when help was asked for. Every
// value is trimmed, wherever it comes from.
//
// The standard flag package reads the flags; ff would read the process's own
// environment only, and would print a wrong secret in its error.
func Parse(args []string, env LookupEnv) (Config, error) {
	flags, err := parseFlags(args)
	if err != nil {
		return Config{}, err
	}
	c, err := read(definitions(), flags, env)
	if err != nil {
		return Config{}, err
	}
	if err := errors.Join(c.check()...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// source is a place that settings come from.
type source struct {
	lookup LookupEnv                // by the name of the setting, or of a secret's file
	shown  func(name string) string // the name as it is written there
	label  func(name string) string // where the value is said to come from
}

// sources are the places that are asked for a setting, the one that wins first.
func sources(flags map[string]string, env LookupEnv) ([]source, error) {
	dashed := func(name string) string { return "--" + name }
	all := []source{
		{func(name string) (string, bool) { v, ok := flags[name]; return v, ok }, dashed, func(string) string { return "flag" }},
		{nonEmptyEnv(env), envName, envName},
	}
	for _, from := range all {
		path, ok := from.lookup(configName)
		if path = v1.Trim(path); path != "" {
			f, err := readFile(path)
			return append(all, source{f.lookup, f.shown, f.line}), err
		}
		if ok {
			break
		}
	}
	return all, nil
}

// read finds, checks and notes the value of each setting.
func read(all []definition, flags map[string]string, env LookupEnv) (c Config, err error) {
	from, err := sources(flags, env)
	if err != nil {
		return Config{}, err
	}
	var errs []error
	for _, d := range all {
		g, err := resolve(d, from)
		if err == nil {
			err = g.applyTo(&c)
		}
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

// parseFlags collects what the command line says, unread: checking is left to
// applyTo, so that a wrong value is reported in the same words wherever it came from.
func parseFlags(args []string) (map[string]string, error) {
	flags := map[string]string{}
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	declare(fs, func(name string) func(string) error {
		return func(v string) error { flags[name] = v; return nil }
	})
	if err := fs.Parse(args); err != nil {
		return nil, wrongFlag(err)
	}
	if fs.NArg() > 0 {
		return nil, hinted(fmt.Sprintf("unexpected argument %q: settings are given as --name=value", fs.Arg(0)))
	}
	return flags, nil
}

// Flags declares on fs every setting that it lacks, for whoever lists them: completion and manual pages.
func Flags(fs *flag.FlagSet) {
	all := flag.NewFlagSet("settings", flag.ContinueOnError)
	declare(all, func(string) func(string) error { return func(string) error { return nil } })
	all.VisitAll(func(f *flag.Flag) {
		if fs.Lookup(f.Name) == nil {
			fs.Var(f.Value, f.Name, f.Usage)
		}
	})
}

func declare(fs *flag.FlagSet, keep func(name string) func(string) error) {
	for _, d := range definitions() {
		if d.boolean {
			fs.BoolFunc(d.name, d.usage, keep(d.name))
			continue
		}
		fs.Func(d.name, d.usage, keep(d.name))
		if d.hasFile() {
			fs.Func(d.name+"-file", "file that has the value of --"+d.name, keep(d.name+"-file"))
		}
	}
}

// wrongFlag puts what package flag says into our words; flag.ErrHelp stays as it is.
func wrongFlag(err error) error {
	if errors.Is(err, flag.ErrHelp) {
		return err
	}
	text := err.Error()
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		text = "there is no setting --" + strings.TrimLeft(name, "-")
	} else if name, ok := strings.CutPrefix(text, "flag needs an argument: -"); ok {
		text = "--" + strings.TrimLeft(name, "-") + ": got nothing, want a value"
	}
	return hinted(text)
}

// hinted is the error of a command line that cannot be read at all.
func hinted(text string) error {
	return errors.New(text + "\nhint: channelsync serve --help lists the settings")
}

// resolve finds the value of one setting and where it came from.
func resolve(d definition, sources []source) (given, error) {
	g := given{definition: d, value: d.initial, source: "default"}
	for _, from := range sources {
		v, ok := from.lookup(d.name)
		v = v1.Trim(v)
		file, path := d.name+"-file", ""
		if d.hasFile() {
			path, _ = from.lookup(file)
			path = v1.Trim(path)
		}
		switch {
		case ok && path != "":
			return g, fmt.Errorf("%s: got both a value and %s, want one of them", from.shown(d.name), from.shown(file))
		case ok:
			g.value, g.source = v, from.label(d.name)
			return g, nil
		case path != "":
			v, err := ReadSecretFile(path)
			if errors.Is(err, fs.ErrNotExist) && (d.name == "admin-token" || d.name == "master-key") {
				return g, fmt.Errorf("%s: %w: leave it unset, and channelsync serve with embedded NATS generates the file in --data-dir; or name a file that exists", from.shown(file), err)
			}
			if err != nil {
				return g, fmt.Errorf("%s: %w", from.shown(file), err)
			}
			g.value, g.source = v, path
			return g, nil
		}
	}
	return g, nil
}

func nonEmptyEnv(env LookupEnv) LookupEnv {
	return func(name string) (string, bool) {
		v, ok := env(envName(name))
		return v, ok && v1.Trim(v) != ""
	}
}

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// applyTo checks the value, puts it into c, and notes where it came from.
func (g given) applyTo(c *Config) error {
	s := setting{
		name: g.name, shown: g.masked(g.value), source: g.source,
		secret: g.secret, length: utf8.RuneCountInString(g.value),
	}
	if g.secret && g.value != "" {
		s.shown = "<secret>"
	}
	s.masked = s.shown != g.value
	c.settings = slices.DeleteFunc(c.settings, func(old setting) bool { return old.name == g.name })
	c.settings = append(c.settings, s)
	if err := g.apply(c, g.value); err != nil {
		return s.wrong(err)
	}
	return nil
}

// wrong says which setting, what it got and what it wants, in one line.
func (s setting) wrong(wants error) error {
	got := fmt.Sprintf("%q", s.shown)
	switch {
	case s.length == 0:
		got = "nothing"
	case s.secret:
		got = fmt.Sprintf("a secret of %d characters", s.length)
	}
	from := ""
	if s.source != "flag" && s.source != "default" {
		from = " (" + s.source + ")"
	}
	return fmt.Errorf("--%s%s: got %s, %w", s.name, from, got, wants)
}
