package arch

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// mostLines is the length above which a file has more than one reason to exist.
const mostLines = 700

// layer says what the packages under a folder may import of the module's own.
type layer struct {
	folder string
	may    []string
}

// layers is the order of the house; the first folder that fits a package is its
// layer, and "" is the whole module. Tests may use the simulators and helpers
// under test besides, but the simulators' own tests may not: a bug shared by
// both sides would hide itself.
var layers = []layer{
	{"test/sim", []string{"test/sim"}},
	{"test", []string{""}},
	{"cmd", []string{""}},
	{"handlers", []string{"handlers", "events", "api", "internal"}},
	{"sync", []string{"sync", "events", "api", "internal"}},
	{"events", []string{"events", "api/v1", "internal"}},
	{"api", []string{"api", "internal"}},
	{"internal", []string{"internal"}}, // how work waits, starts and stops: knows no layer
}

// pure lists the packages that take no context, no clock and no logger.
var pure = []string{"sync/condition", "sync/projection"}

// folders lists what is never a package itself, since its name would shadow or say nothing.
var folders = []string{"api", "sync", "test"}

// never lists pairs of packages of one layer where the first must not import the second,
// not even in its tests.
var never = []struct{ from, to string }{
	{"sync/watch", "sync/reconcile"}, // who finds a change knows nothing of what becomes of it
}

// middle is the package that is built on those in its own folder: none of them may import
// it. Their tests may.
const middle = "events"

func within(p, folder string) bool {
	return folder == "" || p == folder || strings.HasPrefix(p, folder+"/")
}

func (m module) layers(s source) []finding {
	if s.dir == "." {
		return nil
	}
	at := slices.IndexFunc(layers, func(l layer) bool { return within(s.dir, l.folder) })
	if at < 0 {
		return []finding{{s.path, 1, "layer", "no layer has a place for " + s.dir}}
	}
	own := layers[at]
	may := own.may
	if s.test && own.folder != "test/sim" {
		may = append(slices.Clone(may), "test")
	}
	var found []finding
	for _, in := range m.imports(s) {
		if in.own == middle && s.dir != middle && within(s.dir, middle) && !s.test {
			found = append(found, finding{s.path, in.line, "layer", s.dir + " is below " + middle + " and must not import it"})
		}
		for _, n := range never {
			if within(s.dir, n.from) && within(in.own, n.to) {
				found = append(found, finding{s.path, in.line, "layer", n.from + " must not import " + n.to})
			}
		}
		if in.own == "" || slices.ContainsFunc(may, func(folder string) bool { return within(in.own, folder) }) {
			continue
		}
		found = append(found, finding{
			s.path, in.line, "layer",
			fmt.Sprintf("%s must not import %s; it may import %s", own.folder, in.own, strings.Join(may, ", ")),
		})
	}
	return found
}

func (m module) purity(s source) []finding {
	if s.test || !slices.ContainsFunc(pure, func(p string) bool { return within(s.dir, p) }) {
		return nil
	}
	var found []finding
	for _, in := range m.imports(s) {
		if in.path == "context" || within(in.path, "go.uber.org/zap") {
			found = append(found, finding{s.path, in.line, "pure", "a pure package must not import " + in.path})
		}
	}
	for _, use := range m.uses(s, "time", "Now", "Since", "Until") {
		use.rule, use.detail = "pure", use.detail+" reads the clock; take the time as an argument"
		found = append(found, use)
	}
	return found
}

func (m module) clockInTests(s source) []finding {
	if !s.test {
		return nil
	}
	found := m.uses(s, "time", "Sleep")
	for i := range found {
		found[i].rule, found[i].detail = "sleep", "a test must not sleep; wait for what it waits for"
	}
	return found
}

// uses finds where a file names functions of a package, called or not.
func (m module) uses(s source, pkg string, functions ...string) []finding {
	var found []finding
	for _, in := range m.imports(s) {
		if in.path != pkg {
			continue
		}
		if in.name == "." {
			found = append(found, finding{s.path, in.line, "", "a dot import of " + pkg})
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || !slices.Contains(functions, selector.Sel.Name) {
				return true
			}
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == in.name {
				found = append(found, finding{s.path, m.line(n), "", pkg + "." + selector.Sel.Name})
			}
			return true
		})
	}
	return found
}

func (m module) shape(s source) []finding {
	var found []finding
	if s.lines > mostLines {
		found = append(found, finding{
			s.path, 1, "length", fmt.Sprintf("%d lines, want at most %d", s.lines, mostLines),
		})
	}
	if name := strings.TrimSuffix(s.file.Name.Name, "_test"); name == "sync" {
		found = append(found, finding{s.path, m.line(s.file.Name), "name", "package sync shadows the standard library's"})
	}
	if slices.Contains(folders, s.dir) {
		found = append(found, finding{s.path, 1, "name", s.dir + " is a folder of packages, never one itself"})
	}
	for _, decl := range s.file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, finding{s.path, m.line(f), "init", "nothing happens by being imported; call it by a name"})
		}
	}
	return found
}

// packageDocs wants a comment on every package, in a file that is no test unless there are only tests.
// The module's root holds no package of its own.
func (m module) packageDocs() []finding {
	type state struct {
		first      source
		documented bool
	}
	packages := make(map[string]*state)
	for _, s := range m.files {
		if s.dir == "." {
			continue
		}
		p := packages[s.dir]
		if p == nil || (p.first.test && !s.test) {
			p = &state{first: s}
			packages[s.dir] = p
		}
		if s.test == p.first.test && s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != "" {
			p.documented = true
		}
	}
	var found []finding
	for dir, p := range packages {
		if !p.documented {
			found = append(found, finding{p.first.path, 1, "doc", "package " + dir + " does not say what it is for"})
		}
	}
	return found
}
