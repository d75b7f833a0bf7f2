package schema

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// View says how records are answered: which fields, and what a mode or a fault makes of them.
type View struct {
	Query    bool                    // a query answer, which leaves some fields out
	Include  []int                   // only these positions (the id always comes too), nil = all
	Drop     []int                   // these keys are missing
	Omit     bool                    // keys without a value are left out
	Costs    string                  // "" shown, "null" or "zero": the security level can't read costs
	Override map[int]json.RawMessage // raw JSON in place of the value
}

// AppendJSON appends the record as a JSON object in the vendor's form: camelCase keys in table order, every field
// present, dates without a zone in some entities, no text as null in some fields and "" in others.
func (e *Entity) AppendJSON(buf []byte, r Record, v View) []byte {
	buf = append(buf, '{')
	for pos, f := range e.Fields {
		if v.hides(pos, f, pos == len(e.Fields)-1) || v.Omit && r[pos] == nil && v.Override[pos] == nil {
			continue
		}
		if buf[len(buf)-1] != '{' {
			buf = append(buf, ',')
		}
		buf = append(append(append(buf, '"'), f.Name...), `":`...)
		switch raw, ok := v.Override[pos]; {
		case ok:
			buf = append(buf, raw...)
		case f.Secret:
			buf = append(buf, "null"...)
		case f.Cost && v.Costs == "null":
			buf = append(buf, "null"...)
		case f.Cost && v.Costs == "zero":
			buf = append(buf, "0.0000"...)
		default:
			buf = e.appendValue(buf, f, r[pos])
		}
	}
	return append(buf, '}')
}

func (v View) hides(pos int, f Field, last bool) bool {
	if slices.Contains(v.Drop, pos) || v.Query && f.NoReturn {
		return true
	}
	// The vendor's answers hold the id and userDefinedFields whatever IncludeFields says.
	return v.Include != nil && pos != 0 && !last && !slices.Contains(v.Include, pos)
}

func (e *Entity) appendValue(buf []byte, f Field, value any) []byte {
	switch v := value.(type) {
	case int64:
		return strconv.AppendInt(buf, v, 10)
	case bool:
		return strconv.AppendBool(buf, v)
	case decimal.Decimal:
		return append(buf, v.StringFixed(max(4, -v.Exponent()))...)
	case time.Time:
		return append(append(append(buf, '"'), formatDate(v, e.Zone)...), '"')
	case string:
		return appendText(buf, v)
	case map[string]string:
		return e.appendUDF(buf, v)
	}
	switch {
	case f.Type == udfType:
		return e.appendUDF(buf, nil)
	case f.Blank:
		return append(buf, `""`...)
	}
	return append(buf, "null"...)
}

// appendUDF writes every user-defined field the tenant has, valued or not.
func (e *Entity) appendUDF(buf []byte, values map[string]string) []byte {
	buf = append(buf, '[')
	for i, name := range e.UDFs {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = appendText(append(buf, `{"name":`...), name)
		buf = append(buf, `,"value":`...)
		if value, ok := values[name]; ok {
			buf = appendText(buf, value)
		} else {
			buf = append(buf, "null"...)
		}
		buf = append(buf, '}')
	}
	return append(buf, ']')
}

func appendText(buf []byte, text string) []byte {
	raw, err := json.Marshal(text)
	if err != nil { // a string always marshals
		return append(buf, `""`...)
	}
	return append(buf, raw...)
}
