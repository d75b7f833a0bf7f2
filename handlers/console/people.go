package console

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/oidc"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

const (
	flowCookie   = "oidc"
	flowFor      = 10 * time.Minute
	callbackPath = "/login/oidc/callback"
	// Answers of the issuer that are looked at side by side, of all and of one client: each makes calls to it. Where there
	// are more, the oldest of whoever has the most gives way, so that unauthenticated clients keep nobody out.
	finishing         = 256
	finishingOfClient = 16
)

// errCrowded is the cause of the end of a log-in that gave way.
var errCrowded = errors.New("it gave way: its client has too many log-ins under way")

// peopleRoutes are those of the organisation's log-in. They are there without one too, and say so.
func (c *Console) peopleRoutes(r chi.Router) {
	r.Get("/login/oidc", c.beginPerson)
	r.Get(callbackPath, c.finishPerson)
}

// flow is a log-in under way, and where it leads.
type flow struct {
	oidc.Flow
	Next  string    `json:"next"`
	Until time.Time `json:"until"`
}

// beginPerson sends the browser to the issuer.
func (c *Console) beginPerson(w http.ResponseWriter, r *http.Request) {
	d := loginData{Next: local(r.URL.Query().Get("next"))}
	if c.people == nil {
		d.Error = "You can log in to this console only with a token."
		c.showLogin(w, r, http.StatusNotFound, d)
		return
	}
	origin := c.origin(r)
	if origin == "" {
		d.Error = "The log-in at " + c.people.Name() + " needs --admin-url, the address that this console is opened under."
		c.showLogin(w, r, http.StatusMisdirectedRequest, d)
		return
	}
	begun, to, err := c.people.Begin(r.Context(), origin+callbackPath)
	if err != nil {
		c.log.Warn("the log-in of the organisation does not answer, tokens still work", zap.Error(err))
		c.showLogin(w, r, http.StatusServiceUnavailable, d)
		return
	}
	sealed, err := c.sealer.seal(flow{begun, d.Next, c.now().Add(flowFor)})
	if err != nil {
		v := &visit{c, w, r, r.Context()}
		v.fail(err)
		return
	}
	c.cookies.Set(w, r, http.Cookie{Name: flowCookie, Value: sealed, MaxAge: session.MaxAge(flowFor)})
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// finishPerson takes the browser back from the issuer.
func (c *Console) finishPerson(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	var f flow
	if c.people == nil || c.sealer.open(c.cookies.Get(r, flowCookie), &f) != nil || c.now().After(f.Until) {
		c.cookies.Set(w, r, http.Cookie{Name: flowCookie})
		c.showLogin(w, r, http.StatusBadRequest, loginData{Next: "/", Error: "This log-in was started too long ago, or in another browser. Log in again."})
		return
	}
	next := local(f.Next)
	refuse := func(status int, text string) { c.showLogin(w, r, status, loginData{Next: next, Error: text}) }
	person, err := c.finish(r, f.Flow)
	if errors.Is(err, errCrowded) { // and the cookie is kept
		w.Header().Set("Retry-After", web.RetryAfter)
		refuse(http.StatusServiceUnavailable, "Too many log-ins come from this address at the same time. Try again in a moment.")
		return
	}
	c.cookies.Set(w, r, http.Cookie{Name: flowCookie}) // it is good for one answer
	caller := identity.Of(r.Context())
	caller.Identity = v1.Identity{ID: person.ID, Name: person.Name, Role: person.Role, Installations: person.Only}
	if err != nil {
		code := v1.CodeUnauthenticated
		status, text := http.StatusUnauthorized, "The log-in at "+c.people.Name()+" did not work. Try again; the log of channelsync has the cause."
		switch {
		case errors.Is(err, oidc.ErrNoRole):
			code, status = v1.CodeForbidden, http.StatusForbidden
			text = "You are known to " + c.people.Name() + " as " + person.Name + ", but nothing it says about you gives a role here. Ask whoever runs this service: --oidc-roles says who has one."
		case errors.Is(err, oidc.ErrForeign):
			text = "This log-in was started too long ago, or in another browser. Log in again."
		case errors.Is(err, oidc.ErrRefused):
			text = "The log-in at " + c.people.Name() + " was " + err.Error() + "."
		}
		if !errors.Is(err, oidc.ErrForeign) { // whoever was sent here by a link did nothing
			access.LogIn(r, c.auditor, caller, code)
		}
		c.log.Warn("a log-in at the issuer failed, nobody is logged in", zap.Error(err))
		refuse(status, text)
		return
	}
	if err := c.begin(w, r, session.Session{Who: caller.Identity, Person: true, Values: person.Values}); err != nil {
		refuse(http.StatusServiceUnavailable, "The log-in cannot be stored at the moment. Try again in a moment.")
		return
	}
	access.LogIn(r, c.auditor, caller, "")
	c.redirect(w, r, next)
}

// finish makes a person of what the issuer sent the browser back with, or fails with errCrowded.
func (c *Console) finish(r *http.Request, f oidc.Flow) (oidc.Person, error) {
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	place, _ := c.finishing.Enter(forwarded.Of(r).Network(), finishingOfClient, func() { end(errCrowded) }) // none is kept, so there is one
	defer place.Leave()
	person, err := c.people.Finish(ctx, f, r.URL.Query())
	if err != nil && errors.Is(context.Cause(ctx), errCrowded) {
		return oidc.Person{}, errCrowded
	}
	return person, err
}

// origin is the address that the issuer sends the browser back to: that of --admin-url, or
// without one a loopback name that this request was sent to. Empty: neither.
func (c *Console) origin(r *http.Request) string {
	host := (&url.URL{Host: r.Host}).Hostname()
	addr, err := netip.ParseAddr(host)
	site, _ := url.Parse(c.url)
	switch {
	case host != "localhost" && (err != nil || !addr.IsLoopback()), site != nil && site.Hostname() == host:
		return c.url
	case forwarded.Of(r).TLS:
		return "https://" + r.Host + c.path
	default:
		return "http://" + r.Host + c.path
	}
}
