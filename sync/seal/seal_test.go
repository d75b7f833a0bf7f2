package seal

import (
	"bytes"
	"errors"
	"testing"
)

func TestFirstKeySealsAndEveryKeyOpens(t *testing.T) {
	old, rotated, newest := ringOf(t, 1), ringOf(t, 2, 1), ringOf(t, 2)
	before := old.Seal("a", []byte("before the rotation"))
	after := rotated.Seal("a", []byte("after the rotation"))
	for name, one := range map[string]struct {
		ring   *Ring
		sealed []byte
		opens  bool
	}{
		"the old key opens what it sealed":        {old, before, true},
		"the ring opens what its old key sealed":  {rotated, before, true},
		"the ring opens what its new key sealed":  {rotated, after, true},
		"the new key alone opens what it sealed":  {newest, after, true},
		"the new key alone does not open the old": {newest, before, false},
		"the old key does not open the new":       {old, after, false},
	} {
		t.Run(name, func(t *testing.T) {
			plain, err := one.ring.Open("a", one.sealed)
			if one.opens != (err == nil) || one.opens == errors.Is(err, ErrWrongKey) {
				t.Fatalf("got %q, %v", plain, err)
			}
		})
	}
}

func TestSealedValueBelongsToItsPlace(t *testing.T) {
	r := ringOf(t, 1)
	sealed := r.Seal("installation one", []byte("secret"))
	if _, err := r.Open("installation two", sealed); !errors.Is(err, ErrWrongKey) {
		t.Fatalf("moved to another place: got %v", err)
	}
	if plain, err := r.Open("installation one", sealed); err != nil || string(plain) != "secret" {
		t.Fatalf("in its place: got %q, %v", plain, err)
	}
}

func TestSealingTwiceGivesDifferentBytes(t *testing.T) {
	r := ringOf(t, 1)
	if bytes.Equal(r.Seal("a", []byte("same")), r.Seal("a", []byte("same"))) {
		t.Fatal("equal values can be told from the outside")
	}
}

func TestTamperedValueDoesNotOpen(t *testing.T) {
	r := ringOf(t, 1)
	sealed := r.Seal("a", []byte("secret"))
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if plain, err := r.Open("a", changed); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("byte %d changed: got %q, %v", i, plain, err)
		}
	}
	for n := range sealed {
		if _, err := r.Open("a", sealed[:n]); !errors.Is(err, ErrWrongKey) {
			t.Fatalf("cut to %d bytes: got %v", n, err)
		}
	}
}

func TestARingNeedsWholeKeys(t *testing.T) {
	if _, err := NewRing(); err == nil {
		t.Error("a ring without a key")
	}
	if _, err := NewRing([]byte("short")); err == nil {
		t.Error("a key of five bytes")
	}
}
