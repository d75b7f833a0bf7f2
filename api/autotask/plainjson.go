package autotask

import (
	"encoding/json"
	"strings"
)

// member is a key of a JSON object with its value, both as they stand in the text.
type member struct {
	key   []byte // without its quotes
	value json.RawMessage
}

// members are those of a JSON object that is written plainly.
type members []member

const (
	membersOften = 10 // an envelope has eight
	membersMost  = 32
)

// plainMembers reads an object as the vendor writes it: valid JSON, few keys, of
// printable ASCII without escapes, no two that differ in case only. It copies
// nothing. False for any other text, of which encoding/json then makes what it can.
func plainMembers(text []byte) (members, bool) {
	if !json.Valid(text) {
		return nil, false
	}
	return membersOf(text)
}

// membersOf is plainMembers of a text that is known to be valid JSON.
func membersOf(text []byte) (members, bool) {
	at := skipSpace(text, 0) // there is something
	if text[at] != '{' {
		return nil, false
	}
	list := make(members, 0, membersOften)
	for at = skipSpace(text, at+1); text[at] != '}'; at = skipSpace(text, at) {
		if text[at] == ',' {
			at = skipSpace(text, at+1)
		}
		end := skipValue(text, at)
		key := text[at+1 : end-1]
		if !isPlain(key) || list.get(string(key)) != nil || len(list) == membersMost {
			return nil, false
		}
		at = skipSpace(text, end)  // the colon
		at = skipSpace(text, at+1) // the value
		end = skipValue(text, at)
		list = append(list, member{key, text[at:end]})
		at = end
	}
	return list, true
}

// get returns the value of a key in whatever case, nil where there is none.
func (m members) get(key string) json.RawMessage {
	for i := range m {
		if len(m[i].key) == len(key) && strings.EqualFold(string(m[i].key), key) {
			return m[i].value
		}
	}
	return nil
}

// skipSpace returns where the white space from at on ends.
func skipSpace(text []byte, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t') {
		at++
	}
	return at
}

// skipValue returns where the JSON value that begins at at ends. The text must be valid JSON.
func skipValue(text []byte, at int) int {
	for depth := 0; ; {
		switch text[at] {
		case '"':
			for at++; text[at] != '"'; at++ {
				if text[at] == '\\' {
					at++
				}
			}
			at++
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		case ' ', '\n', '\r', '\t', ',', ':':
			at++ // within an object or list: a value begins with none of them
		default: // a number, true, false or null
			for at < len(text) && !endsScalar(text[at]) {
				at++
			}
		}
		if depth == 0 {
			return at
		}
	}
}

func endsScalar(c byte) bool {
	switch c {
	case ' ', '\n', '\r', '\t', ',', ':', ']', '}':
		return true
	}
	return false
}

// isPlain says whether the inside of a JSON string is the text itself: printable
// ASCII without escapes.
func isPlain(text []byte) bool {
	for _, c := range text {
		if c < ' ' || c > '~' || c == '\\' || c == '"' {
			return false
		}
	}
	return true
}

// plainFields is a valid object as a map; false unless it is written plainly, without
// an object or list in it.
func plainFields(raw json.RawMessage) (map[string]any, bool) {
	list, ok := membersOf(raw)
	if !ok {
		return nil, false
	}
	fields := make(map[string]any, len(list))
	for _, m := range list {
		switch jsonKind(m.value) {
		case "text":
			fields[string(m.key)], _ = unquote(m.value)
		case "number":
			fields[string(m.key)] = json.Number(m.value)
		case "bool":
			fields[string(m.key)] = m.value[0] == 't'
		case "null":
			fields[string(m.key)] = nil
		default:
			return nil, false
		}
	}
	return fields, true
}
