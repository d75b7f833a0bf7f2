package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

// place says where a word is refused.
type place uint

const (
	names place = 1 << iota // a part of a name that is declared, or of a file's or a folder's
	whole                   // a declared name, all of it
	tests                   // a part of a test's name, which is a sentence: only what no sentence needs
	logs                    // a message in the log, or a metric's help
	prose                   // a comment, or a page of documentation outside code
)

// refused is a word that this project does not use, and the one that it uses instead.
type refused struct {
	old   string // alternatives, separated by blanks; a name of several words is written like_this
	say   string
	where place
	but   string // names and folders in which the word means something else
}

// oldWords holds one thing to one word. A word of ordinary English is refused only where it
// would name a thing of ours.
var oldWords = []refused{
	{"road roads", "upstream", names | tests | logs | prose, ""},
	{"mended", "recovered, repaired", names | tests | logs | prose, ""},
	{"Side", "Upstream", whole, ""},
	{"poke poked nudge nudged woken", "notify, trigger", names | tests | logs | prose, ""},
	{"wake wakes", "notify, trigger", names | logs, ""},
	{"beat beats", "heartbeat", names | tests | logs | prose, ""},
	{"deed deeds", "shard record", names | tests | logs | prose, ""},
	{"tenure epoch", "lease, generation", names | logs, "api/autotask"},
	{"roster", "membership", names | tests | logs | prose, ""},
	{"owed", "pending", names | tests | logs | prose, ""},
	{"stranger strangers", "unauthenticated", names | tests | logs | prose, ""},
	{"lent outlived", "slot, overdue", names | tests | logs | prose, ""},
	{"prelisted", "prefetched", names | tests | logs | prose, ""},
	{"untold", "say of what: not returned, unknown", names | tests | logs | prose, ""},
	{"told tell tells heard", "publish, received, subscribe", names | logs, ""},
	{"lacks", "missing", names | logs, ""},
	{"mark marks marked", "due entry, enqueue", names | tests | logs, "test/bench/report IsMark"},
	{"stamp stamps stamped", "modifiedAt; the manifest of a store", names | logs, ""},
	{"look looks looked", "poll, observation; lookup, lookahead", names | logs, ""},
	{"settle settles settled", "waitReady, commit, resolve, done", names | logs, ""},
	{"letter letters", "dead letter", names, "api/v1 api/channelprogram handlers/internal/access IsLetter"},
	{"turn turns newTurns turnLent liveTurn bulkTurn apartTurn", "slot", whole, ""},
	{"places", "slots, semaphore", whole, "sync/projection test/sim"},
	{"world bed shift fleet", "env, harness, load, cluster", names | logs, ""},
	{"ours some several chosen whole", "say of what: own, nonEmpty", whole, ""},
	{"stillAlive giveBack letGo admit", "confirmExpired, release, releaseAll, validate", whole, ""},
	{"goes_on_at", "resumesAt", names | logs, ""},
	{"first_pass first_passes", "backfill", names | tests | logs, ""},
	{"hold holds held", "own, approval, pending approval", logs, ""},
}

// oldPhrases are refused in the log, in comments and in documentation.
var oldPhrases = []struct {
	old *regexp.Regexp
	say string
}{
	{phrase(`first pass(es)?`), "backfill"},
	{phrase(`worked off`), "processed"},
	{phrase(`turned away`), "rejected"},
	{phrase(`of late`), "recently"},
	{phrase(`in earnest`), "leave it out"},
	{phrase(`(is|are|be|becomes?) level`), "in sync"},
	{phrase(`(an?|the|its|their|no|of|these|those|every|each|such) marks?`), "due entry"},
	{phrase(`marked (again|due|meanwhile)`), "enqueued again"},
	{phrase(`(an?|the|its|their|each|every|these|those) letters?`), "dead letter"},
	{phrase(`(is|are|was|were|be|been) told`), "published, notified, returned"},
	{phrase(`mass changes? (is|are|was) held|held until (somebody|a person)`), "waits for approval"},
}

