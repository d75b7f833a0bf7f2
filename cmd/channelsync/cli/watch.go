package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/internal/lifecycle"
)

const (
	watchEvery    = 2 * time.Second
	watchMost     = 100 * time.Millisecond // the service is asked no oftener
	clearTerminal = "\x1b[H\x1b[2J"
)

// watchFlag is --watch, for what people leave open.
func (s *session) watchFlag(fs *flag.FlagSet) {
	fs.BoolFunc("watch", "repeat every 2 seconds until Ctrl-C; --watch=10s sets another interval", func(v string) error {
		if v == "true" || v == "false" {
			s.watch = map[string]time.Duration{"true": watchEvery}[v]
			return nil
		}
		every, err := time.ParseDuration(v)
		if err != nil || every < watchMost {
			return errors.New("want a duration from 100ms up, such as 10s")
		}
		s.watch = every
		return nil
	})
}

// watching shows something, with --watch again and again: on a terminal in the place of what was shown before. A
// failure is shown too, and tried again: the service may be starting.
func (s *session) watching(ctx context.Context, show func(context.Context) error) error {
	if s.watch == 0 {
		return show(ctx)
	}
	if s.json {
		return command.Usage("leave one of them out", "got both --watch and --json")
	}
	out := s.Stdout
	defer func() { s.Stdout, s.columns = out, 0 }()
	for {
		var frame bytes.Buffer
		s.Stdout, s.columns = out, 0
		s.columns = s.width()
		s.Stdout = &frame
		if err := show(ctx); ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		} else if err != nil && !errors.Is(err, errShown) {
			fmt.Fprintf(&frame, "\n%s\n", text(err.Error()))
		}
		if _, err := out.Write([]byte(s.frame(out, frame.String()))); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if lifecycle.Sleep(ctx, s.watch) != nil {
			return nil
		}
	}
}

// frame is what one round writes.
func (s *session) frame(out io.Writer, shown string) string {
	head := s.now().Format(time.TimeOnly) + ", every " + s.watch.String() + " until Ctrl-C\n\n"
	if isTerminal(out) {
		return clearTerminal + head + shown
	}
	return head + strings.TrimSuffix(shown, "\n") + "\n\n"
}
