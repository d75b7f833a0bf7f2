// Package health answers whether this process lives, whether it can do its
// work, and what it has counted. It asks the checks it is given and decides
// nothing else; it never changes anything and needs no token, so no detail may
// hold what only an operator may know. Mounted by handlers.Admin (/livez,
// /readyz, /metrics) and handlers.Public (/livez).
package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

const probeTimeout = 2 * time.Second

// Check is one thing that must hold for the process to do its work.
type Check struct {
	Name string
	// Probe returns an error when it does not hold. A detail without an error is
	// shown beside an ok: what was found, or a warning. Its context ends after 2 s.
	Probe func(ctx context.Context) (detail string, err error)
}

// Readiness is the JSON of /readyz.
type Readiness struct {
	Status string   `json:"status"` // ready or not_ready
	Checks []Result `json:"checks"`
}

// Result is what one check found.
type Result struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

// Live answers 200 as long as the process serves at all.
func Live() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		web.JSON(w, http.StatusOK, map[string]string{"status": "live"})
	})
}

// Ready runs the checks side by side and answers 503 when one of them fails.
func Ready(checks ...Check) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := Readiness{Status: "ready", Checks: probeAll(r.Context(), checks)}
		status := http.StatusOK
		for _, c := range answer.Checks {
			if !c.OK {
				answer.Status, status = "not_ready", http.StatusServiceUnavailable
			}
		}
		web.JSON(w, status, answer)
	})
}

func probeAll(ctx context.Context, checks []Check) []Result {
	results := make([]Result, len(checks))
	var wg sync.WaitGroup
	for i, c := range checks {
		wg.Go(func() { results[i] = c.run(ctx) })
	}
	wg.Wait()
	return results
}

// run turns a panic into a failure: it is not on the goroutine that a handler's
// own recovery watches.
func (c Check) run(ctx context.Context) (result Result) {
	defer func() {
		if v := recover(); v != nil {
			result = Result{Name: c.Name, Detail: "the check itself failed"}
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout,
		fmt.Errorf("check %s: no answer within %s", c.Name, probeTimeout))
	defer cancel()
	detail, err := c.Probe(ctx)
	if err == nil {
		return Result{Name: c.Name, OK: true, Detail: detail}
	}
	if errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	return Result{Name: c.Name, Detail: err.Error()}
}

// Metrics serves what the gatherer has, in Prometheus' text form.
func Metrics(from prometheus.Gatherer, log *zap.Logger) http.Handler {
	return promhttp.HandlerFor(from, promhttp.HandlerOpts{
		ErrorLog:      printer{log},
		ErrorHandling: promhttp.ContinueOnError, // one broken collector must not hide the others
	})
}

// printer gives promhttp the logger it wants.
type printer struct{ log *zap.Logger }

func (p printer) Println(v ...any) {
	p.log.Warn("gather metrics", zap.String(v1.LogCause, fmt.Sprint(v...)))
}
