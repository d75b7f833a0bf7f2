package panics

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTryReturnsTheErrorOfWhatItRuns(t *testing.T) {
	cause := errors.New("no luck")
	if err := Try(func() error { return cause }); err != cause { //nolint:errorlint // the very error, not wrapped
		t.Errorf("got %v", err)
	}
	if err := Try(func() error { return nil }); err != nil {
		t.Errorf("got %v", err)
	}
	if Of(cause) != nil || Of(nil) != nil {
		t.Error("an ordinary error is taken for a panic")
	}
}

func TestAPanicIsAnErrorWithTheStackOfItsPlace(t *testing.T) {
	cause := errors.New("no luck")
	for name, panics := range map[string]func(){
		"text":    func() { panic("no luck") },
		"error":   func() { panic(cause) },
		"runtime": func() { var none []int; _ = none[len(none)] },
	} {
		t.Run(name, func(t *testing.T) {
			err := fmt.Errorf("project contract: %w", Try(func() error { here(panics); return nil }))
			p := Of(err)
			if p == nil {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(string(p.Stack), "panics.here") {
				t.Errorf("the stack does not show where:\n%s", p.Stack)
			}
			if strings.Contains(err.Error(), "goroutine") {
				t.Errorf("the stack is in the text: %v", err)
			}
			if errors.Is(err, cause) {
				t.Error("a panic is taken for the error it was called with")
			}
		})
	}
}

//go:noinline
func here(fn func()) { fn() }
