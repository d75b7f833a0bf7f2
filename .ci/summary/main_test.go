package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	cases := map[string]struct {
		events []string
		want   string // the whole output
		ok     bool
	}{
		"all pass": {
			[]string{
				`{"Action":"start","Package":"p"}`,
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: quiet\n"}`,
				`{"Action":"pass","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Output":"PASS\n"}`,
				`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\tcoverage: 3.0% of statements in ./...\n"}`,
				`{"Action":"pass","Package":"p"}`,
			},
			"ok  \tp\t0.1s\n1 passed, 0 failed, 0 skipped\n", true,
		},
		"a failing test shows what it printed, a skipped one says why": {
			[]string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: loud\n"}`,
				`{"Action":"fail","Package":"p","Test":"TestA"}`,
				`{"Action":"run","Package":"p","Test":"TestB"}`,
				`{"Action":"output","Package":"p","Test":"TestB","Output":"    no engine\n"}`,
				`{"Action":"skip","Package":"p","Test":"TestB"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			"    a_test.go:1: loud\n    no engine\nFAIL\tp\t0.1s\n0 passed, 1 failed, 1 skipped\n", false,
		},
		"a test that its process ended under": {
			[]string{
				`{"Action":"run","Package":"p","Test":"TestA"}`,
				`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: no\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			"panic: no\n0 passed, 1 failed, 0 skipped\n", false,
		},
		"a package that does not build": {
			[]string{
				`{"Action":"build-output","ImportPath":"p","Output":"p/a.go:1: no\n"}`,
				`{"Action":"build-fail","ImportPath":"p"}`,
				`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
				`{"Action":"fail","Package":"p"}`,
			},
			"p/a.go:1: no\nFAIL\tp [build failed]\n0 passed, 1 failed, 0 skipped\n", false,
		},
		"nothing ran": {
			[]string{"make: no rule"}, "make: no rule\n0 passed, 0 failed, 0 skipped\n", false,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out)
			if err := s.read(strings.NewReader(strings.Join(c.events, "\n") + "\n")); err != nil {
				t.Fatal(err)
			}
			if ok := s.close(); ok != c.ok || out.String() != c.want {
				t.Errorf("got %v\n%s\nwant %v\n%s", ok, out.String(), c.ok, c.want)
			}
		})
	}
}

// TestAgain: a failure that the load explains is tried once more, and one that it does not
// is final.
func TestAgain(t *testing.T) {
	run := func(name, end string, prints ...string) string {
		lines := []string{`{"Action":"run","Package":"p","Test":"` + name + `"}`}
		for _, line := range prints {
			lines = append(lines, `{"Action":"output","Package":"p","Test":"`+name+`","Output":"`+line+`\n"}`)
		}
		return strings.Join(append(lines, `{"Action":"`+end+`","Package":"p","Test":"`+name+`"}`), "\n") + "\n"
	}
	ended := `{"Action":"fail","Package":"p"}` + "\n"
	cases := map[string]struct {
		first, second string
		tried         string // the pattern; empty when nothing is
		last          string // of the output
		ok            bool
	}{
		"it holds alone": {
			run("TestA/x", "fail") + run("TestA", "fail") + run("TestB", "pass") + ended,
			run("TestA/x", "pass") + run("TestA", "pass"),
			"^(TestA)$", "unsteady, passed only when tried again alone: p.TestA, p.TestA/x\n3 passed, 0 failed, 0 skipped\n", true,
		},
		"it fails again": {
			run("TestA", "fail") + run("TestB", "fail") + ended, run("TestA", "fail") + run("TestB", "pass"),
			"^(TestA|TestB)$", "unsteady, passed only when tried again alone: p.TestB\n1 passed, 1 failed, 0 skipped\n", false,
		},
		"a data race":             {run("TestA", "fail", "WARNING: DATA RACE") + ended, "", "", "0 passed, 1 failed, 0 skipped\n", false},
		"a panic":                 {run("TestA", "fail", "panic: no") + ended, "", "", "0 passed, 1 failed, 0 skipped\n", false},
		"under stress":            {run("TestAUnderStress", "fail") + ended, "", "", "0 passed, 1 failed, 0 skipped\n", false},
		"a package without tests": {run("TestA", "fail") + `{"Action":"fail","Package":"q"}` + "\n", "", "", "0 passed, 2 failed, 0 skipped\n", false},
		"many": {
			run("TestA", "fail") + run("TestB", "fail") + run("TestC", "fail") + run("TestD", "fail") + run("TestE", "fail") + run("TestF", "fail"),
			"", "", "0 passed, 6 failed, 0 skipped\n", false,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out)
			if err := s.read(strings.NewReader(c.first)); err != nil {
				t.Fatal(err)
			}
			tried := ""
			s.again(func(pkg, pattern string) error {
				tried += pattern
				return s.read(strings.NewReader(c.second))
			})
			if ok := s.close(); ok != c.ok || tried != c.tried || !strings.HasSuffix(out.String(), c.last) {
				t.Errorf("got %v after %q\n%s\nwant %v after %q\n%s", ok, tried, out.String(), c.ok, c.tried, c.last)
			}
		})
	}
}
