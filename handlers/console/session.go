package console

import (
	"context"
	"net/http"
	"net/url"
	"slices"

	"go.uber.org/zap"

	v1 "channelsync/api/v1"
	"channelsync/handlers/console/session"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

const (
	sessionCookie = "session"
	maxPath       = 8192
)

// Tokens knows whose a token is.
type Tokens interface {
	// Authenticate says whose a token is. Of one that has ended it may say whose it was, with false.
	Authenticate(token v1.Secret) (v1.Identity, bool)
	// Current is who the holder of a token is now; false once it, or the secret of that number, has ended.
	Current(id string, secret int) (v1.Identity, bool)
}

// current is who a session is of now; false when it has ended with its token, or when what
// its holder may do is not what it was at the log-in.
func (c *Console) current(s session.Session) (v1.Identity, bool) {
	who := s.Who
	if s.Person { // one that a former version began may be called as a token is
		if c.people == nil || !v1.IsPerson(who.Name) {
			return who, false
		}
		role, only := c.people.Granted(s.Values)
		return who, role == who.Role && slices.Equal(only, who.Installations)
	}
	now, ok := c.tokens.Current(who.ID, who.Secret)
	return now, ok && now.Role == who.Role && slices.Equal(now.Installations, who.Installations)
}

// find returns the session of a cookie, and who it is of.
func (c *Console) find(ctx context.Context, cookie string, use bool) (v1.Identity, bool, error) {
	s, ok, err := c.sessions.Find(ctx, cookie, use)
	if err != nil || !ok {
		return v1.Identity{}, false, err
	}
	who, ok := c.current(s)
	return who, ok, nil
}

// begin makes a session of a log-in, in the place of the one that the browser had.
func (c *Console) begin(w http.ResponseWriter, r *http.Request, in session.Session) error {
	c.end(r)
	in.Address, in.Agent = identity.Of(r.Context()).Address, v1.Trim(r.UserAgent())
	cookie, err := c.sessions.Begin(r.Context(), in)
	if err != nil {
		c.log.Error("begin session failed, nobody is logged in", zap.Error(err))
		return err
	}
	c.cookies.Set(w, r, http.Cookie{Name: sessionCookie, Value: cookie, MaxAge: session.MaxAge(session.Lasting)})
	return nil
}

// end ends the session of the browser, if it has one.
func (c *Console) end(r *http.Request) {
	if err := c.sessions.EndCookie(r.Context(), c.cookies.Get(r, sessionCookie)); err != nil {
		c.log.Error("end session failed, it ends when it is idle", zap.Error(err))
	}
}

// session finds out who is logged in. Others are sent to the log-in, and from there back
// to the page they asked for, unless the page takes none.
func (c *Console) session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := access.Begin(w, r, "console")
		cookie := c.cookies.Get(r, sessionCookie)
		open := c.access.Open(r)
		who, ok, err := c.find(r.Context(), cookie, !follows(r) && !open)
		if ok {
			caller.Identity = who
			caller = caller.While(func() bool { _, valid, err := c.find(r.Context(), cookie, false); return valid || err != nil })
		}
		r = r.WithContext(identity.With(r.Context(), caller))
		switch {
		case open:
			next.ServeHTTP(w, r)
		case ok:
			defer crowd.Vouch(r.Context())() // unauthenticated connections make room before this one does
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
		case err != nil:
			c.log.Error("read session failed, the page is not shown", zap.Error(err))
			v := &visit{c, w, r, r.Context()}
			v.failWith(v1.NewProblem(http.StatusServiceUnavailable, v1.CodeUnavailable, "The session cannot be read at the moment.",
				"Try again in a moment. The log of channelsync has the cause."))
		case follows(r):
			(&visit{c, w, r, r.Context()}).failLive(v1.NewProblem(http.StatusUnauthorized, v1.CodeUnauthenticated, "The session has ended.", "Log in again."))
		default:
			to := "/login"
			if r.Method == http.MethodGet && r.URL.Path != "/" && len(r.URL.RequestURI()) < maxPath {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			c.redirect(w, r, to)
		}
	})
}

// loginData is what the log-in page shows.
type loginData struct {
	Next   string
	Error  string // of the token, or of the organisation's log-in
	People string // the issuer that people log in at; empty: there is none
	Down   string // why nobody can log in there at the moment
	Tried  bool   // a token was refused
	Own    bool   // the console has its host to itself: whoever runs it is shown where the first token is
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) {
	c.showLogin(w, r, http.StatusOK, loginData{Next: local(r.URL.Query().Get("next"))})
}

// showLogin shows the log-in page, with how the issuer is.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request, status int, d loginData) {
	if c.people != nil {
		d.People = c.people.Name()
		if err := c.people.Check(r.Context()); err != nil && r.Context().Err() == nil {
			c.log.Warn("the log-in of the organisation does not answer, tokens still work", zap.Error(err))
			d.Down = d.People + " does not answer at the moment. Try again in a moment; a token still works."
		}
	}
	d.Own = c.path == ""
	c.render(w, r, status, "login", &page{Title: "Log in", Data: d})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := local(r.PostFormValue("next"))
	refuse := func(status int, text string) {
		c.showLogin(w, r, status, loginData{Next: next, Error: text, Tried: true})
	}
	caller := identity.Of(r.Context())
	who, ok := c.tokens.Authenticate(v1.Secret(v1.Trim(r.PostFormValue("token"))))
	caller.Identity = who
	if !ok {
		access.LogIn(r, c.auditor, caller, v1.CodeUnauthenticated)
		if !c.attempts.Fail(r) {
			w.Header().Set("Retry-After", web.RetryAfter)
			refuse(http.StatusTooManyRequests, "Too many wrong tokens came from this address. The right one is still accepted.")
			return
		}
		refuse(http.StatusUnauthorized, "This token is not valid. Enter all of the token that you were given.")
		return
	}
	if err := c.begin(w, r, session.Session{Who: who}); err != nil {
		refuse(http.StatusServiceUnavailable, "The token is right, but the log-in cannot be stored at the moment. Try again in a moment.")
		return
	}
	access.LogIn(r, c.auditor, caller, "")
	c.redirect(w, r, next)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	c.end(r)
	access.LogOut(r, c.auditor)
	c.cookies.Set(w, r, http.Cookie{Name: sessionCookie})
	c.redirect(w, r, "/login")
}
