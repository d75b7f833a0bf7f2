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
	keys lenient.Object
	err  error // why the body is not one JSON object
}

// OpenEnvelope reads a body, which must not be changed afterwards.
func OpenEnvelope(body []byte) Envelope {
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	keys, err := envelope(body)
	return Envelope{body, keys, err}
}

// Action is the Action of a body that may be anything, "" when none can be
// read. It serves only to recognise a Deactivated, which is never more than a
// hint to look at the registration, so it need not trust or understand the rest.
func (e Envelope) Action() string {
	if e.err == nil {
		return canonicalAction(lenient.Text(e.keys.Get("Action")))
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
// Where keys differ in case only, every one of them must say the same: else no
// registration owns what it returns.
func (e Envelope) GUID() string {
	guid := ""
	for key, raw := range e.keys {
		if !strings.EqualFold(key, "Guid") {
			continue
		}
		text, ok := guidText(raw)
		if !ok {
			continue
		}
		if guid != "" && !strings.EqualFold(guid, text) {
			return guidsDiffer
		}
		guid = text
	}
	return guid
}

// guidText is the text of a Guid, trimmed; false where there is none or it is null.
func guidText(raw json.RawMessage) (string, bool) {
	switch lenient.KindOf(raw) {
	case "nothing", "null":
		return "", false
	case "text":
		return lenient.Text(raw), true
	}
	return guidNoText, true
}
