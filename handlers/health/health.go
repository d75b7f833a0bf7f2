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
	"channelsync/internal/gate"
	"channelsync/internal/lifecycle"
	"channelsync/internal/panics"
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
	probes := make([]*probe, len(checks))
	for i, c := range checks {
		probes[i] = &probe{Check: c}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := Readiness{Status: "ready", Checks: probeAll(r.Context(), probes)}
		status := http.StatusOK
		for _, c := range answer.Checks {
			if !c.OK {
				answer.Status, status = "not_ready", http.StatusServiceUnavailable
			}
		}
		web.JSON(w, status, answer)
	})
}

func probeAll(ctx context.Context, probes []*probe) []Result {
	results := make([]Result, len(probes))
	var wg sync.WaitGroup
	for i, p := range probes {
		wg.Go(func() { results[i] = p.run(ctx) })
	}
	wg.Wait()
	return results
}

// probe is a check, which is asked by one request at a time: one that never returns
// leaves one goroutine behind, however often /readyz is asked.
type probe struct {
	Check
	asking gate.Gate
}

// run asks the check, and answers in time whether or not it does: what stands still must
// turn /readyz red, and not keep it from answering. A panic is a failure.
func (p *probe) run(ctx context.Context) Result {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTimeout,
		fmt.Errorf("check %s: no answer within %s", p.Name, probeTimeout))
	defer cancel()
	leave, err := p.asking.Enter(ctx)
	if err != nil {
		return Result{Name: p.Name, Detail: context.Cause(ctx).Error()}
	}
	var detail string
	task := lifecycle.New("check "+p.Name, func(ctx context.Context) (err error) {
		defer leave()
		detail, err = p.Probe(ctx)
		return err
	})
	task.Start(ctx)
	if task.Wait(ctx) != nil {
		return Result{Name: p.Name, Detail: context.Cause(ctx).Error()}
	}
	err = task.Err()
	switch {
	case err == nil:
		return Result{Name: p.Name, OK: true, Detail: detail}
	case panics.Of(err) != nil:
		return Result{Name: p.Name, Detail: "the check itself failed"}
	case errors.Is(err, context.DeadlineExceeded) && context.Cause(ctx) != nil:
		err = context.Cause(ctx)
	}
	return Result{Name: p.Name, Detail: err.Error()}
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
	p.log.Warn("gather metrics failed", zap.String(v1.LogCause, fmt.Sprint(v...)))
}
