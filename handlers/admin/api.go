package admin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-playground/validator/v10"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/web"
)

// Config is what the API speaks to. An error that is a *v1.Problem is answered
// as it is; any other is a 500, and its cause is logged. Previews and Now may be
// left nil.
type Config struct {
	Installations Installations
	Setup         Setup
	Changes       Changes
	Previews      Previews
	Lifecycle     Lifecycle
	Records       Records
	Jobs          Jobs
	Webhooks      Webhooks
	Overview      Overview
	Auditor       Auditor
	Log           *zap.Logger
	Now           func() time.Time
}

// API is the admin API; New makes it.
type API struct {
	Config
	validate *validator.Validate
}

// New returns the API, to be mounted at /api/v1.
func New(cfg Config) http.Handler {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &API{Config: cfg, validate: newValidator()}
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		web.Problem(w, v1.NotFound("The admin API has nothing at this path."))
	})
	r.MethodNotAllowed(web.MethodNotAllowed(r))

	for _, routes := range []func(chi.Router){
		a.installationRoutes, a.setupRoutes, a.changeRoutes, a.lifecycleRoutes,
		a.recordRoutes, a.jobRoutes, a.webhookRoutes, a.overviewRoutes,
	} {
		routes(r)
	}
	return r
}
