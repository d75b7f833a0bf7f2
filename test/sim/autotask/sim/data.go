package sim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/schema"
	"channelsync/test/sim/autotask/store"
)

// Put stores a row as a person at the vendor's screen would, firing webhooks: without an id, or with one that is free,
// it creates; with the id of a row it edits that row's given fields. It returns the id. Unlike REST it checks no
// business rule, so that broken records can be made; it panics on an entity, field or type that does not exist.
func (s *Sim) Put(entity string, fields Row) int64 {
	id, err := s.put(entity, fields)
	if err != nil {
		panic("simulator: " + err.Error())
	}
	return id
}

func (s *Sim) put(entity string, fields Row) (int64, error) {
	e, values, err := s.coerce(entity, fields)
	if err != nil {
		return 0, err
	}
	if id, ok := values[0].(int64); ok {
		if _, exists := s.store.Get(e, id); exists {
			return id, s.update(e, id, values)
		}
	}
	return s.insert(e, values)
}

// Edit changes fields of a row and fires webhooks. An edit that changes nothing sets no modification time and fires nothing.
func (s *Sim) Edit(entity string, id int64, fields Row) error {
	e, values, err := s.coerce(entity, fields)
	if err != nil {
		return err
	}
	return s.update(e, id, values)
}

// Remove deletes a row, as the vendor's screen can even where REST cannot, and fires webhooks. A missing row is fine.
func (s *Sim) Remove(entity string, id int64) {
	if e, ok := s.schema.Entity(entity); ok {
		s.remove(e, id)
	}
}

// Get is one row.
func (s *Sim) Get(entity string, id int64) (Row, bool) {
	e, ok := s.schema.Entity(entity)
	if !ok {
		return nil, false
	}
	record, ok := s.store.Get(e, id)
	if !ok {
		return nil, false
	}
	return toRow(e, record), true
}

// All is every row of an entity, ascending by id.
func (s *Sim) All(entity string) []Row {
	e, ok := s.schema.Entity(entity)
	if !ok {
		return nil
	}
	records := s.store.Rows(e)
	rows := make([]Row, 0, len(records))
	for _, record := range records {
		rows = append(rows, toRow(e, record))
	}
	return rows
}

func toRow(e *schema.Entity, record schema.Record) Row {
	row := make(Row, len(e.Fields))
	for pos, f := range e.Fields {
		row[f.Name] = record[pos]
	}
	row["userDefinedFields"] = maps.Clone(record.UDF())
	return row
}

func (s *Sim) coerce(entity string, fields Row) (*schema.Entity, map[int]any, error) {
	e, ok := s.schema.Entity(entity)
	if !ok {
		return nil, nil, fmt.Errorf("no entity %q", entity)
	}
	values := make(map[int]any, len(fields))
	for name, v := range fields {
		pos, ok := e.Pos(name)
		if !ok {
			return nil, nil, fmt.Errorf("%s has no field %q", e.Name, name)
		}
		value, err := e.Fields[pos].Coerce(v)
		if err != nil {
			return nil, nil, err
		}
		values[pos] = value
	}
	return e, values, nil
}

// insert, update and remove are the only ways a row changes; each draws the consequences the vendor draws.

func (s *Sim) insert(e *schema.Entity, values map[int]any) (int64, error) {
	defer s.editing()()
	if e.Watches != "" {
		if owner := e.Must("ownerResourceID"); values[owner] == nil {
			values[owner] = int64(apiUserID)
		}
		values[e.Must("webhookGUID")] = newGUID()
	}
	id, err := s.store.Insert(e, values)
	if err != nil {
		return 0, err
	}
	if e.Watches != "" {
		owner, _ := values[e.Must("ownerResourceID")].(int64)
		s.users.setOwner(callout.Hook{Collection: e.Name, ID: id}, owner)
	}
	return id, s.consequences(e, id)
}

func (s *Sim) update(e *schema.Entity, id int64, values map[int]any) error {
	defer s.editing()()
	changed, err := s.store.Update(e, id, values)
	if err != nil || !changed {
		return err
	}
	return s.consequences(e, id)
}

func (s *Sim) remove(e *schema.Entity, id int64) bool {
	defer s.editing()()
	old, existed := s.store.Get(e, id)
	if !existed || !s.store.Delete(e, id) {
		return false
	}
	switch {
	case e.Watches != "":
		for _, fields := range s.hookFields(e) {
			for _, row := range s.store.Find(fields, fields.Must("webhookID"), id) {
				s.store.Delete(fields, row.ID())
			}
		}
	case isHookFields(e):
		webhookID, _ := old.Int(e.Must("webhookID"))
		// The webhook may be gone already; then there is nothing to be ready.
		_ = s.refreshReady(e, webhookID)
	}
	return true
}

