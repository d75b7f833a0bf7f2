package config

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Dump writes every setting on a line of its own, sorted by name: the value in
// force, secrets masked, and where it came from.
func (c Config) Dump(w io.Writer) error {
	settings := slices.SortedFunc(slices.Values(c.settings), func(a, b setting) int { return cmp.Compare(a.name, b.name) })
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range settings {
		if _, err := fmt.Fprintf(tw, "%s\t%s\t%s\n", s.name, c.shown(s), s.source); err != nil {
			return fmt.Errorf("write settings: %w", err)
		}
	}
	if err := tw.Flush(); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// shown is the value as a reader may see it.
func (c Config) shown(s setting) string {
	switch {
	case s.name == "nats-replicas":
		return strconv.Itoa(c.NATS.Replicas)
	case s.shown == "":
		return "-"
	}
	return s.shown
}

// SecretArguments names the settings that brought a secret in the arguments, where every
// user of the machine can read it.
func (c Config) SecretArguments() (names []string) {
	for _, s := range c.settings {
		if s.source == "flag" && s.masked {
			names = append(names, "--"+s.name)
		}
	}
	return names
}

// Source says where a setting was given: empty where it has its default.
func (c Config) Source(name string) string {
	for _, s := range c.settings {
		if s.name == name && s.source != "default" {
			return s.source
		}
	}
	return ""
}

// Given is how many settings somebody has given, the file that they stand in not counted.
func (c Config) Given() (n int) {
	for _, s := range c.settings {
		if s.source != "default" && s.name != configName {
			n++
		}
	}
	return n
}

// Usage writes the settings for a help text: name, what it is for, its default.
func Usage(w io.Writer) error {
	for _, d := range definitions() {
		line := fmt.Sprintf("  --%s\n        %s", d.name, d.usage)
		if d.initial != "" && !d.boolean {
			line += " (default " + d.initial + ")"
		}
		if _, err := fmt.Fprintln(w, line+"\n        env "+envNames(d)); err != nil {
			return fmt.Errorf("write usage: %w", err)
		}
	}
	return nil
}

func envNames(d definition) string {
	name := envName(d.name)
	if d.hasFile() {
		name += " or " + name + "_FILE"
	}
	return name
}
