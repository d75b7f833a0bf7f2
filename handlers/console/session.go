package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"time"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/forwarded"
	"channelsync/handlers/internal/web"
)

const (
	sessionCookie = "channelsync_session"
	sessionFor    = 12 * time.Hour // without a request
	sessionRenew  = time.Hour      // age at which a request prolongs it
	sessionNonce  = 16
	maxPath       = 2048
)

// sessions makes and checks session cookies: time and nonce, signed. Nothing is
// kept here, so every instance knows the sessions of the others; a new admin token
// ends them all.
type sessions struct {
	key  []byte
	want [sha256.Size]byte // hash of the token
	open bool              // there is a token to log in with
	now  func() time.Time
}

func newSessions(token v1.Secret, now func() time.Time) sessions {
	return sessions{
		key: derive(token, "session"), want: sha256.Sum256([]byte(token.Reveal())), open: token != "", now: now,
	}
}

// admits compares in a time that tells neither the token nor its length.
func (s sessions) admits(token string) bool {
	got := sha256.Sum256([]byte(v1.Trim(token)))
	return subtle.ConstantTimeCompare(got[:], s.want[:]) == 1 && s.open
}

func (s sessions) make() string {
	b := make([]byte, 8+sessionNonce)
	binary.BigEndian.PutUint64(b, uint64(s.now().Unix())) //nolint:gosec // after 1970
	_, _ = rand.Read(b[8:])                               // never fails
	return base64.RawURLEncoding.EncodeToString(s.sign(b))
}

func (s sessions) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(b)
	return mac.Sum(b)
}

// check returns how old a session is, and whether it is one.
func (s sessions) check(cookie string) (age time.Duration, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(cookie)
	if err != nil || len(b) != 8+sessionNonce+sha256.Size {
		return 0, false
	}
	if !hmac.Equal(s.sign(b[:8+sessionNonce:8+sessionNonce]), b) {
		return 0, false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(b)), 0) //nolint:gosec // signed by us
	age = s.now().Sub(made)
	return age, age < sessionFor && age > -sessionFor
}

func (c *Console) setSession(w http.ResponseWriter, r *http.Request) {
	setCookie(w, r, sessionCookie, c.sessions.make(), sessionFor)
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

// session lets those through who are logged in; others are sent to the log-in and
// from there back to the page they asked for.
func (c *Console) session(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie(cookieName(r, sessionCookie))
		age, ok := time.Duration(0), false
		if err == nil {
			age, ok = c.sessions.check(cookie.Value)
		}
		switch {
		case ok && age > sessionRenew:
			c.setSession(w, r)
			fallthrough
		case ok:
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
	if !c.sessions.admits(r.PostFormValue("token")) {
		if !c.attempts.Fail(r) {
			w.Header().Set("Retry-After", web.RetryAfter)
			refuse(http.StatusTooManyRequests, "Too many wrong tokens came from this address. The right one is taken at any time.")
			return
		}
		refuse(http.StatusUnauthorized, "This is not the admin token. It is the value of --admin-token, or the content of the file admin-token in the data directory.")
		return
	}
	c.setSession(w, r)
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
