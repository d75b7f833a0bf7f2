package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"channelsync/api/client"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// outputs are the forms that a whole list is written in.
var outputs = []string{"csv", "csv-spreadsheet", "json"}

// listFlags are those that every list takes.
func (s *session) listFlags(fs *flag.FlagSet) {
	s.jsonFlag(fs)
	s.outputFlag(fs)
}

func (s *session) outputFlag(fs *flag.FlagSet) {
	fs.StringVar(&s.output, "output", "", "the whole list as `FORMAT`, streamed: csv, csv-spreadsheet (no cell is a formula or shortened) or json")
}

// export writes a whole list in the form that --output names; done is false when none is. page may be nil.
func (s *session) export(ctx context.Context, api *client.Client, list string, filter url.Values, page *pageFlags) (done bool, err error) {
	switch {
	case s.output == "":
		return false, nil
	case !slices.Contains(outputs, s.output):
		return true, command.Usage("", "--output: got %q, want %s, such as --output csv", s.output, strings.Join(outputs, ", "))
	case s.json || s.watch > 0 || page != nil && (page.cursor != "" || page.limit != defaultPage):
		return true, command.Usage("", "--output writes the whole list: leave out --json, --limit, --cursor and --watch")
	}
	for name, values := range filter {
		if values[0] == "" {
			delete(filter, name)
		}
	}
	to := s.Stdout
	if isTerminal(to) {
		to = &shown{to: to}
	}
	if err := api.Export(ctx, list, filter, s.output, to, nil); err != nil {
		return true, fmt.Errorf("%w; the list that was written is incomplete", err)
	}
	return true, nil
}

// shown keeps control characters of what others named from a terminal: it passes on whole lines.
type shown struct {
	to   io.Writer
	rest []byte
}

func (c *shown) Write(b []byte) (int, error) {
	c.rest = append(c.rest, b...)
	end := bytes.LastIndexByte(c.rest, '\n') + 1
	if _, err := io.WriteString(c.to, screen.Lines(string(c.rest[:end]))); err != nil {
		return 0, fmt.Errorf("write list: %w", err)
	}
	c.rest = c.rest[end:]
	return len(b), nil
}
