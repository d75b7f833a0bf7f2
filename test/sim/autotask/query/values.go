package query

import (
	"cmp"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

var textOps = map[string]func(text, part string) bool{
	"beginswith": strings.HasPrefix,
	"endswith":   strings.HasSuffix,
	"contains":   strings.Contains,
}

var orderOps = map[string]func(order int) bool{
	"eq":    func(o int) bool { return o == 0 },
	"noteq": func(o int) bool { return o != 0 },
	"gt":    func(o int) bool { return o > 0 },
	"gte":   func(o int) bool { return o >= 0 },
	"lt":    func(o int) bool { return o < 0 },
	"lte":   func(o int) bool { return o <= 0 },
}

// order compares two values of one field. Text compares without case, like the vendor's database collation.
func order(a, b any) int {
	switch x := a.(type) {
	case int64:
		y, _ := b.(int64)
		return cmp.Compare(x, y)
	case decimal.Decimal:
		y, _ := b.(decimal.Decimal)
		return x.Cmp(y)
	case time.Time:
		y, _ := b.(time.Time)
		return x.Compare(y)
	case bool:
		y, _ := b.(bool)
		return cmp.Compare(rank(x), rank(y))
	case string:
		y, _ := b.(string)
		return strings.Compare(strings.ToLower(x), strings.ToLower(y))
	}
	return -1
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// key makes equal values of one field equal map keys.
func key(v any) any {
	switch x := v.(type) {
	case string:
		return strings.ToLower(x)
	case decimal.Decimal:
		return x.String()
	case time.Time:
		return x.UnixNano()
	}
	return v
}
