package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"channelsync/test/sim/autotask/callout"
	"channelsync/test/sim/autotask/schema"
)

// maxWebhooks is how many webhooks of an entity the security level allows.
const maxWebhooks = 10

// write creates, updates (PATCH) or replaces (PUT) a row. The id of an update stands in the body.
func (s *Sim) write(q *request) answer {
	e, parentID := q.entity, int64(0)
	if len(q.rest) > 0 {
		e, _ = s.schema.Child(q.entity, q.rest[1])
		parentID, _ = strconv.ParseInt(q.rest[0], 10, 64)
	}
	modes := s.Modes()
	switch {
	case modes.denies(e.Name):
		return refused(textNoWriteRight, q.op)
	case e.Watches != "" && modes.NoWebhookRight != 0:
		return failed(modes.NoWebhookRight, fmt.Sprintf(textNoWriteRight, q.op))
	}
	body := map[string]json.RawMessage{}
	if len(q.body) == 0 {
		return refused("Value cannot be null. Parameter name: entity")
	}
	if err := json.Unmarshal(q.body, &body); err != nil {
		return refused("Unexpected character encountered while parsing value: %c. Path '', line 1, position 1.", q.body[0])
	}
	given, text := decodeBody(e, body)
	if text != "" {
		return refused("%s", text)
	}
	if parentID != 0 || len(q.rest) > 0 {
		given[e.Must(e.Parent.Field)] = parentID
	}
	if q.op == opCreate {
		return s.createRow(q, e, given)
	}
	return s.updateRow(q, e, given)
}

// decodeBody reads the fields of a body by their names in any case. Unknown keys are ignored, as the vendor does.
func decodeBody(e *schema.Entity, body map[string]json.RawMessage) (values map[int]any, fault string) {
	values = make(map[int]any, len(body))
	for name, raw := range body {
		pos, known := e.Pos(name)
		if !known {
			continue
		}
		v, err := e.Fields[pos].Decode(raw)
		if err != nil {
			return nil, err.Error()
		}
		if t, isTime := v.(time.Time); isTime {
			v = e.Truncate(t)
		}
		values[pos] = v
	}
	return values, ""
}

func (s *Sim) createRow(q *request, e *schema.Entity, given map[int]any) answer {
	values := map[int]any{}
	for pos, v := range given {
		if pos != 0 && (!e.Fields[pos].ReadOnly || pos == len(e.Fields)-1) {
			values[pos] = v
		}
	}
	if owner, has := e.Pos("ownerResourceID"); has && values[owner] == nil && e.Name == "Companies" {
		values[owner] = int64(apiUserID) // the vendor demands it; callers of a simulator have no resource to name
	}
	if text := s.violation(e, values, nil); text != "" {
		return refused("%s", text)
	}
	if e.Watches != "" {
		if most := limit(s.Modes().MaxWebhooks, maxWebhooks); most > 0 && s.store.Len(e) >= most {
			return refused("Data violation: the maximum webhook limit of %d has been reached.", most)
		}
		values[e.Must("ownerResourceID")] = q.user
	}
	id, err := s.insert(e, values)
	if err != nil {
		return refused("Data violation: %s", err)
	}
	return itemID(id)
}

// updateRow changes the given fields; a replace clears the others it may write.
func (s *Sim) updateRow(q *request, e *schema.Entity, given map[int]any) answer {
	id, hasID := given[0].(int64)
	if !hasID {
		return refused("Data violation: id is a required field ; on record number [1].")
	}
	old, found := s.store.Get(e, id)
	if !found {
		return refused("No matching records found.")
	}
	switch {
	case s.keptByOwner(q, e, old):
		return refused(textNoWriteRight, q.op)
	case e.Watches != "" && !s.hasFields(e, id):
		return refused(textNoField)
	}
	values := map[int]any{}
	for pos, f := range e.Fields {
		v, has := given[pos]
		isUDF := pos == len(e.Fields)-1
		switch {
		case pos == 0 || f.ReadOnly && !isUDF:
		case f.CreateOnly:
			if has && v != old[pos] {
				return refused("Data violation: %s cannot be changed ; on record number [1].", f.Name)
			}
		case has:
			values[pos] = v
		case q.op == opReplace && !isUDF:
			values[pos] = f.Default
		}
	}
	if text := s.violation(e, values, old); text != "" {
		return refused("%s", text)
	}
	if err := s.update(e, id, values); err != nil {
		return refused("No matching records found.")
	}
	return itemID(id)
}

