package cli

import (
	"errors"
	"flag"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
)

// optionFlags collect what the command line says of an installation's options.
type optionFlags struct{ said []func(*v1.Options) }

func (o *optionFlags) given() bool { return len(o.said) > 0 }

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
	for name, words := range more {
		all[name] = words
	}
	return all
}

func (o *optionFlags) flags(fs *flag.FlagSet) {
	o.word(fs, "out-of-scope", "`WORD`: what becomes of a client that leaves the conditions",
		func(p *v1.Options) *string { return &p.OutOfScope })
	o.word(fs, "overall-cost", "`WORD`: how a contract's overall cost is found",
		func(p *v1.Options) *string { return &p.OverallCost })
	o.word(fs, "contract-status", "`WORD`: which contracts count, by their status flag, not by dates or billing",
		func(p *v1.Options) *string { return &p.ContractStatus })
	o.word(fs, "emails", "`WORD`: whose addresses a client gets", func(p *v1.Options) *string { return &p.Emails })
	o.word(fs, "drift", "`WORD`: what becomes of edits in Channel Program: put right, or left alone and reported",
		func(p *v1.Options) *string { return &p.Drift })
	o.ids(fs, "contract-types", "only contracts of these types",
		func(p *v1.Options) *[]int64 { return &p.ContractTypes })
	o.ids(fs, "contract-categories", "only contracts of these categories",
		func(p *v1.Options) *[]int64 { return &p.ContractCategories })
	o.ids(fs, "company-classifications", "only companies of these classifications",
		func(p *v1.Options) *[]int64 { return &p.CompanyClassifications })
	o.ids(fs, "include", "only these companies sync, as far as they meet the conditions",
		func(p *v1.Options) *[]int64 { return (*[]int64)(&p.Include) })
	o.ids(fs, "exclude", "companies never to sync", func(p *v1.Options) *[]int64 { return (*[]int64)(&p.Exclude) })
	fs.Func("time-zone", "IANA `NAME` of the zone whose today counts, such as America/New_York (default UTC)", func(v string) error {
		v = v1.Trim(v)
		if _, err := time.LoadLocation(v); err != nil || strings.EqualFold(v, "local") {
			return errors.New(v1.WantTimeZone(v))
		}
		o.said = append(o.said, func(p *v1.Options) { p.TimeZone = v })
		return nil
	})
	fs.Func("currency", "ISO `CODE`, used when the tenant's own cannot be read", func(v string) error {
		o.said = append(o.said, func(p *v1.Options) { p.Currency = strings.ToUpper(v) })
		return nil
	})
	fs.Func("mass-change-percent", "`N`: the percentage of records from which on a change waits for approval (default 50)",
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

func (o *optionFlags) ids(fs *flag.FlagSet, name, usage string, field func(*v1.Options) *[]int64) {
	fs.Func(name, "`IDS` with commas: "+usage+"; empty is all", func(v string) error {
		ids, err := parseIDs(v)
		if err != nil {
			return err
		}
		o.said = append(o.said, func(p *v1.Options) { *field(p) = ids })
		return nil
	})
}

// parseIDs reads decimal ids with commas between them.
func parseIDs(list string) ([]int64, error) {
	ids := []int64{}
	for part := range strings.SplitSeq(list, ",") {
		if part = v1.Trim(part); part == "" {
			continue
		}
		id, err := strconv.ParseInt(part, 10, 64)
		if err != nil || id < 0 {
			return nil, errors.New("want decimal ids with commas, such as 7,12")
		}
		ids = append(ids, id)
	}
	return ids, nil
}
