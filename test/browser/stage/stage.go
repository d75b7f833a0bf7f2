// Package stage lets programs use what is made for tests: a harness and pages of a browser play on it
// outside of any test. The programs below test/browser use it.
package stage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// Stage is what a harness plays on outside of a test: the parts of testing.TB that
// it needs. What a test would be failed for ends the play with an error.
type Stage struct {
	testing.TB // nil: keeps the interface whole; whatever is not below must not be called
	ctx        context.Context
	cleanups   []func()
	wrong      []error
}

// Play runs a play to its end, or to its first failure, and cleans up behind it.
func Play(what func(*Stage)) error {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Stage{ctx: ctx}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			cancel() // as the context of a test: before its cleanups
			for i := len(s.cleanups) - 1; i >= 0; i-- {
				s.cleanups[i]()
			}
		}()
		what(s)
	}()
	<-ended
	return errors.Join(s.wrong...)
}

func (s *Stage) Helper()                  {}
func (s *Stage) Name() string             { return "stage" }
func (s *Stage) Context() context.Context { return s.ctx }
func (s *Stage) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *Stage) Failed() bool             { return len(s.wrong) > 0 }

func (s *Stage) Log(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (s *Stage) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (s *Stage) Error(args ...any) {
	s.wrong = append(s.wrong, errors.New(fmt.Sprint(args...)))
}

func (s *Stage) Errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Errorf(format, args...))
}

func (s *Stage) Fatal(args ...any) {
	s.Error(args...)
	runtime.Goexit()
}

func (s *Stage) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

func (s *Stage) TempDir() string {
	dir, err := os.MkdirTemp("", "channelsync-stage-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// ArtifactDir is where the picture of a page goes whose play has failed.
func (s *Stage) ArtifactDir() string { return os.TempDir() }
