package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
	"channelsync/cmd/channelsync/yamlfile"
)

// maxEntries is how large a file of installations may be.
const maxEntries = 8 << 20

// entry is an installation as a file wants it.
type entry struct {
	line    int
	want    v1.CreateInstallation // with its secrets; Options nil leaves them as they are
	stopped *bool                 // nil leaves it as it is
}

func (e *entry) claim() v1.Claim {
	return v1.Claim{
		Name: e.want.Name, Username: e.want.Username, Secret: e.want.Secret, TrackingIdentifier: e.want.TrackingIdentifier,
		Zone: e.want.Zone, ChannelProgram: e.want.ChannelProgram,
	}
}

// entryReader reads a file of installations and collects all that is wrong with it.
type entryReader struct {
	lookup func(string) (string, bool)
	path   string // as it is named in errors
	dir    string // where the paths in it begin
	known  map[string]v1.Secret
	errs   []mistake
}

// mistake is something that is wrong with a file; the line is 0 where none has it.
type mistake struct {
	line int
	text string
}

// draft is an entry, or the defaults of all, before its secrets are read.
type draft struct {
	entry
	where                   string
	secret, tracking, token secretRef
	options                 *optionFlags // nil: none are given
}

// secretRef says where a secret is: never the secret itself.
type secretRef struct {
	file, env string
	line      int
}

