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
