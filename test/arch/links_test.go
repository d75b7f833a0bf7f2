package arch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestLinks: every relative link in the documentation leads to a file that is there, and to a heading that it has.
func TestLinks(t *testing.T) {
	found, links, err := brokenLinks(os.DirFS(moduleRoot(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
	if links < 100 {
		t.Errorf("%d links were found: they are looked for in the wrong form", links)
	}
}

func TestBrokenLinks(t *testing.T) {
	pages := fstest.MapFS{
		"README.md": &fstest.MapFile{Data: []byte("[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#none) [d](https://x.example/#y)\n" +
			"[e](docs/a.md#the-codes-of-one_thing) [f](docs/a.md#twice-1) `[g](code.md)` [h](docs) [i](#here)\n```\n[j](code.md)\n```\n")},
		"docs/a.md":           &fstest.MapFile{Data: []byte("# The `codes` of one_thing?\n## Twice\n## Twice\n[up](../README.md) [k](../../out.md)\n```sh\n# none\n```\n")},
		"test/testdata/x.md":  &fstest.MapFile{Data: []byte("[l](gone.md)\n")},
		".git/description.md": &fstest.MapFile{Data: []byte("[m](gone.md)\n")},
	}
	found, links, err := brokenLinks(pages)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"README.md:1: there is no docs/b.md",
		"README.md:1: docs/a.md has no heading #none",
		"README.md:2: README.md has no heading #here",
		"docs/a.md:4: the link ../../out.md leads out of the repository",
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if links != 9 {
		t.Errorf("%d links, want 9", links)
	}
}

var (
	linkTo     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inlineCode = regexp.MustCompile("`[^`]*`")
)

// brokenLinks returns what relative links in the pages below root lead nowhere, and how many of them there are.
func brokenLinks(root fs.FS) (found []string, links int, err error) {
	err = fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case d.IsDir() || path.Ext(p) != ".md":
			return nil
		}
		lines, err := proseLines(root, p)
		if err != nil {
			return err
		}
		for i, line := range lines {
			for _, m := range linkTo.FindAllStringSubmatch(inlineCode.ReplaceAllString(line, ""), -1) {
				if strings.Contains(m[1], ":") {
					continue // another site: whether it answers is not for a test to say
				}
				links++
				if wrong := follow(root, p, m[1]); wrong != "" {
					found = append(found, fmt.Sprintf("%s:%d: %s", p, i+1, wrong))
				}
			}
		}
		return nil
	})
	return found, links, err
}

// follow says what is wrong with a link on a page, or nothing.
func follow(root fs.FS, page, link string) string {
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = path.Join(path.Dir(page), file)
	}
	if !fs.ValidPath(target) {
		return fmt.Sprintf("the link %s leads out of the repository", link)
	}
	if _, err := fs.Stat(root, target); errors.Is(err, fs.ErrNotExist) {
		return "there is no " + target
	}
	if anchor == "" {
		return ""
	}
	lines, err := proseLines(root, target)
	if err != nil {
		return err.Error()
	}
	seen := map[string]int{}
	for _, line := range lines {
		heading := strings.TrimLeft(line, "#")
		if heading == line || !strings.HasPrefix(heading, " ") {
			continue
		}
		a := anchorOf(heading)
		n := seen[a]
		seen[a]++
		if n > 0 {
			a = fmt.Sprintf("%s-%d", a, n)
		}
		if a == anchor {
			return ""
		}
	}
	return fmt.Sprintf("%s has no heading #%s", target, anchor)
}

// anchorOf is the anchor that GitHub gives to a heading.
func anchorOf(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, strings.TrimSpace(heading))
}

// proseLines returns the lines of a page; those of fenced code are empty.
func proseLines(root fs.FS, page string) ([]string, error) {
	text, err := fs.ReadFile(root, page)
	if err != nil {
		return nil, err
	}
	lines, fenced := strings.Split(string(text), "\n"), false
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			fenced = !fenced
		}
		if fence || fenced {
			lines[i] = ""
		}
	}
	return lines, nil
}
