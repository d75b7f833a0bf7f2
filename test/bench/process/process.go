// Package process runs a program as a child and says what it costs: processor time
// and resident memory, read from /proc by its process id, so that whoever measures is
// not measured with it. It knows nothing of what the program does. The benchmarks under
// test/bench use it; Linux only.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// ticks is how many units of processor time /proc counts in a second (USER_HZ, fixed by the kernel's ABI).
const ticks = 100

// Config is a program to run.
type Config struct {
	Path string
	Args []string
	Env  []string // all of its environment
	Log  string   // file that both its outputs are appended to
}

// Process is a running child.
type Process struct {
	cmd   *exec.Cmd
	log   *os.File
	ended chan error
}

// Start runs the program.
func Start(cfg Config) (*Process, error) {
	log, err := os.OpenFile(cfg.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the program's log: %w", err)
	}
	p := &Process{cmd: exec.Command(cfg.Path, cfg.Args...), log: log, ended: make(chan error, 1)}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = cfg.Env, log, log
	p.cmd.SysProcAttr = endsWithUs()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", cfg.Path, err), log.Close())
	}
	go func() { p.ended <- p.cmd.Wait() }()
	return p, nil
}

// Ended tells when the child ended by itself; nothing else is received from it.
func (p *Process) Ended() bool { return len(p.ended) > 0 }

// Stop interrupts the child, as an operator would, and waits for its end.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("interrupt %s: %w", p.cmd.Path, err)
	}
	select {
	case err := <-p.ended:
		return errors.Join(err, p.log.Close())
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("stop %s: %w", p.cmd.Path, context.Cause(ctx))
	}
}

// Kill ends the child as a crash does, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone already
	<-p.ended
	_ = p.log.Close()
}

// Usage is what a process has used so far.
type Usage struct {
	CPU    time.Duration // of all threads, user and system, in steps of 10 ms
	Memory int64         // bytes resident now
	Peak   int64         // bytes resident at most
}

// Usage reads what the child has used.
func (p *Process) Usage() (Usage, error) { return usageOf(p.cmd.Process.Pid) }

func usageOf(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read processor time: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("read memory: %w", err)
	}
	cpu, err := cpuOf(string(stat))
	if err != nil {
		return Usage{}, err
	}
	return Usage{CPU: cpu, Memory: kilobytes(string(status), "VmRSS:"), Peak: kilobytes(string(status), "VmHWM:")}, nil
}

// cpuOf reads the 14th and 15th fields of /proc/<pid>/stat (proc(5)). The second is the
// program's name in brackets, which may hold anything.
func cpuOf(stat string) (time.Duration, error) {
	_, rest, ok := cutLast(stat, ") ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("read processor time: got %q", stat)
	}
	user, errUser := strconv.ParseInt(fields[11], 10, 64)
	system, errSystem := strconv.ParseInt(fields[12], 10, 64)
	if err := errors.Join(errUser, errSystem); err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	return time.Duration(user+system) * (time.Second / ticks), nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// kilobytes reads one line of /proc/<pid>/status, in bytes; 0 where there is none.
func kilobytes(status, name string) int64 {
	_, rest, _ := strings.Cut(status, name)
	line, _, _ := strings.Cut(rest, "\n")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
