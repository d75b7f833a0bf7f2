package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"
)

// stage is what a harness plays on outside of a test: the parts of testing.TB that
// it needs. What a test would be failed for ends the play with an error.
type stage struct {
	testing.TB // nil: keeps the interface whole; whatever is not below must not be called
	ctx        context.Context
	cleanups   []func()
	wrong      []error
}

// play runs a play to its end, or to its first failure, and cleans up behind it.
func play(what func(*stage)) error {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stage{ctx: ctx}
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

func (s *stage) Helper()                  {}
func (s *stage) Name() string             { return "shots" }
func (s *stage) Context() context.Context { return s.ctx }
func (s *stage) Cleanup(f func())         { s.cleanups = append(s.cleanups, f) }
func (s *stage) Failed() bool             { return len(s.wrong) > 0 }

func (s *stage) Log(args ...any)                 { fmt.Fprintln(os.Stderr, args...) }
func (s *stage) Logf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func (s *stage) Error(args ...any) {
	s.wrong = append(s.wrong, errors.New(fmt.Sprint(args...)))
}

func (s *stage) Errorf(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Errorf(format, args...))
}

func (s *stage) Fatal(args ...any) {
	s.Error(args...)
	runtime.Goexit()
}

func (s *stage) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	runtime.Goexit()
}

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "channelsync-shots-")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// ArtifactDir is where the picture of a page goes whose play has failed.
func (s *stage) ArtifactDir() string { return os.TempDir() }
