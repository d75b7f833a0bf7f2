//go:build linux

package fault

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// processFaults strike at the service's process.
func processFaults() []fault {
	return []fault{
		{name: "kill -9 under load", own: true, strike: kill, repeats: true},
		{name: "SIGSTOP", own: true, strike: freeze, repeats: true},
	}
}

// kill kills the service again and again, at random moments: under load, and every
// fifth time once more while it starts. After each run both sides must agree.
func kill(tr *trial) string {
	runs, inStart := form(5, 100), 0
	for run := range runs {
		tr.acknowledged(fmt.Sprintf("in run %d", run+1), 1)
		tr.hold(time.Duration(rand.IntN(900)) * time.Millisecond)
		tr.Kill()
		tr.over()
		if run%5 == 4 {
			inStart++
			tr.Launch()
			tr.hold(time.Duration(rand.IntN(400)) * time.Millisecond)
			tr.Kill()
		}
		tr.Start()
		tr.rest()
		tr.recovers()
		if tr.Failed() {
			return fmt.Sprintf("failed in run %d", run+1)
		}
		if run < runs-1 {
			tr.edit()
		}
	}
	return fmt.Sprintf("%d runs, both sides agree after each; %d times killed while starting too; the slowest recovery", runs, inStart)
}

// freeze stops the process and lets it go on.
func freeze(tr *trial) string {
	stopped := during(4*time.Second, 20*time.Second)
	tr.standing(func() { tr.hold(stopped) })
	tr.over()
	return fmt.Sprintf("stopped for %s", stopped)
}

// standing does something while the service's process stands still, all threads of it.
func (tr *trial) standing(do func()) {
	tr.Helper()
	p := tr.Process()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		tr.Fatal(err)
	}
	tr.Eventually("every thread of the service stands still", soon, func() error {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid))
		if err != nil || len(threads) == 0 {
			return fmt.Errorf("list threads: %d, %w", len(threads), err)
		}
		for _, thread := range threads {
			stat, err := os.ReadFile(thread)
			if err != nil {
				return err
			}
			if _, state, _ := bytes.Cut(stat, []byte(") ")); !bytes.HasPrefix(state, []byte("T")) {
				return fmt.Errorf("%s: %.80s", thread, stat)
			}
		}
		return nil
	})
	do()
	if err := p.Signal(syscall.SIGCONT); err != nil {
		tr.Fatal(err)
	}
}
