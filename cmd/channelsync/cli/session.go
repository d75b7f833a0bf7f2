package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/term"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// session is one run of a command.
type session struct {
	Invocation
	global    globals
	json      bool   // --json was given
	output    string // --output was given
	now       func() time.Time
	lines     *bufio.Reader // of standard input, made when it is first read
	transport *http.Transport
	warned    []string        // flags that exposed has warned of
	watch     time.Duration   // --watch was given; 0: it was not
	columns   int             // of the terminal, while what is shown is gathered first
	opened    v1.Installation // that the command is about, once it is found
}

func newSession(inv Invocation) *session {
	return &session{
		Invocation: inv, now: time.Now, transport: http.DefaultTransport.(*http.Transport).Clone(),
	}
}

func (s *session) close() { s.transport.CloseIdleConnections() }

// api is the client of the API that the global flags name.
func (s *session) api() (*client.Client, error) {
	if err := s.guardPlain(); err != nil {
		return nil, err
	}
	if err := s.secure(); err != nil {
		return nil, err
	}
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{URL: s.url(), Token: token, Actor: "cli", Transport: s.transport})
	if err != nil {
		return nil, command.Usage("--api-url names the admin listener of the service", "%v", err)
	}
	return c, nil
}

// withAPI is how a command runs that takes no argument and asks the API.
func (s *session) withAPI(do func(context.Context, *client.Client) error) func(context.Context, []string) error {
	return func(ctx context.Context, args []string) error {
		if err := noArguments(args); err != nil {
			return err
		}
		api, err := s.api()
		if err != nil {
			return err
		}
		return do(ctx, api)
	}
}

// env is an environment variable; an empty one counts as not set.
func (s *session) env(name string) string {
	v, _ := s.LookupEnv(name)
	return v1.Trim(v)
}

// jsonFlag is --json, which every read takes.
func (s *session) jsonFlag(fs *flag.FlagSet) {
	fs.BoolVar(&s.json, "json", false, "write the API's own JSON")
}

// say writes a line for people; it is left out where --json wants JSON alone.
func (s *session) say(format string, args ...any) {
	if !s.json {
		_, _ = fmt.Fprintf(s.Stdout, format+"\n", args...) // nobody is left to tell
	}
}

// note writes a line beside the result, to standard error.
func (s *session) note(format string, args ...any) {
	_, _ = fmt.Fprintln(s.Stderr, screen.Lines(fmt.Sprintf(format, args...)))
}

// exposed warns of secrets in the arguments, once of each.
func (s *session) exposed(flags ...string) {
	for _, name := range flags {
		if !slices.Contains(s.warned, name) {
			s.warned = append(s.warned, name)
			s.note("warning: %s is in the arguments, where every user of this machine can read it: give it by its variable or in a file", name)
		}
	}
}

func (s *session) writeJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	if _, err := s.Stdout.Write(screen.JSON(b.Bytes())); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func (s *session) writeTable(t screen.Table) error { return t.Write(s.Stdout, s.width()) }

// width is how wide the terminal is; 0 where the output is none, so that nothing
// is cut in a file.
func (s *session) width() int {
	if s.columns > 0 {
		return s.columns
	}
	if n, err := strconv.Atoi(s.env("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := s.Stdout.(*os.File); ok {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil {
			return w
		}
	}
	return 0
}

// line reads the next line of standard input, without its end.
func (s *session) line() (string, error) {
	if s.lines == nil {
		s.lines = bufio.NewReader(io.LimitReader(s.Stdin, maxSecretLine))
	}
	text, err := s.lines.ReadString('\n')
	if err != nil && (err != io.EOF || text == "") {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return v1.Trim(text), nil
}

// para writes a text for people under an indent, in lines that fit the terminal.
func (s *session) para(indent, format string, args ...any) {
	width := s.width() - len(indent)
	if s.width() == 0 {
		width = 0
	}
	for _, line := range screen.Fold(text(fmt.Sprintf(format, args...)), max(0, width)) {
		s.say("%s", indent+line)
	}
}

func noArguments(args []string) error {
	if len(args) > 0 {
		return command.Usage("", "unexpected argument %q", args[0])
	}
	return nil
}

// text cleans what came from elsewhere, for lines outside of tables.
func text(s string) string { return screen.Clean(s) }

// plural is "1 record" or "7 records".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
