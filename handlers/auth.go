package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	v1 "channelsync/api/v1"
	"channelsync/handlers/internal/crowd"
	"channelsync/handlers/internal/web"
)

// gate lets those through who have the token. It compares hashes, so that the
// time it takes tells neither the token nor its length.
type gate struct {
	want     [sha256.Size]byte
	attempts *web.Attempts
}

func newGate(token v1.Secret, attempts *web.Attempts) *gate {
	g := &gate{attempts: attempts}
	g.want = sha256.Sum256([]byte(token.Reveal()))
	if token == "" {
		// Nobody knows the text of this hash: an empty token lets nobody in.
		g.want = [sha256.Size]byte{}
	}
	return g
}

func (g *gate) require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, given := bearer(r)
		got := sha256.Sum256([]byte(token))
		if given && subtle.ConstantTimeCompare(got[:], g.want[:]) == 1 {
			// Before the limit: wrong tokens of others at this address must not lock it out.
			defer crowd.Vouch(r.Context())()
			next.ServeHTTP(w, r)
			return
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
			"Send the header Authorization: Bearer <token>; the token is --admin-token, "+
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
