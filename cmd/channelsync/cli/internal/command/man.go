package command

import (
	"bytes"
	"flag"
	"fmt"
	"strings"
)

// ManPages are the pages of section 1 for every command that can be run or has others below it, by
// their file names. They are the same for the same commands, without a date.
func (p *Program) ManPages() map[string][]byte {
	pages := map[string][]byte{}
	var each func(at []*Command)
	each = func(at []*Command) {
		c := at[len(at)-1]
		if c.Hidden {
			return
		}
		pages[strings.ReplaceAll(join(at), " ", "-")+".1"] = p.manPage(at)
		for _, sub := range c.Subs {
			each(append(at[:len(at):len(at)], sub))
		}
	}
	each([]*Command{p.Root})
	return pages
}

func (p *Program) manPage(at []*Command) []byte {
	c := at[len(at)-1]
	var b bytes.Buffer
	name := strings.ReplaceAll(join(at), " ", "-")
	fmt.Fprintf(&b, ".TH %s 1 \"\" channelsync\n.SH NAME\n%s \\- %s\n", roff(strings.ToUpper(name)), roff(name), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(usageLine(at)))
	if c.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", strings.ReplaceAll(roffLines(c.Long), "\n\n", "\n.PP\n"))
	}
	if len(c.Subs) > 0 {
		b.WriteString(".SH COMMANDS\n")
		for _, s := range c.Subs {
			if !s.Hidden {
				fmt.Fprintf(&b, ".TP\n.BR %s (1)\n%s\n", roff(name+"-"+s.Name), roff(s.Short))
			}
		}
	}
	if c.Flags != nil {
		own := flag.NewFlagSet("", flag.ContinueOnError)
		c.Flags(own)
		manFlags(&b, "OPTIONS", own)
	}
	if !c.Raw {
		global := flag.NewFlagSet("", flag.ContinueOnError)
		p.Global(global)
		manFlags(&b, "GLOBAL OPTIONS", global)
	}
	if len(c.Examples) > 0 {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roffLines(strings.Join(c.Examples, "\n")))
	}
	b.WriteString(".SH EXIT STATUS\n0 ok, 1 failed, 2 wrong usage.\n")
	if len(at) > 1 {
		fmt.Fprintf(&b, ".SH SEE ALSO\n.BR %s (1)\n", roff(strings.ReplaceAll(join(at[:len(at)-1]), " ", "-")))
	}
	return b.Bytes()
}

func manFlags(b *bytes.Buffer, title string, fs *flag.FlagSet) {
	fmt.Fprintf(b, ".SH %s\n", title)
	fs.VisitAll(func(f *flag.Flag) {
		name, usage := flagHelp(f)
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(name), roff(usage))
	})
}

// roff escapes text for one line of a page.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "\n", " ").Replace(s)
	if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "'") {
		return `\&` + s
	}
	return s
}

func roffLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = roff(l)
	}
	return strings.Join(lines, "\n")
}