// readEntries reads the installations of a file; - is standard input.
func (s *session) readEntries(path string) ([]*entry, error) {
	r := &entryReader{lookup: s.LookupEnv, path: path, dir: filepath.Dir(path), known: map[string]v1.Secret{}}
	in, name := s.Stdin, "standard input"
	if path == "-" {
		r.path, r.dir = name, "."
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, command.Usage("", "-f: %v", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	body, err := io.ReadAll(io.LimitReader(in, maxEntries+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", r.path, err)
	case len(body) > maxEntries:
		return nil, command.Usage("", "-f: got %s with more than 8 MiB", r.path)
	case !utf8.Valid(body):
		return nil, command.Usage("", "-f: got %s, which is not UTF-8 text", r.path)
	}
	entries := r.read(body)
	if len(r.errs) > 0 {
		slices.SortStableFunc(r.errs, func(a, b mistake) int { return a.line - b.line })
		all := make([]string, len(r.errs))
		for i, e := range r.errs {
			all[i] = e.text
		}
		return nil, command.Usage("nothing was done; channelsync apply --help shows what a file has", "%s", strings.Join(all, "\n"))
	}
	return entries, nil
}

func (r *entryReader) wrong(line int, format string, args ...any) {
	r.errs = append(r.errs, mistake{line, fmt.Sprintf("%s:%d: ", r.path, line) + fmt.Sprintf(format, args...)})
}

func (r *entryReader) read(body []byte) []*entry {
	top, err := yamlfile.Parse(r.path, body)
	if err != nil {
		r.errs = append(r.errs, mistake{0, err.Error()})
		return nil
	}
	defaults := draft{where: "defaults"}
	var items []yamlfile.Value
	given := false
	for _, f := range top { // in whatever order they stand
		switch f.Name {
		case "defaults":
			r.fields(f.Value, f.Line, defaults.where, r.shared(&defaults))
		case "installations":
			given = true
			if items, err = f.Value.Items(); err != nil {
				r.wrong(f.Line, "installations: %v", err)
			}
		default:
			r.wrong(f.Line, "%s: there is no such field, want defaults or installations", text(f.Name))
		}
	}
	if !given {
		r.errs = append(r.errs, mistake{0, r.path + ": installations: got nothing, want a list of them"})
	}
	entries := make([]*entry, 0, len(items))
	for i, item := range items {
		d := draft{entry: entry{line: item.Line()}, where: fmt.Sprintf("installation %d", i+1)}
		if name := nameOf(item); name != "" {
			d.where = `installation "` + text(name) + `"`
		}
		before := len(r.errs)
		r.fields(item, d.line, d.where, r.own(&d))
		if len(r.errs) == before {
			r.complete(&d, &defaults)
		}
		entries = append(entries, &d.entry)
	}
	if len(r.errs) == 0 {
		r.unique(entries)
	}
	return entries
}

// nameOf is the name that an installation gives itself, so that what is wrong with it can be found.
func nameOf(item yamlfile.Value) string {
	fields, _ := item.Fields()
	for _, f := range fields {
		if name, err := f.Value.Text(); f.Name == "name" && err == nil {
			return v1.Trim(name)
		}
	}
	return ""
}

// fieldReaders read the fields that may stand in a mapping, by their names.
type fieldReaders map[string]func(yamlfile.Field) error

func (r *entryReader) fields(of yamlfile.Value, line int, where string, known fieldReaders) {
	fields, err := of.Fields()
	if err != nil {
		r.wrong(line, "%s: %v", where, err)
		return
	}
	for _, f := range fields {
		read := known[f.Name]
		if read == nil {
			r.wrong(f.Line, "%s: %s: there is no such field%s", where, text(f.Name), nearField(f.Name, known))
			continue
		}
		if err := read(f); err != nil {
			r.wrong(f.Line, "%s: %s: %v", where, f.Name, err)
		}
	}
}

func nearField(name string, known fieldReaders) string {
	var names []string
	for n := range known {
		if known[n+"File"] == nil { // a secret itself is never wanted
			names = append(names, n)
		}
	}
	slices.Sort(names)
	if near := command.Nearest(name, names); near != "" {
		return ", perhaps " + near
	}
	return ", want one of " + strings.Join(names, ", ")
}

// shared are the fields that defaults may have too.
func (r *entryReader) shared(d *draft) fieldReaders {
	known := fieldReaders{
		"zone": textInto(&d.want.Zone, 300),
		"syncs": func(f yamlfile.Field) error {
			list, err := f.Value.Text()
			if err != nil {
				return err
			}
			if d.want.Syncs, err = chosenSyncs(strings.Split(list, ",")); err != nil {
				return fmt.Errorf("%w, want %s", err, strings.Join(syncNames(), " and "))
			}
			return nil
		},
		"stopped": func(f yamlfile.Field) error {
			word, err := f.Value.Text()
			if err == nil && word != "true" && word != "false" {
				err = fmt.Errorf("got %q, want true or false", text(word))
			}
			stopped := word == "true"
			d.stopped = &stopped
			return err
		},
		"options": func(f yamlfile.Field) error {
			d.options = &optionFlags{}
			r.fields(f.Value, f.Line, d.where+": options", optionReaders(d.options))
			return nil
		},
	}
	refInto(known, "trackingIdentifier", &d.tracking)
	return known
}

// own are the fields of an installation.
func (r *entryReader) own(d *draft) fieldReaders {
	known := r.shared(d)
	known["name"] = textInto(&d.want.Name, 100)
	known["username"] = textInto(&d.want.Username, 200)
	refInto(known, "secret", &d.secret)
	known["channelProgram"] = func(f yamlfile.Field) error {
		target := fieldReaders{"connectionId": textInto(&d.want.ChannelProgram.ConnectionID, 64)}
		refInto(target, "token", &d.token)
		r.fields(f.Value, f.Line, d.where+": channelProgram", target)
		return nil
	}
	return known
}

func textInto(to *string, longest int) func(yamlfile.Field) error {
	return func(f yamlfile.Field) error {
		v, err := f.Value.Text()
		v = v1.Trim(v)
		switch {
		case err != nil:
			return err
		case utf8.RuneCountInString(v) > longest:
			return fmt.Errorf("got %d characters, want at most %d", utf8.RuneCountInString(v), longest)
		case strings.IndexFunc(v, unicode.IsControl) >= 0:
			return errors.New("got a line break or another control character, want text without")
		}
		*to = v
		return nil
	}
}

// refInto reads where a secret is. The secret itself is refused: a file that describes a
// fleet is kept, copied and reviewed.
func refInto(known fieldReaders, name string, to *secretRef) {
	known[name+"File"] = func(f yamlfile.Field) error {
		to.line = f.Line
		return textInto(&to.file, 4096)(f)
	}
	known[name+"Env"] = func(f yamlfile.Field) error {
		to.line = f.Line
		return textInto(&to.env, 200)(f)
	}
	known[name] = func(yamlfile.Field) error {
		return fmt.Errorf("got the secret itself, want %sFile or %sEnv, which say where it is", name, name)
	}
}

// optionReaders take the options as their flags do, under the names of the API.
func optionReaders(to *optionFlags) fieldReaders {
	flags := flag.NewFlagSet("options", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	to.flags(flags)
	known := fieldReaders{}
	flags.VisitAll(func(fl *flag.Flag) {
		known[camel(fl.Name)] = func(f yamlfile.Field) error {
			v, err := f.Value.List()
			if err != nil {
				return err
			}
			if err := fl.Value.Set(v1.Trim(v)); err != nil {
				return fmt.Errorf("got %q, %w", text(v), err)
			}
			return nil
		}
	})
	return known
}

// camel is "overallCost" of "overall-cost".
func camel(name string) string {
	words := strings.Split(name, "-")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// complete takes from the defaults what an installation does not say, and reads its secrets.
func (r *entryReader) complete(d, defaults *draft) {
	if d.want.Zone == "" {
		d.want.Zone = defaults.want.Zone
	}
	if d.want.Syncs == nil {
		d.want.Syncs = defaults.want.Syncs
	}
	if d.want.Syncs == nil {
		d.want.Syncs = v1.Syncs
	}
	if d.stopped == nil {
		d.stopped = defaults.stopped
	}
	for _, given := range []*optionFlags{defaults.options, d.options} {
		if given != nil {
			if d.want.Options == nil {
				d.want.Options = &v1.Options{}
			}
			given.apply(d.want.Options)
			d.want.Names = given.named(d.want.Names)
		}
	}
	if d.tracking == (secretRef{}) {
		d.tracking = defaults.tracking
	}
	target := d.where + ": channelProgram"
	for _, of := range []struct{ where, name, value string }{
		{d.where, "name", d.want.Name}, {d.where, "username", d.want.Username}, {target, "connectionId", d.want.ChannelProgram.ConnectionID},
	} {
		if of.value == "" {
			r.wrong(d.line, "%s: %s: got nothing, want a value", of.where, of.name)
		}
	}
	d.want.Secret = r.secret(d.line, d.where, "secret", d.secret)
	d.want.TrackingIdentifier = r.secret(d.line, d.where, "trackingIdentifier", d.tracking)
	d.want.ChannelProgram.Token = r.secret(d.line, target, "token", d.token)
}

func (r *entryReader) secret(line int, where, name string, ref secretRef) v1.Secret {
	if ref.line > 0 {
		line = ref.line
	}
	switch {
	case ref.file == "" && ref.env == "":
		r.wrong(line, "%s: %s: got nothing, want %sFile or %sEnv", where, name, name, name)
	case ref.file != "" && ref.env != "":
		r.wrong(line, "%s: %s: got both %sFile and %sEnv, want one of them", where, name, name, name)
	case ref.env != "":
		v, _ := r.lookup(ref.env)
		if v = v1.Trim(v); v == "" {
			r.wrong(line, "%s: %sEnv: got nothing in the variable that it names, want the secret in it", where, name)
		}
		return v1.Secret(v)
	default:
		path := ref.file
		if !filepath.IsAbs(path) {
			path = filepath.Join(r.dir, path)
		}
		if v, read := r.known[path]; read { // many share one, and it is read once
			return v
		}
		v, err := config.ReadSecretFile(path)
		if errors.Is(err, fs.ErrNotExist) { // it may be the secret itself that stands here, so it is not repeated
			r.wrong(line, "%s: %sFile: got a path without a file, want that of a file with the secret", where, name)
			return ""
		}
		if err != nil {
			r.wrong(line, "%s: %sFile: %s", where, name, text(err.Error()))
			return ""
		}
		r.known[path] = v1.Secret(v)
		return v1.Secret(v)
	}
	return ""
}

// unique refuses what two installations of a file may not share.
func (r *entryReader) unique(entries []*entry) {
	for _, what := range []struct {
		name string
		key  func(v1.CreateInstallation) string
	}{
		{"name", func(in v1.CreateInstallation) string { return v1.Fold(in.Name) }},
		{"username and tracking identifier", func(in v1.CreateInstallation) string {
			return v1.Fold(in.Username) + "\x00" + v1.Fold(in.TrackingIdentifier.Reveal())
		}},
		{"connectionId", func(in v1.CreateInstallation) string { return v1.Fold(in.ChannelProgram.ConnectionID) }},
	} {
		first := map[string]*entry{}
		for _, e := range entries {
			key := what.key(e.want)
			if other := first[key]; other != nil {
				r.wrong(e.line, "installation %q: %s: got that of installation %q in line %d, want one of its own",
					text(e.want.Name), what.name, text(other.want.Name), other.line)
				continue
			}
			first[key] = e
		}
	}
}
