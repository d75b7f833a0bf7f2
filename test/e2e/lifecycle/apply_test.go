package lifecycle

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli"
	"channelsync/test/harness"
	"channelsync/test/harness/service"
)

// counter stands before the admin API and counts what is asked of it.
type counter struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int // by method and path, ids left out
	each func(request string)
}

func counted(t *testing.T, target string) *counter {
	u, err := url.Parse(target)
	harness.OK(t, err)
	c := &counter{seen: map[string]int{}, each: func(string) {}}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) } // whoever asked is gone
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
		if len(parts) > 1 && parts[1] != "compare" {
			parts[1] = "{id}"
		}
		request := r.Method + " " + strings.Join(parts, "/")
		c.mu.Lock()
		c.seen[request]++
		each := c.each
		c.mu.Unlock()
		each(request)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// take returns what was asked since it was taken last.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = map[string]int{}
	return seen
}

func (c *counter) on(each func(string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.each = each
}

// TestAFleetIsAFile: two hundred installations are applied from a file, cut short in the
// middle and applied again. The run after that changes nothing, as its requests and the
// audit show. Then one is renamed, one has other options and one a secret that Autotask
// refuses: the two are changed, the third fails, and nobody else is touched.
func TestAFleetIsAFile(t *testing.T) {
	const many, cut = 200, 60
	all := neighbours(t, many)
	w := serviceOf(t, all)
	api := counted(t, w.AdminURL)
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		harness.OK(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	write("secret", "Secret-of-many-1")
	write("tracking", "IDENTIFIER-OF-MANY")
	file := fmt.Sprintf("defaults:\n  trackingIdentifierFile: tracking\n  syncs: [active_customers]\n  zone: %s\ninstallations:\n", strings.TrimPrefix(w.AutotaskURL, "http://"))
	for _, n := range all {
		write(n.connection, n.token())
		file += fmt.Sprintf("  - {name: %s, username: %s, secretFile: secret, channelProgram: {connectionId: %s, tokenFile: %s}}\n", n.connection, n.user, n.connection, n.connection)
	}
	write("fleet.yaml", file)
	apply := func(ctx context.Context, code int, says string, more ...string) string {
		t.Helper()
		var out bytes.Buffer
		got := cli.Run(ctx, cli.Invocation{
			Args: append([]string{"apply", "-f", filepath.Join(dir, "fleet.yaml"), "--at-once", "8"}, more...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			LookupEnv: func(name string) (string, bool) {
				v := map[string]string{"CHANNELSYNC_API_URL": api.URL, "CHANNELSYNC_ADMIN_TOKEN": service.AdminToken}[name]
				return v, v != ""
			},
		})
		if got != code || !strings.Contains(out.String(), says) || strings.Contains(out.String(), "Secret-of-many") {
			t.Fatalf("exit %d, want %d and %q:\n%s", got, code, says, out.String())
		}
		return out.String()
	}
	read := map[string]int{"GET installations": 1, "POST installations/compare": many / 100}

	apply(t.Context(), 0, "200 to create. Nothing was done.", "--dry-run")
	if diff := cmp.Diff(read, api.take()); diff != "" {
		t.Errorf("a dry run asked (-want +got): %s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	creates := 0
	var mu sync.Mutex
	api.on(func(request string) {
		mu.Lock()
		defer mu.Unlock()
		if request == "POST installations" {
			if creates++; creates == cut {
				cancel()
			}
		}
	})
	apply(ctx, 1, "run it again to finish it")
	api.on(func(string) {})
	apply(t.Context(), 0, " unchanged.")
	names := map[string]v1.Installation{}
	installed, err := w.Admin.Installations(t.Context())
	harness.OK(t, err)
	for _, in := range installed {
		names[in.Name] = in
	}
	if len(installed) != many || len(names) != many {
		t.Fatalf("%d installations of %d names, want %d", len(installed), len(names), many)
	}
	if first := api.take()["POST installations"]; first > many+8 {
		t.Errorf("%d requests made installations, want none twice but those that were cut", first)
	}

	before := auditOf(w)
	apply(t.Context(), 0, "200 unchanged.")
	if diff := cmp.Diff(read, api.take()); diff != "" {
		t.Errorf("the second run asked (-want +got): %s", diff)
	}
	after := auditOf(w)
	for action, n := range before {
		after[action] -= n
	}
	maps.DeleteFunc(after, func(_ string, n int) bool { return n == 0 })
	if diff := cmp.Diff(map[string]int{"installation.compare": many / 100}, after); diff != "" {
		t.Errorf("the second run is in the audit with (-want +got): %s", diff)
	}

	write("wrong", "Not-the-secret-1")
	file = strings.Replace(file, "name: msp-03,", "name: Renamed,", 1)
	file = strings.Replace(file, "{name: msp-05,", "{options: {emails: primary}, name: msp-05,", 1)
	file = strings.Replace(file, "username: user-07@msp.example, secretFile: secret", "username: user-07@msp.example, secretFile: wrong", 1)
	write("fleet.yaml", file)
	apply(t.Context(), 1, "2 changed, 1 failed, 197 unchanged.")
	want := maps.Clone(read)
	want["PATCH installations/{id}"], want["PUT installations/{id}/credentials"] = 2, 1
	if diff := cmp.Diff(want, api.take()); diff != "" {
		t.Errorf("three changes asked (-want +got): %s", diff)
	}
	renamed, err := w.Admin.Installation(t.Context(), names["msp-03"].ID)
	if err != nil || renamed.Name != "Renamed" {
		t.Errorf("got %q, %v", renamed.Name, err)
	}
	optioned, err := w.Admin.Installation(t.Context(), names["msp-05"].ID)
	if err != nil || optioned.Options.Emails != "primary" {
		t.Errorf("got %+v, %v", optioned.Options, err)
	}

	left := file[:strings.LastIndex(strings.TrimSuffix(file, "\n"), "\n")+1]
	write("fleet.yaml", strings.Replace(left, "secretFile: wrong", "secretFile: secret", 1))
	apply(t.Context(), 0, "1 uninstalled, 199 unchanged.", "--prune", "--yes")
	is(w, names["msp-199"].ID, v1.StateUninstalled)
	write("fleet.yaml", strings.Replace(file, "secretFile: wrong", "secretFile: secret", 1))
	apply(t.Context(), 0, "1 changed, 199 unchanged.")
	in := w.Until(names["msp-199"].ID, "is installed again", soon, func(in v1.Installation) bool { return in.State != v1.StateUninstalled })
	if in.Syncs[v1.SyncActiveCustomers].State == v1.SyncUninstalled || in.Syncs[v1.SyncActiveCustomerContracts].State != "" {
		t.Errorf("it came back with %+v", in.Syncs)
	}
}

// auditOf counts the entries of the audit by their action; checks of the service itself have none.
func auditOf(w *service.Harness) map[string]int {
	w.T.Helper()
	counts := map[string]int{}
	q := v1.AuditQuery{Limit: 500}
	for {
		page, err := w.Admin.Audit(w.T.Context(), q)
		harness.OK(w.T, err)
		for _, e := range page.Items {
			counts[e.Action]++
		}
		if page.NextCursor == nil {
			return counts
		}
		q.Cursor = *page.NextCursor
	}
}
