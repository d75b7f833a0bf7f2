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

// watched runs a command against w until it has written so often; before each question at is called.
func watched(t *testing.T, w *fakeAPI, frames int, at func(left int), args ...string) (code int, shown string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out := &until{frames: frames, end: cancel}
	code = Run(ctx, Invocation{
		Args: args, Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
		LookupEnv: func(name string) (string, bool) {
			at(out.frames)
			v := map[string]string{"CHANNELSYNC_API_URL": w.URL, "CHANNELSYNC_ADMIN_TOKEN": token, "COLUMNS": "80"}[name]
			return v, v != ""
		},
	})
	return code, out.String()
}

// TestWatchSaysSinceWhenTheServiceDoesNotAnswer, asks on, and comes back by itself: where it was away from the beginning too.
func TestWatchSaysSinceWhenTheServiceDoesNotAnswer(t *testing.T) {
	for _, args := range [][]string{{"status", "--watch=100ms"}, {"installation", "list", "--watch=100ms"}, {"installation", "show", "Acme MSP", "--watch=100ms"}} {
		w := newFakeAPI()
		if err := w.script([]string{"down"}); err != nil {
			t.Fatal(err)
		}
		code, shown := watched(t, w, 4, func(left int) {
			switch left {
			case 2:
				_ = w.script([]string{"up"})
			case 1:
				_ = w.script([]string{"down"})
			}
		}, args...)
		w.Close()
		frames := strings.Split(shown, "until Ctrl-C")
		if code != exitOK || len(frames) != 5 {
			t.Fatalf("%v: exit %d, %d frames:\n%s", args, code, len(frames)-1, shown)
		}
		since := func(frame string) string {
			_, at, _ := strings.Cut(frame, "The service does not answer since ")
			return at[:min(len(at), 8)]
		}
		if first := since(frames[1]); first == "" || since(frames[2]) != first || since(frames[3]) != "" || since(frames[4]) == "" || !strings.Contains(frames[3], "Acme MSP") {
			t.Errorf("%v:\n%s", args, shown)
		}
	}
}

// TestWatchEndsWhereAskingAgainWouldChangeNothing.
func TestWatchEndsWhereAskingAgainWouldChangeNothing(t *testing.T) {
	w := newFakeAPI()
	defer w.Close()
	if code, shown := watched(t, w, 3, func(int) {}, "installation", "show", "Acmee", "--watch=100ms"); code != exitFailed || !strings.Contains(shown, "did you mean 'Acme MSP'?") {
		t.Errorf("an installation that there is not: %d\n%s", code, shown)
	}
	if err := w.script([]string{"refuse", "status", "403", "forbidden"}); err != nil {
		t.Fatal(err)
	}
	if code, shown := watched(t, w, 3, func(int) {}, "status", "--watch=100ms"); code != exitFailed || !strings.Contains(shown, "(forbidden)") {
		t.Errorf("what is refused: %d\n%s", code, shown)
	}
}

