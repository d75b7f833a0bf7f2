// Package schema is what the simulated Autotask knows about its own entities: their fields, types, lengths, picklists,
// references, which of them a webhook can watch, and how values of each type are read and written as JSON.
//
// It holds no data, does no I/O and keeps no state after Load. The store, the query engine, the seed and the HTTP side
// of the simulator call it. Field names and types come from the vendor's entity pages and its public swagger.
package schema

import (
	"slices"
	"strings"
)

// Types of fields, in the vendor's metadata spelling.
const (
	Integer  = "integer"
	Short    = "short"
	Long     = "long"
	Decimal  = "decimal"
	Boolean  = "boolean"
	String   = "string"
	DateTime = "datetime"
	udfType  = "udf"
)

// Record is one row. Values stand at the positions of the entity's fields and are int64, decimal.Decimal, bool, string,
// time.Time (UTC) or nil. Position 0 is the id, the last position holds the user-defined fields (UDF). A record that a
// store has handed out is never changed; an edit makes a new one.
type Record []any

// ID is the record's id.
func (r Record) ID() int64 { id, _ := r[0].(int64); return id }

// Int is the whole number at a position and whether there is one.
func (r Record) Int(pos int) (int64, bool) { v, ok := r[pos].(int64); return v, ok }

// Text is the string at a position, empty when there is none.
func (r Record) Text(pos int) string { v, _ := r[pos].(string); return v }

// Bool is the boolean at a position, false when there is none.
func (r Record) Bool(pos int) bool { v, _ := r[pos].(bool); return v }

// UDF is the record's user-defined fields by name; values are always text at the vendor.
func (r Record) UDF() map[string]string { v, _ := r[len(r)-1].(map[string]string); return v }

// Field describes one field of an entity.
type Field struct {
	Name       string
	Type       string
	Length     int    // in characters, 0 = not text
	Ref        string // the entity a reference points to
	Picklist   string // the name of its picklist
	Default    any    // what a create without it stores
	Required   bool
	ReadOnly   bool // REST writes are ignored
	CreateOnly bool // REST writes are refused after the create
	Hook       bool // a webhook can watch it
	Blank      bool // no text is answered as "" and not as null; the vendor mixes both within one record
	Index      bool // the store keeps an index
	Cost       bool // hidden from security levels that can't read costs
	NoQuery    bool // a filter cannot use it
	NoReturn   bool // documented, but a query never returns it
	Secret     bool // never answered
}

// Parent says that an entity is reached as /{Entity}/{id}/{Path} too.
type Parent struct {
	Entity string
	Field  string // the field of the child that holds the parent's id
	Path   string
}

// Entity describes one entity.
type Entity struct {
	Name     string // REST collection, as in the path
	One      string // singular, as in the vendor's error texts
	Wire     string // EntityType in callouts (SOAP-era), empty = no webhooks
	Watches  string // for a webhook registration: the entity it is for
	Fields   []Field
	Created  int   // position of the creation time, 0 = none
	Modified []int // positions of the modification times that an edit sets
	Parent   *Parent
	FirstID  int64 // where ids start
	Zone     bool  // dates end in Z; otherwise they carry no zone at all
	HasUDF   bool
	UDFs     []string // user-defined fields this tenant has

	create, update, remove bool
	byName                 map[string]int
	hookIDs                map[int]int64 // position → id on the webhook's fieldID picklist
	hookPos                map[int64]int
}

// CanCreate, CanUpdate and CanDelete say what the REST API allows.
func (e *Entity) CanCreate() bool { return e.create }

// CanUpdate reports whether the REST API edits rows.
func (e *Entity) CanUpdate() bool { return e.update }

// CanDelete reports whether the REST API deletes rows.
func (e *Entity) CanDelete() bool { return e.remove }

// Pos is the position of a field by its name in any case.
func (e *Entity) Pos(name string) (int, bool) {
	if pos, ok := e.byName[name]; ok {
		return pos, true
	}
	pos, ok := e.byName[strings.ToLower(name)]
	return pos, ok
}

// Must is Pos for names that the simulator's own code spells out; it panics on a name the entity lacks.
func (e *Entity) Must(name string) int {
	pos, ok := e.Pos(name)
	if !ok {
		panic("simulator: " + e.Name + " has no field " + name)
	}
	return pos
}

// UDF is the spelling of a user-defined field of this tenant by its name in any case.
func (e *Entity) UDF(name string) (string, bool) {
	i := slices.IndexFunc(e.UDFs, func(u string) bool { return strings.EqualFold(u, name) })
	if i < 0 {
		return "", false
	}
	return e.UDFs[i], true
}

// Choice is one picklist entry.
type Choice struct {
	Value int64
	Label string
}

// Schema is every entity and picklist of one simulated tenant. It is read-only after Load.
type Schema struct {
	Entities  []*Entity
	Picklists map[string][]Choice
	byName    map[string]*Entity
}

// Entity finds an entity by its REST name in any case.
func (s *Schema) Entity(name string) (*Entity, bool) {
	e, ok := s.byName[strings.ToLower(name)]
	return e, ok
}

// Must is Entity for names that the simulator's own code spells out; it panics on an unknown one.
func (s *Schema) Must(name string) *Entity {
	e, ok := s.Entity(name)
	if !ok {
		panic("simulator: no entity " + name)
	}
	return e
}

// Child finds the entity reached as /{parent}/{id}/{path}.
func (s *Schema) Child(parent *Entity, path string) (*Entity, bool) {
	for _, e := range s.Entities {
		if e.Parent != nil && e.Parent.Entity == parent.Name && strings.EqualFold(e.Parent.Path, path) {
			return e, true
		}
	}
	return nil, false
}

// Choices are the entries of a field's picklist, nil when it has none.
func (s *Schema) Choices(f Field) []Choice {
	if entity, ok := strings.CutPrefix(f.Picklist, "fieldID:"); ok {
		return s.Must(entity).hookChoices()
	}
	if entity, ok := strings.CutPrefix(f.Picklist, "udfFieldID:"); ok {
		return s.Must(entity).udfChoices()
	}
	return s.Picklists[f.Picklist]
}
