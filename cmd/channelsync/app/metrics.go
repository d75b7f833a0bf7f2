package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"channelsync/events"
	"channelsync/sync/reconcile"
)

// metrics are what /metrics shows. Labels are bounded; ids are never one.
type metrics struct {
	registry     *prometheus.Registry
	deliveries   *prometheus.CounterVec
	requests     *prometheus.CounterVec
	requestTime  *prometheus.HistogramVec
	pushes       *prometheus.CounterVec
	pushTime     *prometheus.HistogramVec
	reconciles   *prometheus.CounterVec
	freshnessSec prometheus.Observer
	storeTime    *prometheus.HistogramVec
	notices      *prometheus.CounterVec
	stalls       *prometheus.CounterVec
	rejected     *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		m.registry.MustRegister(v)
		return v
	}
	seconds := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(v)
		return v
	}
	calls := prometheus.ExponentialBuckets(0.005, 2.5, 10)
	m.deliveries = counter("channelsync_deliveries_total", "Callbacks received, by what they were answered.", "result")
	m.requests = counter("channelsync_autotask_requests_total", "Requests to Autotask, by entity and result.", "entity", "result")
	m.requestTime = seconds("channelsync_autotask_request_duration_seconds", "How long requests to Autotask took.", calls, "entity")
	m.pushes = counter("channelsync_channel_program_requests_total", "Requests to Channel Program, by operation and result.", "operation", "result")
	m.pushTime = seconds("channelsync_channel_program_request_duration_seconds", "How long requests to Channel Program took.", calls, "operation")
	m.reconciles = counter("channelsync_reconciles_total", "Records reconciled, by kind, outcome and first reason.", "kind", "outcome", "reason")
	m.freshnessSec = seconds("channelsync_freshness_seconds", "From a change stored to the record reconciled, live changes.", freshnessBuckets()).WithLabelValues()
	m.storeTime = seconds("channelsync_store_duration_seconds", "How long operations of the event store took.", prometheus.ExponentialBuckets(0.0005, 3, 10), "operation")
	m.notices = counter("channelsync_notifications_total", "Attempts to notify of an issue, by result.", "result")
	m.stalls = counter("channelsync_stalls_total", "Times that work which was due did not move, by part.", "part")
	m.rejected = counter("channelsync_rejected_records_total", "Records in the store that channelsync did not write and ignores, by table.", "table")
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, table := range authenticated {
		m.rejected.WithLabelValues(table) // 0, as below
	}
	for _, part := range []string{"dispatcher", "worker", "webhooks", "poller", "jobs", "leases", "notifier", "store", "installations"} {
		m.stalls.WithLabelValues(part) // 0: a counter that begins with 1 has not grown for Prometheus
	}
	return m
}

// freshnessBuckets have a bound at whatever an alert compares with, so that it is exact there: 300 s is one.
func freshnessBuckets() []float64 {
	return []float64{0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600}
}

// log exposes how many lines of the log are missing.
func (m *metrics) log(dropped func() uint64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "channelsync_log_lines_dropped_total", Help: "Lines of the log that could not be written, or that nobody read in time.",
	}, func() float64 {
		if dropped == nil {
			return 0
		}
		return float64(dropped())
	}))
}

// journal exposes what the bus counts itself.
func (m *metrics) journal(bus *events.Bus) {
	counter := func(name, help string, read func(events.Stats) uint64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(read(bus.Stats())) }))
	}
	counter("channelsync_journal_changes_total", "Changes stored in the journal.", func(s events.Stats) uint64 { return s.Published })
	counter("channelsync_journal_duplicates_total", "Changes that the journal had already.", func(s events.Stats) uint64 { return s.Duplicates })
	counter("channelsync_journal_refused_total", "Changes that could not be stored.", func(s events.Stats) uint64 { return s.Refused })
	counter("channelsync_dispatched_changes_total", "Changes carried to the worklist.", func(s events.Stats) uint64 { return s.Dispatched })
	counter("channelsync_store_disconnects_total", "Times the connection to NATS was lost.", func(s events.Stats) uint64 { return s.Disconnects })
}

// shards exposes how many this instance holds.
func (m *metrics) shards(held func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "channelsync_shards", Help: "Shards of installations, of 64, that this instance owns.",
	}, func() float64 { return float64(held()) }))
}

func (m *metrics) delivered(result string) { m.deliveries.WithLabelValues(result).Inc() }

func (m *metrics) autotask(entity, result string, took time.Duration) {
	m.requests.WithLabelValues(entity, result).Inc()
	m.requestTime.WithLabelValues(entity).Observe(took.Seconds())
}

func (m *metrics) target(operation, result string, took time.Duration) {
	m.pushes.WithLabelValues(operation, result).Inc()
	m.pushTime.WithLabelValues(operation).Observe(took.Seconds())
}

func (m *metrics) reconciled(s reconcile.Result) {
	reason := ""
	if len(s.Reasons) > 0 {
		reason = s.Reasons[0]
	}
	m.reconciles.WithLabelValues(string(s.Kind), string(s.Outcome), reason).Inc()
}

func (m *metrics) freshness(took time.Duration) { m.freshnessSec.Observe(took.Seconds()) }

func (m *metrics) stalled(part string) { m.stalls.WithLabelValues(part).Inc() }

func (m *metrics) forged(table string) { m.rejected.WithLabelValues(table).Inc() }

func (m *metrics) notified(result string) { m.notices.WithLabelValues(result).Inc() }

func (m *metrics) store(operation string, took time.Duration) {
	m.storeTime.WithLabelValues(operation).Observe(took.Seconds())
}