// phrase matches words with any white space between them, so that a line may end inside.
func phrase(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:` + strings.ReplaceAll(words, " ", `[\s/]+`) + `)\b`)
}

// TestOldWords holds one thing to one word.
func TestOldWords(t *testing.T) {
	root := os.DirFS(moduleRoot(t))
	found, err := words(root)
	harness.OK(t, err)
	for _, f := range found {
		t.Error(f)
	}
}

// TestOldWordsAreFound tries the table on a small module.
func TestOldWordsAreFound(t *testing.T) {
	found, err := words(fstest.MapFS{
		"go.mod": &fstest.MapFile{Data: []byte("module channelsync\n")},
		"api/a/beat.go": &fstest.MapFile{Data: []byte(`// Package a is
// worked
// off.
package a

type Side int // the road

func f(log logger, mark, remarkable int) (deadLetters, oldLetters int, Side2 Side) {
	log.Info("wake the worker") // wake is English here
	for firstPass := range 2 {
		_ = firstPass
	}
	return unicode.IsMark(0), 0, 0
}
`)},
		"api/a/a_test.go": &fstest.MapFile{Data: []byte(`package a

func TestWhatIsToldOfARoad(t *testing.T) { told := 1; t.Error("told") }
`)},
		"docs/a.md": &fstest.MapFile{Data: []byte("The `road` is a road.\n```\nroad\n```\nNobody is\ntold.\n")},
	})
	harness.OK(t, err)
	var got []string
	for _, f := range found {
		got = append(got, f.String())
	}
	want := []string{
		`api/a/a_test.go:3: word: road in TestWhatIsToldOfARoad: say upstream`,
		`api/a/a_test.go:3: word: told in told: say publish, received, subscribe`,
		`api/a/beat.go:1: word: beat in beat: say heartbeat`,
		"api/a/beat.go:2: word: \"worked\\noff\": say processed",
		`api/a/beat.go:6: word: "road": say upstream`,
		`api/a/beat.go:6: word: Side in Side: say Upstream`,
		`api/a/beat.go:8: word: letters in oldLetters: say dead letter`,
		`api/a/beat.go:8: word: mark in mark: say due entry, enqueue`,
		`api/a/beat.go:9: word: "wake": say notify, trigger`,
		`api/a/beat.go:10: word: first_pass in firstPass: say backfill`,
		`docs/a.md:1: word: "road": say upstream`,
		"docs/a.md:5: word: \"is\\ntold\": say published, notified, returned",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// words finds old words in a module: in its Go files and in its Markdown.
func words(root fs.FS) ([]finding, error) {
	m, _, err := load(root)
	if err != nil {
		return nil, err
	}
	var found []finding
	folders := make(map[string]bool)
	for _, s := range m.files {
		if within(s.path, "test/arch") {
			continue // the table is here
		}
		found = append(found, m.wordsOfCode(s)...)
		folders[s.dir] = true
	}
	for dir := range folders {
		found = append(found, wordsOfName(dir, 1, path.Base(dir), names)...)
	}
	err = each(root, ".md", func(p string, text []byte) {
		found = append(found, wordsOfProse(p, 1, withoutCode(string(text)), prose)...)
	})
	slices.SortFunc(found, byPlace)
	return found, err
}

func (m module) wordsOfCode(s source) []finding {
	base, _, _ := strings.Cut(path.Base(s.path), ".")
	found := wordsOfName(s.path, 1, strings.TrimSuffix(base, "_test"), names|whole)
	for _, group := range s.file.Comments {
		found = append(found, wordsOfProse(s.path, m.line(group), group.Text(), prose)...)
	}
	for name, at := range declared(s) {
		where := names | whole
		if s.test && strings.IndexFunc(name, unicode.IsUpper) == 0 && isTest(name) {
			where = tests
		}
		found = append(found, wordsOfName(s.path, m.fset.Position(at).Line, name, where)...)
	}
	if !s.test {
		for text, at := range messages(s.file) {
			found = append(found, wordsOfProse(s.path, m.fset.Position(at).Line, text, logs)...)
		}
	}
	return found
}

func isTest(name string) bool {
	return slices.ContainsFunc([]string{"Test", "Fuzz", "Benchmark", "Example"}, func(p string) bool {
		return strings.HasPrefix(name, p)
	})
}

// declared is every name that a file declares, and where it does so first.
func declared(s source) map[string]token.Pos {
	list := make(map[string]token.Pos)
	add := func(nodes ...ast.Expr) {
		for _, n := range nodes {
			if id, ok := n.(*ast.Ident); ok && list[id.Name] == token.NoPos {
				list[id.Name] = id.Pos()
			}
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			add(n.Name)
		case *ast.TypeSpec:
			add(n.Name)
		case *ast.ValueSpec:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.Field:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				add(n.Lhs...)
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key, n.Value)
			}
		}
		return true
	})
	return list
}

// messages is what a file writes to the log, and says of its metrics.
func messages(file *ast.File) map[string]token.Pos {
	levels := []string{"Debug", "Info", "Warn", "Error", "DPanic", "Panic", "Fatal", "Log", "Check"}
	list := make(map[string]token.Pos)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			method, ok := n.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(levels, method.Sel.Name) {
				return true
			}
			for _, arg := range n.Args {
				addText(list, arg)
			}
		case *ast.KeyValueExpr:
			if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Help" {
				addText(list, n.Value)
			}
		}
		return true
	})
	return list
}

func addText(list map[string]token.Pos, n ast.Expr) {
	if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if text, err := strconv.Unquote(lit.Value); err == nil {
			list[text] = lit.Pos()
		}
	}
}

// wordsOfName finds old words in a name.
func wordsOfName(p string, line int, name string, where place) []finding {
	var found []finding
	parts := strings.Join(split(name), "_")
	inside := "_" + strings.ReplaceAll(parts, "dead_letter", "deadletter") + "_"
	for _, r := range oldWords {
		if r.where&where == 0 || r.excepts(p, name) {
			continue
		}
		for old := range strings.FieldsSeq(r.old) {
			part := r.where&where&^whole != 0 && strings.Contains(inside, "_"+old+"_")
			all := r.where&where&whole != 0 && parts == strings.Join(split(old), "_")
			if part || all {
				found = append(found, finding{p, line, "word", fmt.Sprintf("%s in %s: say %s", old, name, r.say)})
			}
		}
	}
	return found
}

func (r refused) excepts(p, name string) bool {
	for but := range strings.FieldsSeq(r.but) {
		if but == name || within(p, but) {
			return true
		}
	}
	return false
}

// wordsOfProse finds old words and phrases in a text that begins at a line.
func wordsOfProse(p string, line int, text string, where place) []finding {
	var found []finding
	report := func(old *regexp.Regexp, say string) {
		for _, at := range old.FindAllStringIndex(text, -1) {
			below := strings.Count(text[:at[0]], "\n")
			found = append(found, finding{p, line + below, "word", fmt.Sprintf("%q: say %s", text[at[0]:at[1]], say)})
		}
	}
	for _, r := range oldWords {
		if r.where&where != 0 && !r.excepts(p, "") {
			report(patterns[r.old], r.say)
		}
	}
	for _, r := range oldPhrases {
		report(r.old, r.say)
	}
	return found
}

// patterns match each refusal's words in a text.
var patterns = func() map[string]*regexp.Regexp {
	list := make(map[string]*regexp.Regexp)
	for _, r := range oldWords {
		list[r.old] = phrase(strings.ReplaceAll(strings.Join(strings.Fields(r.old), "|"), "_", " "))
	}
	return list
}()

// withoutCode blanks what a page of Markdown has between backticks, and its fenced blocks.
func withoutCode(text string) string {
	return code.ReplaceAllStringFunc(text, func(s string) string {
		return strings.Repeat("\n", strings.Count(s, "\n"))
	})
}

var code = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")

// split is the words of a name, in small letters: "readDueEntry" is read, due, entry.
func split(name string) []string {
	var list []string
	begin := 0
	letters := []rune(name)
	for i, r := range letters {
		begins := unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(letters[i-1]) || (i+1 < len(letters) && unicode.IsLower(letters[i+1])))
		if r == '_' || begins {
			list = append(list, strings.ToLower(string(letters[begin:i])))
			begin = i
		}
		if r == '_' {
			begin++
		}
	}
	list = append(list, strings.ToLower(string(letters[begin:])))
	return slices.DeleteFunc(list, func(word string) bool { return word == "" })
}
