package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// until ends a context once something was written so often.
type until struct {
	bytes.Buffer
	frames int
	end    context.CancelFunc
}

func (u *until) Write(b []byte) (int, error) {
	if u.frames--; u.frames == 0 {
		u.end()
	}
	return u.Buffer.Write(b)
}

// TestWatchShowsAgainUntilItIsInterrupted, past a service that is away for a moment.
func TestWatchShowsAgainUntilItIsInterrupted(t *testing.T) {
	w := newFakeAPI()
	defer w.Close()
	if err := w.script([]string{"refuse", "status", "503", "unavailable"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out := &until{frames: 3, end: cancel}
	code := Run(ctx, Invocation{
		Args: []string{"status", "--watch=100ms"}, Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
		LookupEnv: func(name string) (string, bool) {
			if out.frames == 1 {
				delete(w.refusals, "status")
			}
			v := map[string]string{"CHANNELSYNC_API_URL": w.URL, "CHANNELSYNC_ADMIN_TOKEN": token, "COLUMNS": "60"}[name]
			return v, v != ""
		},
	})
	shown := out.String()
	if code != exitOK || strings.Count(shown, "every 100ms until Ctrl-C") != 3 || !strings.Contains(shown, "It is refused") || !strings.Contains(shown, "Acme MSP") {
		t.Errorf("exit %d:\n%s", code, shown)
	}
	for line := range strings.Lines(shown) {
		if w := screen.Width(strings.TrimSuffix(line, "\n")); w > 60 && !strings.Contains(line, "→") {
			t.Errorf("%d wide: %q", w, line)
		}
	}
}

// TestStatusAndCheckAreReadableAt80Columns: no line is wider, and none is cut that says what to do.
func TestStatusAndCheckAreReadableAt80Columns(t *testing.T) {
	w := newFakeAPI()
	defer w.Close()
	long := "Example Managed Services of the Northern Lakes and Forests"
	in := anInstallation(zenith, long)
	in.State = v1.StateNeedsCredentials
	in.Issues[0].Detail = "The API user's security level may not create webhooks, so changes are found by polling, each minute."
	w.installations = append(w.installations, in)
	w.checks[2].Detail = "The API user's security level may not create webhooks: Autotask answers 403 to a registration that was tried."
	for _, args := range [][]string{{"status"}, {"check"}} {
		var out bytes.Buffer
		Run(t.Context(), Invocation{
			Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			LookupEnv: func(name string) (string, bool) {
				v := map[string]string{"CHANNELSYNC_API_URL": w.URL, "CHANNELSYNC_ADMIN_TOKEN": token, "COLUMNS": "80"}[name]
				return v, v != ""
			},
		})
		for line := range strings.Lines(out.String()) {
			if w := screen.Width(strings.TrimSuffix(line, "\n")); w > 80 && !strings.Contains(line, "→ channelsync") {
				t.Errorf("%v: %d wide: %q", args, w, line)
			}
		}
		joined := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range map[string][]string{"status": {"found by polling, each minute.", "needs_credentials"}, "check": {"that was tried."}}[args[0]] {
			if !strings.Contains(joined, want) {
				t.Errorf("%v: %q is cut:\n%s", args, want, out.String())
			}
		}
	}
}

func TestCommandsThatHelpNext(t *testing.T) {
	for want, issue := range map[string]v1.Issue{
		"channelsync installation set-credentials 'Acme MSP' --username …": {Code: "credentials_refused"},
		"channelsync webhook repair 'Acme MSP'":                            {Code: "webhook_contested"},
		"channelsync record list 'Acme MSP' --reason rejected":             {Code: "rejected", Records: 3},
		"": {Code: "throttled"},
	} {
		if got := commandFor(issue, "Acme MSP"); got != want {
			t.Errorf("%s: got %q, want %q", issue.Code, got, want)
		}
	}
	for given, want := range map[string]string{"acme": "acme", "it's": `'it'\''s'`, "": "''", "a;b": "'a;b'", "ä": "'ä'"} {
		if got := quoted(given); got != want {
			t.Errorf("%q: got %s, want %s", given, got, want)
		}
	}
}
