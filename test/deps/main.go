// Command deps writes docs/packages.md: which package imports which, as a Mermaid graph.
// Run it from the module's root with go run ./test/deps, or make packages. Its test fails
// when the page is out of date. It reads sources only; nothing imports it.
package main

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module = "channelsync/"
	page   = "docs/packages.md"
)

// everywhere is what nearly every package uses; its arrows would hide the others.
var everywhere = []string{"api/v1", "internal/clip", "internal/gate", "internal/lifecycle", "internal/panics", "internal/progress"}

func main() {
	text, err := draw(".")
	if err == nil {
		err = os.WriteFile(page, []byte(text), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "draw packages:", err)
		os.Exit(1)
	}
}

// graph holds for each package those that it imports.
type graph map[string][]string

// read finds the packages under a module's root and their imports, tests aside.
func read(root string) (graph, error) {
	g := graph{}
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, dir)
		name := filepath.ToSlash(rel)
		if err != nil {
			return err
		}
		if name != "." && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || name == "test" {
			return fs.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		if _, none := errors.AsType[*build.NoGoError](err); none {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		if !drawn(name) {
			return nil
		}
		g[name] = nil
		for _, in := range p.Imports {
			if own, ok := strings.CutPrefix(in, module); ok && drawn(own) {
				g[name] = append(g[name], own)
			}
		}
		return nil
	})
	return g, err
}

// drawn leaves out what is used everywhere, what is private to its folder, and tests.
func drawn(name string) bool {
	return !strings.HasPrefix(name, "test/") && !slices.Contains(everywhere, name) && !strings.Contains("/"+name+"/", "/internal/")
}

// reaches says whether a path leads from one package to another.
func (g graph) reaches(from, to string) bool {
	return from == to || slices.ContainsFunc(g[from], func(next string) bool { return g.reaches(next, to) })
}

// reduced leaves out each import that another import of the same package implies.
func (g graph) reduced() graph {
	out := graph{}
	for from, all := range g {
		out[from] = slices.DeleteFunc(slices.Clone(all), func(to string) bool {
			return slices.ContainsFunc(all, func(other string) bool { return other != to && g.reaches(other, to) })
		})
	}
	return out
}

// draw makes the page.
func draw(root string) (string, error) {
	g, err := read(root)
	if err != nil {
		return "", err
	}
	g = g.reduced()
	names := slices.Sorted(maps.Keys(g))
	var b strings.Builder
	fmt.Fprintf(&b, `# Which package imports which

Made by `+"`make packages`"+`; a test fails when it is out of date. An arrow is an import. An import that others imply is
left out, and so are packages that are private to a folder (`+"`internal`"+` below it) and those that nearly all use:
%s.

`+"```mermaid\nflowchart TD\n", "`"+strings.Join(everywhere, "`, `")+"`")
	group := ""
	for _, name := range names {
		if top, _, _ := strings.Cut(name, "/"); top != group {
			if group != "" {
				b.WriteString("  end\n")
			}
			group = top
			fmt.Fprintf(&b, "  subgraph %s\n", "group_"+group+"["+group+"]")
		}
		fmt.Fprintf(&b, "    %s[%s]\n", id(name), short(name))
	}
	b.WriteString("  end\n")
	for _, from := range names {
		for _, to := range slices.Sorted(slices.Values(g[from])) {
			fmt.Fprintf(&b, "  %s --> %s\n", id(from), id(to))
		}
	}
	b.WriteString("```\n")
	return b.String(), nil
}

// id names a package in the graph, where a slash has a meaning.
func id(name string) string { return strings.ReplaceAll(name, "/", "_") }

// short is a package's name within its group.
func short(name string) string {
	if _, rest, ok := strings.Cut(name, "/"); ok {
		return strings.TrimPrefix(rest, "channelsync/")
	}
	return path.Base(name)
}
