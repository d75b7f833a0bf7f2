package arch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"channelsync/test/harness"
)

// TestModule holds this module to the rules.
func TestModule(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	m, _, err := load(root)
	harness.OK(t, err)
	if !slices.ContainsFunc(m.files, func(s source) bool { return s.path == "test/arch/doc.go" }) {
		t.Fatalf("%d files of %s were read, not this package's among them", len(m.files), m.path)
	}
	found, err := check(root)
	harness.OK(t, err)
	for _, f := range found {
		t.Error(f)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	harness.OK(t, err)
	for {
		_, err := os.Stat(filepath.Join(dir, "go.mod"))
		if err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			t.Fatalf("find go.mod: %v", err)
		}
		dir = parent
	}
}

// TestRules tries the rules on small modules: each archive in testdata holds
// the files of one and, as "want", the findings in it by place and rule.
func TestRules(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("find testdata: %d archives, %v", len(archives), err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			harness.OK(t, err)
			root := fstest.MapFS{"go.mod": &fstest.MapFile{Data: []byte("module channelsync\n")}}
			var want []string
			for _, f := range archive.Files {
				if f.Name == "want" {
					want = strings.Split(strings.TrimSpace(string(f.Data)), "\n")
					continue
				}
				root[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			found, err := check(root)
			harness.OK(t, err)
			if diff := cmp.Diff(want, short(found)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// short is the findings without their details: path:line: rule.
func short(found []finding) []string {
	var list []string
	for _, f := range found {
		list = append(list, strings.TrimSuffix(f.String(), ": "+f.detail))
	}
	return list
}

func TestLongFilesAreFound(t *testing.T) {
	doc := "// Package a is long.\npackage a\n"
	for lines, want := range map[int]int{mostLines: 0, mostLines + 1: 1} {
		found, err := check(fstest.MapFS{
			"go.mod":     &fstest.MapFile{Data: []byte("module channelsync\n")},
			"api/a/a.go": &fstest.MapFile{Data: []byte(doc + strings.Repeat("\n", lines-2))},
		})
		if err != nil || len(found) != want {
			t.Errorf("%d lines: %v %v, want %d findings", lines, found, err, want)
		}
	}
}

func TestModuleWithoutAName(t *testing.T) {
	for name, root := range map[string]fs.FS{
		"no go.mod": fstest.MapFS{}, "an empty one": fstest.MapFS{"go.mod": &fstest.MapFile{}},
	} {
		if _, err := check(root); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
