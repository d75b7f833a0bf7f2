package app

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "channelsync/api/v1"
	"channelsync/internal/disk"
	"channelsync/sync/control"
)

// collector shows how all installations together stand, each time it is asked.
type collector struct {
	totals func(context.Context) (control.Totals, error)
	free   func() (ratio float64, err error) // of the store's disk; nil = the disk is another machine's
	now    func() time.Time

	installations, webhooks, issues, budget          *prometheus.Desc
	records, oldest, deadLetters, stored, freeOnDisk *prometheus.Desc
}

func newCollector(totals func(context.Context) (control.Totals, error), free func() (float64, error), now func() time.Time) *collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &collector{
		totals: totals, free: free, now: now,
		installations: desc("channelsync_installations", "Installations, by state.", "state"),
		webhooks:      desc("channelsync_webhooks", "Webhooks at Autotask that installations at work need, by state.", "state"),
		issues:        desc("channelsync_issues", "Installations at work that have an issue, by its code and severity.", "code", "severity"),
		budget:        desc("channelsync_autotask_budget_left_ratio", "Share of its hourly requests to Autotask that the installation with the least has left."),
		records:       desc("channelsync_worklist_records", "Records that wait, of installations at work, by lane.", "lane"),
		oldest:        desc("channelsync_worklist_oldest_seconds", "How long the oldest of them has waited, by lane.", "lane"),
		deadLetters:   desc("channelsync_dead_letters", "Dead letters of all installations."),
		stored:        desc("channelsync_store_bytes", "Bytes that the streams take."),
		freeOnDisk:    desc("channelsync_store_free_ratio", "Free share of the disk that holds the embedded store."),
	}
}

func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.installations, c.webhooks, c.issues, c.budget, c.records, c.oldest, c.deadLetters, c.stored, c.freeOnDisk,
	} {
		to <- d
	}
}

// Collect shows every state, also those that nothing is in, so that a rule can tell none from unknown. What
// the store would tell is absent, and the reason logged, while it does not answer.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	if c.free != nil {
		if ratio, err := c.free(); err != nil {
			to <- prometheus.NewInvalidMetric(c.freeOnDisk, err)
		} else {
			gauge(c.freeOnDisk, ratio)
		}
	}
	t, err := c.counted()
	for _, s := range []v1.State{
		v1.StateInstalling, v1.StateBackfilling, v1.StateLive, v1.StateDegraded, v1.StateNeedsCredentials, v1.StateStopped, v1.StateUninstalled,
	} {
		gauge(c.installations, float64(t.Installations[s]), string(s))
	}
	for _, s := range []control.WebhookState{control.WebhookActive, control.WebhookInactive, control.WebhookMissing} {
		gauge(c.webhooks, float64(t.Webhooks[s]), string(s))
	}
	for issue, n := range t.Issues {
		gauge(c.issues, float64(n), issue.Code, issue.Severity)
	}
	gauge(c.budget, t.BudgetLeft)
	if err != nil {
		to <- prometheus.NewInvalidMetric(c.records, err)
		return
	}
	for _, s := range []control.WaitState{control.WaitLive, control.WaitBulk, control.WaitLater} {
		w := t.Worklist[s]
		age := time.Duration(0)
		if !w.Oldest.IsZero() {
			age = max(0, c.now().Sub(w.Oldest)) // the server's clock may be ahead
		}
		gauge(c.records, float64(w.Records), string(s))
		gauge(c.oldest, age.Seconds(), string(s))
	}
	gauge(c.deadLetters, float64(t.DeadLetters))
	gauge(c.stored, float64(t.StoredBytes))
}

// counted asks for the totals, which bound themselves. Prometheus collects on
// goroutines of its own: a panic there would end the process.
func (c *collector) counted() (t control.Totals, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("gather totals: panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return c.totals(context.Background())
}

// freeOf is the share of a directory's disk that an ordinary user may still fill, as df counts it.
func freeOf(dir string) func() (float64, error) {
	return func() (float64, error) {
		space, err := disk.SpaceOf(dir)
		if err != nil {
			return 0, err
		}
		if space.Size == 0 {
			return 0, fmt.Errorf("look at the disk of the data directory: it reports no size")
		}
		return float64(space.Free) / float64(space.Size), nil
	}
}
