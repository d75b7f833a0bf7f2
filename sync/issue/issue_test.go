package issue

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/deadletter"
	"channelsync/test/harness"
)

// TestIssuesOfTheWholeInstallationComeFirst: then those of single records, then what is
// retried by itself.
func TestIssuesOfTheWholeInstallationComeFirst(t *testing.T) {
	now := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	list := Sort([]v1.Issue{
		{Code: "throttled", Severity: v1.SeverityRetrying, FirstAt: now.Add(-time.Hour)},
		{Code: "cost_unknown", Severity: v1.SeverityAct, Records: 6, FirstAt: now.Add(-2 * time.Minute)},
		{Code: "rejected", Severity: v1.SeverityAct, Records: 1, FirstAt: now.Add(-time.Minute)},
		{Code: "credentials_refused", Severity: v1.SeverityAct, FirstAt: now},
	})
	for i, want := range []string{"credentials_refused", "cost_unknown", "rejected", "throttled"} {
		if list[i].Code != want {
			t.Errorf("at %d: got %s, want %s", i, list[i].Code, want)
		}
	}
}

func TestIssuesAreOnePerCause(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := NewSet(func() time.Time { return now })
	first := now
	s.Raise(Issue{Code: "throttled", Source: "autotask"})
	now = now.Add(time.Minute)
	s.Raise(Issue{Code: "credentials_refused", Act: true, Detail: "HTTP 401"})
	s.Raise(Issue{Code: "throttled", Source: "autotask", NextAt: now.Add(time.Hour), Detail: "in an hour"})
	next := now.Add(time.Hour)
	want := []v1.Issue{Describe("credentials_refused"), Describe("throttled")}
	want[0].Detail, want[0].FirstAt, want[0].LastAt = "HTTP 401", now, now
	want[1].Detail, want[1].FirstAt, want[1].LastAt, want[1].NextAttemptAt = "in an hour", first, now, &next
	if diff := cmp.Diff(want, s.List()); diff != "" {
		t.Errorf("the one to act on first: %s", diff)
	}
	s.ClearFrom("autotask")
	if s.Has("throttled") || !s.Has("throttled", "credentials_refused") {
		t.Error("clearing a side")
	}
	s.Clear("credentials_refused")
	if len(s.List()) != 0 {
		t.Errorf("left: %+v", s.List())
	}
}

func TestIssueOfNoKnownCauseStillHasWords(t *testing.T) {
	i := Describe("never_heard_of")
	if i.Title == "" || i.Detail == "" || i.Fix == "" || i.Severity == "" {
		t.Errorf("got %+v", i)
	}
}

var codeText = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// codesOf gathers the codes that the code raises as issues: of upstreams, of records
// that fail, of the watchers, and of projections.
func codesOf(t *testing.T) map[string]string {
	t.Helper()
	codes := map[string]string{}
	add := func(e ast.Expr, where string) {
		if lit, is := e.(*ast.BasicLit); is && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil && codeText.MatchString(text) {
				codes[text] = where
			}
		}
	}
	for _, dir := range []string{"../control", "../reconcile", "../upstream", "../projection"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		harness.OK(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			harness.OK(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr: // it.fail("code", …)
					if sel, is := n.Fun.(*ast.SelectorExpr); is && sel.Sel.Name == "fail" && len(n.Args) == 3 {
						add(n.Args[0], path)
					} else if is && sel.Sel.Name == "unreadable" && len(n.Args) == 3 { // b.unreadable(it, "code", …)
						add(n.Args[1], path)
					}
				case *ast.CompositeLit: // issue.Issue{Code: …}, upstream.Failure{Code: …}
					kind, is := n.Type.(*ast.Ident)
					if sel, qualified := n.Type.(*ast.SelectorExpr); qualified {
						kind, is = sel.Sel, true
					}
					for _, field := range n.Elts {
						kv, named := field.(*ast.KeyValueExpr)
						if is && named && (kind.Name == "Issue" || kind.Name == "Failure") {
							if key, is := kv.Key.(*ast.Ident); is && key.Name == "Code" {
								add(kv.Value, path)
							}
						}
					}
				case *ast.AssignStmt: // failure.Code, failure.NeedsPerson = …
					for i, left := range n.Lhs {
						if sel, is := left.(*ast.SelectorExpr); is && sel.Sel.Name == "Code" && i < len(n.Rhs) {
							add(n.Rhs[i], path)
						}
					}
				case *ast.FuncDecl: // what these return
					if n.Name.Name == "pauseCode" || n.Name.Name == "targetCode" {
						ast.Inspect(n, func(n ast.Node) bool {
							if ret, is := n.(*ast.ReturnStmt); is {
								add(ret.Results[0], path)
							}
							return true
						})
					}
				case *ast.ValueSpec: // projection.IssueCostUnknown, upstream.CodeInternal = …
					for i, name := range n.Names {
						if (strings.HasPrefix(name.Name, "Issue") || strings.HasPrefix(name.Name, "Code")) && i < len(n.Values) {
							add(n.Values[i], path)
						}
					}
				}
				return true
			})
		}
	}
	for _, code := range []string{channelprogram.CodeCurrencyUnsupported, channelprogram.CodeAmbiguousMatch} { // targetCode passes them on
		codes[code] = "the target"
	}
	return codes
}

