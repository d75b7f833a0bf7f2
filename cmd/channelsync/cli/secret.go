package cli

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/config"
)

const maxSecretLine = 64 << 10 // a line that is longer is surely no secret

// secretFlag is a secret that a command takes: as a value, "-" for a line of
// standard input, from a file, from the environment, or typed at a prompt.
type secretFlag struct {
	name, label string
	value, file string
}

func (f *secretFlag) flags(fs *flag.FlagSet) {
	fs.StringVar(&f.value, f.name, "", "`VALUE` of the "+f.label+"; - reads a line of standard input; env "+f.env())
	fs.StringVar(&f.file, f.name+"-file", "", "`FILE` with it; env "+f.env()+"_FILE")
}

// env is the variable that the flag stands for.
func (f *secretFlag) env() string {
	return "CHANNELSYNC_" + strings.ToUpper(strings.ReplaceAll(f.name, "-", "_"))
}

// secret finds the value, and asks for it where somebody can type it. It is trimmed,
// wherever it comes from.
func (s *session) secret(ctx context.Context, f *secretFlag) (v1.Secret, error) {
	for _, from := range []struct{ value, file, names string }{
		{f.value, f.file, "--" + f.name + " and --" + f.name + "-file"},
		{s.env(f.env()), s.env(f.env() + "_FILE"), f.env() + " and its _FILE"},
	} {
		switch {
		case from.value != "" && from.file != "":
			return "", command.Usage("", "got both %s, want one of them", from.names)
		case from.value == "-":
			v, err := s.line()
			return v1.Secret(v), err
		case from.value != "":
			if from.value == f.value {
				s.exposed("--" + f.name)
			}
			return v1.Secret(v1.Trim(from.value)), nil
		case from.file != "":
			v, err := config.ReadSecretFile(from.file)
			return v1.Secret(v), err
		}
	}
	terminal, ok := s.terminal()
	if !ok {
		return "", command.Usage(
			fmt.Sprintf("give it with --%s-file FILE, --%s - on standard input, or %s", f.name, f.name, f.env()),
			"the %s is missing", f.label)
	}
	return s.prompt(ctx, terminal, f.label)
}

// terminal is standard input where somebody can type.
func (s *session) terminal() (*os.File, bool) {
	f, ok := s.Stdin.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// prompt reads a secret without echo.
func (s *session) prompt(ctx context.Context, terminal *os.File, label string) (v1.Secret, error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("ask for the %s: %w", label, err)
	}
	_, _ = fmt.Fprintf(s.Stderr, "%s: ", label)
	typed, err := typing(ctx, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	_, _ = fmt.Fprintln(s.Stderr)
	if err != nil {
		_ = term.Restore(fd, before)
		return "", fmt.Errorf("read the %s: %w", label, err)
	}
	return v1.Secret(v1.Trim(typed)), nil
}

// typing waits for what somebody types, or for an interrupt. Reading a terminal
// cannot be cut short: the reader is then left behind for the end of the process.
func typing(ctx context.Context, read func() (string, error)) (string, error) {
	type answer struct {
		text string
		err  error
	}
	typed := make(chan answer, 1)
	go func() {
		text, err := read()
		typed <- answer{text, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case a := <-typed:
		return a.text, a.err
	}
}
