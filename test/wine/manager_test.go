//go:build linux

package wine

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// TestTheServiceManagerRunsTheProgram: installed, started, stopped and removed by its own
// commands, with its log and its keys in the data directory, which stays.
func TestTheServiceManagerRunsTheProgram(t *testing.T) {
	need(t)
	callback, admin := service.FreeAddr(t), service.FreeAddr(t)
	settings := drive("channelsync.yaml")
	write := func(text string) {
		t.Helper()
		harness.OK(t, os.WriteFile(settings, []byte(text), 0o600))
	}
	write("colour: red\n")
	install := []string{"service", "install", "--config", `C:\channelsync.yaml`}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"service", "start"}, "there is no service"},
		{install, "there is no such setting"},
		{[]string{"service", "run"}, "service manager, which alone starts this command"},
	} {
		if out := refused(t, tc.args...); !strings.Contains(out, tc.want) {
			t.Errorf("%v: %s, want %s", tc.args, out, tc.want)
		}
	}

	write(fmt.Sprintf("callback-listen: %s\nadmin-listen: %s\n", callback, admin))
	does := func(args ...string) string {
		t.Helper()
		out, err := output(wine(shim(), args...))
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	if out := does(install...); !strings.Contains(out, `C:\ProgramData\channelsync`) {
		t.Errorf("install does not say where the data is: %s", out)
	}
	if out := refused(t, install...); !strings.Contains(out, "there already") {
		t.Errorf("installed twice: %s", out)
	}
	for range 2 {
		does("service", "start") // returns once callbacks are taken
		resp, err := http.Get("http://" + admin + "/readyz")
		harness.OK(t, err)
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("/readyz: %d %s", resp.StatusCode, body)
		}
		if out := does("status", "--api-url=http://"+admin); !strings.Contains(out, "ready") {
			t.Errorf("the token of the service is not found: %s", out)
		}
		does("service", "stop")
		if resp, err := http.Get("http://" + admin + "/livez"); err == nil {
			_ = resp.Body.Close()
			t.Error("stopped, and it answers")
		}
	}
	log := drive("ProgramData", "channelsync", "channelsync.log")
	if text, err := os.ReadFile(log); err != nil || strings.Count(string(text), `"msg":"stopped"`) != 2 {
		t.Errorf("the log does not say that it stopped twice: %v\n%s", err, text)
	}

	write("colour: red\n") // since it was installed
	if out := refused(t, "service", "start"); !strings.Contains(out, "ended with exit code 2") {
		t.Errorf("started with settings that are wrong: %s", out)
	}
	does("service", "remove")
	harness.Eventually(t, "the service is gone", time.Minute, func() error {
		if out, err := output(wine(shim(), "service", "stop")); err == nil || !strings.Contains(out, "there is no service") {
			return fmt.Errorf("%v: %s", err, out)
		}
		return nil
	})
	if _, err := os.Stat(drive("ProgramData", "channelsync", "master-key")); err != nil {
		t.Errorf("the data went with the service: %v", err)
	}
}