// TestAnExplanationEndsWithTheNextCommandWhole, with the installation and the record of whoever asks.
func TestAnExplanationEndsWithTheNextCommandWhole(t *testing.T) {
	in := v1.Installation{
		Name: "Acme MSP", State: v1.StateLive, Options: v1.Options{Exclude: v1.RecordIDs{7, 12}, Include: v1.RecordIDs{5}},
		Syncs: map[v1.Sync]v1.SyncStatus{v1.SyncActiveCustomers: {State: v1.SyncRunning}, v1.SyncActiveCustomerContracts: {State: v1.SyncStopped}},
	}
	stopped, refused, held := in, in, in
	stopped.State, refused.State, held.Issues = v1.StateStopped, v1.StateNeedsCredentials, []v1.Issue{{Code: "mass_change_held"}}
	company := func(met bool, code, next string, was v1.Outcome) v1.Explanation {
		e := v1.Explanation{Kind: v1.KindCompany, ID: "7", Met: met, Next: next, Conditions: []v1.Condition{{Code: code, Met: met}}}
		if was != "" {
			e.Record = &v1.Record{Outcome: was}
		}
		return e
	}
	contract := company(true, "", `Every condition holds, but its sync is stopped.`, "")
	contract.Kind = v1.KindContract
	for what, tc := range map[string]struct {
		in   v1.Installation
		e    v1.Explanation
		want string
	}{
		"as it should be":      {in, company(true, "", "Nothing to do.", v1.OutcomeUnchanged), ""},
		"differs":              {in, company(true, "", `"Sync now" sends them at once; otherwise the next sweep does.`, v1.OutcomePushed), "channelsync record reconcile 'Acme MSP' company 7"},
		"failed for good":      {in, company(true, "", "It failed 8 times.", v1.OutcomeDead), "channelsync record reconcile 'Acme MSP' company 7"},
		"edited there":         {in, company(true, "", `"Push ours" sends what Autotask has.`, v1.OutcomeWaiting), "channelsync drift push 'Acme MSP' company 7"},
		"not answered":         {in, company(true, "", "Ask again. If the problem persists, open it.", v1.OutcomePushed), "channelsync record explain 'Acme MSP' company 7"},
		"inactive":             {in, company(false, v1.ReasonStatusInactive, "Set it active.", v1.OutcomeNotMet), ""},
		"deleted":              {in, company(false, v1.ReasonDeletedAtSource, "Nothing.", v1.OutcomeNotMet), ""},
		"excluded":             {in, company(false, v1.ReasonExcluded, "Change the list.", v1.OutcomeNotMet), "channelsync installation update 'Acme MSP' --exclude 12 --include '5,7' --dry-run"},
		"not installed":        {in, company(false, v1.ReasonSyncNotInstalled, "Install the sync.", ""), "channelsync installation install-sync 'Acme MSP' active_customers"},
		"stopped":              {stopped, company(true, "", "The installation is stopped.", ""), "channelsync installation start 'Acme MSP'"},
		"refused":              {refused, company(true, "", "Autotask refuses the credentials.", ""), "channelsync installation set-credentials 'Acme MSP' --username …"},
		"pending approval":     {held, company(false, v1.ReasonStatusInactive, "It waits.", v1.OutcomePushed), "channelsync held approve 'Acme MSP', or channelsync held discard 'Acme MSP'"},
		"its sync is stopped":  {in, contract, "channelsync installation start 'Acme MSP' --sync active_customer_contracts"},
		"filtered":             {in, company(false, v1.ReasonFiltered, "Change the filters.", v1.OutcomeNotMet), "channelsync installation update 'Acme MSP' --company-classifications … --dry-run"},
		"discarded and not in": {in, company(false, v1.ReasonStatusInactive, `"Sync now" applies what Autotask has at once.`, v1.OutcomePushed), "channelsync record reconcile 'Acme MSP' company 7"},
	} {
		if got := commandExplained(tc.in, tc.e); got != tc.want {
			t.Errorf("%s: got %q, want %q", what, got, tc.want)
		}
	}
	for outcome, want := range map[v1.Outcome]string{
		v1.OutcomeDead: "channelsync record reconcile 'Acme MSP' company 7", v1.OutcomeNotMet: "channelsync record explain 'Acme MSP' company 7", v1.OutcomePushed: "",
	} {
		if got := commandOf(in, v1.RecordDetail{Record: v1.Record{Kind: v1.KindCompany, ID: "7", Outcome: outcome}}); got != want {
			t.Errorf("%s: got %q, want %q", outcome, got, want)
		}
	}
}

// TestNoSecretIsInASuggestedCommand, and none would do at once what was only guessed.
func TestNoSecretIsInASuggestedCommand(t *testing.T) {
	for line, want := range map[string]string{
		"record show acm 7":                         "channelsync record show 'Acme MSP' 7",
		"record show --installation=acm acm":        "channelsync record show '--installation=Acme MSP' acm",
		"record show acm 7 --admin-token x":         "",
		"record show acm 7 --admin-token=x":         "",
		"record show acm 7 --admin-token-file x":    "channelsync record show 'Acme MSP' 7 --admin-token-file x",
		"installation erase acm --yes":              "",
		"installation set-credentials acm --secret": "",
	} {
		s := newSession(Invocation{Args: strings.Fields(line)})
		if got := s.again("acm", "Acme MSP"); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
