// Package load posts prebuilt requests over kept-alive connections as fast as they are
// answered and measures each answer. It builds nothing and checks nothing but the status
// while it measures, so that it costs as little as it can beside what it loads.
package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// answerWithin is how long one answer may take before the round has failed.
const answerWithin = 30 * time.Second

// Config is one round.
type Config struct {
	Addr        string
	Connections int
	For         time.Duration
	Requests    [][]byte // whole HTTP requests, each sent once; the round ends early when they run out
	Repeat      bool     // start over instead
	Status      []int    // what every answer must be one of
}

// Result is what a round came to.
type Result struct {
	Answered int
	Took     time.Duration
	P50, P99 time.Duration
}

// PerSecond is the rate of answers.
func (r Result) PerSecond() float64 { return float64(r.Answered) / r.Took.Seconds() }

// Run runs a round.
func Run(cfg Config) (Result, error) {
	conns := make([]net.Conn, cfg.Connections)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	for i := range conns {
		c, err := net.DialTimeout("tcp", cfg.Addr, answerWithin)
		if err != nil {
			return Result{}, fmt.Errorf("connect: %w", err)
		}
		conns[i] = c
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	took := make([][]time.Duration, cfg.Connections)
	errs := make([]error, cfg.Connections)
	began := time.Now()
	end := began.Add(cfg.For)
	for i, c := range conns {
		wg.Go(func() { took[i], errs[i] = cfg.work(c, &next, end) })
	}
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	out := Result{Answered: len(all), Took: time.Since(began)}
	if len(all) > 0 {
		out.P50, out.P99 = all[len(all)/2], all[len(all)*99/100]
	}
	return out, errors.Join(errs...)
}

// work posts over one connection until the round ends.
func (cfg Config) work(c net.Conn, next *atomic.Int64, end time.Time) ([]time.Duration, error) {
	answers := bufio.NewReaderSize(c, 4<<10)
	took := make([]time.Duration, 0, 1<<12)
	for now := time.Now(); now.Before(end); {
		n := int(next.Add(1) - 1)
		if n >= len(cfg.Requests) {
			if !cfg.Repeat {
				return took, nil
			}
			n %= len(cfg.Requests)
		}
		if err := c.SetDeadline(now.Add(answerWithin)); err != nil {
			return took, fmt.Errorf("set deadline: %w", err)
		}
		if _, err := c.Write(cfg.Requests[n]); err != nil {
			return took, fmt.Errorf("post: %w", err)
		}
		status, err := readAnswer(answers)
		if err != nil {
			return took, fmt.Errorf("read answer: %w", err)
		}
		if !slices.Contains(cfg.Status, status) {
			return took, fmt.Errorf("read answer: got status %d, want one of %v", status, cfg.Status)
		}
		done := time.Now()
		took = append(took, done.Sub(now))
		now = done
	}
	return took, nil
}

// readAnswer reads one HTTP/1.1 answer whose length is in its header or that has no body.
func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("no HTTP answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, fmt.Errorf("no HTTP answer: %w", err)
	}
	length := 0
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if line = bytes.TrimSpace(line); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, fmt.Errorf("read length: %w", err)
			}
		}
	}
	_, err = io.CopyN(io.Discard, r, int64(length))
	return status, err
}
