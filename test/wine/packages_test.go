//go:build linux

package wine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// speaking are the packages that speak to the platform.
var speaking = []string{
	"internal/disk", "internal/lifecycle", "cmd/channelsync/service", "cmd/channelsync/config", "cmd/channelsync/logsink",
	"events/store", "events/backup/archive", "sync/seal",
}

// notHere are tests that are not run, by why.
var notHere = map[string][]string{
	"they expect modes of files, and Unix' words for errors": {
		"TestKeysAreMadeOnceAndKept", "TestUnsafeKeysAreRefused", "TestWrongSettings", "TestWrongFiles",
	},
	"they break, fill or freeze a disk with means of Linux": {
		"TestFullDiskIsRefusedAndFineOnceThereIsRoom", "TestReadOnlyDiskIsRefused", "TestHealthSeesAFrozenStream",
		"TestAFrozenStoreOnAGoodDiskIsReported",
	},
	"format 1 kept links on Linux alone":      {"TestLinksOfFormat1AreRemoved"},
	"systemd and its paths are on no Windows": {"TestAServiceThatSystemdWouldNotRunIsRefused"},
}

// uncleaned is what Wine 8 says when Go removes a temporary directory, which Windows can.
var uncleaned = regexp.MustCompile(`^\s*testing\.go:\d+: TempDir RemoveAll cleanup: unlinkat .*: Invalid function\.$`)

// TestPackagesForWindows runs the tests of packages as programs for Windows.
func TestPackagesForWindows(t *testing.T) {
	need(t)
	packages := make([]string, len(speaking))
	for i, p := range speaking {
		packages[i] = "channelsync/" + p
	}
	cmd := exec.Command("go", append([]string{
		"test", "-json", "-vet=off", "-ldflags=-w", "-count=1", "-timeout=5m", "-exec=" + filepath.Join(windows.dir, "run"),
		"-skip=^(" + strings.Join(slices.Concat(slices.Collect(maps.Values(notHere))...), "|") + ")$",
	}, packages...)...)
	cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH=amd64", "CGO_ENABLED=0", "CI=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, _ := cmd.Output() // what failed is in it
	results := read(t, out)
	for _, p := range packages {
		if !results.ended[p] {
			t.Errorf("%s was not tested\n%s%s", p, said.String(), strings.Join(results.said[p], ""))
		}
	}
	for name, lines := range results.failures() {
		t.Errorf("%s\n%s", name, strings.Join(lines, ""))
	}
	t.Logf("%d tests of %d packages", results.passed, len(packages))
}

// results are what go test -json says.
type results struct {
	said   map[string][]string // by package, or by package and test
	failed map[string]bool
	ended  map[string]bool // packages
	passed int
}

func read(t *testing.T, out []byte) results {
	t.Helper()
	r := results{said: map[string][]string{}, failed: map[string]bool{}, ended: map[string]bool{}}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Package, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue // of the build
		}
		name := strings.TrimSuffix(event.Package+" "+event.Test, " ")
		switch event.Action {
		case "output":
			r.said[name] = append(r.said[name], event.Output)
		case "fail":
			r.failed[name] = event.Test != "" // a package fails with its tests, or has not run
		case "pass":
			if event.Test == "" {
				break
			}
			r.passed++
		}
		if event.Test == "" && (event.Action == "pass" || event.Action == "fail" && len(r.said[name]) > 0) {
			r.ended[event.Package] = true
		}
	}
	return r
}

// failures are the tests that failed for more than what they left behind.
func (r results) failures() map[string][]string {
	all := map[string][]string{}
	for name, failed := range r.failed {
		var left []string
		for _, line := range r.said[name] {
			text := strings.TrimSpace(line)
			if !uncleaned.MatchString(strings.TrimRight(line, "\n")) && !strings.HasPrefix(text, "=== ") && !strings.HasPrefix(text, "--- ") && text != "" {
				left = append(left, line)
			}
		}
		if failed && len(left) > 0 {
			all[name] = left
		}
	}
	return all
}
