package callback

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"channelsync/api/autotask/internal/lenient"
	v1 "channelsync/api/v1"
	"channelsync/internal/clip"
)

// The actions of a callback, in the vendor's spelling.
const (
	ActionCreate      = "Create"
	ActionUpdate      = "Update"
	ActionDelete      = "Delete"
	ActionDeactivated = "Deactivated"
)

// Event is what Autotask posts when a record changes. Only Action, EntityType
// and ID may be relied on; the values in Fields are never synced, the record is
// fetched again instead.
type Event struct {
	// Action is a known one in the vendor's spelling, however it came; others are cut to 100 characters.
	Action string
	// GUID is the webhook registration's; "" when the body has none.
	GUID string
	// EntityType is the vendor's word, cut to 100 characters; see KindOfEntity.
	EntityType string
	// ID is the record's; 0 is the MSP's own company.
	ID int64
	// Fields are the names of the fields that it tells, sorted; at most 100, and none longer
	// than 100 characters. Their values are not read.
	Fields []string
	// EventTime is UTC, of the years 0 to 9999; zero where absent or unreadable.
	EventTime time.Time
	// SequenceNumber counts per webhook; nil where absent or unreadable.
	SequenceNumber *int64
}

// Bounds of what a callback tells beside its record: all of it is stored, and none of
// it is relied on.
const (
	maxWord       = 100 // characters of an action, an entity or a field's name
	maxFieldNames = 100 // a change names fields to inform, not to be complete
)

// Error says what is wrong with the body of a callback. Field is "" when
// the body as a whole is not the envelope.
type Error struct {
	Field string // the vendor's key: Id, Action, EntityType, Guid
	Got   string
	Want  string
}

// Error names the field, what came and what was wanted.
func (e *Error) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("read callback: got %s, want %s", e.Got, e.Want)
	}
	return fmt.Sprintf("read callback: %s: got %s, want %s", e.Field, e.Got, e.Want)
}

// Decode reads the body of a callback, as leniently as live captures
// differ: keys in any case, Fields missing, null or an
// array, times with and without fraction or zone, a sequence number as text. It
// insists on one JSON object with an Action, an EntityType and a whole number, which
// may stand as decimal text, as Id; a Deactivated needs the Action alone. Every error
// is an *Error.
func Decode(body []byte) (Event, error) { return OpenEnvelope(body).Decode() }

// Decode is Decode of the body.
func (e Envelope) Decode() (Event, error) {
	if e.err != nil {
		return Event{}, e.err
	}
	keys := e.keys
	var err error
	c := Event{
		Action:         canonicalAction(word(keys.Action)),
		GUID:           e.GUID(),
		EntityType:     word(keys.EntityType),
		Fields:         fieldNames(keys.Fields),
		SequenceNumber: lenient.Int(keys.SequenceNumber),
	}
	if at, err := lenient.Time(lenient.Text(keys.EventTime)); err == nil {
		c.EventTime = at
	}
	if keys.ID != nil || c.Action != ActionDeactivated {
		if c.ID, err = recordID(keys.ID); err != nil {
			return Event{}, err
		}
	}
	return c, c.complete()
}

// complete names what a callback lacks, or has too much of.
func (c Event) complete() error {
	switch {
	case c.Action == "":
		return &Error{Field: "Action", Got: "nothing", Want: "text"}
	case utf8.RuneCountInString(c.GUID) > maxWord:
		return &Error{Field: "Guid", Got: "longer text", Want: fmt.Sprintf("at most %d characters", maxWord)}
	case c.EntityType == "" && c.Action != ActionDeactivated:
		return &Error{Field: "EntityType", Got: "nothing", Want: "text"}
	case c.ID < 0:
		return &Error{Field: "Id", Got: strconv.FormatInt(c.ID, 10), Want: "a whole number from 0 up"}
	}
	return nil
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

// notTheEnvelope says why a body is not one JSON object.
func notTheEnvelope(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	var keys lenient.Object
	got := "more after the JSON object"
	if err := dec.Decode(&keys); err != nil {
		got = notAnObject(err)
	} else if keys == nil {
		got = "null"
	}
	return &Error{Got: got, Want: "one JSON object"}
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

func recordID(raw []byte) (int64, error) {
	const want = "a whole number"
	switch kind := lenient.KindOf(raw); kind {
	case "number":
		if n, ok := lenient.WholeNumber(string(raw)); ok {
			return n, nil
		}
		return 0, &Error{Field: "Id", Got: clip.Text(string(raw), 40), Want: want}
	case "text":
		text := lenient.Text(raw)
		if strings.Trim(text, "0123456789") == "" {
			if n, err := strconv.ParseInt(text, 10, 64); err == nil {
				return n, nil
			}
		}
		return 0, &Error{Field: "Id", Got: "text " + strconv.Quote(clip.Text(text, 40)), Want: want}
	default:
		return 0, &Error{Field: "Id", Got: kind, Want: want}
	}
}

// fieldNames reads the names in the object that Autotask sends, and tolerates the array
// of name and value that several integrations first assumed.
func fieldNames(raw []byte) []string {
	var names []string
	switch lenient.KindOf(raw) {
	case "object":
		var fields map[string]unread
		if json.Unmarshal(raw, &fields) == nil {
			names = slices.Collect(maps.Keys(fields))
		}
	case "list":
		var pairs []json.RawMessage
		if json.Unmarshal(raw, &pairs) == nil {
			for _, pair := range pairs {
				names = append(names, pairName(pair))
			}
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return name == "" || len(name) > maxWord && utf8.RuneCountInString(name) > maxWord
	})
	slices.Sort(names)
	names = slices.Compact(names)
	return names[:min(len(names), maxFieldNames)]
}

// unread is a value that is passed over.
type unread struct{}

func (*unread) UnmarshalJSON([]byte) error { return nil }

// pairName is the name in a pair of name and value, "" when it has none.
func pairName(pair json.RawMessage) string {
	var keys lenient.Object
	if json.Unmarshal(pair, &keys) != nil {
		return ""
	}
	name, _ := lenient.Unquote(bytes.TrimSpace(keys.Get("name")))
	return name
}

// word is a text that is compared with known ones. A longer one is none of them: its
// beginning is enough to show it.
func word(raw []byte) string {
	text := lenient.Text(raw)
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
