package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryPictureIsReferredTo: the documentation has the pictures that are made, shows each of them somewhere, and no other.
func TestEveryPictureIsReferredTo(t *testing.T) {
	root := "../../.."
	var pages strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".md" {
			return err
		}
		page, err := os.ReadFile(path)
		pages.Write(page)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(root, "docs/images"))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range pictures {
		if !slices.ContainsFunc(files, func(f fs.DirEntry) bool { return f.Name() == of.file+".png" }) {
			t.Errorf("docs/images has no %s.png: make pictures", of.file)
		}
		if !strings.Contains(pages.String(), "images/"+of.file+".png") {
			t.Errorf("no page refers to docs/images/%s.png", of.file)
		}
	}
	if len(files) != len(pictures) {
		t.Errorf("docs/images has %d files for %d pictures", len(files), len(pictures))
	}
}
