package cli

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// invoke runs one command with nothing in the environment but env.
func invoke(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(context.Background(), Invocation{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return code, out.String(), errs.String()
}

func TestTheTokenTravelsInClearOnlyWhenToldTo(t *testing.T) {
	for _, tc := range []struct {
		url     string
		env     map[string]string
		flags   []string
		refused bool
	}{
		{url: "http://admin.invalid:8081", refused: true},
		{url: "HTTP://192.0.2.1", refused: true},
		{url: "http://localhost.admin.invalid", refused: true},
		{url: "http://api.localhost", refused: true}, // some resolvers ask others for it
		{url: "http://127.0.0.1.admin.invalid", refused: true},
		{url: "http://0.0.0.0:8081", refused: true},
		{url: "http://admin.invalid", env: map[string]string{"CHANNELSYNC_API_PLAINTEXT": "false"}, refused: true},
		{url: "http://admin.invalid", env: map[string]string{"CHANNELSYNC_API_PLAINTEXT": "true"}},
		{url: "http://admin.invalid", flags: []string{"--api-plaintext"}},
		{url: "https://admin.invalid"},
		{url: "http://localhost:8081"},
		{url: "http://LOCALHOST.:8081"},
		{url: "http://127.9.9.9"},
		{url: "http://[::1]:8081"},
		{url: "http://[::ffff:127.0.0.1]"},
	} {
		env := map[string]string{"CHANNELSYNC_API_URL": tc.url, "CHANNELSYNC_ADMIN_TOKEN": token}
		for k, v := range tc.env {
			env[k] = v
		}
		s := newSession(Invocation{LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
		s.global.plaintext = len(tc.flags) > 0
		if err := s.guardPlain(); (err != nil) != tc.refused {
			t.Errorf("%s %v %v: got %v, want refused %v", tc.url, tc.env, tc.flags, err, tc.refused)
		}
		s.close()
		if !tc.refused {
			continue
		}
		code, out, said := invoke(t, env, "status")
		if code != exitUsage || out != "" || !strings.Contains(said, "--api-url: got "+tc.url) || !strings.Contains(said, "--api-plaintext") ||
			strings.Count(said, "\n") != 2 {
			t.Errorf("%s: exit %d, %q, %q; want 2, and what to do in one line and a hint", tc.url, code, out, said)
		}
	}
	code, _, said := invoke(t, map[string]string{"CHANNELSYNC_API_PLAINTEXT": "perhaps"}, "status")
	if code != exitUsage || !strings.Contains(said, `CHANNELSYNC_API_PLAINTEXT: got "perhaps", want true or false`) {
		t.Errorf("exit %d, %q", code, said)
	}
}

func TestTheServiceProvesItselfByTheAuthorityAndTheNameThatAreSaid(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"items":[]}`))
	}))
	defer srv.Close()
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are refused
	dir := t.TempDir()
	ca, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1) // the certificate names 127.0.0.1 and example.com
	for _, tc := range []struct {
		name  string
		url   string
		env   map[string]string
		flags []string
		code  int
		says  string
	}{
		{"an authority that nobody named", srv.URL, nil, nil, exitFailed, "certificate"},
		{"its authority", srv.URL, nil, []string{"--api-ca", ca}, exitOK, ""},
		{"its authority by the environment", srv.URL, map[string]string{"CHANNELSYNC_API_CA": ca}, nil, exitOK, ""},
		{"another host than the certificate's", elsewhere, nil, []string{"--api-ca", ca}, exitFailed, "localhost"},
		{"the name in the certificate", elsewhere, nil, []string{"--api-ca", ca, "--api-server-name", "example.com"}, exitOK, ""},
		{"a name by the environment", elsewhere, map[string]string{"CHANNELSYNC_API_SERVER_NAME": "example.com"}, []string{"--api-ca", ca}, exitOK, ""},
		{"a name that the certificate lacks", srv.URL, nil, []string{"--api-ca", ca, "--api-server-name", "admin.invalid"}, exitFailed, "admin.invalid"},
		{"a file without a certificate", srv.URL, nil, []string{"--api-ca", empty}, exitUsage, "--api-ca: got " + empty + " without a certificate"},
		{"a file that is missing", srv.URL, nil, []string{"--api-ca", ca + "x"}, exitUsage, "--api-ca: open " + ca + "x: no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env := map[string]string{"CHANNELSYNC_API_URL": tc.url, "CHANNELSYNC_ADMIN_TOKEN": token}
			for k, v := range tc.env {
				env[k] = v
			}
			for _, command := range [][]string{{"zones"}, {"healthcheck"}} {
				before := asked.Load()
				code, _, said := invoke(t, env, append(command, tc.flags...)...)
				if code != tc.code || !strings.Contains(said, tc.says) || (asked.Load() > before) != (tc.code == exitOK) {
					t.Errorf("%s: exit %d, %q, %d asked; want %d and %q", command, code, said, asked.Load()-before, tc.code, tc.says)
				}
			}
		})
	}
}
