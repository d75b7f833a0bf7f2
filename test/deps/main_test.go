package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// TestPageIsUpToDate compares the page with the packages as they are.
func TestPageIsUpToDate(t *testing.T) {
	want, err := draw(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is out of date; run make packages (-want +got):\n%s", page, diff)
	}
}

// TestImpliedImportsAreLeftOut: a way over another package is as good as an arrow.
func TestImpliedImportsAreLeftOut(t *testing.T) {
	g := graph{"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": {}, "e": {"a", "d"}}
	want := graph{"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": {}, "e": {"a"}}
	if diff := cmp.Diff(want, g.reduced()); diff != "" {
		t.Errorf("reduced (-want +got):\n%s", diff)
	}
}
