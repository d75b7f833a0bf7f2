// Command shots takes a picture of every page of the console, on a phone and on a
// desk, light and dark, for people to look at; or the few of the documentation. It needs
// Chromium, and nothing else: the service and both vendors run in the process.
//
//	go run ./test/browser/shots -out DIR [-only REGEXP]
//	go run ./test/browser/shots -docs docs/images
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"channelsync/test/browser/chrome"
	"channelsync/test/browser/stage"
	"channelsync/test/browser/tour"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	fs := flag.NewFlagSet("shots", flag.ContinueOnError)
	fs.SetOutput(stderr)
	out := fs.String("out", "", "the directory that the pictures go to; it is made when it is not there")
	docs := fs.String("docs", "", "the directory of the documentation's pictures, which are written instead of all")
	companies := fs.Int("companies", 60, "how many companies the simulated Autotask has")
	only := fs.String("only", "", "a regular expression: only pages whose name fits it; empty: all")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if (*out == "") == (*docs == "") || fs.NArg() > 0 || *companies < 1 {
		fmt.Fprintln(stderr, "shots: wrong usage: -out or -docs wants a directory, -companies 1 or more; see -help")
		return 2
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintf(stderr, "shots: wrong usage: read -only: %v\n", err)
		return 2
	}
	var taken int
	if *docs != "" {
		taken, err = illustrate(*docs, *companies)
	} else {
		taken, err = take(*out, *companies, wanted)
	}
	fmt.Fprintf(stdout, "%d pictures in %s\n", taken, *out+*docs)
	if err != nil {
		fmt.Fprintf(stderr, "shots: %v\n", err)
		return 1
	}
	return 0
}

// take walks the tour with a camera and returns how many pictures it took.
func take(dir string, companies int, wanted *regexp.Regexp) (taken int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pictures are for all to see
		return 0, fmt.Errorf("make the directory: %w", err)
	}
	browser, err := chrome.Start()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, browser.Close()) }()
	err = stage.Play(func(s *stage.Stage) {
		w := tour.Start(s)
		p := browser.Page(s, chrome.Options{Base: w.AdminURL})
		tour.Walk(w, p, tour.Realistic(w, companies), func(stop string, p *chrome.Page) {
			if !wanted.MatchString(stop) {
				return
			}
			for _, width := range []int{1440, 375} {
				p.Resize(width)
				for _, scheme := range []string{"light", "dark"} {
					p.Dark(scheme == "dark")
					file := filepath.Join(dir, fmt.Sprintf("%s-%d-%s.png", stop, width, scheme))
					if err := os.WriteFile(file, p.Screenshot(), 0o644); err != nil { //nolint:gosec // as above
						s.Fatal(err)
					}
					taken++
				}
			}
			p.Dark(false)
			p.Resize(1440)
		})
	})
	return taken, err
}
