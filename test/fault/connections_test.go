//go:build linux

package fault

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"channelsync/test/harness/service"
)

// TestConnectionsLeaveTheStoreItsFiles: however many connections the unauthenticated open,
// the store has files left to write to: it never freezes, and callbacks go on after.
func TestConnectionsLeaveTheStoreItsFiles(t *testing.T) {
	t.Parallel()
	const files = 512
	limited := filepath.Join(t.TempDir(), "limited")
	script := fmt.Sprintf("#!/bin/sh\nulimit -n %d\nexec %s \"$@\"\n", files, service.Build(t))
	if err := os.WriteFile(limited, []byte(script), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	tr := newTrial(t, fault{name: "connections", own: true, repeats: true}, service.Options{Binary: limited, Settings: map[string]string{}})
	tr.edit()
	tr.acknowledged("before the flood", 20)
	for round := range 3 {
		var open []net.Conn
		for range 2 * files {
			conn, err := net.DialTimeout("tcp", strings.TrimPrefix(tr.CallbackURL, "http://"), time.Second)
			if err != nil {
				break // its backlog is full
			}
			open = append(open, conn)
			_, _ = fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n") // an idle connection lives longer than half a request
		}
		tr.hold(time.Second)
		ready(t, tr.AdminURL, fmt.Sprintf("in round %d, with %d connections", round+1, len(open)))
		for _, conn := range open {
			_ = conn.Close()
		}
	}
	tr.over()
	tr.acknowledged("after the flood", 20)
	tr.rest()
	tr.recovers()
	tr.account("")
}

// ready wants the service to say that all is well.
func ready(t *testing.T, url, when string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	resp, err := client.Get(url + "/readyz")
	if err != nil {
		t.Errorf("%s: %v", when, err)
		return
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: ready answers %d", when, resp.StatusCode)
	}
}
