package alerts

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness"
)

var operating = filepath.Join("..", "..", "docs", "operating")

// needPromtool skips the test when promtool is not installed, and fails it in CI.
func needPromtool(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("promtool")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("CI must have promtool (Debian: prometheus): %v", err)
	default:
		t.Skipf("NOT TESTED: promtool is not installed (Debian: prometheus), so no alert rule was tried: %v", err)
	}
	return path
}

func TestRules(t *testing.T) {
	promtool := needPromtool(t)
	for _, args := range [][]string{{"check", "rules", "--lint-fatal", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		t.Run(args[0], func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errors.New("promtool: no answer within a minute"))
			defer cancel()
			cmd := exec.CommandContext(ctx, promtool, args...)
			cmd.Dir = operating
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
			}
		})
	}
}

// TestEveryRuleIsTestedAndListed: with a moment at which it fires, one at which it does not, and a line for operators.
func TestEveryRuleIsTestedAndListed(t *testing.T) {
	text := func(name string) string {
		b, err := os.ReadFile(filepath.Join(operating, name))
		harness.OK(t, err)
		return string(b)
	}
	rules := regexp.MustCompile(`(?m)^ *- alert: (\w+)$`).FindAllStringSubmatch(text("alerts.yml"), -1)
	if len(rules) == 0 {
		t.Fatal("no rule was found")
	}
	tests, page := text("alerts_test.yml"), text("monitoring.md")
	for _, rule := range rules {
		name := rule[1]
		if !strings.Contains(tests, "alertname: "+name+"\n        exp_alerts:\n") {
			t.Errorf("no test says when %s fires", name)
		}
		if !strings.Contains(tests, "alertname: "+name+", exp_alerts: []") {
			t.Errorf("no test says when %s does not fire", name)
		}
		if !strings.Contains(page, "| `"+name+"` |") {
			t.Errorf("monitoring.md does not list %s", name)
		}
	}
}
