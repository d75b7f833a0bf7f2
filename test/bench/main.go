// Command bench measures channelsync from the outside, on loopback, in under ten minutes:
// how many callbacks it takes, what a change costs in requests, how soon it arrives, what
// many installations and a long journal cost. It prints one table in Markdown or JSON.
//
// The program runs as a process of its own, and so do the plain handlers it is compared
// with, in turns, so that every ratio comes from one run on one machine. It fails on no
// figure, only when it cannot measure. docs/performance.md says more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"channelsync/test/bench/measure"
	"channelsync/test/bench/reference"
	"channelsync/test/bench/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// atMost bounds a run on a machine that has too much else to do.
const atMost = 30 * time.Minute

// settings are what the flags say.
type settings struct {
	short, json      bool
	only, dir, write string
	binary, profiles string
	against          string // a revision of the repository
	reference        string // this process is one of the references
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var s settings
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.BoolVar(&s.short, "short", false, "run each part once, in under a minute: checks that everything runs; too short to compare")
	f.BoolVar(&s.json, "json", false, "print JSON instead of Markdown")
	f.StringVar(&s.only, "only", "", "comma-separated `parts`: "+strings.Join(measure.Names(), ", "))
	f.StringVar(&s.dir, "dir", "", "`directory` for the stores, on the disk to measure; default: the temporary one")
	f.StringVar(&s.write, "write", "", "also put the table into the marked block of this `file`")
	f.StringVar(&s.binary, "binary", "", "measure this `program` instead of building channelsync")
	f.StringVar(&s.against, "against", "", "build this `revision` too and measure it in turns with the program (parts intake, freshness)")
	f.StringVar(&s.profiles, "profiles", "", "keep profiles of channelsync in this `directory`")
	f.StringVar(&s.reference, "reference", "", "run one of the references instead (the benchmarks do so themselves)")
	if err := f.Parse(args); err != nil {
		return err
	}
	if s.reference != "" {
		return reference.Serve(ctx, reference.Kind(s.reference), s.dir, func(addr string) { fmt.Fprintln(stdout, addr) })
	}
	if s.profiles != "" {
		if err := os.MkdirAll(s.profiles, 0o755); err != nil {
			return fmt.Errorf("make a directory for profiles: %w", err)
		}
	}
	dir, err := os.MkdirTemp(s.dir, "channelsync-bench-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary := s.binary
	if binary == "" {
		if binary, err = build(ctx, ".", dir, "channelsync"); err != nil {
			return err
		}
	}
	former := ""
	if s.against != "" {
		if former, err = buildRevision(ctx, s.against, dir); err != nil {
			return err
		}
	}
	return s.measure(ctx, measure.Config{Binary: binary, Former: former, Dir: dir, Short: s.short, Profiles: s.profiles, Progress: stderr}, stdout)
}

// measure runs the parts that were asked for and prints the report.
func (s settings) measure(ctx context.Context, cfg measure.Config, stdout io.Writer) error {
	out := &report.Report{Machine: report.Observe(cfg.Dir)}
	out.Machine.Short = s.short
	ctx, cancel := context.WithTimeoutCause(ctx, atMost, fmt.Errorf("not measured within %s", atMost))
	defer cancel()
	began := time.Now()
	var only []string
	if s.only != "" {
		only = strings.Split(s.only, ",")
	}
	if err := measure.Run(ctx, cfg, only, out); err != nil {
		return err
	}
	out.Machine.Took = time.Since(began)
	if s.write != "" {
		if err := out.WriteInto(s.write); err != nil {
			return err
		}
	}
	if s.json {
		return out.JSON(stdout)
	}
	_, err := io.WriteString(stdout, out.Markdown())
	return err
}

// build makes channelsync as it is released, of the module in a directory.
func build(ctx context.Context, module, dir, name string) (string, error) {
	path := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, "channelsync/cmd/channelsync")
	cmd.Dir, cmd.Env = module, append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build channelsync: %w\n%s", err, text)
	}
	return path, nil
}

// buildRevision builds a revision of this repository from a worktree that is removed again.
func buildRevision(ctx context.Context, revision, dir string) (path string, err error) {
	tree := filepath.Join(dir, "former")
	git := func(ctx context.Context, args ...string) error {
		if text, err := exec.CommandContext(ctx, "git", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args[0]+" "+args[1], err, text)
		}
		return nil
	}
	if err := git(ctx, "worktree", "add", "--detach", tree, revision); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, git(context.WithoutCancel(ctx), "worktree", "remove", "--force", tree)) }()
	return build(ctx, tree, dir, "channelsync-former")
}
