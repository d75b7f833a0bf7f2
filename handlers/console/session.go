package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

const (
	sessionCookie = "channelsync_session"
	sessionFor    = 12 * time.Hour // without a request
	sessionRenew  = time.Hour      // age at which a request prolongs it
	sessionNonce  = 16
	sessionHead   = 8 + sessionNonce + 4
	maxCookie     = 512
	maxPath       = 2048
)

// Tokens knows whose a token is.
type Tokens interface {
	// Authenticate says whose a token is. Of one that has ended it may say whose it was, with false.
	Authenticate(token v1.Secret) (v1.Identity, bool)
	// Current is who the holder of a token is now; false once it, or the secret of that number, has ended.
	Current(id string, secret int) (v1.Identity, bool)
}

// sessions makes and checks session cookies: time, nonce, and the id of the token with the number of
// its secret, signed. The token itself is in none. Nothing is kept here, so every instance knows the
// sessions of the others; a new key ends them all.
type sessions struct {
	key []byte
	now func() time.Time
}

// opened is what a session cookie says.
type opened struct {
	token  string // its id
	secret int
	age    time.Duration
}

func newSessions(key v1.Secret, now func() time.Time) sessions {
	return sessions{key: derive(key, "session"), now: now}
}

func (s sessions) make(who v1.Identity) string {
	b := make([]byte, sessionHead, sessionHead+len(who.ID)+sha256.Size)
	binary.BigEndian.PutUint64(b, uint64(s.now().Unix()))              //nolint:gosec // after 1970
	_, _ = rand.Read(b[8 : 8+sessionNonce])                            // never fails
	binary.BigEndian.PutUint32(b[8+sessionNonce:], uint32(who.Secret)) //nolint:gosec // counted from 0
	return base64.RawURLEncoding.EncodeToString(s.sign(append(b, who.ID...)))
}

func (s sessions) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(b)
	return mac.Sum(b)
}

// check returns what a cookie says, and whether it is a session.
func (s sessions) check(cookie string) (opened, bool) {
	b, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(cookie) > maxCookie || len(b) <= sessionHead+sha256.Size {
		return opened{}, false
	}
	said := b[: len(b)-sha256.Size : len(b)-sha256.Size]
	if !hmac.Equal(s.sign(said), b) {
		return opened{}, false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(said)), 0) //nolint:gosec // signed by us
	o := opened{
		token: string(said[sessionHead:]), secret: int(binary.BigEndian.Uint32(said[8+sessionNonce:])), age: s.now().Sub(made),
	}
	return o, o.age < sessionFor && o.age > -sessionFor
}

// whoIs returns who has a session; false when it, or the token it was opened with, has ended.
func (c *Console) whoIs(cookie string) (v1.Identity, opened, bool) {
	o, ok := c.sessions.check(cookie)
	if !ok {
		return v1.Identity{}, o, false
	}
	who, ok := c.tokens.Current(o.token, o.secret)
	if !ok {
		return v1.Identity{}, o, false
	}
	return who, o, true
}

func (c *Console) setSession(w http.ResponseWriter, r *http.Request, who v1.Identity) {
	setCookie(w, r, sessionCookie, c.sessions.make(who), sessionFor)
}

// setCookie sets a cookie that no script reads and no other site sends; an empty
// value removes it.
func setCookie(w http.ResponseWriter, r *http.Request, name, value string, age time.Duration) {
	cookie := &http.Cookie{
		Name: cookieName(r, name), Value: value, Path: "/", MaxAge: int(age.Seconds()), HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure(r),
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
}

// secure says whether the browser came over TLS, to us or to a trusted proxy.
func secure(r *http.Request) bool { return forwarded.Of(r).TLS }

// cookieName is what a cookie is called. Over TLS its prefix makes browsers take it from
// this host alone, for this host alone, and over TLS: no neighbour can plant one.
func cookieName(r *http.Request, name string) string {
	if secure(r) {
		return "__Host-" + name
	}
	return name
}

// session finds out who is logged in. Others are sent to the log-in, and from there back
// to the page they asked for, unless the page takes none.
func (c *Console) session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := access.Begin(w, r, "console")
		open := c.access.Open(r)
		cookie, err := r.Cookie(cookieName(r, sessionCookie))
		ok := false
		if err == nil {
			var o opened
			caller.Identity, o, ok = c.whoIs(cookie.Value)
			caller = caller.While(func() bool { _, _, valid := c.whoIs(cookie.Value); return valid })
			if ok && !open && o.age > sessionRenew {
				c.setSession(w, r, caller.Identity)
			}
		}
		r = r.WithContext(identity.With(r.Context(), caller))
		switch {
		case open:
			next.ServeHTTP(w, r)
		case ok:
			defer crowd.Vouch(r.Context())() // strangers' connections make room before this one does
			w.Header().Set("Cache-Control", "no-store")
			next.ServeHTTP(w, r)
		case strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
			http.Error(w, "The session has ended.", http.StatusUnauthorized)
		default:
			to := "/login"
			if r.Method == http.MethodGet && r.URL.Path != "/" && len(r.URL.RequestURI()) < maxPath {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
	})
}

// loginData is what the log-in page shows.
type loginData struct {
	Next  string
	Error string
}

func (c *Console) loginPage(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "login", &page{Title: "Log in", Data: loginData{Next: local(r.URL.Query().Get("next"))}})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := local(r.PostFormValue("next"))
	refuse := func(status int, text string) {
		c.render(w, r, status, "login", &page{Title: "Log in", Data: loginData{Next: next, Error: text}})
	}
	caller := identity.Of(r.Context())
	who, ok := c.tokens.Authenticate(v1.Secret(v1.Trim(r.PostFormValue("token"))))
	caller.Identity = who
	if !ok {
		access.LogIn(r, c.auditor, caller, v1.CodeUnauthenticated)
		if !c.attempts.Fail(r) {
			w.Header().Set("Retry-After", web.RetryAfter)
			refuse(http.StatusTooManyRequests, "Too many wrong tokens came from this address. The right one is taken at any time.")
			return
		}
		refuse(http.StatusUnauthorized, "This is not a token that is valid. It is one that was made for you, the value of --admin-token, or the content of the file admin-token in the data directory.")
		return
	}
	access.LogIn(r, c.auditor, caller, "")
	c.setSession(w, r, who)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	setCookie(w, r, sessionCookie, "", 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// local returns path if it is one of this site, else the front page: nobody is
// sent elsewhere by a link that somebody made.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\r\n\t") || len(path) > maxPath {
		return "/"
	}
	return path
}
