package projection

import (
	"strings"

	"github.com/shopspring/decimal"
)

// places is how many decimal places an amount keeps.
const places = 4

// maxWholeDigits is how many digits an amount may have before the point (openapi.yaml, Money).
const maxWholeDigits = 15

// round rounds half to even, so that many roundings do not drift upwards.
func round(d decimal.Decimal) decimal.Decimal { return d.RoundBank(places) }

// fits reports whether the target can hold a rounded amount.
func fits(d decimal.Decimal) bool {
	return d.Abs().LessThan(decimal.New(1, maxWholeDigits))
}

// plain writes an amount in plain notation with at least two and at most four
// decimal places: 1234.50, 0.1234.
func plain(d decimal.Decimal) string {
	s := round(d).StringFixed(places)
	for range places - 2 {
		s = strings.TrimSuffix(s, "0")
	}
	return s
}

// divide is d/n rounded half to even in one step. Decimal.Div rounds half up at
// its own precision first, which can turn what is not a tie into one.
func divide(d decimal.Decimal, n int64) decimal.Decimal {
	by := decimal.NewFromInt(n)
	q, rest := d.QuoRem(by, places)
	unit := decimal.New(1, -places)
	switch rest.Abs().Mul(decimal.NewFromInt(2)).Cmp(by.Mul(unit)) {
	case -1:
		return q
	case 0:
		if odd := q.Shift(places).BigInt().Bit(0) == 1; !odd {
			return q
		}
	}
	if d.IsNegative() {
		return q.Sub(unit)
	}
	return q.Add(unit)
}
