package command

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness"
)

// program is a small command line that notes what it ran.
func program(out *bytes.Buffer, ran *string) *Program {
	var token, kind string
	var dry bool
	var limit int
	note := func(name string) func(context.Context, []string) error {
		return func(_ context.Context, args []string) error {
			*ran = strings.Join(strings.Fields(name+" "+strings.Join(args, "|")+" "+token+kind), " ")
			if dry {
				*ran += " dry"
			}
			return nil
		}
	}
	return &Program{
		Stdout: out,
		Global: func(fs *flag.FlagSet) {
			fs.Func("token", "the `TOKEN`", func(v string) error { token = v; return nil })
		},
		Root: &Command{Name: "prog", Short: "does things", Subs: []*Command{
			{Name: "record", Short: "on records", Subs: []*Command{
				{
					Name: "list", Args: "[x]", Short: "list them", Long: "All of them.", Examples: []string{"prog record list"},
					Words: []string{"company", "contract"}, Values: map[string][]string{"kind": {"company", "contract"}},
					Flags: func(fs *flag.FlagSet) {
						fs.StringVar(&kind, "kind", "", "only this `KIND`")
						fs.BoolVar(&dry, "dry-run", false, "push nothing")
						fs.IntVar(&limit, "limit", 50, "at most `N`")
					},
					Run: note("list"),
				},
				{Name: "show", Short: "show one", Run: note("show")},
			}},
			{Name: "serve", Short: "serve", Raw: true, Run: note("serve")},
			{Name: "secret", Short: "not listed", Hidden: true, Run: note("secret")},
		}},
	}
}

func TestRun(t *testing.T) {
	for _, tc := range []struct{ line, path, ran, err, hint string }{
		{"record list", "prog record list", "list", "", ""},
		{"record list a --dry-run b --kind=c", "prog record list", "list a|b c dry", "", ""},
		{"record list a -dry-run", "prog record list", "list a dry", "", ""},
		{"--token t record show", "prog record show", "show t", "", ""},
		{"record --token t show x", "prog record show", "show x t", "", ""},
		{"record show --token t x", "prog record show", "show x t", "", ""},
		{"record list -- --kind -x", "prog record list", "list --kind|-x", "", ""},
		{"record list a -- b", "prog record list", "list a|b", "", ""},
		{"serve --anything --help x", "prog serve", "serve --anything|--help|x", "", ""},
		{"secret", "prog secret", "secret", "", ""},
		{"recrod list", "prog", "", `there is no command "recrod"`, "did you mean prog record?"},
		{"record lsit", "prog record", "", `there is no command "lsit"`, "did you mean prog record list?"},
		{"explode", "prog", "", `there is no command "explode"`, "prog --help lists the commands"},
		{"secert", "prog", "", `there is no command "secert"`, "prog --help lists the commands"},
		{"record list --knid x", "prog record list", "", "there is no flag --knid", "did you mean --kind?"},
		{"record list --zzz", "prog record list", "", "there is no flag --zzz", "prog record list --help lists the flags"},
		{"record list --kind", "prog record list", "", "--kind needs a value", "prog record list --help lists the flags"},
		{"record list --limit x", "prog record list", "", `--limit: got "x", want a whole number, such as --limit 50`, "prog record list --help lists the flags"},
		{"record list --limit 99999999999999999999", "prog record list", "", `--limit: got "99999999999999999999", want a whole number, such as --limit 50`, "prog record list --help lists the flags"},
		{"record list --dry-run=x", "prog record list", "", `--dry-run: got "x", want true or false, such as --dry-run=true`, "prog record list --help lists the flags"},
		{"record list --dry-run false", "prog record list", "", `--dry-run: got "false" after a space, want it after an equals sign`, "such as --dry-run=false"},
		{"record list --dry-run=false true", "prog record list", "list true", "", ""},
		{"record list --dry-run 1", "prog record list", "list 1 dry", "", ""},
		{"record list --kind true false", "prog record list", "list false true", "", ""},
		{"record list --dry-run -- false", "prog record list", "list false dry", "", ""},
		{"--tokn x record", "prog", "", "there is no flag --tokn", "did you mean --token?"},
	} {
		t.Run(tc.line, func(t *testing.T) {
			var out bytes.Buffer
			ran := ""
			path, err := program(&out, &ran).Run(context.Background(), strings.Fields(tc.line))
			got, hint := "", ""
			if u := (*UsageError)(nil); errors.As(err, &u) {
				got, hint = u.Text, u.Hint
			} else if err != nil {
				t.Fatal(err)
			}
			if path != tc.path || ran != tc.ran || got != tc.err || hint != tc.hint {
				t.Errorf("%s ran %q, %q (%q)\nwant %s, %q, %q (%q)", path, ran, got, hint, tc.path, tc.ran, tc.err, tc.hint)
			}
			if out.Len() > 0 {
				t.Errorf("wrote %s", out.String())
			}
		})
	}
}