// violation is the first rule that the row would break, in the vendor's words. old is nil on a create.
func (s *Sim) violation(e *schema.Entity, values map[int]any, old schema.Record) string {
	for pos, f := range e.Fields {
		v, has := values[pos]
		if !has && old != nil {
			continue
		}
		if v == nil && !has {
			v = f.Default
		}
		// A phone number is demanded but may be "".
		if empty := v == nil || v == "" && f.Name != "phone"; empty && f.Required {
			return fmt.Sprintf("Data violation: %s is a required field ; on record number [1].", f.Name)
		}
		if text, isText := v.(string); isText && f.Length > 0 && utf8.RuneCountInString(text) > f.Length {
			return fmt.Sprintf("%s must be less than or equal to %d characters", f.Name, f.Length)
		}
		number, isNumber := v.(int64)
		if !isNumber {
			continue
		}
		if f.Picklist != "" && !hasChoice(s.schema.Choices(f), number) {
			return fmt.Sprintf("Picklist value [%d] does not exist for %s. ; on record number [1].", number, f.Name)
		}
		if ref, known := s.schema.Entity(f.Ref); known && has {
			if _, exists := s.store.Get(ref, number); !exists {
				return fmt.Sprintf("Data violation: %s [%d] does not exist ; on record number [1].", f.Name, number)
			}
		}
	}
	return s.entityRules(e, values, old)
}

func hasChoice(list []schema.Choice, value int64) bool {
	for _, c := range list {
		if c.Value == value {
			return true
		}
	}
	return false
}

func (s *Sim) entityRules(e *schema.Entity, values map[int]any, old schema.Record) string {
	switch {
	case e.Name == "Contracts":
		at := func(name string) time.Time {
			pos := e.Must(name)
			if t, given := values[pos].(time.Time); given {
				return t
			}
			if old != nil {
				t, _ := old[pos].(time.Time)
				return t
			}
			return time.Time{}
		}
		if !at("startDate").Before(at("endDate")) {
			return "Data violation: startDate must be before endDate ; on record number [1]."
		}
	case isHookFields(e) && old == nil:
		webhookID, _ := values[e.Must("webhookID")].(int64)
		for _, row := range s.store.Find(e, e.Must("webhookID"), webhookID) {
			if column := fieldColumn(e); row[column] == values[column] {
				return "Data violation: " + e.Fields[column].Name + " is on this webhook already ; on record number [1]."
			}
		}
	}
	return ""
}

// keptByOwner says whether a webhook, or a field of one, is another user's and may be touched by that user alone.
func (s *Sim) keptByOwner(q *request, e *schema.Entity, row schema.Record) bool {
	if !s.Modes().OwnersOnly || e.Watches == "" && !isHookFields(e) {
		return false
	}
	hook := callout.Hook{Collection: e.Name, ID: row.ID()}
	if isHookFields(e) {
		hook.Collection = e.Parent.Entity
		hook.ID, _ = row.Int(e.Must("webhookID"))
	}
	return s.users.ownerOf(hook) != q.user
}

// delete removes a row by id, at the top or as a child.
func (s *Sim) delete(q *request) answer {
	e, segment := q.entity, q.rest[0]
	if len(q.rest) == 3 {
		e, _ = s.schema.Child(q.entity, q.rest[1])
		segment = q.rest[2]
	}
	id, _ := strconv.ParseInt(segment, 10, 64)
	modes := s.Modes()
	if e.Watches != "" && modes.NoWebhookRight != 0 {
		return failed(modes.NoWebhookRight, fmt.Sprintf(textNoWriteRight, q.op))
	}
	row, found := s.store.Get(e, id)
	if found && len(q.rest) == 3 {
		parentID, _ := row.Int(e.Must(e.Parent.Field))
		found = strconv.FormatInt(parentID, 10) == strings.TrimLeft(q.rest[0], "0")
	}
	hidden := e.Name == errorLog && !s.users.sees(q.user, id)
	if !found || hidden || modes.denies(e.Name) || s.keptByOwner(q, e, row) || !s.remove(e, id) {
		return failed(http.StatusInternalServerError, textNoMatch)
	}
	return itemID(id)
}
