package arch

import (
	"go/ast"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"channelsync/test/harness"
)

const securityPage = "docs/security.md"

// TestThreatsNameTheirTests: each threat of the security page names at least one
// test, and each test that it names is there.
func TestThreatsNameTheirTests(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	m, _, err := load(root)
	harness.OK(t, err)
	there := map[string]bool{}
	for _, s := range m.files {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && s.test && f.Recv == nil {
				there[f.Name.Name] = true
			}
		}
	}
	page, err := fs.ReadFile(root, securityPage)
	harness.OK(t, err)
	name, threats, line := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9]+)`"), 0, 0
	for text := range strings.Lines(string(page)) {
		line++
		names := name.FindAllStringSubmatch(text, -1)
		for _, n := range names {
			if !there[n[1]] {
				t.Errorf("%s:%d: there is no test %s", securityPage, line, n[1])
			}
		}
		if !strings.HasPrefix(text, "|") || strings.HasPrefix(text, "| Threat |") || strings.HasPrefix(text, "|---") {
			continue
		}
		threats++
		if len(names) == 0 {
			t.Errorf("%s:%d: no test covers this line", securityPage, line)
		}
	}
	if threats < 20 {
		t.Errorf("%s has %d threats: they are looked for in the wrong form", securityPage, threats)
	}
}
