package arch

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is the parsed source of a whole module.
type module struct {
	path  string // as go.mod says
	fset  *token.FileSet
	files []source
}

// source is one Go file.
type source struct {
	path  string // from the module's root, with slashes
	dir   string
	test  bool
	lines int
	file  *ast.File
}

// finding is one breach of a rule.
type finding struct {
	path   string
	line   int
	rule   string
	detail string
}

func (f finding) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", f.path, f.line, f.rule, f.detail)
}

// load parses every Go file under root. A file that does not parse is a finding, not the end.
func load(root fs.FS) (module, []finding, error) {
	m := module{fset: token.NewFileSet()}
	var found []finding
	name, err := modulePath(root)
	if err != nil {
		return m, nil, err
	}
	m.path = name
	err = each(root, ".go", func(p string, text []byte) {
		file, err := parser.ParseFile(m.fset, p, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			found = append(found, finding{p, 1, "parse", err.Error()})
			return
		}
		m.files = append(m.files, source{
			path: p, dir: path.Dir(p), test: strings.HasSuffix(p, "_test.go"),
			lines: bytes.Count(text, []byte("\n")), file: file,
		})
	})
	return m, found, err
}

// each hands over every file under root of an ending, but those that the go command leaves out.
func each(root fs.FS, ending string, take func(path string, text []byte)) error {
	return fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && ignored(d.Name()):
			return fs.SkipDir
		case d.IsDir() || path.Ext(p) != ending:
			return nil
		}
		text, err := fs.ReadFile(root, p)
		if err == nil {
			take(p, text)
		}
		return err
	})
}

// ignored says which folders the go command leaves out too.
func ignored(name string) bool {
	return name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func modulePath(root fs.FS) (string, error) {
	text, err := fs.ReadFile(root, "go.mod")
	if err != nil {
		return "", fmt.Errorf("read go.mod: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "module "); ok {
			return strings.TrimSpace(name), nil
		}
	}
	return "", fmt.Errorf("read go.mod: it names no module")
}

// imported is one import of a file.
type imported struct {
	path string // as written
	own  string // from the module's root, if it is the module's own
	name string // the name given to it, or else the last part of the path
	line int
}

func (m module) imports(s source) []imported {
	var list []imported
	for _, spec := range s.file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser takes no such import
		}
		in := imported{path: p, name: path.Base(p), line: m.fset.Position(spec.Pos()).Line}
		if spec.Name != nil {
			in.name = spec.Name.Name
		}
		in.own, _ = strings.CutPrefix(p, m.path+"/")
		if in.own == p {
			in.own = ""
		}
		list = append(list, in)
	}
	return list
}

func (m module) line(n ast.Node) int { return m.fset.Position(n.Pos()).Line }

func byPlace(a, b finding) int {
	return cmp.Or(strings.Compare(a.path, b.path), a.line-b.line, strings.Compare(a.rule, b.rule),
		strings.Compare(a.detail, b.detail))
}

// check runs every rule over a module.
func check(root fs.FS) ([]finding, error) {
	m, found, err := load(root)
	if err != nil {
		return nil, err
	}
	for _, s := range m.files {
		found = append(found, m.layers(s)...)
		found = append(found, m.purity(s)...)
		found = append(found, m.shape(s)...)
		found = append(found, m.clockInTests(s)...)
	}
	found = append(found, m.packageDocs()...)
	slices.SortFunc(found, byPlace)
	return found, nil
}
