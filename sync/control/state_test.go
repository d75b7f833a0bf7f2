package control

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/api/autotask"
	"channelsync/api/channelprogram"
	v1 "channelsync/api/v1"
	"channelsync/sync/deadletter"
	"channelsync/sync/installation"
	"channelsync/sync/reconcile"
)

func refuse(in *installation.Installation) error {
	in.Refused = true
	return nil
}

func TestState(t *testing.T) {
	d := newDesk(t, setup{})
	now := time.Now()
	for name, one := range map[string]struct {
		in          installation.Installation
		idle        bool // nothing runs
		untried     bool
		issues      []string
		backfilling bool
		want        v1.State
	}{
		"live":                             {want: v1.StateLive},
		"backfilling":                      {backfilling: true, want: v1.StateBackfilling},
		"installing":                       {untried: true, backfilling: true, want: v1.StateInstalling},
		"nothing runs yet":                 {idle: true, want: v1.StateInstalling},
		"degraded":                         {issues: []string{"throttled"}, want: v1.StateDegraded},
		"degraded while backfilling":       {issues: []string{"channel_program_refused"}, backfilling: true, want: v1.StateDegraded},
		"polling is not degraded":          {issues: []string{"no_public_url", "webhook_not_allowed"}, want: v1.StateLive},
		"refused":                          {in: installation.Installation{Refused: true}, issues: []string{"throttled"}, want: v1.StateNeedsCredentials},
		"refused before it ever ran":       {in: installation.Installation{Refused: true}, idle: true, want: v1.StateNeedsCredentials},
		"stopped":                          {in: installation.Installation{Stopped: true, Refused: true}, want: v1.StateStopped},
		"uninstalled, whatever it was":     {in: installation.Installation{Uninstalled: true, Stopped: true, Refused: true}, idle: true, want: v1.StateUninstalled},
		"an issue that nobody must notice": {issues: []string{"cost_unknown"}, want: v1.StateLive},
	} {
		t.Run(name, func(t *testing.T) {
			var rt *runtime
			if !one.idle {
				rt = d.newRuntime(&one.in)
				rt.issues = newIssues(time.Now) // the zero installation has no connection
				rt.tried.Store(!one.untried)
				for _, code := range one.issues {
					rt.issues.raise(issue{code: code})
				}
			}
			if got := state(&one.in, rt, one.backfilling, now); got != one.want {
				t.Errorf("got %s, want %s", got, one.want)
			}
		})
	}
}

func TestSyncState(t *testing.T) {
	for name, one := range map[string]struct {
		in          installation.Installation
		sync        installation.SyncSettings
		backfilling bool
		want        v1.SyncState
	}{
		"running":                        {want: v1.SyncRunning},
		"backfilling":                    {backfilling: true, want: v1.SyncBackfilling},
		"stopped":                        {sync: installation.SyncSettings{Stopped: true}, backfilling: true, want: v1.SyncStopped},
		"stopped with the whole":         {in: installation.Installation{Stopped: true}, want: v1.SyncStopped},
		"uninstalled":                    {sync: installation.SyncSettings{Uninstalled: true, Stopped: true}, want: v1.SyncUninstalled},
		"uninstalled with the whole":     {in: installation.Installation{Uninstalled: true}, want: v1.SyncUninstalled},
		"uninstalled, the other stopped": {in: installation.Installation{Stopped: true}, sync: installation.SyncSettings{Uninstalled: true}, want: v1.SyncUninstalled},
	} {
		if got := syncState(&one.in, &one.sync, one.backfilling); got != one.want {
			t.Errorf("%s: got %s, want %s", name, got, one.want)
		}
	}
}

