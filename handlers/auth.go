package handlers

import (
	"net/http"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/access"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/identity"
	"channelsync/handlers/internal/web"
)

// Tokens knows whose a token is.
type Tokens interface {
	// Authenticate says whose a token is. Of one that has ended it may say whose it was, with false.
	Authenticate(token v1.Secret) (v1.Identity, bool)
	// Current is who the holder of a token is now; false once it, or the secret of that number, has ended.
	Current(id string, secret int) (v1.Identity, bool)
}

// gate lets those through who have a token, and says who they are.
type gate struct {
	tokens   Tokens
	attempts *web.Attempts
	auditor  access.Auditor
}

// require asks for a token.
func (g *gate) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller := access.Begin(w, r, access.Actor(r))
		token, given := bearer(r)
		who, ok := g.tokens.Authenticate(v1.Secret(token))
		caller.Identity = who
		if given && ok {
			// Before the limit: wrong tokens of others at this address must not lock it out.
			defer crowd.Vouch(r.Context())()
			caller = caller.While(func() bool { _, valid := g.tokens.Current(who.ID, who.Secret); return valid })
			next.ServeHTTP(w, r.WithContext(identity.With(r.Context(), caller)))
			return
		}
		if given {
			access.LogIn(r, g.auditor, caller, v1.CodeUnauthenticated)
		}
		if !g.attempts.Fail(r) {
			w.Header().Set("Retry-After", web.RetryAfter)
			web.Problem(w, v1.NewProblem(http.StatusTooManyRequests, v1.CodeUnauthenticated,
				"Too many wrong tokens came from this address.", "Send the right one: it is taken at any time."))
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="channelsync"`)
		detail := "The bearer token is not the right one."
		if !given {
			detail = "The request has no bearer token."
		}
		web.Problem(w, v1.NewProblem(http.StatusUnauthorized, v1.CodeUnauthenticated, detail,
			"Send the header Authorization: Bearer <token>; the token is one that channelsync token create made, --admin-token, "+
				"or the file admin-token in the data directory."))
	})
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	token = v1.Trim(token)
	return token, token != ""
}
