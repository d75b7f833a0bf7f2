package command

import (
	"flag"
	"slices"
	"strings"
)

// Candidate is one completion.
type Candidate struct {
	Word  string
	About string // one line; may be empty
}

// Complete lists what the last of words may become. The words before it are
// taken as they are; the program's own name is not among them.
func (p *Program) Complete(words []string) []Candidate {
	if len(words) == 0 {
		return nil
	}
	c, before, last := p.Root, words[:len(words)-1], words[len(words)-1]
	pending := "" // the flag whose value is due
	var args []string
	for _, w := range before {
		switch {
		case pending != "":
			pending = ""
		case w == "--":
			return nil
		case strings.HasPrefix(w, "-"):
			pending = p.wantsValue(c, w)
		case c.sub(w) != nil:
			c = c.sub(w)
		default:
			args = append(args, w)
		}
	}
	var asked []Candidate // already those that fit
	var all []Candidate
	switch {
	case pending != "":
		if all = wordsOf(c.Values[pending]); all == nil && p.AskValue != nil {
			asked = p.AskValue(pending, last)
		}
	case strings.HasPrefix(last, "-"):
		p.flags(c).VisitAll(func(f *flag.Flag) {
			_, usage := flag.UnquoteUsage(f)
			all = append(all, Candidate{"--" + f.Name, usage})
		})
		all = append(all, Candidate{"--help", "show help"})
	case len(c.Subs) > 0:
		for _, s := range c.Subs {
			if !s.Hidden {
				all = append(all, Candidate{s.Name, s.Short})
			}
		}
	default:
		if !slices.ContainsFunc(args, func(a string) bool { return slices.Contains(c.Words, a) }) {
			all = wordsOf(c.Words) // one of them is enough
		}
		if c.Ask != nil {
			asked = c.Ask(args, last)
		}
	}
	all = slices.DeleteFunc(all, func(x Candidate) bool { return !strings.HasPrefix(x.Word, last) })
	return append(all, asked...)
}

// wantsValue is the name of a flag whose value is the next word; "" when it has none.
func (p *Program) wantsValue(c *Command, word string) string {
	name, _, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
	f := p.flags(c).Lookup(name)
	if f == nil || given {
		return ""
	}
	if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
		return ""
	}
	return name
}

func wordsOf(words []string) []Candidate {
	if len(words) == 0 {
		return nil
	}
	all := make([]Candidate, len(words))
	for i, w := range words {
		all[i] = Candidate{Word: w}
	}
	return all
}
