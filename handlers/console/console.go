package console

import (
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/handlers/console/oidc"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/recent"
	"channelsync/handlers/internal/web"
)

// Config is what the console is made of.
type Config struct {
	API      http.Handler   // it is called for whoever is logged in, without the gate in front of it
	Tokens   Tokens         // what people log in with
	People   *oidc.Provider // the organisation's log-in; nil: tokens only
	Sessions *session.Store
	URL      string         // what people open the console under; empty: any address
	Key      v1.Secret      // seals forms and log-ins under way; the same on all instances
	Auditor  access.Auditor // keeps log-ins, and what was refused
	Attempts *web.Attempts  // counts wrong tokens, together with the API's gate
	Version  string
	Log      *zap.Logger
	Now      func() time.Time // nil: time.Now
}

// Console serves the pages.
type Console struct {
	below
	api      *client.Client
	tokens   Tokens
	people   *oidc.Provider // nil: tokens only
	auditor  access.Auditor
	access   *access.Table
	sessions *session.Store
	cookies  session.Cookies
	url      string
	sealer   sealer
	attempts *web.Attempts
	version  string
	log      *zap.Logger
	now      func() time.Time
	pages    *pages
	assets   assets
	build    string                       // names what pages are made of: see live.go
	blocks   *recent.Answers[view, block] // of pages that are open
	writes   writes
	// finishing counts the answers of the issuer that are looked at.
	finishing *crowd.Crowd
}

// New returns the console, to be mounted at /. An error is
// one of the build: the pages and the assets are part of the binary.
func New(cfg Config) (http.Handler, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Console{
		below:  newBelow(cfg.URL),
		tokens: cfg.Tokens, people: cfg.People, auditor: cfg.Auditor, access: access.New(access.Console()),
		sessions: cfg.Sessions, cookies: session.NewCookies(cfg.URL), url: cfg.URL, sealer: newSealer(cfg.Key, cfg.Now), attempts: cfg.Attempts,
		version: cfg.Version, log: cfg.Log, now: cfg.Now, blocks: recent.New[view, block](cfg.Now), finishing: crowd.New(crowd.Limits{Slots: finishing}),
	}
	var err error
	c.api, err = client.New(client.Config{
		// The name goes nowhere: the transport calls the handler.
		URL: "http://channelsync", Actor: "console", Transport: inProcess{api(cfg.API, cfg.Log), func() { c.writes.note(c.now()) }},
	})
	if err != nil {
		return nil, fmt.Errorf("make the console's client: %w", err)
	}
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	parsed, err := parsedPages()
	if err != nil {
		return nil, err
	}
	c.pages = &pages{parsed: parsed, funcs: c.funcsFor, bound: map[pageFor]*template.Template{}}
	if c.build, err = buildOf(pageFiles, assetFiles); err != nil {
		return nil, err
	}
	return c.routes(), nil
}

// guard holds a request to the role that its route takes.
func (c *Console) guard(next http.Handler) http.Handler {
	return c.access.Guard(next, http.HandlerFunc(c.notFound), func(w http.ResponseWriter, r *http.Request, refusal access.Refusal) {
		access.Refused(r, c.auditor, refusal)
		v := &visit{c, w, r, r.Context()}
		v.failWith(refusal.Problem)
	})
}

// routes has every path of the console. What changes anything is a POST, and
// refused when it comes from another origin.
func (c *Console) routes() chi.Router {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(c.otherSite))
	r := chi.NewRouter()
	r.Use(headers, origin.Handler, c.plain(r), c.session, c.guard)
	r.Get("/assets/{name}", c.assets.serve)
	r.Get("/login", c.loginPage)
	r.Post("/login", c.login)
	r.Post("/logout", c.logout)
	for _, routes := range []func(chi.Router){
		c.integrationRoutes, c.overviewRoutes, c.recordRoutes, c.driftRoutes, c.wizardRoutes, c.lifecycleRoutes, c.settingsRoutes,
		c.activityRoutes, c.deadLetterRoutes, c.replayRoutes, c.jobRoutes, c.auditRoutes, c.peopleRoutes, c.sessionRoutes, c.tokenRoutes,
		c.exportRoutes, c.bulkRoutes,
	} {
		routes(r)
	}
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
