package cli

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the commands as a shell does, against the real admin API with
// a fake sync side. Besides testscript's own commands there are
//
//	api <change>...  changes what the API answers (see fakeAPI.script)
//	[!] asked <regexp> whether the sync side was asked something
//	awaits <regexp>    waits until the sync side is asked something
//	forget             forgets what was asked
//	cs <args>...       runs channelsync and wants exit code 0
//	code <n> <args>... runs channelsync and wants this exit code
//
// Both run it in this process; exec channelsync runs it as one of its own.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			w, b := newFakeAPI(), broken()
			env.Defer(w.Close)
			env.Defer(b.Close)
			env.Values["api"] = w
			env.Setenv("CHANNELSYNC_API_URL", w.URL)
			env.Setenv("CHANNELSYNC_ADMIN_TOKEN", token)
			env.Setenv("BROKEN", b.URL)
			env.Setenv("ACME", acme)
			env.Setenv("ZENITH", zenith)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"api": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Value("api").(*fakeAPI).script(args))
			},
			"asked": asked,
			"forget": func(ts *testscript.TestScript, _ bool, _ []string) {
				w := ts.Value("api").(*fakeAPI)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.asked = nil
			},
			"awaits": awaits,
			"cs":     ok,
			"code":   code,
		},
	})
}

func asked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] asked regexp")
	}
	log := ts.Value("api").(*fakeAPI).log()
	if regexp.MustCompile(args[0]).MatchString(log) == neg {
		ts.Fatalf("asked %s: %v; it was asked\n%s", args[0], neg, log)
	}
}

// awaits polls, for ten seconds at most.
func awaits(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile(args[0])
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !want.MatchString(ts.Value("api").(*fakeAPI).log()) {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s was not asked within 10 s", want)
		}
	}
}

// here runs channelsync in this process, which is much faster than one of its
// own for each command.
func here(ts *testscript.TestScript, args []string) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return Run(ctx, Invocation{
		Args: args, Stdin: strings.NewReader(""), Stdout: ts.Stdout(), Stderr: ts.Stderr(),
		LookupEnv: func(name string) (string, bool) { v := ts.Getenv(name); return v, v != "" },
	})
}

func ok(ts *testscript.TestScript, neg bool, args []string) {
	if got := here(ts, args); neg || got != exitOK {
		ts.Fatalf("exit code %d, want 0", got)
	}
}

func code(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: code n [arguments]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := here(ts, args[1:]); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
