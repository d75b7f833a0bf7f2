package admin

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-playground/validator/v10"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/recent"
	"channelsync/handlers/internal/web"
)

// Config is what the API speaks to; all of it but Now is required. An error that is a
// *v1.Problem is answered as it is; any other is a 500, and its cause is logged.
type Config struct {
	Installations Installations
	Setup         Setup
	Settings      Settings
	Webhooks      Webhooks
	Records       Records
	Jobs          Jobs
	DeadLetters   DeadLetters
	Activity      Activity

	Audit   Audit
	Backups Backups
	Tokens  Tokens

	Auditor access.Auditor
	Log     *zap.Logger
	Now     func() time.Time // nil: time.Now
}

// API is the admin API; New makes it.
type API struct {
	Config
	validate *validator.Validate
	closing  *web.Closing
	streams  *web.Streams
	lists    *recent.Answers[struct{}, []v1.Installation] // of all; read by several at once, never changed
}

// New returns the API, to be mounted at /api/v1.
func New(cfg Config) http.Handler { return newRouter(cfg) }

func newRouter(cfg Config) chi.Router {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &API{Config: cfg, validate: newValidator(), closing: web.NewClosing(), streams: web.NewStreams(), lists: recent.New[struct{}, []v1.Installation](cfg.Now)}
	r := chi.NewRouter()
	r.Use(middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) {
		web.Problem(w, v1.NotFound("The admin API has nothing at this path."))
	})
	r.MethodNotAllowed(web.MethodNotAllowed(r))

	for _, routes := range []func(chi.Router){
		a.installationRoutes, a.setupRoutes, a.settingsRoutes, a.webhookRoutes, a.recordRoutes, a.jobRoutes, a.deadLetterRoutes,
		a.activityRoutes, a.auditRoutes, a.backupRoutes, a.tokenRoutes, a.documentRoutes,
	} {
		routes(r)
	}
	return r
}
