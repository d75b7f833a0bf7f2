package fault

import (
	"fmt"
	"math/rand/v2"
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
	p := tr.Process()
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		tr.Fatal(err)
	}
	tr.hold(stopped)
	if err := p.Signal(syscall.SIGCONT); err != nil {
		tr.Fatal(err)
	}
	tr.over()
	return fmt.Sprintf("stopped for %s", stopped)
}
