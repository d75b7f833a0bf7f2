package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"channelsync/cmd/channelsync/service"
)

// recorder is a service manager that remembers what it installs.
type recorder struct {
	service.Manager
	installed []service.Definition
}

func (r *recorder) Install(_ context.Context, d service.Definition) error {
	r.installed = append(r.installed, d)
	return nil
}

// TestAServiceIsInstalledOnlyIfItWouldStart: with the settings of its file, and without the
// environment of whoever installs it.
func TestAServiceIsInstalledOnlyIfItWouldStart(t *testing.T) {
	t.Setenv("CHANNELSYNC_DATA_DIR", filepath.Join(t.TempDir(), "not for services"))
	other := filepath.Join(t.TempDir(), "data")
	for _, tc := range []struct{ name, settings, dataDir, want string }{
		{"nothing but the defaults", "log-level: info\n", service.DataDir(), ""},
		{"a data directory", "data-dir: '" + other + "'\n", other, ""},
		{"one that leads anywhere", "data-dir: data\n", "", "want a full path"},
		{"a wrong setting", "log-level: loud\n", "", "log-level"},
		{"one that does not exist", "colour: red\n", "", "there is no such setting"},
	} {
		file := filepath.Join(t.TempDir(), "channelsync.yaml")
		if err := os.WriteFile(file, []byte(tc.settings), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		manager := &recorder{}
		err := newSession(Invocation{LookupEnv: os.LookupEnv, Stdout: &out, Stderr: &out}).installService(t.Context(), manager, file)
		if tc.want != "" {
			if err == nil || !strings.Contains(err.Error(), tc.want) || len(manager.installed) > 0 {
				t.Errorf("%s: got %v, installed %v, want %q and nothing installed", tc.name, err, manager.installed, tc.want)
			}
			continue
		}
		if err != nil || len(manager.installed) != 1 {
			t.Errorf("%s: %v, installed %v", tc.name, err, manager.installed)
			continue
		}
		got := manager.installed[0]
		if got.Config != file || got.DataDir != tc.dataDir || !filepath.IsAbs(got.Program) || !strings.Contains(out.String(), "channelsync service start") {
			t.Errorf("%s: installed %+v, said %s", tc.name, got, out.String())
		}
	}
}
