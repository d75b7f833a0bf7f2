package config

import (
	"errors"
	"flag"
	"slices"
)

// Part is some of the settings, for a command beside serve that works on the same
// store. It reads them from the same places, by the same names and rules.
type Part struct {
	definitions []definition
	given       map[string]string
}

// NewPart is the settings of these names, all of which must exist, and the file that they may stand in.
func NewPart(names ...string) *Part {
	p := &Part{given: map[string]string{}}
	for _, d := range definitions() {
		if d.name == configName || slices.Contains(names, d.name) {
			p.definitions = append(p.definitions, d)
		}
	}
	return p
}

// Flags adds a flag for each, and for the file of each secret.
func (p *Part) Flags(fs *flag.FlagSet) {
	for _, d := range p.definitions {
		keep := func(name string) func(string) error {
			return func(v string) error { p.given[name] = v; return nil }
		}
		if d.boolean {
			fs.BoolFunc(d.name, d.usage+"; env "+envName(d.name), keep(d.name))
			continue
		}
		fs.Func(d.name, d.usage+"; env "+envName(d.name), keep(d.name))
		if d.hasFile() {
			fs.Func(d.name+"-file", "`FILE` with it; env "+envName(d.name)+"_FILE", keep(d.name+"-file"))
		}
	}
}

// Parse reads them. What is not among them is as nobody has ever set it.
func (p *Part) Parse(env LookupEnv) (Config, error) {
	c, err := read(p.definitions, p.given, env)
	if err != nil {
		return Config{}, err
	}
	return c, errors.Join(c.checkNATS()...)
}
