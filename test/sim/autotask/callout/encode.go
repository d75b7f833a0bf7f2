package callout

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf16"

	"github.com/shopspring/decimal"
)

// Envelope is the body of a callout, as captured from the vendor.
type Envelope struct {
	Action     string
	GUID       string // of the registration, the same on each of its callouts
	EntityType string // SOAP-era singular: Account, Contact; empty = absent
	ID         int64
	Fields     []Pair
	EventTime  time.Time
	Sequence   int64 // per registration; 0 = absent
	PersonID   int64
	Odd        Odd
}

// Pair is one entry of Fields. The value is a string, int64, bool, decimal, time or nil.
type Pair struct {
	Name  string
	Value any
}

// Odd are variations that receivers have to live with.
type Odd struct {
	PersonKey string // another spelling of PersonId
	NoFields  bool   // no Fields key at all
	Fraction  bool   // EventTime with seven digits of fraction
}

// Encode writes the envelope byte for byte as .NET's System.Text.Json does with its default encoder: compact, ASCII
// only, and with & < > ' " + ` and everything beyond ASCII as \uXXXX in upper-case hex. Go's own encoder differs, and
// a receiver that signs what it re-serialised would pass against it and fail against the vendor.
func (e Envelope) Encode() []byte {
	w := &writer{}
	w.begin('{')
	w.key("Action").text(e.Action)
	w.key("Guid").text(e.GUID)
	if e.EntityType != "" {
		w.key("EntityType").text(e.EntityType)
		w.key("Id").raw(strconv.FormatInt(e.ID, 10))
	}
	if e.EntityType != "" && !e.Odd.NoFields {
		w.key("Fields").begin('{')
		for _, f := range e.Fields {
			w.key(f.Name).value(f.Value)
		}
		w.end('}')
	}
	layout := "2006-01-02T15:04:05Z"
	if e.Odd.Fraction {
		layout = "2006-01-02T15:04:05.0000000Z"
	}
	w.key("EventTime").text(e.EventTime.UTC().Format(layout))
	if e.Sequence > 0 {
		w.key("SequenceNumber").raw(strconv.FormatInt(e.Sequence, 10))
	}
	person := "PersonId"
	if e.Odd.PersonKey != "" {
		person = e.Odd.PersonKey
	}
	w.key(person).raw(strconv.FormatInt(e.PersonID, 10))
	w.end('}')
	return w.buf
}

// writer builds JSON by hand; first is whether the innermost object has no member yet.
type writer struct {
	buf   []byte
	first bool
}

func (w *writer) begin(b byte)    { w.buf, w.first = append(w.buf, b), true }
func (w *writer) end(b byte)      { w.buf, w.first = append(w.buf, b), false }
func (w *writer) raw(text string) { w.buf = append(w.buf, text...) }

func (w *writer) key(name string) *writer {
	if !w.first {
		w.raw(",")
	}
	w.first = false
	w.text(name)
	w.raw(":")
	return w
}

func (w *writer) value(v any) {
	switch x := v.(type) {
	case nil:
		w.raw("null")
	case string:
		w.text(x)
	case int64:
		w.raw(strconv.FormatInt(x, 10))
	case bool:
		w.raw(strconv.FormatBool(x))
	case decimal.Decimal:
		w.raw(x.String())
	case time.Time:
		w.text(x.UTC().Format("2006-01-02T15:04:05Z"))
	default:
		w.text(fmt.Sprint(x))
	}
}

var shortEscapes = map[rune]string{'\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`, '\\': `\\`}

func (w *writer) text(s string) {
	w.raw(`"`)
	for _, r := range s {
		short, isShort := shortEscapes[r]
		switch {
		case isShort:
			w.raw(short)
		case r >= 0x10000:
			high, low := utf16.EncodeRune(r)
			w.raw(fmt.Sprintf(`\u%04X\u%04X`, high, low))
		case r < 0x20 || r >= 0x7F || r == '"' || r == '&' || r == '\'' || r == '+' || r == '<' || r == '>' || r == '`':
			w.raw(fmt.Sprintf(`\u%04X`, r))
		default:
			w.buf = append(w.buf, byte(r))
		}
	}
	w.raw(`"`)
}
