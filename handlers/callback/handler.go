package callback

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/events"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/web"
)

// Receivers knows the installations that callbacks are for.
type Receivers interface {
	// Receiver says, from memory, how callbacks of an installation are verified; false when there is none of that id.
	Receiver(installation string) (Receiver, bool)
}

// Receiver is what there is to know of an installation to take its callbacks.
type Receiver struct {
	State         v1.State
	Registrations []Registration
	Uses          map[v1.Kind]bool // the kinds that an installed sync looks at
}

// Registration is a webhook at Autotask, or a bridge.
type Registration struct {
	GUID    string      // empty while it is being registered: its secret alone vouches then
	Secrets []v1.Secret // every secret valid at the moment: two while rotating
}

// Journal stores changes; what it returns a receipt for is on disk.
type Journal interface {
	Publish(ctx context.Context, change events.Change, msgID string) (events.Receipt, error)
}

// Rejects keeps bodies that are authentic but cannot be read, as dead letters.
type Rejects interface {
	Keep(ctx context.Context, installation string, raw []byte, cause error) error
}

// Checks looks at the webhook registrations of an installation over the API, soon.
type Checks interface {
	CheckSoon(installation string)
	// SecretDoubted reports a body that names a registration of the installation, and that none of
	// the secrets signed: Autotask may have another secret than ours.
	SecretDoubted(ctx context.Context, installation, guid string)
}

// Observer observes every delivery. The installation is empty unless it is
// one we know; guid and seq are set for authentic deliveries only; result is one
// of the Result constants, and so a fit label for a metric.
type Observer interface {
	Delivered(installation, guid string, seq *int64, at time.Time, result string)
}

// Config is what a Handler works with; Observer, Tracer, Now and Limits may be left zero.
type Config struct {
	Receivers Receivers
	Journal   Journal
	Rejects   Rejects
	Checks    Checks
	Observer  Observer
	Tracer    trace.Tracer // nil: nothing is traced
	Log       *zap.Logger
	Now       func() time.Time
	Limits    Limits
}

// Handler serves both callback paths. It keeps no goroutine of its own.
type Handler struct {
	Config
	arrivals  *crowd.Crowd  // by client, until the signature is known to be right
	authentic *web.InFlight // per installation, and in all
	pace      *pace         // of authentic bytes
	hints     *onceAMinute
}

// New returns a handler of callbacks.
func New(cfg Config) *Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	cfg.Limits = cfg.Limits.orDefaults()
	return &Handler{
		Config:    cfg,
		arrivals:  crowd.New(crowd.Limits{Slots: cfg.Limits.Arrivals, Bytes: cfg.Limits.ArrivalBytes, ClientBytes: cfg.Limits.ClientBytes}),
		authentic: web.NewInFlight(cfg.Limits.Authentic),
		pace:      newPace(cfg.Limits),
		hints:     &onceAMinute{last: map[string]time.Time{}},
	}
}

// Changes serves /callbacks/autotask/{installation}.
func (h *Handler) Changes() http.Handler { return h.path(false) }

// Deactivated serves /callbacks/autotask/{installation}/deactivated.
func (h *Handler) Deactivated() http.Handler { return h.path(true) }

func (h *Handler) path(deactivated bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := &delivery{Handler: h, at: h.Now(), deactivated: deactivated, client: forwarded.Of(r), w: w, r: r}
		defer d.endTrace()
		a := d.handle()
		a.write(w)
		d.report(a)
	})
}

// onceAMinute lets one hint a minute through for each installation.
type onceAMinute struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// pass forgets what is older than a minute, so that it has only installations with a recent hint.
func (o *onceAMinute) pass(installation string, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if last, ok := o.last[installation]; ok && now.Sub(last) < time.Minute && !now.Before(last) {
		return false
	}
	maps.DeleteFunc(o.last, func(_ string, last time.Time) bool { return now.Sub(last) >= time.Minute })
	o.last[installation] = now
	return true
}
