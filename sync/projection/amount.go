package projection

import (
	"math/big"
	"strings"

	"github.com/shopspring/decimal"
)

// places is how many decimal places an amount keeps.
const places = 4

// maxWholeDigits is how many digits an amount may have before the point (openapi.yaml, Money).
const maxWholeDigits = 15

// rat is an amount for exact arithmetic with division; one that is missing counts as nothing.
func rat(d *decimal.Decimal) *big.Rat {
	if d == nil {
		return new(big.Rat)
	}
	return d.Rat()
}

func ratOf(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// round rounds half to even in one step, so that many roundings do not drift upwards.
func round(r *big.Rat) decimal.Decimal {
	scaled := new(big.Rat).Mul(r, decimal.New(1, places).Rat())
	q, rest := new(big.Int).DivMod(scaled.Num(), scaled.Denom(), new(big.Int)) // downwards
	switch rest.Lsh(rest, 1).Cmp(scaled.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, new(big.Int).And(q, big.NewInt(1)))
	}
	return decimal.NewFromBigInt(q, -places)
}

// fits reports whether the target can hold a rounded amount.
func fits(d decimal.Decimal) bool {
	return d.Abs().LessThan(decimal.New(1, maxWholeDigits))
}

// plain writes a rounded amount in plain notation with at least two and at most four
// decimal places: 1234.50, 0.1234.
func plain(d decimal.Decimal) string {
	s := d.StringFixed(places)
	for range places - 2 {
		s = strings.TrimSuffix(s, "0")
	}
	return s
}

// shown writes an exact amount, rounded.
func shown(r *big.Rat) string { return plain(round(r)) }
