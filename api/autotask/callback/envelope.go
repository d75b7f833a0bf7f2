package callback

import (
	"bytes"
	"encoding/json"
	"strings"

	"channelsync/api/autotask/internal/lenient"
)

// Envelope is the body of a callback that may be anything, opened once for what is
// asked of it before it is known to be authentic, and after.
type Envelope struct {
	body []byte
	keys keys
	err  error // why the body is not one JSON object
}

// keys are the values of an envelope as they came. The decoder finds their names in any
// case, as the vendor's server does; of a key that comes again the first one counts.
type keys struct {
	Action, EntityType, ID, Fields, EventTime, SequenceNumber value
	GUID                                                      guid
}

// value is the first value of a key, nil where there is none.
type value []byte

// UnmarshalJSON keeps the first one.
func (v *value) UnmarshalJSON(raw []byte) error {
	if *v == nil {
		*v = bytes.Clone(raw)
	}
	return nil
}

// OpenEnvelope reads a body, which must not be changed afterwards.
func OpenEnvelope(body []byte) Envelope {
	e := Envelope{body: bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))}
	opened := &e.keys
	if json.Unmarshal(e.body, &opened) != nil || opened == nil { // nil: null
		e.err = notTheEnvelope(e.body)
	}
	return e
}

// Action is the Action of a body that may be anything, "" when none can be
// read. It serves only to recognise a Deactivated, which is never more than a
// hint to look at the registration, so it need not trust or understand the rest.
func (e Envelope) Action() string {
	if e.err == nil {
		return canonicalAction(lenient.Text(e.keys.Action))
	}
	dec := json.NewDecoder(bytes.NewReader(e.body)) // it may be cut off after its Action
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return ""
	}
	for dec.More() {
		key, err := dec.Token()
		var value json.RawMessage
		if err != nil || dec.Decode(&value) != nil {
			return ""
		}
		if name, ok := key.(string); ok && strings.EqualFold(name, "Action") {
			return canonicalAction(lenient.Text(value))
		}
	}
	return ""
}

// What GUID returns of bodies that no registration can have sent: no GUID has a space in it.
const (
	guidNoText  = "not text"
	guidsDiffer = "not one"
)

// GUID reads the Guid of a body that may not be the envelope, "" when it has none.
// Where it has several, every one of them must say the same: else no registration owns
// what it returns.
func (e Envelope) GUID() string {
	if e.err != nil {
		return ""
	}
	return string(e.keys.GUID)
}

// guid is what all values of its key say, trimmed; "" where there is none or they are null.
type guid string

// UnmarshalJSON compares a value with those before it.
func (g *guid) UnmarshalJSON(raw []byte) error {
	said := guid(guidNoText)
	switch lenient.KindOf(raw) {
	case "null":
		return nil
	case "text":
		said = guid(lenient.Text(raw))
	}
	if *g != "" && !strings.EqualFold(string(*g), string(said)) {
		said = guidsDiffer
	}
	*g = said
	return nil
}
