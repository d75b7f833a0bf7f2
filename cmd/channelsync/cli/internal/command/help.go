package command

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
)

// Help writes the help of the last command of a path.
func (p *Program) Help(at []*Command) error {
	c := at[len(at)-1]
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s.\n\nUsage: %s\n", sentence(c.Short), usageLine(at))
	if c.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", c.Long)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(c.Subs) > 0 {
		fmt.Fprint(w, "\nCommands:\n")
		for _, s := range c.Subs {
			if !s.Hidden {
				fmt.Fprintf(w, "  %s\t%s\n", s.Name, s.Short)
			}
		}
	}
	if c.Flags != nil {
		own := flag.NewFlagSet("", flag.ContinueOnError)
		c.Flags(own)
		writeFlags(w, "Flags", own)
	}
	global := flag.NewFlagSet("", flag.ContinueOnError)
	p.Global(global)
	writeFlags(w, "Global flags", global)
	_ = w.Flush() // into memory
	if len(c.Examples) > 0 {
		fmt.Fprintf(&b, "\nExamples:\n  %s\n", strings.Join(c.Examples, "\n  "))
	}
	if _, err := p.Stdout.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write help: %w", err)
	}
	return nil
}

func usageLine(at []*Command) string {
	c := at[len(at)-1]
	line := join(at)
	if len(c.Subs) > 0 {
		return line + " <command> [flags]"
	}
	if c.Args != "" {
		line += " " + c.Args
	}
	return line + " [flags]"
}

func writeFlags(w *tabwriter.Writer, title string, fs *flag.FlagSet) {
	fmt.Fprintf(w, "\n%s:\n", title)
	fs.VisitAll(func(f *flag.Flag) {
		name, usage := flagHelp(f)
		fmt.Fprintf(w, "  %s\t%s\n", name, usage)
	})
}

// flagHelp is a flag as it is written, and what it does.
func flagHelp(f *flag.Flag) (name, usage string) {
	value, usage := flag.UnquoteUsage(f)
	name = "--" + f.Name
	if len(f.Name) == 1 {
		name = "-" + f.Name
	}
	if value != "" {
		name += " " + value
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
		usage += " (default " + f.DefValue + ")"
	}
	return name, usage
}

func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
