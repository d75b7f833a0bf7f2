package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/internal/lifecycle"
)

const (
	watchEvery    = 2 * time.Second
	watchMost     = 100 * time.Millisecond // the service is asked no oftener
	watchLeast    = 24 * time.Hour         // and no less often
	watchPatience = 10 * time.Second       // for an answer
	clearTerminal = "\x1b[H\x1b[2J"
)

// watchValue is the value of --watch: none, or an interval behind an equals sign.
type watchValue struct{ every *time.Duration }

func (w watchValue) String() string { return "" }

func (w watchValue) IsBoolFlag() bool { return true }

// IsValue says whether an argument behind the flag was meant for it. Nothing is called 10s.
func (w watchValue) IsValue(arg string) bool {
	_, err := time.ParseDuration(arg)
	_, number := strconv.Atoi(arg)
	return err == nil || number == nil || arg == "true" || arg == "false"
}

func (w watchValue) Set(v string) error {
	if v == "true" || v == "false" {
		*w.every = map[string]time.Duration{"true": watchEvery}[v]
		return nil
	}
	every, err := time.ParseDuration(v)
	if err != nil || every < watchMost || every > watchLeast {
		return errors.New("want an interval from 100ms to 24h, such as --watch=10s")
	}
	*w.every = every
	return nil
}

// watchFlag is --watch, for what people leave open.
func (s *session) watchFlag(fs *flag.FlagSet) {
	fs.Var(watchValue{&s.watch}, "watch", "repeat every 2 seconds until Ctrl-C; --watch=10s sets another interval")
}

// watching shows something, with --watch again and again: on a terminal in the place of what was shown before. A
// service that does not answer is asked on: it may be starting. What it refuses it would refuse again.
func (s *session) watching(ctx context.Context, show func(context.Context) error) error {
	if s.watch == 0 {
		return show(ctx)
	}
	if s.json {
		return command.Usage("leave one of them out", "got both --watch and --json")
	}
	out := s.Stdout
	defer func() { s.Stdout, s.columns = out, 0 }()
	var down time.Time // since when it does not answer; zero: it does
	for {
		var frame bytes.Buffer
		s.Stdout, s.columns = out, 0
		s.columns = s.width()
		s.Stdout = &frame
		asking, done := context.WithTimeoutCause(ctx, max(s.watch, watchPatience), errors.New("it takes too long"))
		err := show(asking)
		done()
		switch {
		case ctx.Err() != nil:
			return nil // Ctrl-C is how it ends
		case refusedForGood(err):
			return err
		case err == nil || errors.Is(err, errShown):
			down = time.Time{}
		default:
			if down.IsZero() {
				down = s.now()
			}
			frame.Reset() // half of it would look like all
			s.para("", "The service does not answer since %s. It is asked again every %s: this goes on by itself.", down.Format(time.TimeOnly), s.watch)
			s.para("", "%s", err.Error())
		}
		if _, err := out.Write([]byte(s.frame(out, frame.String()))); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if lifecycle.Sleep(ctx, s.watch) != nil {
			return nil
		}
	}
}

// refusedForGood says whether asking again would be answered the same.
func refusedForGood(err error) bool {
	if _, wrong := errors.AsType[*command.UsageError](err); wrong {
		return true
	}
	if _, own := errors.AsType[*failure](err); own {
		return true
	}
	if _, unknown := errors.AsType[*unknownInstallation](err); unknown {
		return true
	}
	p, refused := errors.AsType[*v1.Problem](err)
	return refused && p.Status >= 400 && p.Status < 500 && p.Status != http.StatusTooManyRequests
}

// frame is what one round writes.
func (s *session) frame(out io.Writer, shown string) string {
	head := s.now().Format(time.TimeOnly) + ", every " + s.watch.String() + " until Ctrl-C\n\n"
	if isTerminal(out) {
		return clearTerminal + head + shown
	}
	return head + strings.TrimSuffix(shown, "\n") + "\n\n"
}
