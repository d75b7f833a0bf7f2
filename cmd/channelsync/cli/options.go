package cli

import (
	"encoding/csv"
	"errors"
	"flag"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// optionFlags collect what the command line says of an installation's options.
type optionFlags struct {
	said  []func(*v1.Options)
	names []func(*v1.OptionNames) // of what the service finds the ids
}

func (o *optionFlags) given() bool { return len(o.said) > 0 }

// named are the names that were said instead of ids, each list in the place of one said before; nil when there are none.
func (o *optionFlags) named(before *v1.OptionNames) *v1.OptionNames {
	var names v1.OptionNames
	if before != nil {
		names = *before
	}
	for _, set := range o.names {
		set(&names)
	}
	if names.Empty() {
		return nil
	}
	return &names
}

// apply sets what was said and leaves the rest.
func (o *optionFlags) apply(to *v1.Options) {
	for _, set := range o.said {
		set(to)
	}
}

// optionWords are the options that take one of a few words, the default first.
func optionWords() map[string][]string {
	return map[string][]string{
		"out-of-scope":    {"leave", "archive"},
		"overall-cost":    {"auto", "monthly", "annual", "price"},
		"contract-status": {"any", "active"},
		"emails":          {"contacts", "primary", "none"},
		"drift":           {"repair", "report"},
	}
}

// optionValues adds the completions of options to others.
func optionValues(more map[string][]string) map[string][]string {
	all := optionWords()
	all["time-zone"] = v1.TimeZones()
	maps.Copy(all, more)
	return all
}

func (o *optionFlags) flags(fs *flag.FlagSet) {
	o.word(fs, "out-of-scope", "`WORD`: what happens to a client that no longer meets the conditions",
		func(p *v1.Options) *string { return &p.OutOfScope })
	o.word(fs, "overall-cost", "`WORD`: how a contract's overall cost is computed",
		func(p *v1.Options) *string { return &p.OverallCost })
	o.word(fs, "contract-status", "`WORD`: which contracts sync, by their status alone, not by dates or billing",
		func(p *v1.Options) *string { return &p.ContractStatus })
	o.word(fs, "emails", "`WORD`: whose e-mail addresses are sent", func(p *v1.Options) *string { return &p.Emails })
	o.word(fs, "drift", "`WORD`: what happens to edits in Channel Program: overwritten, or left alone and reported",
		func(p *v1.Options) *string { return &p.Drift })
	o.namedOrIDs(fs, "contract-types", "only contracts of these types, such as \"Recurring Service\"; empty means all",
		func(p *v1.Options) *[]int64 { return &p.ContractTypes }, func(n *v1.OptionNames) *[]string { return &n.ContractTypes })
	o.namedOrIDs(fs, "contract-categories", "only contracts of these categories; empty means all",
		func(p *v1.Options) *[]int64 { return &p.ContractCategories }, func(n *v1.OptionNames) *[]string { return &n.ContractCategories })
	o.namedOrIDs(fs, "company-classifications", "only companies of these classifications; empty means all",
		func(p *v1.Options) *[]int64 { return &p.CompanyClassifications }, func(n *v1.OptionNames) *[]string { return &n.CompanyClassifications })
	o.namedOrIDs(fs, "include", "only these companies sync, if they meet the conditions; empty means all",
		func(p *v1.Options) *[]int64 { return (*[]int64)(&p.Include) }, func(n *v1.OptionNames) *[]string { return &n.Include })
	o.namedOrIDs(fs, "exclude", "companies never to sync; empty means none",
		func(p *v1.Options) *[]int64 { return (*[]int64)(&p.Exclude) }, func(n *v1.OptionNames) *[]string { return &n.Exclude })
	fs.Func("time-zone", "IANA `NAME` of the time zone that decides which day is today, such as America/New_York (default UTC)", func(v string) error {
		v = v1.Trim(v)
		if _, err := time.LoadLocation(v); err != nil || strings.EqualFold(v, "local") {
			return errors.New(v1.WantTimeZone(v))
		}
		o.said = append(o.said, func(p *v1.Options) { p.TimeZone = v })
		return nil
	})
	fs.Func("currency", "ISO `CODE`, used if the tenant's own currency cannot be read", func(v string) error {
		o.said = append(o.said, func(p *v1.Options) { p.Currency = strings.ToUpper(v) })
		return nil
	})
	fs.Func("mass-change-percent", "`N`: a change that removes more than this percentage of records waits for approval (default 50)",
		func(v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n > 100 {
				return errors.New("want a number from 1 to 100")
			}
			o.said = append(o.said, func(p *v1.Options) { p.MassChangePercent = n })
			return nil
		})
}

func (o *optionFlags) word(fs *flag.FlagSet, name, usage string, field func(*v1.Options) *string) {
	allowed := optionWords()[name]
	list := strings.Join(allowed, ", ")
	fs.Func(name, usage+": "+list+" (default "+allowed[0]+")", func(v string) error {
		if !slices.Contains(allowed, v) {
			return errors.New("want one of " + list)
		}
		o.said = append(o.said, func(p *v1.Options) { *field(p) = v })
		return nil
	})
}

func (o *optionFlags) namedOrIDs(fs *flag.FlagSet, name, usage string, field func(*v1.Options) *[]int64, names func(*v1.OptionNames) *[]string) {
	fs.Func(name, "comma-separated `NAMES` or ids: "+usage+". Quote a name that contains a comma", func(v string) error {
		items, err := listed(v)
		if err != nil {
			return err
		}
		ids, named := v1.IDsAndNames(items)
		o.said = append(o.said, func(p *v1.Options) { *field(p) = ids })
		o.names = append(o.names, func(n *v1.OptionNames) { *names(n) = named })
		return nil
	})
}

// listed reads a list with commas between its items, which may be quoted.
func listed(list string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(list))
	r.LazyQuotes, r.TrimLeadingSpace = true, true
	items, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, errors.New("want names or ids with commas, such as \"Recurring Service\",7")
	}
	return items, nil
}
