package cluster

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"channelsync/internal/progress"
	"channelsync/test/harness/service"
)

// ready returns what /readyz says.
func ready(w *service.Harness) (status int, text string, err error) {
	req, err := http.NewRequestWithContext(w.T.Context(), http.MethodGet, w.AdminURL+"/readyz", http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// TestAStuckWorkerIsLeftToTheOtherInstance: a worker that never returns turns its instance
// red with its name, its stacks are logged, and the other instance goes on with the
// installation, the record it was stuck at included.
func TestAStuckWorkerIsLeftToTheOtherInstance(t *testing.T) {
	t.Parallel()
	f := newField(t, 10, 3)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	var armed atomic.Bool
	let := make(chan struct{})
	core, logs := observer.New(zapcore.InfoLevel)
	stuck := zap.New(core, zap.Hooks(func(e zapcore.Entry) error {
		if e.Message == "reconciled" && armed.CompareAndSwap(true, false) {
			<-let
		}
		return nil
	}))
	limits := progress.Limits{Live: 5 * time.Second, Bulk: 10 * time.Second, Again: 40 * time.Second}
	a := f.join(service.Options{Log: stuck, Stall: limits})
	b := f.join(service.Options{Stall: limits})
	t.Cleanup(func() { close(let) })
	f.install(a, b)
	f.rename(0, "before")
	f.renamed(0, "before", 60*time.Second)

	armed.Store(true)
	f.rename(1, "while one is stuck")
	a.Eventually("the instance names what stands still", 60*time.Second, func() error {
		if armed.Load() {
			return fmt.Errorf("no worker of this instance is stuck yet; it reconciled %d", logs.FilterMessage("reconciled").Len())
		}
		status, text, err := ready(a)
		if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, "worker of installation ") {
			return fmt.Errorf("%d %s %w", status, text, err)
		}
		return nil
	})
	f.renamed(1, "while one is stuck", 60*time.Second)
	f.rename(2, "afterwards")
	f.renamed(2, "afterwards", 60*time.Second)
	a.Eventually("the instance is ready again", 60*time.Second, func() error {
		if status, text, err := ready(a); err != nil || status != http.StatusOK {
			return fmt.Errorf("%d %s %w", status, text, err)
		}
		return nil
	})
	for _, message := range []string{"work is due and has not moved, restarting it", "stacks of all goroutines", "shard left to another instance: its work does not progress here"} {
		if logs.FilterMessage(message).Len() == 0 {
			t.Errorf("the log does not say %q", message)
		}
	}
}
