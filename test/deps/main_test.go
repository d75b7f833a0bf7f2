package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

const root = "../.."

// TestPageIsUpToDate compares the page with the packages as they are.
func TestPageIsUpToDate(t *testing.T) {
	want, err := draw(root)
	harness.OK(t, err)
	got, err := os.ReadFile(filepath.Join(root, page))
	harness.OK(t, err)
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

// TestTheWalkNamesFunctions: each step of a callback in docs/architecture.md names functions that
// exist, as package.Function, Type.Method or package.Type.Method.
func TestTheWalkNamesFunctions(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	harness.OK(t, err)
	_, table, _ := strings.Cut(string(page), "| Step | Where |")
	table, _, _ = strings.Cut(table, "\n\n")
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(table, -1)
	if len(names) < 10 {
		t.Fatalf("%d names in the table of steps: %s", len(names), table)
	}
	declared := functions(t)
	for _, name := range names {
		if !declared[name[1]] {
			t.Errorf("docs/architecture.md names %s, which is no function", name[1])
		}
	}
}

// functions are the functions of the module, tests aside, by all their names.
func functions(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				of := f.Recv.List[0].Type
				if star, ok := of.(*ast.StarExpr); ok {
					of = star.X
				}
				if id, ok := of.(*ast.Ident); ok {
					name = id.Name + "." + name
					all[name] = true
				}
			}
			all[file.Name.Name+"."+name] = true
		}
		return nil
	})
	harness.OK(t, err)
	return all
}