// editing begins an edit and returns what ends it.
func (s *Sim) editing() func() {
	s.edits.Lock()
	return func() {
		s.writeLate()
		s.edits.Unlock()
	}
}

func (s *Sim) consequences(e *schema.Entity, id int64) error {
	row, ok := s.store.Get(e, id)
	switch {
	case !ok:
		return nil
	case e.Name == "Contacts" && row.Bool(e.Must("primaryContact")):
		return s.onlyPrimary(e, row)
	case isHookFields(e):
		webhookID, _ := row.Int(e.Must("webhookID"))
		return s.refreshReady(e, webhookID)
	}
	return nil
}

// onlyPrimary: a company has one primary contact, so the others stop being it.
func (s *Sim) onlyPrimary(e *schema.Entity, row schema.Record) error {
	company, primary := e.Must("companyID"), e.Must("primaryContact")
	companyID, _ := row.Int(company)
	for _, other := range s.store.Find(e, company, companyID) {
		if other.ID() != row.ID() && other.Bool(primary) {
			if _, err := s.store.Update(e, other.ID(), map[int]any{primary: false}); err != nil {
				return fmt.Errorf("clear primary contact: %w", err)
			}
		}
	}
	return nil
}

// hasFields says whether a webhook has at least one field, user-defined ones counted.
func (s *Sim) hasFields(hooks *schema.Entity, webhookID int64) bool {
	for _, fields := range s.hookFields(hooks) {
		if len(s.store.Find(fields, fields.Must("webhookID"), webhookID)) > 0 {
			return true
		}
	}
	return false
}

// refreshReady: a webhook is ready once it has at least one field.
func (s *Sim) refreshReady(fields *schema.Entity, webhookID int64) error {
	hooks := s.schema.Must(fields.Parent.Entity)
	ready := s.hasFields(hooks, webhookID)
	if _, err := s.store.Update(hooks, webhookID, map[int]any{hooks.Must("isReady"): ready}); err != nil {
		return fmt.Errorf("refresh readiness: %w", err)
	}
	return nil
}

func isHookFields(e *schema.Entity) bool {
	return e.Parent != nil && slices.Contains([]string{"CompanyWebhooks", "ContactWebhooks"}, e.Parent.Entity)
}

// hookFields are the entities that hold the fields of a webhook entity: the vendor's own, and the user-defined ones.
func (s *Sim) hookFields(hooks *schema.Entity) []*schema.Entity {
	own, _ := s.schema.Child(hooks, "Fields")
	udfs, _ := s.schema.Child(hooks, "UdfFields")
	return []*schema.Entity{own, udfs}
}

// fieldColumn is the column of a webhook's field row that names the field.
func fieldColumn(fields *schema.Entity) int {
	if pos, own := fields.Pos("fieldID"); own {
		return pos
	}
	return fields.Must("udfFieldID")
}

// Merge merges the source company into the destination, as the vendor's merge utility does: contracts and contacts move
// to the destination; the source is deactivated, or deleted with Modes.MergeDeletes.
func (s *Sim) Merge(source, destination int64) error {
	companies := s.schema.Must("Companies")
	for _, id := range []int64{source, destination} {
		if _, ok := s.store.Get(companies, id); !ok || source == destination {
			return fmt.Errorf("merge company %d into %d: %w", source, destination, store.ErrNotFound)
		}
	}
	for _, name := range []string{"Contracts", "Contacts"} {
		e := s.schema.Must(name)
		company := e.Must("companyID")
		for _, row := range s.store.Find(e, company, source) {
			moved := map[int]any{company: destination}
			if name == "Contacts" {
				moved[e.Must("primaryContact")] = false
			}
			if err := s.update(e, row.ID(), moved); err != nil {
				return fmt.Errorf("move %s: %w", name, err)
			}
		}
	}
	if s.Modes().MergeDeletes {
		s.remove(companies, source)
		return nil
	}
	return s.update(companies, source, map[int]any{companies.Must("isActive"): false})
}

// StateJSON is every row of every entity, or of one, in the form a GET by id answers, without modes and faults.
func (s *Sim) StateJSON(only string) ([]byte, error) {
	state := map[string][]json.RawMessage{}
	for _, e := range s.schema.Entities {
		if only != "" && e.Name != only {
			continue
		}
		rows := s.store.Rows(e)
		state[e.Name] = make([]json.RawMessage, 0, len(rows))
		for _, row := range rows {
			state[e.Name] = append(state[e.Name], e.AppendJSON(nil, row, schema.View{}))
		}
	}
	raw, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("write state: %w", err)
	}
	return raw, nil
}

func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
