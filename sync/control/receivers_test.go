package control

import (
	"math"
	"testing"
)

func TestSkips(t *testing.T) {
	for _, tc := range []struct {
		last, next int64
		want       bool
	}{
		{1, 2, false},
		{1, 3, true},
		{2, 2, false},
		{3, 1, false},
		{math.MaxInt64, 1, false}, // the sum of one more would be less than any number
		{math.MaxInt64 - 1, math.MaxInt64, false},
		{1, math.MaxInt64, true},
		{math.MinInt64, math.MinInt64, false},
	} {
		if got := skips(tc.last, tc.next); got != tc.want {
			t.Errorf("from %d to %d: got %v, want %v", tc.last, tc.next, got, tc.want)
		}
	}
}
