package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	js "channelsync/events/internal/jetstream"
	"channelsync/internal/gate"
)

// Health is how the bus stands.
type Health struct {
	ServerVersion string
	Embedded      bool
	// Flush says when the server flushes writes to disk: "always", an interval such
	// as "2m0s", or "unknown" when an external cluster does not answer.
	Flush    string
	Replicas int      // asked for, of every stream
	Frozen   []string // streams that do not take writes; the server must be restarted
	Err      error    // why the bus cannot be relied on now; nil = it can
}

const (
	flushAlways  = "always"
	flushUnknown = "unknown"
	// healthFor is how long an answer stands, so that probes cost little.
	healthFor = time.Second
	// flushFor is how long the answer of a cluster about its flushing is used.
	flushFor = time.Minute
	// healthTimeout bounds one look.
	healthTimeout = 2 * time.Second
	// flushWait is how long the servers of a cluster have to answer.
	flushWait = 300 * time.Millisecond
)

// healthCache keeps what the last look found, for all callers.
type healthCache struct {
	observing gate.Gate // one look at a time
	flush     string    // with flushAt of whoever looks
	flushAt   time.Time

	mu     sync.Mutex // guards what follows
	at     time.Time
	health Health
}

// recent is what the last look found, while it stands.
func (c *healthCache) recent() (Health, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.health, !c.at.IsZero() && time.Since(c.at) < healthFor
}

func (c *healthCache) keep(h Health) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.health = time.Now(), h
}

// Health looks at most once a second and answers from memory between. Whoever asks
// meanwhile waits for the same look, under its own context.
func (s *Store) Health(ctx context.Context) Health {
	if h, is := s.health.recent(); is {
		return h
	}
	leave, err := s.health.observing.Enter(ctx)
	if err != nil {
		return Health{Embedded: s.server != nil, Flush: flushUnknown, Replicas: s.cfg.Replicas, Err: fmt.Errorf("look at the event store: %w", err)}
	}
	defer leave()
	if h, is := s.health.recent(); is {
		return h
	}
	h := s.observe(ctx)
	s.health.keep(h)
	return h
}

// observe is one look. It is everybody's, so that it does not end with the context of
// the caller whose turn it was.
func (s *Store) observe(ctx context.Context) Health {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), healthTimeout, fmt.Errorf("look at the event store: not within %s", healthTimeout))
	defer cancel()
	h := Health{
		ServerVersion: s.NC.ConnectedServerVersion(), Embedded: s.server != nil, Replicas: s.cfg.Replicas,
		Flush: s.flush(ctx),
	}
	switch {
	case s.Life.Err() != nil:
		h.Err = js.ErrClosed
	case !s.NC.IsConnected():
		h.Err = errors.New("not connected to nats")
	case s.server != nil:
		h.Frozen, h.Err = s.observeInside()
	default:
		h.Frozen, h.Err = s.probe(ctx)
	}
	if h.Err == nil && len(h.Frozen) > 0 {
		h.Err = fmt.Errorf("streams take no writes: %s", strings.Join(h.Frozen, ", "))
	}
	return h
}

// observeInside asks the embedded server which of its streams had a write error: it
// freezes those until it is restarted.
func (s *Store) observeInside() (frozen []string, err error) {
	status := s.server.Healthz(&server.HealthzOptions{Details: true})
	if status == nil || status.Status == "ok" {
		return nil, nil
	}
	err = fmt.Errorf("nats server: %s %s", status.Status, status.Error)
	for _, e := range status.Errors {
		err = fmt.Errorf("nats server: %s", e.Error)
		if e.Stream != "" {
			frozen = append(frozen, e.Stream)
		}
	}
	slices.Sort(frozen)
	return frozen, err
}

// probe asks an external cluster for each stream's leader, and writes to those
// whose last write failed: readiness must come back by itself once they recover.
func (s *Store) probe(ctx context.Context) (frozen []string, err error) {
	for _, stream := range s.InUse() {
		info, err := stream.Handle.Info(ctx)
		if err != nil {
			return frozen, fmt.Errorf("ask stream %s: %w", stream.Name, err)
		}
		if info.Cluster != nil && info.Cluster.Leader == "" {
			return frozen, fmt.Errorf("stream %s has no leader", stream.Name)
		}
		if !stream.Failing.Load() {
			continue
		}
		if _, err := stream.PublishMsg(ctx, stream.Probe()); err != nil && !js.IsFull(err) {
			frozen = append(frozen, stream.Name)
		}
	}
	slices.Sort(frozen)
	return frozen, nil
}

// flush is the slowest of what the servers answer.
func (s *Store) flush(ctx context.Context) string {
	if s.server != nil {
		return flushAlways // set by startEmbedded
	}
	if s.health.flush == "" || time.Since(s.health.flushAt) >= flushFor {
		s.health.flush, s.health.flushAt = s.askFlush(ctx), time.Now()
	}
	return s.health.flush
}

// askFlush asks every server for its settings. Only accounts that import the
// system's VARZ service get an answer.
func (s *Store) askFlush(ctx context.Context) string {
	sub, err := s.NC.SubscribeSync(s.NC.NewInbox())
	if err != nil {
		return flushUnknown
	}
	defer func() { _ = sub.Unsubscribe() }()
	if s.NC.PublishRequest("$SYS.REQ.SERVER.PING.VARZ", sub.Subject, nil) != nil {
		return flushUnknown
	}
	ctx, cancel := context.WithTimeout(ctx, flushWait)
	defer cancel()
	worst := flushUnknown
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return worst
		}
		switch setting := readFlush(msg.Data); {
		case setting == flushUnknown:
		case worst == flushUnknown, worst == flushAlways:
			worst = setting
		}
	}
}

// readFlush reads a server's VARZ answer.
func readFlush(body []byte) string {
	var varz struct {
		Data struct {
			JetStream struct {
				Config struct {
					SyncAlways   bool          `json:"sync_always"`
					SyncInterval time.Duration `json:"sync_interval"`
				} `json:"config"`
			} `json:"jetstream"`
		} `json:"data"`
	}
	if json.Unmarshal(body, &varz) != nil {
		return flushUnknown
	}
	switch c := varz.Data.JetStream.Config; {
	case c.SyncAlways:
		return flushAlways
	case c.SyncInterval > 0:
		return c.SyncInterval.String()
	}
	return flushUnknown // it runs no JetStream
}
