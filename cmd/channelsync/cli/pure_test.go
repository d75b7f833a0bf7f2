package cli

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
)

func TestWhichRecord(t *testing.T) {
	for _, tc := range []struct{ args, installation, kind, q, err string }{
		{"company|7", "", "company", "7", ""},
		{"acme msp|company|7", "acme msp", "company", "7", ""},
		{"7", "", "", "7", ""},
		{"acme msp|some client", "acme msp", "", "some client", ""},
		{"acme msp|contract|a name", "acme msp", "contract", "a name", ""},
		{"contract", "", "contract", "", ""},
		{"a|b|c", "", "", "", "there are too many arguments"},
		{"company|7|8", "", "", "", "there are too many arguments"},
		{"a|b|company|7", "", "", "", "there are too many arguments"},
	} {
		var f recordFlags
		err := f.take(strings.Split(tc.args, "|"))
		if tc.err != "" {
			if err == nil || err.Error() != tc.err {
				t.Errorf("%s: got %v, want %s", tc.args, err, tc.err)
			}
			continue
		}
		if err != nil || f.ref != tc.installation || f.kind != tc.kind || f.q != tc.q {
			t.Errorf("%s: got %+v, %v", tc.args, f, err)
		}
	}
	f := recordFlags{q: "acme"}
	if err := f.take([]string{"the msp"}); err != nil || f.ref != "the msp" || f.q != "acme" {
		t.Errorf("with --q: got %+v, %v", f, err)
	}
}

func FuzzWhichRecord(f *testing.F) {
	f.Add("acme|company|7")
	f.Add("||")
	f.Fuzz(func(t *testing.T, line string) {
		var r recordFlags
		if err := r.take(strings.Split(line, "|")); err == nil && r.kind != "" && !isRecordKind(r.kind) {
			t.Errorf("%q: kind %q", line, r.kind)
		}
	})
}

func isRecordKind(k string) bool { return k == "company" || k == "contract" }

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]string{
		"2026-11-23T09:00:00+01:00": "2026-11-23T08:00:00Z", "2026-11-01": "2026-11-01T00:00:00Z",
		"90m": "2026-11-23T10:30:00Z", "0s": "2026-11-23T12:00:00Z",
		"": "", "yesterday": "", "-2h": "", "2026-13-01": "",
	} {
		got := ""
		if at, err := parseTime(now, v); err == nil {
			got = at.UTC().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", v, got, want)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-11-23T09:00:00Z")
	f.Add("1h2m")
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, v string) {
		if at, err := parseTime(now, v); (err != nil) != at.IsZero() && v != "0001-01-01T00:00:00Z" && v != "0001-01-01" {
			t.Errorf("%q: %s, %v", v, at, err)
		}
	})
}

func TestListsOfOptions(t *testing.T) {
	for v, want := range map[string][]string{
		"": nil, "7": {"7"}, "7, 12,0": {"7", "12", "0"}, `Recurring Service,7`: {"Recurring Service", "7"},
		`"Acme, Inc.", 40`: {"Acme, Inc.", "40"}, `5" pipes`: {`5" pipes`},
	} {
		got, err := listed(v)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", v, err, diff)
		}
	}
}

func FuzzListsOfOptions(f *testing.F) {
	f.Add(`1,"a, b",,3`)
	f.Fuzz(func(t *testing.T, v string) {
		items, err := listed(v)
		if err != nil && items != nil {
			t.Errorf("%q: %v, %v", v, items, err)
		}
	})
}

func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		check v1.Check
		want  string
	}{
		{v1.Check{Name: "zone", OK: true}, "ok"},
		{v1.Check{Name: "flush", OK: true, Detail: "warning: slow"}, "warning"},
		{v1.Check{Name: "webhooks"}, "warning"},
		{v1.Check{Name: "costs of charges"}, "warning"},
		{v1.Check{Name: "companies"}, "refused"},
		{v1.Check{Name: "credentials"}, "refused"},
		{v1.Check{Name: "channel_program"}, "refused"},
	} {
		if got := verdict(tc.check); got != tc.want {
			t.Errorf("%+v: got %s, want %s", tc.check, got, tc.want)
		}
	}
}

