package reference

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"channelsync/test/bench/load"
	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// TestReferences shows that each answers what it says it answers, and that those that
// write do so before they answer.
func TestReferences(t *testing.T) {
	for _, kind := range []Kind{Bare, Synced, Parallel} {
		t.Run(string(kind), func(t *testing.T) {
			dir := t.TempDir()
			ctx, stop := context.WithCancel(t.Context())
			addr, ended := make(chan string, 1), make(chan error, 1)
			go func() { ended <- Serve(ctx, kind, dir, func(a string) { addr <- a }) }()
			at := <-addr
			for secret, status := range map[string]int{Secret: http.StatusAccepted, "another": http.StatusUnauthorized} {
				requests, err := (&load.Callbacks{URL: "http://" + at + "/x", Secret: secret, Records: 1}).Make(20)
				harness.OK(t, err)
				got, err := load.Run(load.Config{Addr: at, Connections: 4, For: 10 * time.Second, Requests: requests, Status: []int{status}})
				if err != nil || got.Answered != 20 {
					t.Errorf("secret %q: %+v, %v", secret, got, err)
				}
			}
			text, err := os.ReadFile(filepath.Join(dir, string(kind)))
			switch {
			case kind == Bare && err == nil:
				t.Error("the bare one wrote a file")
			case kind != Bare && strings.Count(string(text), `"Action":"Update"`) != 20:
				t.Errorf("it wrote %d bodies, %v; want 20", strings.Count(string(text), `"Action"`), err)
			}
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoPlaceToWrite(t *testing.T) {
	err := Serve(t.Context(), Synced, filepath.Join(t.TempDir(), "none"), func(string) { t.Error("it is ready") })
	if err == nil {
		t.Error("no error")
	}
}
