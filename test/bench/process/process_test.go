package process

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

func start(t *testing.T, script string) (*Process, string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	p, err := Start(Config{Path: "/bin/sh", Args: []string{"-c", script}, Log: log})
	harness.OK(t, err)
	return p, log
}

func TestUsage(t *testing.T) {
	p, _ := start(t, "while :; do :; done")
	defer p.Kill()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); ; <-tick.C {
		u, err := p.Usage()
		harness.OK(t, err)
		if u.CPU > 0 && u.Memory > 0 && u.Peak >= u.Memory {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("it works all the time and has used %+v", u)
		}
	}
}

func TestStop(t *testing.T) {
	p, log := start(t, `trap 'echo interrupted; exit 0' INT; echo up; while :; do :; done`)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for text := ""; text != "up\n"; <-tick.C {
		b, err := os.ReadFile(log)
		if err != nil || p.Ended() {
			t.Fatal("it did not start", err)
		}
		text = string(b)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	harness.OK(t, p.Stop(ctx))
	if text, err := os.ReadFile(log); err != nil || !strings.Contains(string(text), "interrupted") {
		t.Errorf("its log says %q, %v", text, err)
	}
	if _, err := p.Usage(); err == nil {
		t.Error("it has ended and still uses something")
	}
}

func TestNoSuchProgram(t *testing.T) {
	if _, err := Start(Config{Path: "/no/such/program", Log: filepath.Join(t.TempDir(), "log")}); err == nil {
		t.Error("no error")
	}
}

func TestCPU(t *testing.T) {
	// The name of a program may hold brackets and spaces.
	cpu, err := cpuOf("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0")
	if err != nil || cpu != 2*time.Second {
		t.Errorf("got %s, %v; want 2 s", cpu, err)
	}
	if _, err := cpuOf("12 (name) S 1"); err == nil {
		t.Error("no error for a line that is cut off")
	}
}
