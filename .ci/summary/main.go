// Command summary reads what `go test -json` says and shows what a person wants
// of it: a line for each package, everything a failing test printed, and a last
// line that counts: "N passed, N failed, N skipped". Subtests count like tests;
// a package that failed without a failing test (it did not build, or ended
// early) counts as one that failed. It runs nothing itself; .ci/run calls it.
//
// Exit code: 0 when something passed and nothing failed, else 1.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	if !s.close() {
		os.Exit(1)
	}
}

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action, Package, Test, Output string
	ImportPath                    string // of build-output and build-fail
}

type test struct{ pkg, name string }

type summary struct {
	out                     io.Writer
	passed, failed, skipped int
	prints                  map[test][]string // of what has not ended; shown if it fails
	started                 map[test]bool     // and has not ended
	blamed                  map[string]bool   // packages with a failing test
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, prints: map[test][]string{}, started: map[test]bool{}, blamed: map[string]bool{}}
}

func (s *summary) read(from io.Reader) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				s.take(e)
			} else {
				fmt.Fprint(s.out, string(line)) // what make or the go command says in plain text
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test events: %w", err)
		}
	}
}

func (s *summary) take(e event) {
	key := test{e.Package, e.Test}
	switch e.Action {
	case "run":
		s.started[key] = true
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		s.prints[key] = append(s.prints[key], e.Output)
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.packageEnded(e)
		} else {
			s.testEnded(key, e.Action)
		}
	}
}

func (s *summary) testEnded(key test, action string) {
	switch action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		s.show(key) // says why
	case "fail":
		s.failed++
		s.blamed[key.pkg] = true
		s.show(key)
	}
	delete(s.prints, key)
	delete(s.started, key)
}

// packageEnded shows the package's own lines, of which the last is go test's verdict.
func (s *summary) packageEnded(e event) {
	if e.Action == "fail" {
		open := slices.SortedFunc(maps.Keys(s.started), func(a, b test) int { return strings.Compare(a.name, b.name) })
		for _, key := range open { // the process ended under them
			if key.pkg == e.Package {
				s.testEnded(key, "fail")
			}
		}
		if !s.blamed[e.Package] {
			s.failed++
		}
	}
	own := test{e.Package, ""}
	for _, line := range s.prints[own] {
		if verdict, _, _ := strings.Cut(line, "\tcoverage: "); strings.HasPrefix(line, "ok") {
			fmt.Fprintln(s.out, strings.TrimSpace(verdict)) // a package's share of the whole product's coverage says nothing
		} else if e.Action == "fail" {
			fmt.Fprint(s.out, line)
		}
	}
	delete(s.prints, own)
}

func (s *summary) show(key test) {
	for _, line := range s.prints[key] {
		if !strings.HasPrefix(line, "=== ") {
			fmt.Fprint(s.out, line)
		}
	}
}

// close prints the last line and says whether all is well.
func (s *summary) close() bool {
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return s.failed == 0 && s.passed > 0
}
