// Command tasks tries five tasks at the console as somebody would who is new to it, on the sandbox,
// and counts clicks, keys, pages and seconds. It needs Chromium, and nothing else.
//
//	go run ./test/browser/tasks [-sandbox PROGRAM]
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/stage"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("tasks", flag.ContinueOnError)
	fs.SetOutput(stderr)
	program := fs.String("sandbox", "", "the sandbox as a program; empty: the one of this tree is built")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if err := try(*program, stdout); err != nil {
		fmt.Fprintf(stderr, "tasks: %v\n", err)
		return 1
	}
	return 0
}

// try does all tasks and prints what they took.
func try(program string, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "channelsync-tasks-")
	if err != nil {
		return fmt.Errorf("make a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if program == "" {
		program = filepath.Join(dir, "sandbox")
		if err := build(program); err != nil {
			return err
		}
	}
	browser, err := chrome.Start()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, browser.Close()) }()
	out := tabwriter.NewWriter(stdout, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(out, "task\tclicks\tkeys\tpages\tperson s\tmachine s\t\n")
	err = stage.Play(func(st *stage.Stage) {
		s := open(st, program)
		page := browser.Page(st, chrome.Options{Base: s.console})
		page.Open("/login")
		page.Fill("Access token", s.token)
		page.Press("Log in")
		for _, t := range tasks(s) {
			page.Open("/")
			h := &person{page: page}
			t.do(h)
			fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%.0f\t%.1f\t\n", t.name, h.clicks, h.keys, h.loads, h.seconds(), h.waited.Seconds())
		}
	})
	return errors.Join(err, out.Flush())
}
