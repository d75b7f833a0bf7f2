package app

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/config"
	"channelsync/handlers/health"
	"channelsync/sync/control"
	"channelsync/test/harness"
)

var errCause = errors.New("the cause")

// shown is what /metrics shows of the collector, without help and types.
func shown(t *testing.T, c *collector) []string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	w := httptest.NewRecorder()
	health.Metrics(reg, zap.NewNop()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return slices.DeleteFunc(strings.Split(w.Body.String(), "\n"), func(line string) bool {
		return line == "" || strings.HasPrefix(line, "#")
	})
}

// Prometheus collects on goroutines that nobody watches: a panic of ours would end the process.
func TestPanicOfTheTotalsIsThatScrapesFailure(t *testing.T) {
	c := newCollector(func(context.Context) (control.Totals, error) { panic("no total") }, nil, time.Now)
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err == nil || !strings.Contains(err.Error(), "no total") || !strings.Contains(err.Error(), "counted") {
		t.Errorf("got %v, want the panic with its stack", err)
	}
	if len(families) == 0 {
		t.Error("nothing is shown, though states are known without the store")
	}
}

func TestCollectorShowsTotals(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	totals := control.Totals{
		Installations: map[v1.State]int{v1.StateLive: 3, v1.StateNeedsCredentials: 1},
		Webhooks:      map[control.WebhookState]int{control.WebhookActive: 5, control.WebhookInactive: 1},
		Issues:        map[control.IssueKey]int{{Code: "throttled", Severity: v1.SeverityRetrying}: 2},
		BudgetLeft:    0.25,
		Worklist: map[control.WaitState]control.Waiting{
			control.WaitLive: {Records: 7, Oldest: now.Add(-90 * time.Second)}, control.WaitBulk: {Records: 4, Oldest: now.Add(time.Second)},
		},
		DeadLetters: 2, StoredBytes: 4096,
	}
	got := shown(t, newCollector(func(context.Context) (control.Totals, error) { return totals, nil },
		func() (float64, error) { return 0.5, nil }, func() time.Time { return now }))
	want := []string{
		`channelsync_autotask_budget_left_ratio 0.25`,
		`channelsync_dead_letters 2`,
		`channelsync_installations{state="backfilling"} 0`,
		`channelsync_installations{state="degraded"} 0`,
		`channelsync_installations{state="installing"} 0`,
		`channelsync_installations{state="live"} 3`,
		`channelsync_installations{state="needs_credentials"} 1`,
		`channelsync_installations{state="stopped"} 0`,
		`channelsync_installations{state="uninstalled"} 0`,
		`channelsync_issues{code="throttled",severity="retrying"} 2`,
		`channelsync_store_bytes 4096`,
		`channelsync_store_free_ratio 0.5`,
		`channelsync_webhooks{state="active"} 5`,
		`channelsync_webhooks{state="inactive"} 1`,
		`channelsync_webhooks{state="missing"} 0`,
		`channelsync_worklist_oldest_seconds{lane="bulk"} 0`,
		`channelsync_worklist_oldest_seconds{lane="later"} 0`,
		`channelsync_worklist_oldest_seconds{lane="live"} 90`,
		`channelsync_worklist_records{lane="bulk"} 4`,
		`channelsync_worklist_records{lane="later"} 0`,
		`channelsync_worklist_records{lane="live"} 7`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCollectorWithoutStore: what is in memory is shown all the same, and no number is made up.
func TestCollectorWithoutStore(t *testing.T) {
	totals := control.Totals{Installations: map[v1.State]int{v1.StateDegraded: 1}, BudgetLeft: 1}
	got := strings.Join(shown(t, newCollector(func(context.Context) (control.Totals, error) { return totals, errCause },
		func() (float64, error) { return 0, errCause }, time.Now)), "\n")
	if !strings.Contains(got, `channelsync_installations{state="degraded"} 1`) {
		t.Errorf("no states:\n%s", got)
	}
	for _, absent := range []string{"worklist", "dead_letters", "store_bytes", "free_ratio"} {
		if strings.Contains(got, absent) {
			t.Errorf("%s is shown:\n%s", absent, got)
		}
	}
}

func TestFreeOf(t *testing.T) {
	if ratio, err := freeOf(t.TempDir())(); err != nil || ratio < 0 || ratio > 1 {
		t.Errorf("%g, %v", ratio, err)
	}
	if _, err := freeOf(filepath.Join(t.TempDir(), "absent"))(); err == nil {
		t.Error("a directory that is not there has free space")
	}
}

// TestRulesAndDashboardNameMetrics: what the files for operators ask for is what /metrics of a whole service shows.
func TestRulesAndDashboardNameMetrics(t *testing.T) {
	log := zap.NewNop()
	a, err := New(t.Context(), Options{Log: log, Config: config.Config{
		CallbackListen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", DataDir: t.TempDir(), NATS: config.NATS{Replicas: 1}, Retention: time.Hour,
	}})
	harness.OK(t, err)
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	w := httptest.NewRecorder()
	a.admin.Handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "\nchannelsync_store_free_ratio ") {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	known := map[string]bool{}
	every := make(chan *prometheus.Desc, 100)
	a.metrics.Describe(every)
	close(every)
	name := regexp.MustCompile(`channelsync_[a-z_]+`)
	for d := range every {
		known[name.FindString(d.String())] = true
	}
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operating", file))
		harness.OK(t, err)
		asked := name.FindAllString(string(text), -1)
		if len(asked) == 0 {
			t.Errorf("%s asks for nothing", file)
		}
		for _, one := range asked {
			if one = strings.TrimSuffix(one, "_bucket"); !known[one] {
				t.Errorf("%s asks for %s, which is not shown", file, one)
			}
		}
	}
}