func TestProgress(t *testing.T) {
	var b bytes.Buffer
	p := &progress{to: &b, label: "records"}
	p.at(0, 0)
	if b.Len() > 0 {
		t.Errorf("drew %q before anything is known", b.String())
	}
	for _, done := range []int{1, 10, 40} {
		p.at(done, 40)
	}
	p.at(40, 80) // a job that goes on listing
	p.end()
	p.end()
	if got := b.String(); !strings.Contains(got, "records") || !strings.Contains(got, "/40)") || !strings.Contains(got, "\r") {
		t.Errorf("drew %q", got)
	}
	nobody := (&session{Invocation: Invocation{Stderr: &b}}).progress("x")
	b.Reset()
	nobody.at(1, 2)
	nobody.end()
	if b.Len() > 0 {
		t.Errorf("drew %q where there is no terminal", b.String())
	}
}

func TestTypingEndsWithAnInterrupt(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	hangs := make(chan struct{})
	defer close(hangs)
	cancel()
	if _, err := typing(ctx, func() (string, error) { <-hangs; return "", nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestEveryCommandSaysWhatItIsFor walks the whole tree.
func TestEveryCommandSaysWhatItIsFor(t *testing.T) {
	s := newSession(Invocation{Stdout: &bytes.Buffer{}, LookupEnv: func(string) (string, bool) { return "", false }})
	defer s.close()
	var walk func(path string, c *command.Command)
	walk = func(path string, c *command.Command) {
		path += " " + c.Name
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Run == nil && len(c.Subs) == 0 {
			t.Errorf("%s: short %q, run %v, %d commands", path, c.Short, c.Run != nil, len(c.Subs))
		}
		for _, sub := range c.Subs {
			walk(path, sub)
		}
	}
	walk("", s.program().Root)
}

func TestNothingThatIsShownCommandsTheTerminal(t *testing.T) {
	var out, errs bytes.Buffer
	s := newSession(Invocation{Stdout: &out, Stderr: &errs})
	defer s.close()
	name := "A\u009b31m\u202eB\x1b[1m"
	if err := s.writeJSON(map[string]string{"name": name}); err != nil {
		t.Fatal(err)
	}
	if want := "{\n  \"name\": \"A\\u009b31m\\u202eB\\u001b[1m\"\n}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	s.report("status", &failure{name + " is not there", "look for " + name})
	s.report("status", command.Usage("", "unexpected argument %s", name))
	if want := "status: A 31m B [1m is not there\nhint: look for A 31m B [1m\nstatus: unexpected argument A 31m B [1m\n"; errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
}

func TestATokensIDIsNothingElse(t *testing.T) {
	const id, other = "01jxaaaaaaaaaaaaaaaaaaaaaa", "01jxbbbbbbbbbbbbbbbbbbbbbb"
	all := []v1.Token{{ID: other, Name: id}, {ID: "01jxcccccccccccccccccccccc", Name: "ops"}, {ID: id, Name: "root of all"}, {ID: "01jxdddddddddddddddddddddd", Name: "OPS"}}
	for ref, want := range map[string]string{id: id, strings.ToUpper(id): id, other: other, "root of all": id, "ops": "", "nobody": ""} {
		got, err := tokenAmong(all, ref)
		if got.ID != want && want != "" || (err != nil) != (want == "") {
			t.Errorf("%s: got %+v, %v", ref, got, err)
		}
	}
	if _, err := tokenAmong(all, "ops"); err == nil || !strings.Contains(err.Error(), "there are 2 tokens named") {
		t.Errorf("two of one name: %v", err)
	}
}
