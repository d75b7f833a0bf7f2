// Package files looks at what a program left in a directory.
package files

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"channelsync/test/harness"
)

// Each goes through the files below a directory and counts them. The program may still run: what it removes meanwhile is passed over.
func Each(t testing.TB, dir string, visit func(path string, body []byte)) (files int) {
	t.Helper()
	harness.OK(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return nil
		}
		var body []byte
		if err == nil {
			body, err = os.ReadFile(path)
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		}
		files++
		visit(path, body)
		return nil
	}))
	return files
}

// Tree is every name below a directory with its mode, time and content.
func Tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		var body []byte
		if d.Type().IsRegular() {
			if body, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		all[path] = fmt.Sprintf("%v %v %x", info.Mode(), info.ModTime(), sha256.Sum256(body))
		return nil
	})
	harness.OK(t, err)
	return all
}