func TestEveryIssueHasWords(t *testing.T) {
	codes := codesOf(t)
	for _, known := range []string{"throttled", "credentials_refused", "row_unreadable", "no_public_url", "cost_unknown", "channel_program_subscription"} {
		if codes[known] == "" {
			t.Fatalf("the search for codes does not find %s", known)
		}
	}
	for code, where := range codes {
		if _, is := texts[code]; !is {
			t.Errorf("%s is raised in %s and has no words", code, where)
		}
	}
	for code, words := range texts {
		if codes[code] == "" && code != "mass_change_held" && code != v1.ReasonEditedAtTarget && code != "no_instance" && code != deadletter.CodeDropped {
			t.Errorf("%s has words, but nothing raises it", code)
		}
		if words.title == "" || words.detail == "" || words.fix == "" || words.severity != v1.SeverityAct && words.severity != v1.SeverityRetrying {
			t.Errorf("%s: %+v", code, words)
		}
	}
	for _, code := range Degrading {
		if codes[code] == "" {
			t.Errorf("%s degrades, but nothing raises it", code)
		}
	}
}

func TestDeadLettersSayWhatToDo(t *testing.T) {
	for code, want := range map[string][2]string{
		"rejected":             {"Channel Program rejects records", "In Autotask, correct the field that the record names. The record is sent again when it changes."},
		"target_failed":        {"Channel Program fails on single records", "Open the record: it shows the answer and what to do. After correcting the cause, \"Sync now\" sends it at once."},
		"autotask_unavailable": {"Autotask does not answer", "It failed repeatedly over twelve hours. Try it once more; if it fails again, look at the detail."},
		"callback_unreadable":  {"A callback could not be read", "Its signature is valid, but its body is not a webhook's. Look at the body. If your own bridge sent it, correct the bridge. Then dismiss the callback."},
		"something_new":        {"Something went wrong", "Correct what the detail names, then try again."},
	} {
		if title, fix := DeadLetter(code); title != want[0] || fix != want[1] {
			t.Errorf("%s: got %q, %q", code, title, fix)
		}
	}
}

// The option "overallCost" says what counts, so what to enter depends on it; the cause of
// a single record goes before that.
func TestWhatGivesACostDependsOnTheOption(t *testing.T) {
	for option, c := range map[string]struct{ says, not string }{
		"":        {"an estimated cost on the contract", "price"},
		"auto":    {"an estimated cost on the contract", "price"},
		"monthly": {"do not count with the option \"overallCost\" \"monthly\"", "price"},
		"annual":  {"do not count with the option \"overallCost\" \"annual\"", "price"},
		"price":   {"an estimated revenue", "estimated cost"},
	} {
		o := v1.Options{OverallCost: option}
		general := DescribeFor("cost_unknown", o).Fix
		if !strings.Contains(general, c.says) || strings.Contains(general, c.not) || !strings.Contains(general, "A contract needs nothing if") {
			t.Errorf("%q: %q", option, general)
		}
		for sources, want := range map[string]string{
			`{"cost":{"fix":"This is correct."}}`: "This is correct.",
			`{"cost":{"sentence":"old"}}`:         general,
			`null`:                                general,
		} {
			if got := FixOfNote("cost_unknown", o, json.RawMessage(sources)); got != want {
				t.Errorf("%q, %s: %q, want %q", option, sources, got, want)
			}
		}
		if got := DescribeFor("rejected", o); got != Describe("rejected") {
			t.Errorf("%q: other words of another issue: %+v", option, got)
		}
	}
}

// A reason without words of its own would be shown as a row that cannot be read.
func TestReasonsAreSaid(t *testing.T) {
	unreadable := Reason("row_unreadable")
	for _, code := range append(v1.Reasons(), "not_pushable") {
		if words := Reason(code); words == "" || strings.Contains(words, "_") || words == unreadable {
			t.Errorf("%s: %q", code, words)
		}
		if FixOfReasons([]string{code}) == "" && code != "not_pushable" {
			t.Errorf("%s: nothing to do about it", code)
		}
	}
}

// TestEveryCodeIsListed for filters, in api/v1, which knows no other.
func TestEveryCodeIsListed(t *testing.T) {
	if diff := cmp.Diff(slices.Sorted(maps.Keys(texts)), slices.Sorted(slices.Values(v1.IssueCodes()))); diff != "" {
		t.Errorf("codes of issues: %s", diff)
	}
	if codes := v1.DeadLetterCodes(); !slices.Contains(codes, deadletter.CodeUnreadable) || !slices.Contains(codes, deadletter.CodeDropped) {
		t.Errorf("causes of dead letters: %v", codes)
	}
	for _, code := range slices.Concat(v1.ReasonCodes(), v1.DeadLetterCodes(), v1.IssueCodes()) {
		if !v1.KnownCode(code) {
			t.Errorf("%s is not known", code)
		}
	}
	if v1.KnownCode("nonsense") || v1.KnownCode("") || v1.KnownCode(v1.IssueAny) {
		t.Error("anything is known")
	}
}
