package schema

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

//go:embed tables/*.txt
var tables embed.FS

// Options are what differs from tenant to tenant.
type Options struct {
	UDFs    map[string][]string // user-defined fields by entity
	Without []string            // "Entity.field" that an older build lacks
	Zone    bool                // every date ends in Z
	Seed    int64               // shuffles the ids of the webhook field picklists
}

// Load reads the tables. An error means that a table or an option is wrong.
func Load(o Options) (*Schema, error) {
	s := &Schema{Picklists: map[string][]Choice{}, byName: map[string]*Entity{}}
	names, err := fs.Glob(tables, "tables/*.txt")
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	for _, name := range names {
		text, err := tables.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read table: %w", err)
		}
		if err := s.read(string(text), o); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	for entity, udfs := range o.UDFs {
		e, ok := s.Entity(entity)
		if !ok || !e.HasUDF {
			return nil, fmt.Errorf("define user-defined fields: %q takes none", entity)
		}
		e.UDFs = udfs
	}
	for _, e := range s.Entities {
		e.finish(o)
	}
	return s, nil
}

// pending holds what an entity's heading says about fields that come below it.
type pending struct {
	created  string
	modified []string
}

func (s *Schema) read(text string, o Options) error {
	var e *Entity
	var p pending
	for n, line := range strings.Split(text+"\n[]", "\n") {
		line = strings.TrimSpace(line)
		var err error
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			err = s.readPicklist(line[1:])
		case line[0] == '[':
			s.close(e, p)
			e, p, err = readHeading(line)
		case e == nil:
			err = fmt.Errorf("field outside an entity")
		default:
			var f Field
			if f, err = readField(line); err == nil && !slices.Contains(o.Without, e.Name+"."+f.Name) {
				e.Fields = append(e.Fields, f)
			}
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return nil
}

// close ends an entity once all its fields are known.
func (s *Schema) close(e *Entity, p pending) {
	if e == nil {
		return
	}
	e.Fields = append(e.Fields, Field{Name: "userDefinedFields", Type: udfType, ReadOnly: true, NoQuery: true})
	for i, f := range e.Fields {
		e.byName[f.Name], e.byName[strings.ToLower(f.Name)] = i, i
	}
	e.Created, _ = e.Pos(p.created)
	for _, name := range p.modified {
		if pos, ok := e.Pos(name); ok {
			e.Modified = append(e.Modified, pos)
		}
	}
	s.Entities = append(s.Entities, e)
	s.byName[strings.ToLower(e.Name)] = e
}

// readPicklist reads `name 1 Label | 2 Other label`.
func (s *Schema) readPicklist(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	for _, part := range strings.Split(rest, "|") {
		number, label, _ := strings.Cut(strings.TrimSpace(part), " ")
		value, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return fmt.Errorf("read picklist %s: %w", name, err)
		}
		s.Picklists[name] = append(s.Picklists[name], Choice{value, label})
	}
	return nil
}

// readHeading reads `[Name] one=… wire=… can=…`; `[]` ends a table.
func readHeading(line string) (*Entity, pending, error) {
	words := strings.Fields(line)
	e := &Entity{Name: strings.Trim(words[0], "[]"), FirstID: 29683500, byName: map[string]int{}}
	e.Fields = []Field{{Name: "id", Type: Long, ReadOnly: true}}
	var p pending
	if e.Name == "" {
		return nil, p, nil
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "one":
			e.One = value
		case "wire":
			e.Wire = value
		case "watches":
			e.Watches = value
		case "can":
			can := strings.Split(value, ",")
			e.create, e.update = slices.Contains(can, "create"), slices.Contains(can, "update")
			e.remove = slices.Contains(can, "delete")
		case "parent":
			part := strings.Split(value, ":")
			e.Parent = &Parent{Entity: part[0], Field: part[1], Path: part[2]}
		case "udf":
			e.HasUDF = true
		case "created":
			p.created = value
		case "modified":
			p.modified = strings.Split(value, ",")
		case "dates":
			e.Zone = value == "zone"
		case "from":
			id, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, p, fmt.Errorf("read from: %w", err)
			}
			e.FirstID = id
		default:
			return nil, p, fmt.Errorf("unknown word %q", word)
		}
	}
	return e, p, nil
}

// readField reads `name type [length] flags…`.
func readField(line string) (Field, error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return Field{}, fmt.Errorf("field without a type: %q", line)
	}
	f := Field{Name: words[0], Type: words[1]}
	flags := map[string]*bool{
		"required": &f.Required, "readonly": &f.ReadOnly, "createonly": &f.CreateOnly, "hook": &f.Hook, "blank": &f.Blank,
		"index": &f.Index, "cost": &f.Cost, "noquery": &f.NoQuery, "noreturn": &f.NoReturn, "secret": &f.Secret,
	}
	for _, word := range words[2:] {
		key, value, _ := strings.Cut(word, "=")
		length, err := strconv.Atoi(word)
		switch flag := flags[key]; {
		case err == nil:
			f.Length = length
		case flag != nil:
			*flag = true
		case key == "ref":
			f.Ref = value
		case key == "pick":
			f.Picklist = value
		case key == "default":
			if f.Default, err = defaultOf(f.Type, value); err != nil {
				return f, fmt.Errorf("read default of %s: %w", f.Name, err)
			}
		default:
			return f, fmt.Errorf("unknown flag %q", word)
		}
	}
	return f, nil
}

func defaultOf(kind, text string) (any, error) {
	switch kind {
	case Boolean:
		return strconv.ParseBool(text)
	case Decimal:
		return decimal.NewFromString(text)
	case String:
		return text, nil
	default:
		return strconv.ParseInt(text, 10, 64)
	}
}

func (e *Entity) finish(o Options) {
	e.Zone = e.Zone || o.Zone
	e.assignHookIDs(o.Seed)
}
