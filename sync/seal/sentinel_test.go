package seal

import (
	"bytes"
	"strings"
	"testing"
)

func TestSentinelFitsEveryRingWithItsKey(t *testing.T) {
	sealed := ringOf(t, 1).Sentinel()
	for name, one := range map[string]struct {
		ring   *Ring
		sealed []byte
		fits   bool
	}{
		"its own key":           {ringOf(t, 1), sealed, true},
		"while rotating":        {ringOf(t, 2, 1), sealed, true},
		"another key":           {ringOf(t, 2), sealed, false},
		"a ring without it":     {ringOf(t, 2, 3), sealed, false},
		"none yet":              {ringOf(t, 2), nil, true},
		"something else sealed": {ringOf(t, 1), ringOf(t, 1).Seal("master", []byte("x")), false},
		"cut off":               {ringOf(t, 1), sealed[:20], false},
	} {
		err := one.ring.Fits(one.sealed)
		if one.fits != (err == nil) {
			t.Errorf("%s: got %v", name, err)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "--master-key: ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %q", name, err)
		}
	}
}

func TestSentinelIsRenewedByARotation(t *testing.T) {
	sealed := ringOf(t, 1).Sentinel()
	if !bytes.Equal(ringOf(t, 1, 2).Renewed(sealed), sealed) {
		t.Error("one that is right was renewed")
	}
	renewed := ringOf(t, 2, 1).Renewed(sealed)
	if ringOf(t, 2).Fits(renewed) != nil || ringOf(t, 1).Fits(renewed) == nil {
		t.Error("after the rotation the new key alone must fit")
	}
}
