package autotask

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"channelsync/api/autotask/internal/lenient"
)

// Op is a comparison of a filter, in the vendor's spelling. A misspelt operator
// is not an error at the vendor: it was seen to match every record. So filters are
// made by the functions below, and checked again before they are sent.
type Op string

// The operators in use. (Vendor: basic query calls.)
const (
	opEq         Op = "eq"
	opGt         Op = "gt"
	opGte        Op = "gte"
	opLt         Op = "lt"
	opBeginsWith Op = "beginsWith"
	opContains   Op = "contains"
	opNotExist   Op = "notExist"
	opIn         Op = "in"
	opNotIn      Op = "notIn"
	opOr         Op = "or"
)

// MaxIDs is how many values one call may compare a field with. The vendor refuses
// more than 500 OR conditions, and an "in" counts as that many.
const MaxIDs = 400

// Filter is one condition of a query, or a group of them. Its value is text, a
// whole number, a decimal, a boolean or a time. Mind that a contact's isActive is
// 0 or 1, a company's true or false: the vendor refuses the other.
type Filter struct {
	Op    Op       `json:"op"`
	Field string   `json:"field,omitempty"`
	Value any      `json:"value,omitempty"`
	Items []Filter `json:"items,omitempty"`
}

// Eq holds where the field equals the value. On a time it means the very instant.
func Eq(field string, value any) Filter { return where(field, opEq, value) }

// Gt holds where the field is greater than the value.
func Gt(field string, value any) Filter { return where(field, opGt, value) }

// Gte holds where the field is the value or greater.
func Gte(field string, value any) Filter { return where(field, opGte, value) }

// Lt holds where the field is less than the value.
func Lt(field string, value any) Filter { return where(field, opLt, value) }

// BeginsWith holds where the text field begins with the text, in any case.
func BeginsWith(field, text string) Filter { return where(field, opBeginsWith, text) }

// Contains holds where the text has the other one in it, whatever its case.
func Contains(field, text string) Filter { return where(field, opContains, text) }

// NotExist holds where the field has no value.
func NotExist(field string) Filter { return where(field, opNotExist, nil) }

// In holds where the field is one of 1 to MaxIDs values.
func In[T int64 | string](field string, values []T) Filter { return where(field, opIn, values) }

// NotIn holds where the field is none of 1 to MaxIDs values.
func NotIn[T int64 | string](field string, values []T) Filter { return where(field, opNotIn, values) }

// Or holds when one of the filters does.
func Or(items ...Filter) Filter { return Filter{Op: opOr, Items: items} }

func where(field string, op Op, value any) Filter {
	return Filter{Op: op, Field: field, Value: wireValue(value)}
}

func wireValue(value any) any {
	switch v := value.(type) {
	case time.Time:
		return lenient.FormatTime(v)
	case decimal.Decimal:
		return json.Number(v.String())
	}
	return value
}

func (f Filter) validate() error {
	switch f.Op {
	case opOr:
		if len(f.Items) == 0 {
			return fmt.Errorf("filter %s: got no conditions, want at least one", f.Op)
		}
		for _, item := range f.Items {
			if err := item.validate(); err != nil {
				return err
			}
		}
		return nil
	case opNotExist:
		if f.Value != nil {
			return fmt.Errorf("filter %s %s: got a value, want none", f.Field, f.Op)
		}
	case opIn, opNotIn:
		if err := f.validateList(); err != nil {
			return fmt.Errorf("filter %s %s: %w", f.Field, f.Op, err)
		}
	case opEq, opGt, opGte, opLt, opBeginsWith, opContains:
		if !isScalar(f.Value) {
			return fmt.Errorf("filter %s %s: got %T, want one value", f.Field, f.Op, f.Value)
		}
	default:
		return fmt.Errorf("filter %s: got the operator %q, want one of the vendor's", f.Field, f.Op)
	}
	if f.Field == "" {
		return fmt.Errorf("filter %s: got no field", f.Op)
	}
	return nil
}

func (f Filter) validateList() error {
	n := 0
	switch values := f.Value.(type) {
	case []int64:
		n = len(values)
	case []string:
		n = len(values)
	default:
		return fmt.Errorf("got %T, want []int64 or []string", f.Value)
	}
	switch {
	case n == 0:
		return errors.New("got no values, want at least one")
	case n > MaxIDs:
		return fmt.Errorf("got %d values, want at most %d", n, MaxIDs)
	}
	return nil
}

func isScalar(value any) bool {
	switch value.(type) {
	case string, bool, int, int64, json.Number:
		return true
	}
	return false
}

// uses says whether a filter compares the field.
func (f Filter) uses(field string) bool {
	return foldEqual(f.Field, field) || slices.ContainsFunc(f.Items, func(i Filter) bool { return i.uses(field) })
}
