//go:build linux

package fault

import (
	"bytes"
	"os"
	"path/filepath"
	"time"

	"github.com/google/go-cmp/cmp"

	"channelsync/test/harness/files"
)

// keyFaults start the service with a master key that is not the store's.
func keyFaults() []fault {
	return []fault{{name: "wrong master key at start", own: true, strike: wrongKey, repeats: true}}
}

// wrongKey stops the service, gives it another key, and the right one again.
func wrongKey(tr *trial) string {
	path := filepath.Join(tr.DataDir, "master-key")
	right, err := os.ReadFile(path)
	if err != nil {
		tr.Fatal(err)
	}
	tr.Stop()
	write := func(key []byte) {
		if err := os.WriteFile(path, key, 0o600); err != nil {
			tr.Fatal(err)
		}
	}
	write([]byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"))
	before := files.Tree(tr, tr.DataDir)
	tr.Launch()
	if state := tr.Ends(soon); state.ExitCode() != 1 {
		tr.Errorf("with another master key: %s, want exit code 1", state)
	}
	if diff := cmp.Diff(before, files.Tree(tr, tr.DataDir)); diff != "" {
		tr.Errorf("the refused start touched the store:\n%s", diff)
	}
	log, err := os.ReadFile(tr.LogFile)
	if err != nil || !bytes.Contains(log, []byte("--master-key")) {
		tr.Errorf("the refusal does not name the setting: %v", err)
	}
	tr.hold(during(time.Second, 10*time.Second))
	write(right)
	tr.over()
	tr.Start()
	return "refused to start, named the setting and touched no file; then started with the right key"
}