func TestHelp(t *testing.T) {
	const want = `List them.

Usage: prog record list [x] [flags]

All of them.

Flags:
  --dry-run    push nothing
  --kind KIND  only this KIND
  --limit N    at most N (default 50)

Global flags:
  --token TOKEN  the TOKEN

Examples:
  prog record list
`
	for _, line := range []string{"record list --help", "record list x -h"} {
		var out bytes.Buffer
		ran := ""
		if _, err := program(&out, &ran).Run(context.Background(), strings.Fields(line)); err != nil || ran != "" {
			t.Errorf("%s: %v, ran %q", line, err, ran)
		}
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("%s: %s", line, diff)
		}
	}
	for line, want := range map[string]error{"": ErrHelpShown, "record": ErrHelpShown, "--help": nil, "record -h": nil} {
		var out bytes.Buffer
		ran := ""
		_, err := program(&out, &ran).Run(context.Background(), strings.Fields(line))
		if !errors.Is(err, want) || !strings.Contains(out.String(), "Commands:") || strings.Contains(out.String(), "not listed") {
			t.Errorf("%q: %v\n%s", line, err, out.String())
		}
	}
}

func TestFind(t *testing.T) {
	var out bytes.Buffer
	ran := ""
	p := program(&out, &ran)
	if at, err := p.Find([]string{"record", "show"}); err != nil || at[2].Name != "show" {
		t.Errorf("got %v, %v", at, err)
	}
	if _, err := p.Find([]string{"record", "shwo"}); err == nil || err.Error() != `there is no command "shwo"` {
		t.Errorf("got %v", err)
	}
}

func TestComplete(t *testing.T) {
	harness.Table(t, func(line string) string {
		var out bytes.Buffer
		ran := ""
		var got []string
		for _, c := range program(&out, &ran).Complete(strings.Split(line, " ")) {
			got = append(got, c.Word)
		}
		return strings.Join(got, " ")
	}, map[string]string{
		"":                              "record serve",
		"re":                            "record",
		"record ":                       "list show",
		"record s":                      "show",
		"record list ":                  "company contract",
		"record list --":                "--dry-run --kind --limit --token --help",
		"record list --k":               "--kind",
		"record list --kind ":           "company contract",
		"record list --kind contr":      "contract",
		"record list --kind=company co": "company contract",
		"record list --dry-run con":     "contract",
		"--token x record sh":           "show",
		"--token ":                      "",
		"record list -- ":               "",
		"record show ":                  "",
		"nothing ":                      "record serve",
	})
	if got := program(nil, nil).Complete(nil); got != nil {
		t.Errorf("got %v", got)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"installation", "webhook", "record", "status", "resync", "replay"}
	harness.Table(t, func(typed string) string { return Nearest(typed, words) }, map[string]string{
		"instalation": "installation", "inst": "installation", "recrod": "record", "stats": "status",
		"replya": "replay", "resnyc": "resync", "x": "", "": "", "in": "", "frobnicate": "", "webhooks": "webhook",
	})
}

// FuzzRun: no command line panics, and none runs a command without naming it.
func FuzzRun(f *testing.F) {
	f.Add("record list --kind=x -- y")
	f.Add("--token record -h")
	f.Add("record\x00list --=")
	f.Fuzz(func(t *testing.T, line string) {
		var out bytes.Buffer
		ran := ""
		args := strings.Split(line, " ")
		path, err := program(&out, &ran).Run(context.Background(), args)
		if (ran != "") != (err == nil && out.Len() == 0) {
			t.Errorf("%s: ran %q with %v and %q", path, ran, err, out.String())
		}
		program(&out, &ran).Complete(args)
	})
}
