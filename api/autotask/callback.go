package autotask

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	v1 "channelsync/api/v1"
)

// The actions of a callback, in the vendor's spelling.
const (
	ActionCreate      = "Create"
	ActionUpdate      = "Update"
	ActionDelete      = "Delete"
	ActionDeactivated = "Deactivated"
)

// Callback is what Autotask posts when a record changes. Only Action, EntityType
// and ID may be relied on; the values in Fields are never synced, the record is
// fetched again instead.
type Callback struct {
	// Action is a known one in the vendor's spelling, however it came; others are cut to 100 characters.
	Action string `validate:"required"`
	// GUID is the webhook registration's; "" when the body has none.
	GUID string `validate:"max=100"`
	// EntityType is the vendor's word, cut to 100 characters; see KindOfEntity.
	EntityType string `validate:"required_unless=Action Deactivated"`
	// ID is the record's; 0 is the MSP's own company.
	ID int64 `validate:"min=0"`
	// Fields are values by field name; nil where the body has none.
	Fields map[string]any `validate:"-"`
	// EventTime is UTC, of the years 0 to 9999; zero where absent or unreadable.
	EventTime time.Time `validate:"-"`
	// SequenceNumber counts per webhook; nil where absent or unreadable.
	SequenceNumber *int64 `validate:"-"`
	// PersonID is the resource whose action it was; 0 where absent.
	PersonID int64 `validate:"-"`
}

// Bounds of what a callback tells beside its record: all of it is stored, and none of
// it is relied on.
const (
	maxWord       = 100 // characters of an action, an entity or a field's name
	maxFieldNames = 100 // a change names fields to inform, not to be complete
)

// FieldNames are the names of the fields the callback carries, sorted: at most 100, and
// none longer than 100 characters.
func (c Callback) FieldNames() []string {
	names := make([]string, 0, min(len(c.Fields), maxFieldNames))
	for name := range c.Fields {
		if len(name) <= maxWord || utf8.RuneCountInString(name) <= maxWord {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names[:min(len(names), maxFieldNames)]
}

// CallbackError says what is wrong with the body of a callback. Field is "" when
// the body as a whole is not the envelope.
type CallbackError struct {
	Field string // the vendor's key: Id, Action, EntityType, Guid
	Got   string
	Want  string
}

// Error names the field, what came and what was wanted.
func (e *CallbackError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("read callback: got %s, want %s", e.Got, e.Want)
	}
	return fmt.Sprintf("read callback: %s: got %s, want %s", e.Field, e.Got, e.Want)
}

// validate caches what it learns about struct tags and is otherwise constant.
var validate = validator.New()

// DecodeCallback reads the body of a callback, as leniently as live captures
// differ: keys in any case (PersonId and PersonID), Fields missing, null or an
// array, times with and without fraction or zone, a sequence number as text. It
// insists on one JSON object with an Action, an EntityType and a whole number, which
// may stand as decimal text, as Id; a Deactivated needs the Action alone. Every error
// is a *CallbackError.
func DecodeCallback(body []byte) (Callback, error) { return OpenEnvelope(body).Decode() }

// Decode is DecodeCallback.
func (e Envelope) Decode() (Callback, error) {
	if e.err != nil {
		return Callback{}, e.err
	}
	keys := e.keys
	var err error
	c := Callback{
		Action:         canonicalAction(word(keys.get("Action"))),
		GUID:           textOf(keys.get("Guid")),
		EntityType:     word(keys.get("EntityType")),
		Fields:         callbackFields(keys.get("Fields")),
		SequenceNumber: lenientInt(keys.get("SequenceNumber")),
	}
	if at, err := ParseTime(textOf(keys.get("EventTime"))); err == nil {
		c.EventTime = at
	}
	if person := lenientInt(keys.get("PersonId")); person != nil {
		c.PersonID = *person
	}
	if raw := keys.get("Id"); raw != nil || c.Action != ActionDeactivated {
		if c.ID, err = callbackID(raw); err != nil {
			return Callback{}, err
		}
	}
	if err := validate.Struct(c); err != nil {
		return Callback{}, invalidCallback(err)
	}
	return c, nil
}

// KindOfEntity maps the EntityType of a callback to our kind: the vendor sends
// its old singular names (Account), bridges the REST ones. False for entities
// that no sync uses.
func KindOfEntity(entityType string) (v1.Kind, bool) {
	switch strings.ToLower(strings.TrimSpace(entityType)) {
	case "account", "company", "companies":
		return v1.KindCompany, true
	case "contact", "contacts":
		return v1.KindContact, true
	case "contract", "contracts":
		return v1.KindContract, true
	}
	return "", false
}

func envelope(body []byte) (object, error) {
	dec := json.NewDecoder(bytes.NewReader(body))
	var keys object
	if err := dec.Decode(&keys); err != nil {
		return nil, &CallbackError{Got: notAnObject(err), Want: "one JSON object"}
	}
	if keys == nil {
		return nil, &CallbackError{Got: "null", Want: "one JSON object"}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, &CallbackError{Got: "more after the JSON object", Want: "one JSON object"}
	}
	return keys, nil
}

// notAnObject describes why the body did not decode, without quoting it.
func notAnObject(err error) string {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return "JSON " + wrong.Value
	case errors.Is(err, io.EOF):
		return "nothing"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "JSON that is cut off"
	}
	return "text that is not JSON"
}

