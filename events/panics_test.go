package events

import (
	"context"
	"testing"
	"time"
)

// heardAfter fails the test unless want is heard in time.
func heardAfter(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	end := time.NewTimer(10 * time.Second)
	defer end.Stop()
	select {
	case got := <-heard:
		if got != want {
			t.Errorf("heard %q, want %q", got, want)
		}
	case <-end.C:
		t.Fatalf("%q is not heard", want)
	}
}

// Signals and changes of tables are taken on goroutines of the connection. What one of
// them does to its taker harms that one alone.
func TestAPanicAtOneSignalLeavesTheNextOnes(t *testing.T) {
	t.Parallel()
	b := open(t)
	heard := make(chan string, 1)
	err := b.Signals(t.Context(), "feed", "*", func(_ string, data []byte) {
		if string(data) == "poison" {
			panic("stepped on it")
		}
		heard <- string(data)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"poison", "next"} {
		if err := b.Signal("feed", inst, []byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	heardAfter(t, heard, "next")
}

func TestAPanicAtOneChangeOfATableLeavesTheNextOnes(t *testing.T) {
	t.Parallel()
	b := open(t)
	tab := table(t, b, TableConfig{Name: "t"})
	ctx, cancel := context.WithCancel(t.Context())
	heard, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- tab.Watch(ctx, "", func(e Event) {
			if string(e.Value) == "poison" {
				panic("stepped on it")
			}
			heard <- string(e.Value)
		})
	}()
	for _, what := range []string{"poison", "next"} {
		if _, err := tab.Put(t.Context(), "a."+what, []byte(what)); err != nil {
			t.Fatal(err)
		}
	}
	heardAfter(t, heard, "next")
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
