package handlers

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/callback"
	"channelsync/handlers/console"
	"channelsync/handlers/console/oidc"
	"channelsync/handlers/console/session"
	"channelsync/handlers/health"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/export"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// PublicConfig is what the public listener serves.
type PublicConfig struct {
	Callbacks *callback.Handler
	Proxies   []netip.Prefix // whose X-Forwarded-For and -Proto are believed
	Log       *zap.Logger
}

// Public is the handler of the public listener.
func Public(cfg PublicConfig) http.Handler {
	r := newRouter(cfg.Log, forwarded.Proxies(cfg.Proxies).Middleware, site{}.secured)
	// The callback handlers check the method themselves: it is the first of their checks.
	r.Handle("/callbacks/autotask/{installation}", cfg.Callbacks.Changes())
	r.Handle("/callbacks/autotask/{installation}/deactivated", cfg.Callbacks.Deactivated())
	r.Get("/livez", health.Live().ServeHTTP)
	return r
}

// AdminConfig is what the admin listener serves.
type AdminConfig struct {
	API      http.Handler   // admin.New
	Tokens   Tokens         // of the API, and the console's log-ins
	People   *oidc.Provider // the organisation's log-in to the console; nil: tokens only
	Sessions *session.Store // of the console
	Key      v1.Secret      // seals the console's forms; the same on all instances
	Auditor  access.Auditor
	Ready    []health.Check
	Metrics  prometheus.Gatherer
	Proxies  []netip.Prefix // whose X-Forwarded-For and -Proto are believed
	URL      string         // what people open the console under; empty: any address
	Version  string
	Log      *zap.Logger
	Now      func() time.Time // nil: time.Now
}

// Admin is the handler of the admin listener. The API and the profiles ask for a token and the
// console for its session, and all of them for the role that the route takes: probes and scrapes
// come without. An error is one of the build.
func Admin(cfg AdminConfig) (http.Handler, error) {
	attempts := web.NewAttempts()
	now := cfg.Now
	if now == nil {
		now = time.Now
	}
	exporter := export.New(export.Config{API: cfg.API, Auditor: cfg.Auditor, Log: cfg.Log.Named("export"), Now: now})
	api := guarded(access.API(), exporter, cfg.Auditor)
	pages, err := console.New(console.Config{
		API: api, Tokens: cfg.Tokens, People: cfg.People, Sessions: cfg.Sessions, URL: cfg.URL, Key: cfg.Key,
		Auditor: cfg.Auditor, Attempts: attempts, Version: cfg.Version, Log: cfg.Log.Named("console"), Now: cfg.Now,
	})
	if err != nil {
		return nil, err
	}
	at := newSite(cfg.URL)
	r := newRouter(cfg.Log, forwarded.Proxies(cfg.Proxies).Middleware, at.secured, writeWithin(adminWriteTimeout))
	probes := chi.NewRouter()
	probes.MethodNotAllowed(web.MethodNotAllowed(probes))
	for path, probe := range map[string]http.Handler{
		"/livez": health.Live(), "/readyz": health.Ready(cfg.Ready...), "/metrics": health.Metrics(cfg.Metrics, cfg.Log),
	} {
		probes.Method(http.MethodGet, path, probe)
		probes.Method(http.MethodHead, path, probe)
		// Under every method: the console takes what is left, and knows none that these paths allow.
		r.With(at.onlyNear).Handle(path, probes)
	}
	gate := gate{tokens: cfg.Tokens, attempts: attempts, auditor: cfg.Auditor}
	r.With(at.only, gate.require, at.located).Mount("/api/v1", api)
	r.With(at.only, gate.require, identity.Bound).Mount("/debug/pprof", guarded(access.Profiles(), profiles(), cfg.Auditor))
	r.With(at.only).Mount("/", pages)
	return at.below(r), nil // before all else: what the router asks of a path is asked of the one below it
}

// guarded holds a handler's requests to the roles that its routes take.
func guarded(rows []access.Row, next http.Handler, auditor access.Auditor) http.Handler {
	unknown := func(w http.ResponseWriter, _ *http.Request) {
		web.Problem(w, v1.NotFound("There is nothing at this path."))
	}
	return access.New(rows).Guard(next, http.HandlerFunc(unknown), func(w http.ResponseWriter, r *http.Request, refusal access.Refusal) {
		access.Refused(r, auditor, refusal)
		web.Problem(w, refusal.Problem)
	})
}

// newRouter has what both listeners share: panics are answered, unknown paths
// and methods are problems.
func newRouter(log *zap.Logger, more ...func(http.Handler) http.Handler) *chi.Mux {
	r := chi.NewRouter()
	r.Use(web.Recover(log), middleware.GetHead)
	r.Use(more...)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		web.Problem(w, v1.NotFound("There is nothing at this path."))
	})
	r.MethodNotAllowed(web.MethodNotAllowed(r))
	return r
}