func callbackID(raw json.RawMessage) (int64, error) {
	const want = "a whole number"
	switch kind := jsonKind(raw); kind {
	case "number":
		if n, ok := wholeNumber(string(raw)); ok {
			return n, nil
		}
		return 0, &CallbackError{Field: "Id", Got: shorten(string(raw), 40), Want: want}
	case "text":
		text := textOf(raw)
		if strings.Trim(text, "0123456789") == "" {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n, nil
			}
		}
		return 0, &CallbackError{Field: "Id", Got: "text " + strconv.Quote(shorten(text, 40)), Want: want}
	default:
		return 0, &CallbackError{Field: "Id", Got: kind, Want: want}
	}
}

// callbackFields takes the object that Autotask sends, and tolerates the array
// of name and value that several integrations first assumed.
func callbackFields(raw json.RawMessage) map[string]any {
	numbers := func() *json.Decoder {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		return dec
	}
	switch jsonKind(raw) {
	case "object":
		var fields map[string]any
		if numbers().Decode(&fields) == nil {
			return fields
		}
	case "list":
		var pairs []any
		if numbers().Decode(&pairs) != nil {
			return nil
		}
		fields := map[string]any{}
		for _, pair := range pairs {
			if p, ok := pair.(map[string]any); ok {
				if name, value := nameAndValue(p); name != "" {
					fields[name] = value
				}
			}
		}
		return fields
	}
	return nil
}

func nameAndValue(pair map[string]any) (name string, value any) {
	for key, v := range pair {
		switch {
		case strings.EqualFold(key, "name"):
			name, _ = v.(string)
		case strings.EqualFold(key, "value"):
			value = v
		}
	}
	return name, value
}

// word is a text that is compared with known ones. A longer one is none of them: its
// beginning is enough to show it.
func word(raw json.RawMessage) string {
	text := textOf(raw)
	if len(text) <= maxWord {
		return text
	}
	if runes := []rune(text); len(runes) > maxWord {
		return string(runes[:maxWord]) + "…"
	}
	return text
}

func canonicalAction(action string) string {
	for _, known := range []string{ActionCreate, ActionUpdate, ActionDelete, ActionDeactivated} {
		if strings.EqualFold(action, known) {
			return known
		}
	}
	return action
}

// invalidCallback turns the validator's first complaint into ours.
func invalidCallback(err error) error {
	var fields validator.ValidationErrors
	if !errors.As(err, &fields) || len(fields) == 0 {
		return fmt.Errorf("read callback: %w", err)
	}
	f := fields[0]
	e := &CallbackError{Field: f.Field(), Got: "nothing", Want: "text"}
	switch f.Field() {
	case "ID":
		e.Field, e.Got, e.Want = "Id", fmt.Sprint(f.Value()), "a whole number from 0 up"
	case "GUID":
		e.Field = "Guid"
	}
	if f.Tag() == "max" {
		e.Got, e.Want = "longer text", "at most "+f.Param()+" characters"
	}
	return e
}
