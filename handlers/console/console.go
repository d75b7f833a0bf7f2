package console

import (
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// Config is what the console is made of.
type Config struct {
	API      http.Handler  // admin.New; it is called without the gate in front of it
	Token    v1.Secret     // the admin token; it is what one logs in with
	Attempts *web.Attempts // counts wrong tokens, together with the API's gate
	Version  string
	Log      *zap.Logger
	Now      func() time.Time // nil: time.Now
}

// Console serves the pages.
type Console struct {
	api      *client.Client
	sessions sessions
	sealer   sealer
	attempts *web.Attempts
	version  string
	log      *zap.Logger
	now      func() time.Time
	pages    pages
	assets   assets
	closing  *web.Closing
}

// New parses every page and returns the console, to be mounted at /. An error is
// one of the build: the pages and the assets are part of the binary.
func New(cfg Config) (http.Handler, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Console{
		sessions: newSessions(cfg.Token, cfg.Now), sealer: newSealer(cfg.Token, cfg.Now), attempts: cfg.Attempts,
		version: cfg.Version, log: cfg.Log, now: cfg.Now, closing: web.NewClosing(),
	}
	var err error
	c.api, err = client.New(client.Config{
		// The name goes nowhere: the transport calls the handler.
		URL: "http://channelsync", Token: cfg.Token, Actor: "console", Transport: inProcess{api(cfg.API, cfg.Log)},
	})
	if err != nil {
		return nil, fmt.Errorf("make the console's client: %w", err)
	}
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if c.pages, err = parsePages(c); err != nil {
		return nil, err
	}
	return c.routes(), nil
}

// routes has every path of the console. What changes anything is a POST, and
// refused when it comes from another origin.
func (c *Console) routes() http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(c.otherSite))
	r := chi.NewRouter()
	r.Use(headers, origin.Handler)
	r.Get("/assets/{name}", c.assets.serve)
	r.Get("/login", c.loginPage)
	r.Post("/login", c.login)
	r.Group(func(r chi.Router) {
		r.Use(c.session)
		r.Post("/logout", c.logout)
		c.integrationRoutes(r)
		c.overviewRoutes(r)
		c.recordRoutes(r)
		c.wizardRoutes(r)
		c.lifecycleRoutes(r)
		c.settingsRoutes(r)
		c.activityRoutes(r)
		c.deadLetterRoutes(r)
		c.replayRoutes(r)
		c.jobRoutes(r)
		c.auditRoutes(r)
	})
	r.NotFound(c.notFound)
	r.MethodNotAllowed(web.MethodNotAllowed(r))
	return r
}

// headers are those of every answer. The pages are without inline scripts and
// styles, load nothing from elsewhere and may be framed by nobody.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		next.ServeHTTP(w, r)
	})
}
