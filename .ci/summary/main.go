// Command summary reads what `go test -json` says and shows what a person wants
// of it: a line for each package, everything a failing test printed, and a last
// line that counts: "N passed, N failed, N skipped". Subtests count like tests;
// a package that failed without a failing test (it did not build, or ended
// early) counts as one that failed.
//
// Given a command, "go test -json" with its flags, it tries each failed test once more
// by itself, when all others are done: a test that fails while others load the machine
// and holds alone counts as passed, and the line before the last names it, since its
// bound or the code needs a repair. More than a few are not tried again, nor is what
// met a data race, a panic or a process that ended early: none of these is the load's.
//
// Exit code: 0 when something passed and nothing failed, else 1.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
	if command := os.Args[1:]; len(command) > 0 {
		s.again(func(pkg, pattern string) error { return s.run(append(command, "-run", pattern, pkg)) })
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
	failures                map[test]bool     // tests that failed, subtests among them
	blamed                  map[string]bool   // packages with a failing test
	final                   bool              // a failure was met that no second try mends
	unsteady                []string          // passed at the second try
}

// few failures are tried again; more are not the load's.
const few = 5

func newSummary(out io.Writer) *summary {
	return &summary{out: out, prints: map[test][]string{}, started: map[test]bool{}, failures: map[test]bool{}, blamed: map[string]bool{}}
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
		if s.failures[key] {
			s.failed--
			delete(s.failures, key)
			s.unsteady = append(s.unsteady, key.pkg+"."+key.name)
		}
	case "skip":
		s.skipped++
		s.show(key) // says why
	case "fail":
		if !s.failures[key] {
			s.failed++
			s.failures[key] = true
		}
		s.blamed[key.pkg] = true
		s.final = s.final || strings.HasSuffix(key.name, "UnderStress") || slices.ContainsFunc(s.prints[key], hopeless)
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
				s.final = true
			}
		}
		if !s.blamed[e.Package] {
			s.failed++
			s.final = true
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

// hopeless says that a line tells of a failure which is not the load's.
func hopeless(line string) bool {
	return strings.Contains(line, "DATA RACE") || strings.Contains(line, "race detected") || strings.HasPrefix(line, "panic: ")
}

// again tries what failed once more, a package at a time.
func (s *summary) again(try func(pkg, pattern string) error) {
	names := map[string][]string{} // by package
	for key := range s.failures {
		if name, _, _ := strings.Cut(key.name, "/"); !slices.Contains(names[key.pkg], name) {
			names[key.pkg] = append(names[key.pkg], name)
		}
	}
	count := 0
	for _, of := range names {
		count += len(of)
	}
	if s.final || count == 0 || count > few {
		return
	}
	for _, pkg := range slices.Sorted(maps.Keys(names)) {
		slices.Sort(names[pkg])
		fmt.Fprintf(s.out, "tried again alone: %s of %s\n", strings.Join(names[pkg], ", "), pkg)
		if err := try(pkg, "^("+strings.Join(names[pkg], "|")+")$"); err != nil {
			fmt.Fprintln(s.out, err)
		}
	}
}

// run reads the results of a command.
func (s *summary) run(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = s.out
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("try again: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("try again: %w", err)
	}
	return errors.Join(s.read(out), cmd.Wait())
}

// close prints the last line and says whether all is well.
func (s *summary) close() bool {
	if len(s.unsteady) > 0 {
		slices.Sort(s.unsteady)
		fmt.Fprintf(s.out, "unsteady, passed only when tried again alone: %s\n", strings.Join(s.unsteady, ", "))
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return s.failed == 0 && s.passed > 0
}