func TestIssuesAreOnePerCause(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := newIssues(func() time.Time { return now })
	first := now
	s.raise(issue{code: "throttled", side: "autotask"})
	now = now.Add(time.Minute)
	s.raise(issue{code: "credentials_refused", act: true, detail: "HTTP 401"})
	s.raise(issue{code: "throttled", side: "autotask", nextAt: now.Add(time.Hour), detail: "in an hour"})
	next := now.Add(time.Hour)
	want := []v1.Issue{describe("credentials_refused"), describe("throttled")}
	want[0].Detail, want[0].FirstAt, want[0].LastAt = "HTTP 401", now, now
	want[1].Detail, want[1].FirstAt, want[1].LastAt, want[1].NextAttemptAt = "in an hour", first, now, &next
	if diff := cmp.Diff(want, s.list()); diff != "" {
		t.Errorf("the one to act on first: %s", diff)
	}
	s.clearSide("autotask")
	if s.has("throttled") || !s.has("throttled", "credentials_refused") {
		t.Error("clearing a side")
	}
	s.clear("credentials_refused")
	if len(s.list()) != 0 {
		t.Errorf("left: %+v", s.list())
	}
}

func TestIssueOfNoKnownCauseStillHasWords(t *testing.T) {
	i := describe("never_heard_of")
	if i.Title == "" || i.Detail == "" || i.Fix == "" || i.Severity == "" {
		t.Errorf("got %+v", i)
	}
}

var codeText = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// codesOf gathers the codes that the code raises as issues: of roads, of records
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
	for _, dir := range []string{".", "../reconcile", "../projection"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		ok(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			ok(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr: // it.fail("code", …)
					if sel, is := n.Fun.(*ast.SelectorExpr); is && sel.Sel.Name == "fail" && len(n.Args) == 3 {
						add(n.Args[0], path)
					} else if is && sel.Sel.Name == "unreadable" && len(n.Args) == 3 { // b.unreadable(it, "code", …)
						add(n.Args[1], path)
					}
				case *ast.CompositeLit: // issue{code: …}, Road{Code: …}
					kind, is := n.Type.(*ast.Ident)
					for _, field := range n.Elts {
						kv, named := field.(*ast.KeyValueExpr)
						if is && named && (kind.Name == "issue" || kind.Name == "Road") {
							if key, is := kv.Key.(*ast.Ident); is && strings.EqualFold(key.Name, "code") {
								add(kv.Value, path)
							}
						}
					}
				case *ast.AssignStmt: // road.Code, road.Pause = …
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
				case *ast.ValueSpec: // projection.IssueCostUnknown, reconcile.CodeInternal = …
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
		if _, is := issueWords[code]; !is {
			t.Errorf("%s is raised in %s and has no words", code, where)
		}
	}
	for code, words := range issueWords {
		if codes[code] == "" && code != "mass_change_held" && code != "no_instance" && code != deadletter.CodeDropped {
			t.Errorf("%s has words, but nothing raises it", code)
		}
		if words.title == "" || words.detail == "" || words.fix == "" || words.severity != v1.SeverityAct && words.severity != v1.SeverityRetrying {
			t.Errorf("%s: %+v", code, words)
		}
	}
	for _, code := range degrading {
		if codes[code] == "" {
			t.Errorf("%s degrades, but nothing raises it", code)
		}
	}
}

func TestBrokenRoadsBecomeIssues(t *testing.T) {
	d := newDesk(t, setup{})
	rt := d.newRuntime(&installation.Installation{ID: "01hzx3q8r9k2m4n6p8s0t2v4w6", ConnectionID: connection, Secrets: installation.Secrets{Token: cpToken}})
	next := time.Now().Add(time.Minute)
	rt.Broken(reconcile.Road{Side: reconcile.SideTarget, Code: "channel_program_subscription", Pause: true, Err: errCause}, next)
	rt.Broken(reconcile.Road{Side: reconcile.SideAutotask, Code: "throttled", Err: errCause}, next)
	rt.Broken(reconcile.Road{Side: reconcile.SideAutotask, Code: "credentials_refused", Pause: true, Err: errCause}, next)
	var got []string
	for _, i := range rt.issues.list() {
		got = append(got, i.Code+" "+i.Severity)
	}
	want := []string{"channel_program_subscription act", "throttled retrying"}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	rt.Mended(reconcile.SideTarget)
	if rt.issues.has("channel_program_subscription") || !rt.issues.has("throttled") {
		t.Error("mending one side")
	}
}

func throttled(after time.Duration) error {
	return &autotask.Error{Kind: autotask.KindThrottled, RetryAfter: after}
}
