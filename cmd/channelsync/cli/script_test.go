package cli

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the commands as a shell does, against the real admin API with
// a fake sync side. Besides testscript's own commands there are
//
//	world <change>...  changes what the API answers (see world.script)
//	[!] asked <regexp> whether the sync side was asked something
//	forget             forgets what was asked
//	code <n> <args>... runs channelsync and wants this exit code
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			w, b := newWorld(), broken()
			env.Defer(w.Close)
			env.Defer(b.Close)
			env.Values["world"] = w
			env.Setenv("CHANNELSYNC_API_URL", w.URL)
			env.Setenv("CHANNELSYNC_ADMIN_TOKEN", token)
			env.Setenv("BROKEN", b.URL)
			env.Setenv("ACME", acme)
			env.Setenv("ZENITH", zenith)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": func(ts *testscript.TestScript, _ bool, args []string) { ts.Check(ts.Value("world").(*world).script(args)) },
			"asked": asked,
			"forget": func(ts *testscript.TestScript, _ bool, _ []string) {
				w := ts.Value("world").(*world)
				w.mu.Lock()
				defer w.mu.Unlock()
				w.asked = nil
			},
			"code": code,
		},
	})
}

func asked(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] asked regexp")
	}
	log := ts.Value("world").(*world).log()
	if regexp.MustCompile(args[0]).MatchString(log) == neg {
		ts.Fatalf("asked %s: %v; it was asked\n%s", args[0], neg, log)
	}
}

// code runs channelsync and wants an exit code, which exec does not tell.
func code(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: code n [arguments]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec("channelsync", args[1:]...)
	got := 0
	if coded, ok := err.(interface{ ExitCode() int }); ok { //nolint:errorlint // os/exec returns it bare
		got = coded.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
