package mac

import (
	"bytes"
	"testing"

	"channelsync/test/harness"
)

func keys(t *testing.T, fills ...byte) *Keys {
	t.Helper()
	var raws [][]byte
	for _, f := range fills {
		raws = append(raws, bytes.Repeat([]byte{f}, 32))
	}
	k, err := New(raws...)
	harness.OK(t, err)
	return k
}

func TestACodeIsOfAKeyAPlaceAndAValue(t *testing.T) {
	k := keys(t, 1)
	code := k.Sum("place", []byte("value"))
	flipped := bytes.Clone(code)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		keys        *Keys
		place       string
		value, code []byte
		want        bool
	}{
		"as it was made":            {k, "place", []byte("value"), code, true},
		"by an older key":           {keys(t, 2, 1), "place", []byte("value"), code, true},
		"another key":               {keys(t, 2), "place", []byte("value"), code, false},
		"another place":             {k, "places", []byte("value"), code, false},
		"a place that takes over":   {k, "placev", []byte("alue"), code, false},
		"another value":             {k, "place", []byte("valu"), code, false},
		"a bit of the code":         {k, "place", []byte("value"), flipped, false},
		"a code that was cut":       {k, "place", []byte("value"), code[:Size-1], false},
		"no code":                   {k, "place", []byte("value"), nil, false},
		"the id of a key by itself": {k, "place", []byte("value"), code[:idSize], false},
	} {
		if got := c.keys.Verify(c.place, c.value, c.code); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if !k.Newest(code) || keys(t, 2, 1).Newest(code) || k.Newest(nil) {
		t.Error("which key is the newest is not told")
	}
}

func TestKeysThatAreTooShortAreRefused(t *testing.T) {
	for _, raws := range [][][]byte{nil, {nil}, {bytes.Repeat([]byte{1}, 31)}, {bytes.Repeat([]byte{1}, 32), {1}}} {
		if _, err := New(raws...); err == nil {
			t.Errorf("%d keys were taken", len(raws))
		}
	}
}
